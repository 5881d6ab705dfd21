# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The camera against OpenCV and against brute force on the pixels themselves."""

from __future__ import annotations

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from grin_ros.camera import Camera, Distortion

unhurried = settings(deadline=None)  # a busy machine is slow, not wrong


def floats(low, high):
    return st.floats(low, high, allow_nan=False, width=32)


@st.composite
def cameras(draw, low=1, high=24):
    height, width = draw(st.integers(low, high)), draw(st.integers(low, high))
    return Camera.from_intrinsics(
        draw(floats(4, 200)),
        draw(floats(4, 200)),
        draw(floats(-0.5, 1.5)) * width,
        draw(floats(-0.5, 1.5)) * height,
        (height, width),
    )


def points_in_front(seed, *shape):
    points = torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed))
    points[..., 2] = points[..., 2].abs() + 0.2
    return points


@unhurried
@given(cameras())
def test_rays_agree_with_opencv(camera):
    uv = camera.grid().reshape(-1, 1, 2).numpy().astype(np.float64)
    xy = cv2.undistortPoints(uv, camera.K.double().numpy(), None)[:, 0]
    xyz = np.concatenate([xy, np.ones((len(xy), 1))], axis=1)
    truth = xyz / np.linalg.norm(xyz, axis=1, keepdims=True)
    rays = camera.rays()
    assert rays.shape == (3, *camera.size)
    np.testing.assert_allclose(rays.flatten(1).T.numpy(), truth, atol=2e-6)
    np.testing.assert_allclose(camera.rays(torch.from_numpy(uv[:, 0])), truth, atol=2e-6)


@unhurried
@given(cameras(), st.integers(0, 2**31))
def test_projection_agrees_with_opencv(camera, seed):
    points = points_in_front(seed, 9)
    truth, _ = cv2.projectPoints(
        points.double().numpy(), np.zeros(3), np.zeros(3), camera.K.double().numpy(), None
    )
    uv, z = camera.project(points)
    np.testing.assert_allclose(uv.numpy(), truth[:, 0], rtol=1e-5, atol=1e-3)
    assert torch.equal(z, points[:, 2])


@unhurried
@given(cameras(), st.integers(0, 2**31))
def test_project_undoes_unproject(camera, seed):
    depth = points_in_front(seed, 1, *camera.size)[..., 2] * 10
    points = camera.unproject(depth)
    assert torch.equal(points[2:], depth)
    uv, z = camera.project(points.flatten(1).T)
    torch.testing.assert_close(uv, camera.grid().reshape(-1, 2), rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(z, depth.flatten())


def test_points_behind_the_camera_have_no_pixel():
    points = torch.tensor([[0.1, 0.2, -1.0], [0.1, 0.2, 0.0], [0.0, 0.0, 0.0], [0.1, 0.2, 1.0]])
    for lens in (None, Distortion('plumb_bob', (0.1,)), Distortion('equidistant')):
        camera = Camera.from_intrinsics(20, 20, 8, 8, (16, 16), lens)
        uv, z = camera.project(points)
        assert uv.isnan().all(-1).tolist() == [True, True, True, False]
        assert torch.equal(z, points[:, 2])


@unhurried
@given(cameras(), st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 7]), st.integers(0, 2**31))
def test_resize_then_unproject_is_unproject_then_sample(camera, rows, columns, seed):
    """With odd factors every block has a pixel in its middle, so any depth will do."""
    height, width = camera.size
    fine = Camera(camera.K, (height * rows, width * columns))
    depth = points_in_front(seed, 1, *fine.size)[..., 2]

    def middle(x):
        return x[..., rows // 2 :: rows, columns // 2 :: columns]

    resized = fine.resize(camera.size).unproject(middle(depth))
    torch.testing.assert_close(resized, middle(fine.unproject(depth)), rtol=1e-4, atol=1e-4)


@unhurried
@given(cameras(low=3), st.integers(1, 50), st.integers(1, 50))
def test_resize_follows_interpolation(camera, height, width):
    """On a wall of constant depth, points are linear in u and v, so bilinear samples are exact."""
    small = camera.resize((height, width))
    wall = small.unproject(torch.full((1, height, width), 2.0))
    points = camera.unproject(torch.full((1, *camera.size), 2.0))
    sampled = F.interpolate(points[None], size=(height, width), mode='bilinear')[0]
    # Where interpolation would have to look past the border it repeats it instead.
    uv, _ = camera.project(wall.flatten(1).T)
    limit = torch.tensor([camera.size[1] - 1, camera.size[0] - 1])
    inside = ((uv >= 0) & (uv <= limit)).all(-1).reshape(height, width)
    torch.testing.assert_close(wall[:, inside], sampled[:, inside], rtol=1e-4, atol=1e-4)


@unhurried
@given(cameras(), st.data())
def test_crop_and_pad_move_the_rays_with_the_pixels(camera, data):
    height, width = camera.size
    top = data.draw(st.integers(0, height - 1))
    left = data.draw(st.integers(0, width - 1))
    bottom = data.draw(st.integers(top + 1, height))
    right = data.draw(st.integers(left + 1, width))
    rays = camera.rays()
    cropped = camera.crop(top, left, bottom - top, right - left)
    torch.testing.assert_close(cropped.rays(), rays[:, top:bottom, left:right])
    padded = cropped.pad(top, height - bottom, left, width - right)
    assert padded.size == camera.size
    torch.testing.assert_close(padded.K, camera.K)


@unhurried
@given(cameras())
def test_flip_mirrors_the_rays(camera):
    mirrored = camera.rays().flip(-1) * torch.tensor([-1.0, 1, 1])[:, None, None]
    torch.testing.assert_close(camera.flip().rays(), mirrored, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(camera.flip().flip().K, camera.K)


@unhurried
@given(cameras(), st.integers(1, 6))
def test_grid_is_the_middle_of_the_blocks(camera, stride):
    h, w = (n // stride for n in camera.size)
    if not h or not w:
        with pytest.raises(ValueError, match='stride'):
            camera.grid(stride)
        return
    grid = camera.grid(stride)
    mean = F.avg_pool2d(camera.grid().permute(2, 0, 1)[None], stride)[0].permute(1, 2, 0)
    torch.testing.assert_close(grid, mean)
    coarse = camera.crop(0, 0, h * stride, w * stride).resize((h, w))
    torch.testing.assert_close(
        coarse.rays(), camera.rays(grid.reshape(-1, 2)).T.reshape(3, h, w), rtol=1e-4, atol=1e-5
    )


def test_a_batch_is_each_of_its_cameras():
    several = [Camera.from_intrinsics(10 + i, 12, 4 + i, 3, (6, 8)) for i in range(3)]
    batch = Camera.stack(several)
    assert batch.K.shape == (3, 3, 3) and batch.fx.tolist() == [10, 11, 12]
    depth, points = torch.rand(3, 1, 6, 8) + 1, points_in_front(0, 3, 5)
    moves = (
        lambda c: c,
        lambda c: c.resize((9, 5)).resize((6, 8)),
        lambda c: c.crop(1, 2, 3, 4).pad(1, 2, 3, 1),
        lambda c: c.flip(),
    )
    for move in moves:
        moved = move(batch)
        for i, camera in enumerate(several):
            one = move(camera)
            uv = one.grid().reshape(-1, 2)
            assert moved.size == one.size
            torch.testing.assert_close(moved.rays()[i], one.rays())
            torch.testing.assert_close(moved.rays(uv)[i], one.rays(uv))
            torch.testing.assert_close(moved.unproject(depth)[i], one.unproject(depth[i]))
            torch.testing.assert_close(moved.project(points)[0][i], one.project(points[i])[0])


def test_unknown_intrinsics():
    camera = Camera.default((480, 640))
    assert [float(k) for k in (camera.fx, camera.fy, camera.cx, camera.cy)] == [320, 240, 320, 240]


def test_autocast_and_half_precision_arguments_leave_full_precision():
    camera = Camera.from_intrinsics(311, 309, 16.1, 11.7, (24, 32)).to('cpu')
    depth = (torch.rand(1, 24, 32) + 1).bfloat16()
    points = camera.unproject(depth.float())
    uv, _ = camera.project(points.flatten(1).T)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(camera.unproject(depth), points)
        assert torch.equal(camera.project(points.flatten(1).T)[0], uv)
        rays = camera.rays(camera.grid().reshape(-1, 2).bfloat16())
    assert torch.equal(rays.T.reshape(3, 24, 32), camera.rays())  # small integers fit bfloat16


def test_moves_leave_the_original_alone_and_may_leave_the_optical_axis():
    camera = Camera.from_intrinsics(300, 300, 320, 240, (480, 640))
    K = camera.K.clone()
    corner = camera.crop(400, 600, 8, 8).resize((16, 16)).flip().pad(1, 0, 0, 0)
    assert torch.equal(camera.K, K)
    # The last of 16 half pixels has its centre at 407.25; flipped, column 0 is at 607.25.
    direction = torch.tensor([-(607.25 - 320) / 300, (407.25 - 240) / 300, 1])
    torch.testing.assert_close(corner.rays()[:, -1, 0], F.normalize(direction, dim=0))


@pytest.mark.parametrize(
    'arguments, message',
    [
        ((0, 1, 1, 1, (4, 4)), 'fx=0.*positive'),
        ((1, -3, 1, 1, (4, 4)), 'fy=-3.*positive'),
        ((1, 1, float('nan'), 1, (4, 4)), 'cx=nan.*finite'),
        ((float('inf'), 1, 1, 1, (4, 4)), 'fx=inf.*finite'),
        ((1, 1, 8.5, 1, (4, 4)), r'principal point \(8.5, 1\)'),
        ((1, 1, 1, -4.5, (4, 4)), r'principal point \(1, -4.5\)'),
        ((1, 1, 1, 1, (0, 4)), r'positive \(height, width\)'),
    ],
)
def test_impossible_cameras_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Camera.from_intrinsics(*arguments)


def test_more_refusals():
    camera = Camera.default((4, 6))
    lens = Distortion('plumb_bob', (0.1,))
    with pytest.raises(ValueError, match='skew'):
        Camera([[1, 0.1, 1], [0, 1, 1], [0, 0, 1]], (4, 4))
    with pytest.raises(ValueError, match=r'\(\.\.\., 3, 3\)'):
        Camera(torch.eye(4), (4, 4))
    with pytest.raises(ValueError, match='batched'):
        Camera(torch.eye(3).expand(2, 3, 3), (4, 4), lens)
    with pytest.raises(ValueError, match='batched'):
        Camera.stack([camera, Camera(camera.K, camera.size, lens)])
    with pytest.raises(ValueError, match='one size'):
        Camera.stack([camera, Camera.default((4, 5))])
    with pytest.raises(ValueError, match='leave the image'):
        camera.crop(0, 3, 4, 4)
    with pytest.raises(ValueError, match='negative'):
        camera.pad(0, -1, 0, 0)
    with pytest.raises(ValueError, match=r'\(1, 4, 6\)'):
        camera.unproject(torch.ones(4, 6))
    with pytest.raises(ValueError, match='size'):
        camera.resize((0, 3))
