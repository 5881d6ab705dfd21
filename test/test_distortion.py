# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Lenses against OpenCV's inverse, against their equations, and against a drawn picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from grin_ros.camera import Camera, Distortion
from grin_ros.training.sample import Sample
from grin_ros.training.transforms import rectify

LENSES = {
    'four': Distortion('plumb_bob', (-0.28, 0.09, 0.002, -0.003)),
    'five': Distortion('plumb_bob', (-0.28, 0.09, 0.002, -0.003, 0.01)),
    'rational': Distortion(
        'rational_polynomial', (0.6, -0.2, 0.001, -0.002, 0.03, 0.9, -0.1, 0.02)
    ),
    'prism': Distortion(
        'rational_polynomial',
        (0.1, -0.1, 0.001, 0.002, 0.01, 0.2, 0.01, 0, 0.01, -0.002, 0.008, 0.001),
    ),
    'tilted': Distortion(
        'plumb_bob', (-0.2, 0.05, 0.001, 0.002, 0, 0, 0, 0, 0, 0, 0, 0, 0.03, -0.05)
    ),
    'fisheye': Distortion('equidistant', (0.05, -0.01, 0.003, -0.001)),
    'bare fisheye': Distortion('equidistant', (0, 0, 0, 0)),
}
lenses = pytest.mark.parametrize('lens', LENSES.values(), ids=LENSES)


def camera_with(lens):
    return Camera.from_intrinsics(50, 54, 33, 22, (48, 64), lens)


def distort_by_hand(lens, x, y):
    """Follow the equations of OpenCV's manual, without its thin prism and tilt."""
    r2 = x * x + y * y
    if lens.model == 'equidistant':
        r = np.sqrt(r2)
        theta = np.arctan(r)
        powers = theta[..., None] ** np.array([3, 5, 7, 9])
        scale = (theta + powers @ np.array(lens.coefficients[:4])) / r
        return x * scale, y * scale
    k1, k2, p1, p2, k3, k4, k5, k6 = (lens.coefficients + (0,) * 8)[:8]
    radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3) / (1 + k4 * r2 + k5 * r2**2 + k6 * r2**3)
    return (
        x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
        y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
    )


@pytest.mark.parametrize('name', ['four', 'five', 'rational', 'fisheye', 'bare fisheye'])
def test_projection_follows_the_equations(name):
    camera = camera_with(LENSES[name])
    points = torch.randn(2, 20, 3, generator=torch.Generator().manual_seed(0)) * 0.5
    points[..., 2] = points[..., 2].abs() + 1
    xyz = points.double().numpy()
    x, y = distort_by_hand(camera.distortion, xyz[..., 0] / xyz[..., 2], xyz[..., 1] / xyz[..., 2])
    uv, _ = camera.project(points)
    np.testing.assert_allclose(uv, np.stack([50 * x + 33, 54 * y + 22], -1), atol=1e-4)
    assert camera.project(points[:, :0])[0].shape == (2, 0, 2)


@lenses
def test_rectified_rays_agree_with_opencv(lens):
    """A pixel of the rectified image looks along the ray that OpenCV finds for its source."""
    camera = camera_with(lens)
    straight, map_x, map_y = camera.rectification()
    assert straight.distortion is None and straight.size == camera.size
    assert map_x.shape == map_y.shape == camera.size and map_x.dtype == np.float32
    source = np.stack([map_x, map_y], -1).reshape(-1, 1, 2).astype(np.float64)
    K = camera.K.double().numpy()
    if lens.model == 'equidistant':
        xy = cv2.fisheye.undistortPoints(source, K, np.array(lens.coefficients))[:, 0]
    else:
        criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-12)
        xy = cv2.undistortPointsIter(
            source, K, np.array(lens.coefficients, float), None, None, criteria
        )[:, 0]
    x, y, z = straight.rays().reshape(3, -1).numpy()
    np.testing.assert_allclose(xy, np.stack([x / z, y / z], -1), atol=2e-5)


@lenses
def test_rectification_agrees_with_projection(lens):
    """The map at a pixel is where the lens shows a point that this pixel would see."""
    camera = camera_with(lens)
    straight, map_x, map_y = camera.rectification()
    points = straight.unproject(torch.full((1, *straight.size), 3.0))
    uv, _ = camera.project(points.flatten(1).T)
    np.testing.assert_allclose(uv.T.reshape(2, *camera.size), [map_x, map_y], atol=1e-3)


@lenses
def test_a_flipped_lens_sees_a_mirrored_world(lens):
    camera = camera_with(lens)
    points = torch.randn(50, 3, generator=torch.Generator().manual_seed(1)) * 0.4
    points[:, 2] = 1
    uv, _ = camera.project(points)
    mirrored, _ = camera.flip().project(points * torch.tensor([-1.0, 1, 1]))
    torch.testing.assert_close(mirrored[:, 0], camera.size[1] - 1 - uv[:, 0], atol=1e-4, rtol=0)
    torch.testing.assert_close(mirrored[:, 1], uv[:, 1], atol=1e-4, rtol=0)


@lenses
def test_a_resized_lens_shows_the_resized_place(lens):
    camera = camera_with(lens)
    points = torch.tensor([[0.3, -0.2, 1], [-0.4, 0.3, 1.5]])
    uv, _ = camera.project(points)
    moved, _ = camera.to('cpu').resize((96, 32)).crop(5, 3, 60, 20).project(points)
    scale = torch.tensor([0.5, 2.0])
    expected = (uv + 0.5) * scale - 0.5 - torch.tensor([3, 5])
    torch.testing.assert_close(moved, expected, atol=1e-4, rtol=0)


def test_a_rectified_picture_is_the_pinhole_picture():
    def scene(x, y):
        return 120 + 60 * np.sin(4 * x) + 60 * np.cos(5 * y)

    lens = LENSES['four']
    camera = Camera.from_intrinsics(150, 150, 100, 80, (160, 200), lens)
    straight, map_x, map_y = camera.rectification()
    x, y, z = straight.rays().double().numpy()
    # What the lens records: the inverse of its equations by fixed-point iteration.
    xd, yd = x / z, y / z
    xu, yu = xd.copy(), yd.copy()
    for _ in range(200):
        xe, ye = distort_by_hand(lens, xu, yu)
        xu, yu = xu + xd - xe, yu + yd - ye
    recorded = scene(xu, yu).astype(np.float32)
    rectified = cv2.remap(recorded, map_x, map_y, cv2.INTER_LINEAR)
    assert np.abs(recorded - scene(x / z, y / z)).max() > 10
    np.testing.assert_allclose(rectified, scene(x / z, y / z), atol=0.2)


def test_lists_of_any_usual_length():
    points = torch.tensor([[0.4, 0.3, 1.0]])
    shown = {}
    for n in range(15):
        lens = Distortion('plumb_bob', (0.1, 0.02, 0.001, 0.002)[:n] + (0,) * (n - 4))
        shown[n] = camera_with(lens).project(points)[0]
    assert all(torch.allclose(shown[n], shown[4]) for n in range(5, 15))
    assert not torch.allclose(shown[1], shown[4]) and not torch.allclose(shown[0], shown[1])
    five = camera_with(Distortion('equidistant', (0.1, 0.02, 0.003, 0.004, 7.0)))
    four = camera_with(Distortion('equidistant', (0.1, 0.02, 0.003, 0.004)))
    assert torch.equal(five.project(points)[0], four.project(points)[0])


def test_a_lens_that_does_nothing_is_none():
    for zeros in ((), (0.0,) * 5):
        assert camera_with(Distortion('plumb_bob', zeros)).distortion is None
        assert camera_with(Distortion('equidistant', zeros)).distortion is not None
    camera = camera_with(None)
    straight, map_x, map_y = camera.rectification()
    assert torch.equal(straight.K, camera.K)
    np.testing.assert_allclose(np.stack([map_x, map_y], -1), camera.grid(), atol=1e-4)


def test_impossible_lenses_are_refused():
    with pytest.raises(ValueError, match=r"'fish'.*plumb_bob, rational_polynomial, equidistant"):
        Distortion('fish', (0.1,))
    with pytest.raises(ValueError, match='finite'):
        Distortion('plumb_bob', (0.1, float('nan')))
    with pytest.raises(ValueError, match='at most 14'):
        Distortion('plumb_bob', (0.1,) * 15)


def test_no_label_lies_where_the_lens_shows_the_middle_once_more():
    """With k1 alone a point at tangent r is shown at r + k1 r^3, which turns at 3 k1 r^2 = -1."""
    k1, size = -0.35, (48, 64)
    camera = Camera.from_intrinsics(32, 32, 31.5, 23.5, size, Distortion('plumb_bob', (k1,)))
    everywhere = np.ones(size, np.float32)
    image = np.zeros((*size, 3), np.uint8)
    straight = rectify(Sample(image, everywhere, camera, 'a', sky=everywhere > 0))
    v, u = np.indices(size)
    radius = np.hypot(u - 31.5, v - 23.5) / 32
    assert (radius > 1).mean() > 0.1
    np.testing.assert_array_equal(straight.depth > 0, radius < (-3 * k1) ** -0.5)
    np.testing.assert_array_equal(straight.sky, straight.depth > 0)
