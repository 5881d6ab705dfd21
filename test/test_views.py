# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Views of a sample: what is moved moves together, and what is spoilt stays to be seen."""

from __future__ import annotations

import cv2
import numpy as np
from painted_planes import SIZE, tilted
import torch

from grin_ros.training.appearance import degrade, retexture
from grin_ros.training.transforms import augment, fit, flip, random_crop


def test_views_keep_image_depth_and_camera_together():
    """A plane stays that plane in metres, whatever was cut, mirrored or resized."""
    sample = tilted(3, (120, 160))
    rng = np.random.default_rng(0)
    views = [flip(sample), fit(sample, (60, 80)), random_crop(sample, 1.5, rng)]
    for kind in ('window', 'rescale'):
        views += [augment(sample, SIZE, np.random.default_rng(i), kind) for i in range(6)]

    def plane(view):
        points = view.camera.unproject(torch.from_numpy(view.depth)[None]).flatten(1).T.numpy()
        points = points[points[:, 2] > 0]  # a border has no depth
        coefficients, *_ = np.linalg.lstsq(points, np.ones(len(points)), rcond=None)
        return coefficients, np.abs(points @ coefficients - 1).max()

    expected, _ = plane(sample)
    for view in views:
        assert view.image.shape[:2] == view.depth.shape == tuple(view.camera.size)
        found, worst = plane(view)
        np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=0.01)
        assert worst < 0.02


def test_how_fine_structures_are_says_nothing_any_more():
    """Laplacian energy, which tells sharp from blurred, is spread over more than a decade."""
    image = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8),
                             (0, 0), 1.0)  # fmt: skip

    def energy(one):
        return cv2.Laplacian(one, cv2.CV_64F).var()

    views = [retexture(image, np.random.default_rng(i)) for i in range(60)]
    shares = np.array([energy(view) / energy(image) for view in views])
    assert shares.min() < 0.3 and shares.max() > 3
    np.testing.assert_allclose([view.mean() for view in views], image.mean(), rtol=0.03)


def test_spoiling_keeps_what_the_picture_shows():
    """Coarse brightness survives every way of spoiling; colours, pixels and bits do not."""
    image = tilted(3, (96, 128)).image
    spoiled = [degrade(image, np.random.default_rng(i)) for i in range(40)]
    coarse = image.reshape(6, 16, 8, 16, 3).mean((1, 3))
    for other in spoiled:
        assert other.shape == image.shape
        assert other.dtype == np.uint8
        difference = np.abs(other.reshape(6, 16, 8, 16, 3).mean((1, 3)) - coarse)
        assert difference.mean() < 255 / 3 / 4  # a quarter of the coarsest step of colour
    kept = sum(np.array_equal(other, image) for other in spoiled)
    assert 8 < kept < 36
