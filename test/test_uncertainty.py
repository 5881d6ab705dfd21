# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Figures of uncertainty against cases whose answer is known, and its calibration."""

from __future__ import annotations

import json

from hypothesis import given, strategies as st
import numpy as np
import pytest
import torch

from grin_ros.training.uncertainty import (
    mean_figures,
    rank_correlation,
    REMOVED,
    sparsification,
    uncertainty_figures,
)
from grin_ros.training.uncertainty_plot import draw_curves
from grin_ros.uncertainty import UncertaintyConfig


@given(st.permutations(range(12)))
def test_rank_correlation_without_ties_is_spearmans_formula(order):
    """1 - 6 sum d^2 / (n (n^2 - 1)), the textbook's."""
    n, a = len(order), np.arange(len(order))
    expected = 1 - 6 * np.sum((a - np.array(order)) ** 2) / (n * (n**2 - 1))
    assert rank_correlation(np.exp(a), np.array(order) ** 3.0) == pytest.approx(expected)


def test_rank_correlation_shares_ranks_and_says_nothing_of_constants():
    # Ranks (0.5, 0.5, 2, 3) against (0, 1, 2, 3): their Pearson correlation is 9 / sqrt(90).
    a, b = np.array([1.0, 1.0, 5.0, 9.0]), np.array([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(a, b) == pytest.approx(9 / np.sqrt(90))
    assert rank_correlation(np.ones(5), np.arange(5.0)) == 0


def test_sparsification_of_a_perfect_order_of_uniform_errors_is_a_straight_line():
    error = (np.arange(2000) + 0.5) / 2000  # the mean of the lowest share q is q / 2
    np.testing.assert_allclose(sparsification(error, error), 1 - REMOVED, rtol=1e-3)
    worst = sparsification(error, -error)  # the mean of the highest share q is 1 - q / 2
    np.testing.assert_allclose(worst, 1 + REMOVED, rtol=2e-3)


def frame(rng, sigma, told):
    """Depth with normal errors of relative size sigma, of which `told` is announced."""
    truth = rng.uniform(1, 8, (100, 120))
    depth = truth / (1 - sigma * rng.normal(size=truth.shape)).clip(0.05)
    return depth, told * depth, truth, np.ones(truth.shape, bool)


def test_figures_of_a_calibrated_uncertainty():
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.02, 0.2, (100, 120))
    figures = uncertainty_figures(*frame(rng, sigma, sigma))
    assert figures['coverage_50'] == pytest.approx(0.5, abs=0.02)
    assert figures['coverage_90'] == pytest.approx(0.9, abs=0.01)
    assert figures['rank_correlation'] > 0.4
    assert 0 < figures['ause'] < 0.7 * figures['ause_random']
    blind = uncertainty_figures(*frame(rng, sigma, 0.1))
    assert abs(blind['rank_correlation']) < 0.05
    assert blind['ause'] == pytest.approx(blind['ause_random'], abs=0.05)
    boastful = uncertainty_figures(*frame(rng, sigma, sigma / 10))
    assert boastful['coverage_90'] < 0.2
    assert boastful['rank_correlation'] > 0.4  # the order is as good


def test_pixels_that_do_not_count_change_nothing():
    rng = np.random.default_rng(1)
    depth, std, truth, valid = frame(rng, 0.1, rng.uniform(0.05, 0.2, (100, 120)))
    valid[:, 60:] = False
    whole = uncertainty_figures(depth[:, :60], std[:, :60], truth[:, :60], valid[:, :60])
    depth[:, 60:], std[:, 60:], truth[:, 60:] = np.nan, np.nan, 0
    assert uncertainty_figures(depth, std, truth, valid) == whole


def test_the_mean_over_frames_is_plain_json_and_can_be_drawn():
    rng = np.random.default_rng(2)
    frames = [uncertainty_figures(*frame(rng, 0.1, rng.random((100, 120)))) for _ in range(3)]
    mean = mean_figures(frames)
    assert mean['ause'] == pytest.approx(np.mean([f['ause'] for f in frames]))
    assert json.loads(json.dumps(mean)) == mean
    assert mean['curve'][0] == mean['oracle'][0] == 1
    picture = draw_curves({'one': mean, 'two': mean, 'three': mean, 'four': mean}, (200, 300))
    assert picture.shape == (400, 900, 3)
    assert picture[:200, :300].std() > 10
    assert np.ptp(picture[200:, 300:]) == 0  # two places of the second row stay empty


def test_calibration_adds_a_floor_and_stretches_the_spread():
    spread, depth = torch.tensor([0.0, 0.3, 0.3]), torch.tensor([2.0, 2.0, 5.0])
    std = UncertaintyConfig(floor=0.2, slope=1.0).std(spread, depth, 4)
    torch.testing.assert_close(std, torch.tensor([0.4, 0.5, (1 + 0.09) ** 0.5]))
    assert UncertaintyConfig().std(spread, depth, 4) is spread
    torch.testing.assert_close(UncertaintyConfig(alone=0.1).std(spread, depth, 1), 0.1 * depth)
    with pytest.raises(ValueError, match='negative'):
        UncertaintyConfig(slope=-1.0)
