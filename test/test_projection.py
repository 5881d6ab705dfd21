# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Points into pixels, against brute force; and what the camera cannot see, against a ray."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from grin_ros.camera import Camera, Distortion
from grin_ros.projection import BLUR, hidden, parallax, project, SAME_SURFACE, z_buffer
from grin_ros.prompt import Prompt

SIZE = (180, 240)
LENSES = {
    'none': None,
    'barrel': Distortion('plumb_bob', (-0.35, 0.12, 0.001, -0.001, 0.0)),
    'rational': Distortion('rational_polynomial', (0.5, -0.2, 0, 0, 0.1, 0.8, -0.1, 0.05)),
    'fisheye': Distortion('equidistant', (-0.02, 0.005, 0.0, 0.0)),
}


def camera(lens=None, focal=160.0):
    return Camera.from_intrinsics(focal, focal, 119.5, 89.5, SIZE, lens)


@pytest.mark.parametrize('lens', LENSES)
def test_pixels_are_those_of_the_camera(lens):
    points = np.random.default_rng(0).uniform((-6, -4, -3), (6, 4, 9), (4000, 3))
    found_uv, found = project(points, camera(LENSES[lens]))
    uv, _ = camera(LENSES[lens]).project(torch.from_numpy(points))
    uv = uv.numpy()
    inside = (uv > -0.5).all(1) & (uv < [239.5, 179.5]).all(1) & (points[:, 2] > 0)
    assert set(found) <= set(np.flatnonzero(inside))
    assert np.abs(found_uv - uv[found]).max() <= 0.5 + 1e-3  # rounded, not cut off
    # Missing are only what is outside of the field of view and folds back into the image.
    folded = np.setdiff1d(np.flatnonzero(inside), found)
    assert lens in ('barrel', 'rational') or not len(folded)
    tangents = np.linalg.norm(points[:, :2] / points[:, 2:], axis=1)
    assert all(tangents[folded] > 0.9 * tangents[found].max())
    assert len(found) > 400


def test_a_point_far_to_the_side_does_not_fold_back():
    strong = camera(Distortion('plumb_bob', (-0.4, 0.0, 0.0, 0.0, 0.0)))
    point = np.array([[1.58, 0.0, 1.0]])
    uv = strong.distortion.project(point, strong.K.double().numpy())
    assert 0 < uv[0, 0] < SIZE[1]  # the polynomial says: in the image
    assert not len(project(point, strong)[1])


def test_the_nearest_point_wins():
    rng = np.random.default_rng(1)
    uv, z = rng.integers(0, (12, 9), (600, 2)), rng.uniform(1, 50, 600)
    depth, index = z_buffer(uv, z, (9, 12))
    for v in range(9):
        for u in range(12):
            here = np.flatnonzero((uv == (u, v)).all(axis=1))
            if len(here):
                assert depth[v, u] == np.float32(z[here].min())
                assert index[v, u] == here[z[here].argmin()]
            else:
                assert (depth[v, u], index[v, u]) == (0, -1)


def scanned(origin, near, half, density=1.0):
    """
    Scan a board at depth `near` before a wall at 20 m from a LiDAR at `origin`.

    half: of the board's width and height, metres
    returns: (N, 3) in the camera's frame, and (N,) whether the camera cannot see the point
    """
    origin = np.array(origin, float)
    x, y = np.meshgrid(np.arange(-0.7, 0.7, 0.006 / density), np.arange(-0.55, 0.55, 0.03))
    rays = np.stack([x.ravel(), y.ravel(), np.ones(x.size)], axis=1)

    def on_board(start, direction):
        t = (near - start[..., 2]) / direction[..., 2]
        hit = start + direction * t[..., None]
        return hit, (np.abs(hit[..., :2]) < half).all(axis=-1)

    board, seen = on_board(np.broadcast_to(origin, rays.shape), rays)
    wall = origin + rays * ((20 - origin[2]) / rays[:, 2:])
    points = np.where(seen[:, None], board, wall)
    _, covered = on_board(np.zeros_like(points), points)
    return points, covered & ~seen


@pytest.mark.parametrize(
    'origin', [(-0.4, 0.04, 0), (0.4, 0.05, 0), (0, -0.5, 0), (-0.1, -0.3, -0.4)]
)
def test_points_behind_a_near_thing_are_found(origin):
    view = camera(focal=200.0)
    points, behind = scanned(origin, near=4.0, half=0.8)
    uv, index = project(points, view)
    depth, winner = z_buffer(uv, points[index, 2], SIZE)
    truth = np.where(winner >= 0, behind[index][winner], False)
    found = hidden(depth, parallax(np.array(origin), view))
    assert truth.sum() > 100
    assert (found & truth).sum() > 0.85 * truth.sum()
    # Where the edge runs between two points is not known: beside it either answer will do.
    assert (found & ~truth).sum() < 0.03 * (depth > 0).sum()
    assert (found & ~truth & (depth < 5)).sum() == 0  # never what is near itself
    pose = np.eye(4)
    pose[:3, 3] = origin
    prompt = Prompt.from_points(points - np.array(origin), pose, view)
    kept = np.zeros(SIZE, bool)
    kept[tuple(prompt.uv.astype(int).T[::-1])] = True
    assert (kept & truth).sum() < 0.15 * truth.sum()
    assert (kept != ((depth > 0) & ~found)).mean() < 1e-3


def test_parallax_is_where_a_ray_of_the_other_sensor_is_seen():
    view = Camera.from_intrinsics(160.0, 150.0, 130.0, 80.0, SIZE)
    origin, uv = np.array([0.3, -0.2, 0.4]), np.array([[10, 20], [120, 100], [230, 170]])
    ray = view.rays(torch.from_numpy(uv)).double().numpy()  # of a far point, seen from either
    shift = parallax(origin, view)[uv[:, 1], uv[:, 0]]
    for z in (2.0, 7.0):
        seen, _ = view.project(torch.from_numpy(origin + ray * ((z - origin[2]) / ray[:, 2:])))
        np.testing.assert_allclose(seen, uv + shift / z, atol=1e-3)


def test_without_a_distance_between_the_sensors_nothing_is_hidden():
    points, behind = scanned((0, 0, 0), near=4.0, half=0.8)
    uv, index = project(points, camera())
    depth, _ = z_buffer(uv, points[index, 2], SIZE)
    assert not behind.any()
    assert not hidden(depth, parallax(np.zeros(3), camera())).any()


@pytest.mark.parametrize('origin', [(0, -0.3, -0.2), (0.5, -0.3, 0)])
def test_the_ground_does_not_hide_itself(origin):
    """Rings on a plane 1.6 m below: each is nearer than the next, and none is before it."""
    azimuth = np.linspace(-0.6, 0.6, 600)
    radius = (1.6 + origin[1] * -1) / np.tan(np.radians(np.arange(1.5, 25, 0.4)))
    r, a = (grid.ravel() for grid in np.meshgrid(radius, azimuth))
    points = np.stack([r * np.sin(a), np.full(r.shape, 1.6), r * np.cos(a)], axis=1)
    uv, index = project(points + [origin[0], 0, origin[2]], camera())
    depth, _ = z_buffer(uv, points[index, 2] + origin[2], SIZE)
    assert (depth > 0).sum() > 500
    assert hidden(depth, parallax(np.array(origin), camera())).sum() <= 0.005 * (depth > 0).sum()


def hidden_by_any(depth, shift):
    """What `hidden` means, point by point, with every step that a point could reach."""
    inverse = np.divide(1, depth, out=np.zeros_like(depth), where=depth > 0)
    surface = cv2.dilate(inverse, np.ones((2 * BLUR + 1, 2 * BLUR + 1), np.uint8))
    out = np.zeros(depth.shape, bool)
    for v, u in np.argwhere(depth > 0):
        length = np.hypot(*shift[v, u])
        nearest = surface[v, u]
        for step in range(BLUR, int(length * (inverse.max() - inverse[v, u])) + 1, BLUR):
            x, y = np.rint((u, v) + step * shift[v, u] / length).astype(int)
            if 0 <= x < depth.shape[1] and 0 <= y < depth.shape[0]:
                nearest = max(nearest, surface[y, x] - step / length)
        out[v, u] = inverse[v, u] < nearest - max(SAME_SURFACE * nearest, BLUR / length)
    return out


def cluttered(nearest):
    """Depth (18, 24) of few points, one of them at `nearest` metres, and the parallax."""
    view = Camera.from_intrinsics(20.0, 20.0, 11.5, 8.5, (18, 24))
    rng = np.random.default_rng(2)
    depth = np.where(rng.random((18, 24)) < 0.4, rng.uniform(0.5, 9, (18, 24)), 0)
    depth[1, 22] = nearest  # where the points of the other corner come from
    return depth.astype(np.float32), parallax(np.array([0.4, -0.2, 0.1]), view)


@pytest.mark.parametrize('nearest', [0.4, 0.05, 0.01])
def test_what_is_hidden_is_found_within_the_image(nearest):
    depth, shift = cluttered(nearest)
    found = hidden(depth, shift)
    np.testing.assert_array_equal(found, hidden_by_any(depth, shift))
    assert 10 < found.sum() < 0.9 * (depth > 0).sum()


@pytest.mark.parametrize('nearest', [1e-4, 1e-39])
def test_a_point_at_the_lens_is_no_more_work(nearest, monkeypatch):
    steps, rint = [], np.rint
    monkeypatch.setattr(np, 'rint', lambda x: steps.append(0) or rint(x))
    with np.errstate(all='ignore'):  # 1e-39 has no inverse in float32
        hidden(*cluttered(nearest))
    assert 0 < len(steps) / 2 <= np.hypot(18, 24) / BLUR  # for x and for y
