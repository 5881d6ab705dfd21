# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Depth metrics against closed forms and against plain loops over pixels."""

from __future__ import annotations

import math
from statistics import median

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from grin_ros.training.metrics import depth_metrics, median_scale, METRICS

depths = st.floats(0.1, 200.0)
images = st.lists(st.tuples(depths, depths, st.booleans()), min_size=1, max_size=40).filter(
    lambda pixels: any(valid for *_, valid in pixels)
)


def by_loop(pairs):
    """Compute the same figures pixel by pixel, from their definitions, without NumPy."""
    n = len(pairs)
    logs = [math.log(p) - math.log(t) for p, t in pairs]
    mean = sum(logs) / n

    def delta(bound):
        return sum(max(p / t, t / p) < bound for p, t in pairs) / n

    return {
        'abs_rel': sum(abs(p - t) / t for p, t in pairs) / n,
        'sq_rel': sum((p - t) ** 2 / t for p, t in pairs) / n,
        'rmse': math.sqrt(sum((p - t) ** 2 for p, t in pairs) / n),
        'rmse_log': math.sqrt(sum(x * x for x in logs) / n),
        'silog': 100 * math.sqrt(sum((x - mean) ** 2 for x in logs) / n),
        'log10': sum(abs(math.log10(p) - math.log10(t)) for p, t in pairs) / n,
        'delta1': delta(1.25),
        'delta2': delta(1.25**2),
        'delta3': delta(1.25**3),
    }


def columns(pixels):
    p, t, valid = (np.array(column) for column in zip(*pixels, strict=True))
    return p, t, valid.astype(bool)


@given(images)
def test_agrees_with_a_loop_over_the_valid_pixels(pixels):
    expected = by_loop([(p, t) for p, t, valid in pixels if valid])
    found = depth_metrics(*columns(pixels))
    assert tuple(found) == METRICS
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-6)


@given(images)
def test_scaled_agrees_with_a_loop_after_the_median_ratio(pixels):
    pairs = [(p, t) for p, t, valid in pixels if valid]
    scale = median(t / p for p, t in pairs)
    assert median_scale(*columns(pixels)) == pytest.approx(scale)
    found = depth_metrics(*columns(pixels), scaled=True)
    expected = by_loop([(scale * p, t) for p, t in pairs])
    smooth = [key for key in METRICS if not key.startswith('delta')]  # a bound may lie on a pixel
    assert {key: found[key] for key in smooth} == pytest.approx(
        {key: expected[key] for key in smooth}, rel=1e-9, abs=1e-6
    )


@given(images, st.floats(0.01, 100.0))
def test_silog_and_the_scaled_figures_do_not_see_a_common_factor(pixels, factor):
    p, t, valid = columns(pixels)
    plain, multiplied = depth_metrics(p, t, valid), depth_metrics(factor * p, t, valid)
    assert multiplied['silog'] == pytest.approx(plain['silog'], abs=1e-5)
    keys = ('abs_rel', 'rmse', 'rmse_log', 'log10')
    plain = depth_metrics(p, t, valid, scaled=True)
    multiplied = depth_metrics(factor * p, t, valid, scaled=True)
    for key in keys:
        assert multiplied[key] == pytest.approx(plain[key], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize('scaled', [False, True])
def test_closed_form_of_a_constant_factor(scaled):
    truth = np.array([[1.0, 2.0], [4.0, 8.0]])
    found = depth_metrics(1.2 * truth, truth, np.ones_like(truth, bool), scaled=scaled)
    factor = 1.0 if scaled else 1.2
    assert found['abs_rel'] == pytest.approx(factor - 1, abs=1e-12)
    assert found['sq_rel'] == pytest.approx((factor - 1) ** 2 * truth.mean())
    assert found['rmse'] == pytest.approx((factor - 1) * math.sqrt((truth**2).mean()), abs=1e-12)
    assert found['rmse_log'] == pytest.approx(math.log(factor), abs=1e-12)
    assert found['silog'] == pytest.approx(0, abs=1e-9)
    assert found['log10'] == pytest.approx(math.log10(factor), abs=1e-12)
    assert found['delta1'] == found['delta2'] == found['delta3'] == 1


def test_each_delta_has_its_own_bound():
    truth = np.ones(4)
    found = depth_metrics(np.array([1.2, 1 / 1.3, 1.9, 2.0]), truth, np.ones(4, bool))
    assert (found['delta1'], found['delta2'], found['delta3']) == (0.25, 0.5, 0.75)


def test_shape_kind_and_device_of_the_input_do_not_matter():
    generator = np.random.default_rng(0)
    p, t = generator.uniform(1, 9, (2, 3, 4, 5))
    valid = generator.random((3, 4, 5)) > 0.3
    expected = depth_metrics(p, t, valid)
    tensors = [torch.from_numpy(x) for x in (p, t, valid)]
    assert depth_metrics(*tensors) == expected
    assert depth_metrics(*(x.reshape(-1) for x in tensors)) == pytest.approx(expected)


def test_pixels_outside_valid_may_hold_anything():
    p, t = np.array([1.0, np.nan, 3.0]), np.array([1.0, 2.0, 0.0])
    found = depth_metrics(p, t, np.array([True, False, False]))
    assert found['abs_rel'] == 0 and found['delta1'] == 1


@pytest.mark.parametrize(
    ('p', 't', 'valid', 'says'),
    [
        ([1.0], [1.0], [False], 'no pixel is valid'),
        ([1.0, 2.0], [1.0], [True], 'differ in shape'),
        ([np.nan], [1.0], [True], 'prediction is not a positive finite depth at 1 valid'),
        ([1.0], [0.0], [True], 'truth is not a positive finite depth at 1 valid'),
    ],
)
def test_refuses_what_cannot_be_compared(p, t, valid, says):
    with pytest.raises(ValueError, match=says):
        depth_metrics(np.array(p), np.array(t), np.array(valid))
