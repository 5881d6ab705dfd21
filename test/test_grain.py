# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""That views have no more noise than pictures of cameras have, and keep their edges."""

from __future__ import annotations

import numpy as np
import pytest

from grin_ros.training.appearance import add_noise, photograph, smooth

LEFT, RIGHT = slice(None, 60), slice(-60, None)


def two_walls(sigma: float, seed: int = 0) -> np.ndarray:
    """A dark half and a bright one with grain of so many grey levels; (128, 160, 3) uint8."""
    grey = np.where(np.arange(160) < 80, 90.0, 150.0)[None].repeat(128, axis=0)
    grey = grey + sigma * np.random.default_rng(seed).standard_normal(grey.shape)
    return grey.round().clip(0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


@pytest.mark.parametrize('sigma', [0.0, 1.0, 3.0, 5.0])
def test_noise_is_as_strong_as_asked_for(sigma):
    plain = np.full((128, 160, 3), 128, np.uint8)
    noise = add_noise(plain, sigma, np.random.default_rng(1)).astype(float) - 128
    rounding = 1 / 12 if sigma else 0
    assert noise[..., 0].std() == pytest.approx((sigma**2 + rounding) ** 0.5, rel=0.03)
    assert abs(noise.mean()) < 0.1
    assert np.ptp(noise, axis=2).max() == 0  # grey stays grey


def test_noise_of_two_views_is_not_the_same():
    plain = np.full((64, 64, 3), 128, np.uint8)
    a, b = (add_noise(plain, 4, np.random.default_rng(seed))[..., 0] for seed in (1, 2))
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.1


def test_smoothing_takes_grain_and_leaves_edges():
    for seed in range(20):
        image = two_walls(2.0, seed)
        view = smooth(image, np.random.default_rng(seed)).astype(float)[..., 0]
        step = np.diff(view.mean(axis=0))
        assert step.argmax() == 79 and step.max() == pytest.approx(60, abs=2)
        assert view[:, LEFT].std() <= image[:, LEFT].std()
    # More of it leaves hardly any: a flat wall of the mean of its window.
    strong = smooth(two_walls(2.0), np.random.default_rng(5)).astype(float)
    assert np.random.default_rng(5).uniform(0.1, 12) > 9
    assert strong[:, LEFT, 0].std() < 1.0


def test_views_have_no_more_grain_than_a_cameras_picture():
    """Relative to the step between the walls, so that contrast does not matter."""
    grain = []
    for seed in range(60):
        view = photograph(two_walls(1.0, seed), np.random.default_rng(seed)).astype(float)
        view = view.mean(axis=2)
        step = abs(view[:, RIGHT].mean() - view[:, LEFT].mean())
        grain.append(max(view[:, LEFT].std(), view[:, RIGHT].std()) / max(step, 1))
    # One grey level in a hundred; with noise before the sharpening, and none taken away, two.
    assert np.median(grain) < 0.013
