# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Scattered values against functions that they were taken from, and against symmetries."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch

from grin_ros.scatter import spread

SIZE = (96, 128)


def pixels(count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 2, generator=generator) * torch.tensor([127.0, 95.0])


@settings(max_examples=20, deadline=None)
@given(st.floats(-3, 3), st.integers(1, 40), st.integers(0, 99))
def test_equal_values_shift_all_pixels_alike(value, count, seed):
    uv = pixels(count, seed)
    out = spread(torch.full((count,), value), uv, pixels(50, seed + 1), SIZE)
    torch.testing.assert_close(out, torch.full((50,), value), rtol=0, atol=1e-6)


@pytest.mark.parametrize('count', [1, 2, 3, 4, 40])
def test_up_is_like_down(count):
    uv, at = pixels(count), pixels(50, 7)
    values = torch.randn(count, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(spread(-values, uv, at, SIZE), -spread(values, uv, at, SIZE))


def test_values_are_met_where_they_were_taken():
    uv = pixels(60)
    values = torch.randn(60, generator=torch.Generator().manual_seed(1))
    error = spread(values, uv, uv, SIZE) - values
    assert error.square().mean().sqrt() < 0.15  # of values that have nothing to do with each other


@pytest.mark.parametrize('count', [2, 4, 5])
def test_what_is_too_low_moves_as_far_as_what_is_too_high(count):
    uv, at = pixels(count), pixels(50, 7)
    values = torch.randn(count, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(spread(-values, uv, at, SIZE), -spread(values, uv, at, SIZE))


@pytest.mark.parametrize('count, tolerance', [(30, 0.25), (300, 0.08), (3000, 0.02)])
def test_a_smooth_function_is_found_again(count, tolerance):
    def truth(uv):
        return torch.sin(uv[:, 0] / 30) + uv[:, 1] / 96

    uv, at = pixels(count), pixels(500, 7)
    error = spread(truth(uv), uv, at, SIZE) - truth(at)
    assert error.square().mean().sqrt() < tolerance


def test_one_outlier_stays_local():
    uv = torch.cat([pixels(200), torch.tensor([[10.0, 10.0]])])
    values = torch.zeros(201)
    values[-1] = 1.0
    near, far = spread(values, uv, torch.tensor([[10.0, 10.0], [100.0, 80.0]]), SIZE)
    assert near > 0.7 and abs(far) < 0.01


def test_order_does_not_matter_and_autocast_costs_no_precision():
    uv, at = pixels(100), pixels(50, 3)
    values = torch.randn(100, generator=torch.Generator().manual_seed(1))
    turn = torch.randperm(100, generator=torch.Generator().manual_seed(2))
    out = spread(values, uv, at, SIZE)
    torch.testing.assert_close(spread(values[turn], uv[turn], at, SIZE), out)
    with torch.autocast('cpu', torch.bfloat16):
        torch.testing.assert_close(spread(values, uv, at, SIZE), out, rtol=0, atol=1e-6)
