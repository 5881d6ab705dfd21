# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which cached views are drawn how often."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grin_ros.training.features import FeatureCache


def cache(*medians: float) -> FeatureCache:
    """Views of flat walls; a third of each is unknown."""
    depth = np.repeat(np.float16(medians), 30).reshape(-1, 5, 6)
    depth[:, :, :2] = 0
    return FeatureCache((5, 6), [], depth, np.zeros((len(medians), 3, 3)))


def test_without_a_centre_all_views_are_alike():
    np.testing.assert_allclose(cache(1, 2, 3, 9).shares(0), 0.25)


def test_a_crowd_of_far_views_counts_as_one_distance():
    # One step of 28 % holds both distances' views; the ratio is the log-normal's alone.
    shares = cache(*[1.2] * 40, *[2.4] * 60).shares(1.2)
    near, far = shares[:40].sum(), shares[40:].sum()
    assert near + far == pytest.approx(1)
    assert far / near == pytest.approx(math.exp(-0.5 * (math.log(2) / 0.6) ** 2), rel=2e-3)


def test_no_view_is_drawn_more_than_three_times_as_often_as_on_average():
    shares = cache(1.2, *[8.0] * 99).shares(1.2)
    weights = np.array([1.0, *[math.exp(-0.5 * (math.log(8 / 1.2) / 0.6) ** 2) / 99] * 99])
    weights = np.minimum(weights / weights.mean(), 3)
    np.testing.assert_allclose(shares, weights / weights.sum(), rtol=2e-2)
    assert shares[0] < 0.9  # without the limit it would be nearly all


def test_a_view_without_depth_does_no_harm():
    flat = cache(1.2, 2.0)
    flat.depth[0] = 0
    assert np.isfinite(flat.shares(1.2)).all()
