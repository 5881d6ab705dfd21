# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""How sharp a picture is, and that views are as sharp as pictures of cameras."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from grin_ros.training.appearance import refocus, sharpness


def noise(seed: int, sigma: float = 0.0) -> np.ndarray:
    """Grey noise about 128, blurred."""
    field = np.random.default_rng(seed).normal(0, 1, (256, 320)).astype(np.float32)
    if sigma:
        field = cv2.GaussianBlur(field, (0, 0), sigma)
        field /= field.std()
    grey = (128 + 20 * field).clip(0, 255).round().astype(np.uint8)
    return cv2.merge([grey] * 3)


def gaussians(a: float, b: float) -> float:
    """Integral of the product of two Gaussians of the plane."""
    return 1 / (2 * math.pi * (a**2 + b**2))


@pytest.mark.parametrize('blur', [1.0, 1.5])
def test_sharpness_is_that_of_the_closed_form(blur):
    """Noise filtered by a Gaussian; every band is a difference of Gaussians of it."""

    def deviation(fine: float, coarse: float) -> float:
        a, b = math.hypot(blur, fine), math.hypot(blur, coarse)
        return math.sqrt(gaussians(a, a) + gaussians(b, b) - 2 * gaussians(a, b))

    expected = deviation(0, 0.7) / deviation(1.4, 2.8)
    assert sharpness(noise(0, blur)) == pytest.approx(expected, rel=0.06)


def leaves(seed: int, blur: float) -> np.ndarray:
    """Discs of all sizes over each other, which have the statistics of pictures, and a blur."""
    rng = np.random.default_rng(seed)
    image = np.full((256, 320, 3), 128, np.uint8)
    for _ in range(600):
        centre = int(rng.integers(320)), int(rng.integers(256))
        grey = int(rng.integers(40, 215))
        cv2.circle(image, centre, int(4 / rng.uniform(0.05, 1)), (grey,) * 3, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(image, (0, 0), blur)


def test_dull_pictures_become_as_sharp_as_a_cameras():
    before, after = [], []
    for blur in (0.5, 0.6, 0.7, 0.8):
        image = leaves(0, blur)
        views = [refocus(image, np.random.default_rng(i)) for i in range(20)]
        before.append(np.log(sharpness(image) / 0.68))
        after.append(np.log([sharpness(view) / 0.68 for view in views]))
        assert views[0].mean() == pytest.approx(image.mean(), abs=1)
    assert np.ptp(np.median(after, axis=1)) < 0.5 * np.ptp(before)
    assert np.abs(np.median(after, axis=1)).max() < 0.5 * np.abs(before).max()
    assert np.std(after, axis=1).min() > 0.1 and np.std(after) < 0.3  # and not all alike


def test_a_picture_of_nothing_stays_one():
    plain = np.full((64, 96, 3), 90, np.uint8)
    np.testing.assert_array_equal(refocus(plain, np.random.default_rng(0)), plain)
