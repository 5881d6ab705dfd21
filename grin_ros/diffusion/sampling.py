# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Samplers: from noise to x_0 by repeated denoising, blind to shapes and networks.

A sampler calls denoise(x_t, gamma, state) -> (prediction, state) with gamma (B,), and is a
generator, so that a caller may keep the last step or watch the whole way. The state (latents that
condition the next step on themselves) is carried along and never looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from grin_ros.diffusion.schedule import expand, to_eps, to_x_0

TRAINING_STEPS = 1000  # of the discrete processes that 'leading' comes from


@dataclass(frozen=True, eq=False)
class Step:
    """
    One evaluation of the denoiser.

    x_t: (B, ...), what the denoiser was given
    x_0: (B, ...), what it makes of it, clipped; the sample, after the last step
    t: time of x_t, in [0, 1]
    state: what the denoiser wants to be given at the next step
    """

    x_t: torch.Tensor
    x_0: torch.Tensor
    t: float
    state: Any


def time_steps(steps: int, spacing: str = 'trailing') -> torch.Tensor:
    """
    Return falling times, the first where sampling starts, the last 0.

    trailing starts at t = 1, in pure noise, as it should be; leading starts one stride below and
    evaluates last at t = 0.001, as diffusers and DDIM's authors do it (Lin et al. 2305.08891).

    steps: evaluations of the denoiser
    returns: (steps + 1,) float32
    """
    if steps < 1:
        raise ValueError(f'time_steps: needs at least 1 step, got {steps}.')
    if spacing == 'trailing':
        return torch.linspace(1, 0, steps + 1)
    if spacing != 'leading':
        raise ValueError(
            f'time_steps: unknown spacing {spacing!r}; known spacings: trailing, leading.'
        )
    if steps > TRAINING_STEPS:
        raise ValueError(
            f'time_steps: leading spacing has at most {TRAINING_STEPS} steps, got {steps}; '
            'take trailing.'
        )
    leading = torch.arange(steps - 1, -1, -1) / steps + 1 / TRAINING_STEPS
    return torch.cat([leading, torch.zeros(1)])


def ddim(
    denoise,
    x_T,
    schedule,
    steps,
    target='v',
    spacing='trailing',
    eta=0.0,
    generator=None,
    clip=None,
    state=None,
) -> Iterator[Step]:
    """
    Sample by DDIM (Song et al. 2010.02502, eq. 12 and 16).

    denoise: (x_t, gamma (B,), state) -> (prediction of the target, state)
    x_T: (B, ...), noise of unit variance
    eta: 0 follows the deterministic path, 1 is ancestral sampling
    generator: torch.Generator on the device of x_T, for eta > 0
    clip: (low, high), bounds of x_0, or None
    state: the state given to the first step
    yields: Step, one per evaluation; x_0 of the last one is the sample
    """
    scale = schedule.input_scale
    times = time_steps(steps, spacing)
    gammas = schedule.gamma(times).to(x_T.device)
    x_t = x_T.float()
    for i, t in enumerate(times[:-1].tolist()):
        gamma, gamma_next = gammas[i], gammas[i + 1]
        prediction, state = denoise(x_t, gamma.expand(x_t.shape[0]), state)
        x_0 = to_x_0(prediction, x_t, gamma, target, scale)
        eps = to_eps(prediction, x_t, gamma, target, scale)
        if clip is not None:
            # x_0 and eps must go on explaining x_t together.
            x_0 = x_0.clamp(*clip)
            eps = to_eps(x_0, x_t, gamma, 'x_0', scale)
        yield Step(x_t, x_0, t, state)
        if i + 1 == steps:
            return
        variance = eta**2 * (1 - gamma_next) / (1 - gamma) * (1 - gamma / gamma_next)
        x_t = (
            gamma_next.sqrt() * scale * x_0 + (1 - gamma_next - variance).clamp(min=0).sqrt() * eps
        )
        if eta > 0:
            noise = torch.randn(x_t.shape, generator=generator, device=x_t.device)
            x_t = x_t + expand(variance.sqrt(), x_t) * noise


def ddpm(
    denoise,
    x_T,
    schedule,
    steps,
    target='v',
    spacing='trailing',
    generator=None,
    clip=None,
    state=None,
) -> Iterator[Step]:
    """
    Sample ancestrally (Ho et al. 2006.11239), with the variance of the posterior of x_s.

    q(x_s | x_t, x_0) is DDIM's step with eta = 1, for any stride. Arguments as for ddim.
    """
    return ddim(denoise, x_T, schedule, steps, target, spacing, 1.0, generator, clip, state)
