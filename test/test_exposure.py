# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""That views are as bright, as full of contrast and as colourful as pictures of cameras."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from grin_ros.training.appearance import jitter_colour


def scene(contrast: float, brightness: float = 128.0) -> np.ndarray:
    """Coloured blobs with that standard deviation of grey; (192, 256, 3) uint8."""
    field = np.random.default_rng(3).standard_normal((192, 256, 3)).astype(np.float32)
    field = cv2.GaussianBlur(field, (0, 0), 6)
    field = field / field.std() * 0.2 + field.mean(axis=2, keepdims=True) / field.mean(2).std()
    grey = field.mean(axis=2)
    field = (field - grey.mean()) / grey.std()
    return (brightness + contrast * field).clip(0, 255).round().astype(np.uint8)


def views(image: np.ndarray, count: int = 60) -> list[np.ndarray]:
    """As many looks at it."""
    return [jitter_colour(image, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize('contrast, brightness', [(45, 110), (45, 150), (60, 128), (75, 128)])
def test_brightness_and_contrast_are_drawn_whatever_they_were(contrast, brightness):
    grey = [view.mean(axis=2) for view in views(scene(contrast, brightness))]
    means, deviations = np.array([[g.mean(), g.std()] for g in grey]).T
    # Drawn: 0.5 with a deviation of 0.15, and 0.25 with one of a third.
    assert means.mean() == pytest.approx(127.5, abs=3 * 0.15 * 255 / 60**0.5)
    assert means.std() == pytest.approx(0.15 * 255, rel=0.25)
    assert np.median(deviations) == pytest.approx(0.25 * 255, rel=0.15)
    assert np.log(deviations).std() == pytest.approx(0.33, rel=0.3)


def test_what_is_brighter_stays_brighter():
    ramp = np.repeat(np.linspace(70, 180, 256)[None], 96, axis=0).round().astype(np.uint8)
    for view in views(cv2.merge([ramp] * 3), 20):
        steps = np.diff(view.mean(axis=(0, 2)).reshape(16, 16).mean(axis=1))
        assert steps.min() > -0.5 and steps.sum() > 50


def test_one_view_in_six_has_no_colours():
    grey = [np.ptp(view, axis=2).max() == 0 for view in views(scene(40), 300)]
    assert np.mean(grey) == pytest.approx(1 / 6, abs=3 * (5 / 36 / 300) ** 0.5)


@pytest.mark.parametrize('times', [0.7, 1.0, 2.0])
def test_colours_are_drawn_whatever_they_were(times):
    image = scene(40).astype(float)
    grey = image.mean(axis=2, keepdims=True)
    image = (grey + times * (image - grey)).clip(0, 255).round().astype(np.uint8)
    looks = [view.astype(float) for view in views(image, 120)]
    colours = [np.linalg.norm(v - v.mean(2, keepdims=True), axis=2).mean() for v in looks]
    colours = np.array([colour for colour in colours if colour > 0])
    # Drawn: 18 grey levels, with a deviation of 0.6 of the logarithm, less where more is cut off.
    assert np.median(colours) == pytest.approx(18, rel=0.2)
    assert 0.35 < np.log(colours).std() < 0.7


@pytest.mark.parametrize('value', [0, 90, 255])
def test_a_picture_of_nothing_shows_nothing(value):
    for seed in range(20):
        view = jitter_colour(np.full((32, 48, 3), value, np.uint8), np.random.default_rng(seed))
        assert np.ptp(view.reshape(-1, 3), axis=0).max() == 0
