# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Samplers against data whose ideal denoiser is known in closed form, and against diffusers.

For Gaussian data N(m, s^2) the posterior mean of x_0 is linear in x_t, and along the probability
flow (x_t - sqrt(gamma) b m) / sqrt(gamma b^2 s^2 + 1 - gamma) does not change.
"""

from __future__ import annotations

import math

from diffusers import DDIMScheduler, DDPMScheduler
import pytest
import torch

from grin_ros.diffusion import (
    ddim,
    ddpm,
    expand,
    Schedule,
    ScheduleConfig,
    TARGETS,
    time_steps,
    to_eps,
    to_v,
)

KINDS = ['cosine', 'sigmoid', 'linear']
SPACINGS = ['trailing', 'leading']
MEAN, SPREAD = 0.3, 0.4


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def last(steps):
    *_, step = steps
    return step.x_0


def ideal(posterior_mean, target, b=1.0):
    """Wrap E[x_0 | x_t] as a denoiser of a target."""

    def denoise(x_t, gamma, state):
        assert gamma.shape == (x_t.shape[0],)
        x_0 = posterior_mean(x_t, expand(gamma, x_t))
        return {
            'x_0': lambda: x_0,
            'eps': lambda: to_eps(x_0, x_t, gamma, 'x_0', b),
            'v': lambda: to_v(x_0, x_t, gamma, 'x_0', b),
        }[target](), state

    return denoise


def of_gaussian(b=1.0, mean=MEAN, spread=SPREAD):
    def posterior_mean(x_t, gamma):
        signal = gamma.sqrt() * b
        gain = signal * spread**2 / (gamma * b**2 * spread**2 + 1 - gamma)
        return mean + gain * (x_t - signal * mean)

    return posterior_mean


@pytest.mark.parametrize('target', TARGETS)
@pytest.mark.parametrize('spacing', SPACINGS)
@pytest.mark.parametrize('steps', [1, 2, 50])
@pytest.mark.parametrize('sampler', [ddim, ddpm])
def test_a_data_set_of_one_point_is_hit(target, spacing, steps, sampler):
    point = noise(2, 9, 1, seed=1)
    schedule = Schedule(ScheduleConfig(input_scale=0.7))
    denoise = ideal(lambda x_t, gamma: point, target, 0.7)
    sample = last(sampler(denoise, noise(2, 9, 1), schedule, steps, target, spacing))
    # In pure noise an eps holds its x_0 only in the digits that float32 cuts off.
    blind = target == 'eps' and steps == 1 and spacing == 'trailing'
    torch.testing.assert_close(sample, point, rtol=0, atol=0.03 if blind else 1e-4)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('b', [1.0, 0.5])
def test_ddim_follows_the_probability_flow(kind, b):
    schedule = Schedule(ScheduleConfig(kind, input_scale=b))
    x_T = noise(1, 64, 1)
    gamma = schedule.gamma(torch.ones(()))
    scale = (gamma * b**2 * SPREAD**2 + 1 - gamma).sqrt()
    truth = MEAN + SPREAD * (x_T - gamma.sqrt() * b * MEAN) / scale
    denoise = ideal(of_gaussian(b), 'v', b)
    coarse, fine = (
        (last(ddim(denoise, x_T, schedule, steps)) - truth).abs().max().item()
        for steps in (50, 1000)
    )
    assert fine < 0.04 and fine < coarse / 5


@pytest.mark.parametrize(
    'sampler, options', [(ddim, {'eta': 0.5}), (ddim, {'eta': 1.0}), (ddpm, {})]
)
@pytest.mark.parametrize('b', [1.0, 0.5])
def test_random_samplers_draw_from_the_data(sampler, options, b):
    schedule = Schedule(ScheduleConfig('cosine', input_scale=b))
    generator = torch.Generator().manual_seed(1)
    denoise = ideal(of_gaussian(b), 'v', b)
    sample = last(
        sampler(denoise, noise(1, 20000, 1), schedule, 200, generator=generator, **options)
    )
    # Standard errors at 20 000 draws are 0.003 and 0.002.
    assert sample.mean().item() == pytest.approx(MEAN, abs=0.012)
    assert sample.std().item() == pytest.approx(SPREAD, abs=0.015)


def test_two_clusters_keep_their_shares():
    """A quarter of the data near -0.6 and the rest near 0.5: no Gaussian, so no lucky algebra."""
    centres, spread = torch.tensor([-0.6, 0.5]), 0.05
    prior = torch.tensor([0.25, 0.75]).log()

    def posterior_mean(x_t, gamma):
        variance = gamma * spread**2 + 1 - gamma
        distance = (x_t - gamma.sqrt() * centres) ** 2 / (2 * variance)  # (B, N, 2)
        responsibility = (prior - distance).softmax(-1)
        means = centres + gamma.sqrt() * spread**2 / variance * (x_t - gamma.sqrt() * centres)
        return (responsibility * means).sum(-1, keepdim=True)

    schedule = Schedule(ScheduleConfig())
    for sampler in (ddim, ddpm):
        generator = torch.Generator().manual_seed(2)
        denoise = ideal(posterior_mean, 'v')
        sample = last(sampler(denoise, noise(1, 10000, 1), schedule, 200, generator=generator))
        near = (sample - centres).abs() < 4 * spread
        assert near.any(-1).float().mean() > 0.99
        assert near[..., 0].float().mean().item() == pytest.approx(0.25, abs=0.02)


PREDICTIONS = {'eps': 'epsilon', 'x_0': 'sample', 'v': 'v_prediction'}


def oracle(cls, schedule, target, spacing, clip, **options):
    """Make a diffusers scheduler that runs through our gammas; its index n is our t (n+1)/1000."""
    scheduler = cls(
        num_train_timesteps=1000,
        prediction_type=PREDICTIONS[target],
        timestep_spacing=spacing,
        clip_sample=clip is not None,
        clip_sample_range=clip[1] if clip else 1.0,
        **options,
    )
    scheduler.alphas_cumprod = schedule.gamma(torch.arange(1, 1001) / 1000)
    return scheduler


def network(x_t, gamma, state):
    """Answer something bounded and not linear, so that no two ways through it agree by luck."""
    return torch.tanh(1.5 * x_t + 2 * expand(gamma, x_t) - 1), state


@pytest.mark.parametrize('spacing', SPACINGS)
@pytest.mark.parametrize('target', TARGETS)
@pytest.mark.parametrize('clip', [None, (-0.8, 0.8)])
@pytest.mark.parametrize('sampler, eta', [(ddim, 0.0), (ddim, 0.6), (ddim, 1.0), (ddpm, None)])
def test_diffusers_draws_the_same_sample(spacing, target, clip, sampler, eta):
    if target == 'eps' and clip is None and spacing == 'trailing':
        clip = (-50.0, 50.0)  # at gamma 1e-9 an eps must be clipped by something
    schedule = Schedule(ScheduleConfig('cosine'))
    x = x_T = noise(2, 12, 1)
    generator = torch.Generator().manual_seed(3)
    options = {} if eta is None else {'eta': eta}
    sample = last(
        sampler(
            network, x_T, schedule, 10, target, spacing, generator=generator, clip=clip, **options
        )
    )
    if sampler is ddim:
        scheduler = oracle(DDIMScheduler, schedule, target, spacing, clip)
        options['use_clipped_model_output'] = clip is not None
    else:
        scheduler = oracle(DDPMScheduler, schedule, target, spacing, clip)
    scheduler.set_timesteps(10)
    generator = torch.Generator().manual_seed(3)
    for n in scheduler.timesteps:
        gamma = scheduler.alphas_cumprod[n].expand(2)
        prediction, _ = network(x, gamma, None)
        x = scheduler.step(prediction, n, x, generator=generator, **options).prev_sample
    torch.testing.assert_close(sample, x, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('spacing', SPACINGS)
@pytest.mark.parametrize('steps', [1, 2, 4, 10, 50, 1000])
def test_time_steps_are_those_of_diffusers(spacing, steps):
    scheduler = DDIMScheduler(num_train_timesteps=1000, timestep_spacing=spacing)
    scheduler.set_timesteps(steps)
    times = time_steps(steps, spacing)
    assert times.shape == (steps + 1,) and times[-1] == 0
    torch.testing.assert_close(times[:-1], (scheduler.timesteps + 1) / 1000)


def test_the_state_is_carried_and_the_trajectory_told():
    seen = []

    def denoise(x_t, gamma, state):
        seen.append((x_t, gamma, state))
        return 0.5 * x_t, (state or 0) + 1

    schedule, x_T = Schedule(ScheduleConfig()), noise(3, 5, 1)
    steps = list(ddim(denoise, x_T, schedule, 4, state=7, clip=(-1, 1)))
    assert [state for _, _, state in seen] == [7, 8, 9, 10]
    assert [step.state for step in steps] == [8, 9, 10, 11]
    assert [step.t for step in steps] == [1.0, 0.75, 0.5, 0.25]
    for step, (x_t, gamma, _) in zip(steps, seen):
        assert torch.equal(step.x_t, x_t) and step.x_0.abs().max() <= 1
        assert gamma.shape == (3,) and torch.allclose(gamma, schedule.gamma(step.t))
    assert torch.equal(steps[0].x_t, x_T)


@pytest.mark.parametrize('sampler', [ddim, ddpm])
def test_shape_means_nothing(sampler):
    schedule, x_T = Schedule(ScheduleConfig()), noise(2, 12, 1)
    denoise = ideal(of_gaussian(), 'v')
    flat, image = (
        last(sampler(denoise, x, schedule, 5, generator=torch.Generator().manual_seed(0)))
        for x in (x_T, x_T.reshape(2, 1, 3, 4))
    )
    torch.testing.assert_close(image.reshape(2, 12, 1), flat)


def test_half_precision_predictions_are_taken_in_full():
    schedule = Schedule(ScheduleConfig())
    *_, step = ddim(lambda x, g, s: (x.bfloat16(), s), noise(2, 5, 1).bfloat16(), schedule, 3)
    assert step.x_0.dtype == step.x_t.dtype == torch.float32


def test_gradient_flows_through_one_step():
    weight = torch.tensor(0.3, requires_grad=True)
    schedule = Schedule(ScheduleConfig())
    last(ddim(lambda x, g, s: (weight * x, s), noise(1, 4, 1), schedule, 1)).sum().backward()
    assert math.isfinite(weight.grad) and weight.grad != 0


def test_misuse_is_refused():
    with pytest.raises(ValueError, match=r"'karras'.*trailing, leading"):
        time_steps(4, 'karras')
    with pytest.raises(ValueError, match='at least 1'):
        time_steps(0)
    with pytest.raises(ValueError, match='at most 1000'):
        time_steps(1001, 'leading')
    with pytest.raises(ValueError, match="'noise'"):
        last(ddim(network, noise(1, 2), Schedule(ScheduleConfig()), 2, 'noise'))
