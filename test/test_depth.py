# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Depth parameterisations against their formulas, and z against distance."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.depth import DepthConfig, DepthTransform, range_to_z, z_to_range

KINDS = ['log', 'log10', 'ln', 'linear']
FORMULAS = {
    'log': lambda d: 2 * math.log(d / 0.1) / math.log(200 / 0.1) - 1,
    'log10': math.log10,
    'ln': math.log,
    'linear': lambda d: 2 * (d - 0.1) / (200 - 0.1) - 1,
}
unhurried = settings(deadline=None)  # a busy machine is slow, not wrong
metres = st.floats(0.125, 200, width=32)


@pytest.mark.parametrize('kind', KINDS)
@unhurried
@given(depth=metres)
def test_encode_is_the_formula_and_decode_undoes_it(kind, depth):
    transform = DepthTransform(DepthConfig(kind))
    x_0 = transform.encode(torch.tensor([depth]))
    assert x_0.item() == pytest.approx(FORMULAS[kind](depth), abs=2e-6)
    tolerance = {'abs': 5e-5} if kind == 'linear' else {'rel': 1e-5}
    assert transform.decode(x_0).item() == pytest.approx(depth, **tolerance)


@pytest.mark.parametrize('kind', KINDS)
@unhurried
@given(
    depth=st.lists(st.floats(1, 10), min_size=2, max_size=5),
    focal=st.lists(st.floats(100, 400), min_size=2, max_size=2),
    longer=st.floats(0.5, 2),
)
def test_what_a_longer_lens_shows_as_large_is_as_much_farther(kind, depth, focal, longer):
    def cameras(scale):
        return Camera.derived(
            torch.stack([Camera.from_intrinsics(scale * f, 99, 9, 9, (20, 20)).K for f in focal]),
            (20, 20),
        )

    transform = DepthTransform(DepthConfig(kind, focal=200.0))
    depth = torch.tensor([depth, depth])[..., None]  # (B, N, 1)
    x_0 = transform.encode(depth, cameras(1.0))
    far = transform.encode(longer * depth, cameras(longer))
    torch.testing.assert_close(far, x_0, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(transform.decode(x_0, cameras(1.0)), depth, rtol=1e-3, atol=1e-3)
    canonical = FORMULAS[kind](200.0 / focal[1] * depth[1, 0].item())
    assert x_0[1, 0].item() == pytest.approx(canonical, abs=1e-5)


@pytest.mark.parametrize('kind', KINDS)
@unhurried
@given(depth=st.floats(0.5, 100), ratio=st.floats(0.1, 1.9))
def test_relative_error_is_that_of_the_metres(kind, depth, ratio):
    transform = DepthTransform(DepthConfig(kind))
    truth, guess = transform.encode(torch.tensor([depth, ratio * depth]))
    guess = guess.clone().requires_grad_()
    found = transform.relative_error(guess, truth)
    assert found.item() == pytest.approx(max(ratio * depth, 0.1) / depth - 1, abs=3e-4)
    found.backward()
    assert guess.grad > 0


@pytest.mark.parametrize('kind', KINDS)
def test_both_directions_stay_inside_the_range(kind):
    transform = DepthTransform(DepthConfig(kind, min=0.5, max=80))
    x_0 = transform.encode(torch.tensor([0.0, -1, 0.5, 80, 1000, math.inf]))
    low, high = transform.x_min, transform.x_max
    torch.testing.assert_close(x_0, torch.tensor([low, low, low, high, high, high]))
    depth = transform.decode(torch.tensor([-1e30, -math.inf, 1e30, math.inf]))
    torch.testing.assert_close(depth, torch.tensor([0.5, 0.5, 80, 80]))
    assert depth.min() >= 0.5 and depth.max() <= 80
    assert transform.encode(torch.tensor(math.nan)).isnan()
    if kind in ('log', 'linear'):
        assert (low, high) == pytest.approx((-1, 1))


def test_valid_is_inside_the_range():
    depth = torch.tensor([0.0, 0.09, 0.1, 5, 200, 200.1, math.nan, math.inf, -1])
    expected = [False, False, True, True, True, False, False, False, False]
    assert DepthTransform(DepthConfig()).valid(depth).tolist() == expected


def test_half_precision_in_float32_out():
    transform = DepthTransform(DepthConfig())
    with torch.autocast('cpu', dtype=torch.bfloat16):
        x_0 = transform.encode(torch.tensor([5.0]).bfloat16())
    assert x_0.dtype == torch.float32 and x_0.item() == pytest.approx(FORMULAS['log'](5), abs=1e-6)
    assert transform.decode(x_0.bfloat16()).dtype == torch.float32


@unhurried
@given(st.integers(0, 2**31))
def test_range_is_the_length_of_the_point(seed):
    camera = Camera.stack(
        [Camera.from_intrinsics(9, 8, 5, 6, (7, 9)), Camera.from_intrinsics(5, 7, 1, 2, (7, 9))]
    )
    depth = torch.rand(2, 1, 7, 9, generator=torch.Generator().manual_seed(seed)) * 50 + 0.1
    rays = camera.rays()
    distance = z_to_range(depth, rays)
    torch.testing.assert_close(distance, camera.unproject(depth).norm(dim=1, keepdim=True))
    torch.testing.assert_close(rays * distance, camera.unproject(depth))
    torch.testing.assert_close(range_to_z(distance, rays), depth)


def test_impossible_ranges_are_refused():
    with pytest.raises(ValueError, match=r"'cubic'.*log, log10, ln, linear"):
        DepthConfig('cubic')
    for low, high in ((0, 1), (2, 1), (1, math.inf), (math.nan, 1)):
        with pytest.raises(ValueError, match='0 < min < max'):
            DepthConfig(min=low, max=high)
