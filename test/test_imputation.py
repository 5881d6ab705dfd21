# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Completion of what is partly known, against Gaussian data whose conditional is known exactly.

Pixels come in pairs (a, b) of correlation RHO. Given a, b has the mean MEAN + RHO (a - MEAN) and
the deviation SPREAD sqrt(1 - RHO^2); the ideal denoiser knows only the pairs' joint distribution.
"""

from __future__ import annotations

import math

import pytest
import torch

from grin_ros.diffusion import ddim, ddpm, Schedule, ScheduleConfig

MEAN, SPREAD, RHO = 0.2, 0.3, 0.9
KNOWN = 0.7
EXPECTED = MEAN + RHO * (KNOWN - MEAN)
COVARIANCE = SPREAD**2 * torch.tensor([[1.0, RHO], [RHO, 1.0]])
SCHEDULE = Schedule(ScheduleConfig())


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pairs(x_t, gamma, state):
    """Give E[x_0 | x_t] for x_t (B, 2, 1)."""
    g = gamma[0]
    gain = g.sqrt() * COVARIANCE @ torch.linalg.inv(g * COVARIANCE + (1 - g) * torch.eye(2))
    return MEAN + gain @ (x_t - g.sqrt() * MEAN), state


def complete(steps, resample, count=2000, sampler=ddpm):
    known = torch.tensor([KNOWN, math.nan]).view(1, 2, 1)
    generator = torch.Generator().manual_seed(1)
    *_, last = sampler(
        pairs, noise(count, 2, 1), SCHEDULE, steps, 'x_0',
        generator=generator, known=known, resample=resample,
    )  # fmt: skip
    return last.x_0


def test_the_rest_follows_the_conditional_distribution():
    x = complete(steps=100, resample=12, count=1000)
    assert (x[:, 0] == KNOWN).all()
    assert x[:, 1].mean().item() == pytest.approx(EXPECTED, abs=0.03)
    # Coarse steps, repeated, narrow the spread a little; without the knowledge it is 0.3.
    assert x[:, 1].std().item() == pytest.approx(SPREAD * math.sqrt(1 - RHO**2), abs=0.04)


def test_resampling_brings_the_rest_nearer_to_what_is_known():
    errors = [abs(complete(20, n).mean(0)[1].item() - EXPECTED) for n in (1, 4, 16)]
    assert errors[0] > 2 * errors[1] and errors[1] > errors[2]
    assert errors[0] < abs(MEAN - EXPECTED)  # but even without, it is pulled


@pytest.mark.parametrize('sampler', [ddim, ddpm])
@pytest.mark.parametrize('target', ['eps', 'v', 'x_0'])
def test_known_pixels_have_the_right_noise_at_every_step(sampler, target):
    known = torch.full((3, 1, 40, 50), math.nan)
    known[..., ::2, :] = noise(3, 1, 20, 50, seed=2).clamp(-1, 1)
    mask = ~known.isnan()
    generator = torch.Generator().manual_seed(0)
    steps = list(
        sampler(
            lambda x, g, s: (x, s), noise(*known.shape), SCHEDULE, 8, target,
            generator=generator, known=known,
        )
    )  # fmt: skip
    for step in steps:
        gamma = SCHEDULE.gamma(step.t)
        eps = ((step.x_t - gamma.sqrt() * known) / (1 - gamma).sqrt())[mask]
        assert eps.mean().item() == pytest.approx(0, abs=0.08)
        assert eps.std().item() == pytest.approx(1, abs=0.08)
        assert torch.equal(step.x_0[mask], known[mask])


def test_shapes_do_not_matter():
    known = torch.full((2, 12, 1), math.nan)
    known[:, 3] = 0.5
    x_T = noise(2, 12, 1)

    def shift(x, g, s):
        return 0.5 * x, s

    *_, flat = ddim(shift, x_T, SCHEDULE, 5, known=known)
    *_, image = ddim(shift, x_T.view(2, 1, 3, 4), SCHEDULE, 5, known=known.view(2, 1, 3, 4))
    torch.testing.assert_close(image.x_0.view(2, 12, 1), flat.x_0)


def test_a_guide_moves_every_answer_and_what_is_known_stands_above_it():
    known = torch.tensor([math.nan, 0.25]).view(1, 2, 1)
    *steps, last = ddim(pairs, noise(1, 2, 1), SCHEDULE, 4, 'x_0', known=known,
                        guide=lambda x_0: torch.full_like(x_0, -0.5))  # fmt: skip
    for step in (*steps, last):
        assert step.x_0.flatten().tolist() == [-0.5, 0.25]


def test_a_warm_start_stays_near_where_it_began():
    begin, count = 0.9, 2000
    gamma = SCHEDULE.gamma(0.25)
    x_t = gamma.sqrt() * begin + (1 - gamma).sqrt() * noise(count, 2, 1)
    generator = torch.Generator().manual_seed(0)
    steps = list(ddpm(pairs, x_t, SCHEDULE, 30, 'x_0', generator=generator, start=0.25))
    assert steps[0].t == pytest.approx(0.25)
    # E[x_0 | x_t] averaged over the noise: the pair's sum is measured with variance noise.
    prior, error = SPREAD**2 * (1 + RHO), (1 - gamma) / gamma
    expected = MEAN + prior / (prior + error) * (begin - MEAN)
    assert steps[-1].x_0.mean().item() == pytest.approx(expected.item(), abs=0.02)


def test_a_start_outside_of_the_process_is_refused():
    for start in (0.0, 1.5):
        with pytest.raises(ValueError, match='start'):
            list(ddim(pairs, noise(1, 2, 1), SCHEDULE, 2, 'x_0', start=start))
