# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Schedules against their formulas, the algebra against itself and against diffusers."""

from __future__ import annotations

import math

from diffusers import DDPMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch

from grin_ros.diffusion import (
    add_noise,
    expand,
    Schedule,
    ScheduleConfig,
    target_of,
    TARGETS,
    to_eps,
    to_v,
    to_x_0,
)

TO = {'eps': to_eps, 'x_0': to_x_0, 'v': to_v}
KINDS = ['cosine', 'sigmoid', 'linear']


def logistic(x):
    return 1 / (1 + math.exp(-x))


def sigmoid_formula(t, start=-3, end=3, tau=0.9):
    low, high = logistic(start / tau), logistic(end / tau)
    return (high - logistic((t * (end - start) + start) / tau)) / (high - low)


FORMULAS = {
    'cosine': lambda t: math.cos((t + 0.0002) / 1.00025 * math.pi / 2) ** 2,
    'sigmoid': sigmoid_formula,
    'linear': lambda t: 1 - t,
}


@pytest.mark.parametrize('kind', KINDS)
def test_gamma_is_the_formula_and_falls_from_one_to_nothing(kind):
    t = torch.linspace(0, 1, 1001)
    gamma = Schedule(ScheduleConfig(kind)).gamma(t)
    truth = [max(FORMULAS[kind](x), 1e-9) for x in t.double().tolist()]
    torch.testing.assert_close(gamma.double(), torch.tensor(truth).double(), atol=3e-7, rtol=1e-3)
    assert (gamma.diff() <= 0).all() and gamma.min() >= 1e-9 and gamma.max() <= 1
    assert gamma[0] > 1 - 1e-6 and gamma[-1] < 1e-6


def test_sigmoid_takes_its_numbers():
    config = ScheduleConfig('sigmoid', start=0.0, end=3.0, tau=0.7)
    gamma = Schedule(config).gamma(torch.tensor([0.3])).item()
    assert gamma == pytest.approx(sigmoid_formula(0.3, 0, 3, 0.7), abs=1e-6)
    assert gamma != pytest.approx(sigmoid_formula(0.3), abs=1e-2)


def test_expand():
    x = torch.zeros(3, 5, 1)
    assert expand(torch.rand(3), x).shape == (3, 1, 1)
    assert expand(torch.tensor(0.5), x).shape == (1, 1, 1)
    assert expand(0.5, torch.zeros(2, 1, 4, 4)).shape == (1, 1, 1, 1)


@settings(deadline=None)
@given(
    st.sampled_from(TARGETS),
    st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3),
    st.floats(0.3, 2),
    st.integers(0, 2**31),
)
def test_every_target_tells_the_same_story(target, gamma, b, seed):
    """From any one of eps, x_0 and v, together with x_t, all three come back."""
    x_0, eps = torch.randn(2, 3, 4, 2, generator=torch.Generator().manual_seed(seed))
    gamma = torch.tensor(gamma)
    x_t = add_noise(x_0, eps, gamma, b)
    for i in range(3):
        expected = math.sqrt(gamma[i]) * b * x_0[i] + math.sqrt(1 - gamma[i]) * eps[i]
        torch.testing.assert_close(x_t[i], expected, rtol=1e-4, atol=1e-5)
    prediction = target_of(x_0, eps, gamma, target, b)
    for other, convert in TO.items():
        truth = target_of(x_0, eps, gamma, other, b)
        back = convert(prediction, x_t, gamma, target, b)
        torch.testing.assert_close(back, truth, rtol=1e-3, atol=2e-4)


def test_diffusers_agrees():
    oracle = DDPMScheduler(num_train_timesteps=1000)
    gamma = oracle.alphas_cumprod
    n = torch.tensor([0, 3, 500, 999])
    x_0, eps = torch.randn(2, 4, 7, 1, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(add_noise(x_0, eps, gamma[n]), oracle.add_noise(x_0, eps, n))
    v = oracle.get_velocity(x_0, eps, n)
    torch.testing.assert_close(target_of(x_0, eps, gamma[n], 'v'), v)


@pytest.mark.parametrize('target', TARGETS)
@pytest.mark.parametrize('gamma', [0.0, 1e-9, 1 - 1e-7, 1.0])
def test_the_ends_stay_finite(target, gamma):
    prediction, x_t = torch.randn(2, 2, 50, 1, generator=torch.Generator().manual_seed(0))
    prediction.requires_grad_()
    for convert in TO.values():
        result = convert(prediction, x_t, torch.tensor([gamma, gamma]), target)
        assert result.isfinite().all()
        (gradient,) = torch.autograd.grad(result.sum(), prediction)
        assert gradient.isfinite().all()


def test_half_precision_is_computed_in_full():
    x_0, eps = torch.randn(2, 3, 5, 1, generator=torch.Generator().manual_seed(0)).bfloat16()
    gammas = torch.tensor([0.25, 0.5, 0.875])  # exact in bfloat16
    for gamma in (gammas, gammas.double(), gammas.bfloat16(), torch.tensor(0.3), 0.3):
        with torch.autocast('cpu', dtype=torch.bfloat16):
            x_t = add_noise(x_0, eps, gamma)
            results = [x_t, *(target_of(x_0, eps, gamma, target) for target in TARGETS)]
            for target in TARGETS:
                results += [convert(eps, x_t, gamma, target) for convert in TO.values()]
        assert all(result.dtype == torch.float32 for result in results)
        assert torch.equal(x_t, add_noise(x_0.float(), eps.float(), gamma))


def test_what_does_not_exist_is_refused():
    x = torch.zeros(1, 1)
    with pytest.raises(ValueError, match=r"'karras'.*cosine, sigmoid, linear"):
        ScheduleConfig('karras')
    for wrong in ({'start': 3.0}, {'tau': 0.0}, {'input_scale': -1.0}):
        with pytest.raises(ValueError, match='tau > 0'):
            ScheduleConfig(**wrong)
    for function in (to_eps, to_x_0, to_v, target_of):
        with pytest.raises(ValueError, match=r"'noise'.*eps, x_0, v"):
            function(x, x, 0.5, 'noise')
