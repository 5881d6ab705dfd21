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

from grin_ros.diffusion.schedule import to_eps, to_x_0

TRAINING_STEPS = 1000  # of the discrete processes that 'leading' comes from


@dataclass(frozen=True, eq=False)
class Step:
    """
    One evaluation of the denoiser.

    x_t: (B, ...), what the denoiser was given
    x_0: (B, ...), what it makes of it, clipped, with what is known in it; the sample, after the
        last step
    t: time of x_t, in [0, 1]
    state: what the denoiser wants to be given at the next step
    """

    x_t: torch.Tensor
    x_0: torch.Tensor
    t: float
    state: Any


def time_steps(steps: int, spacing: str = 'trailing', start: float = 1.0) -> torch.Tensor:
    """
    Return falling times, the first where sampling starts, the last 0.

    trailing starts at t = 1, in pure noise, as it should be; leading starts one stride below and
    evaluates last at t = 0.001, as diffusers and DDIM's authors do it (Lin et al. 2305.08891).

    steps: evaluations of the denoiser
    start: time at which to begin; below 1 all times shrink, for a sample that is not all noise
    returns: (steps + 1,) float32
    """
    if steps < 1:
        raise ValueError(f'time_steps: needs at least 1 step, got {steps}.')
    if not 0 < start <= 1:
        raise ValueError(f'time_steps: start must be above 0 and at most 1, got {start}.')
    if spacing == 'trailing':
        return torch.linspace(start, 0, steps + 1)
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
    return start * torch.cat([leading, torch.zeros(1)])


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
    start=1.0,
    known=None,
    guide=None,
    resample=1,
) -> Iterator[Step]:
    """
    Sample by DDIM (Song et al. 2010.02502, eq. 12 and 16).

    Known values replace what the denoiser says of them before the step, so that each of them goes
    from its noise to its value by q(x_s | x_t, x_0): every x_t holds it at the right noise level,
    and the sample exactly. The denoiser completes the rest (imputation, DepthGen sec. 4.4).

    denoise: (x_t, gamma (B,), state) -> (prediction of the target, state)
    x_T: (B, ...), noise of unit variance; with start < 1 a sample that was noised to that time
    eta: 0 follows the deterministic path, 1 is ancestral sampling
    generator: torch.Generator on the device of x_T, for eta > 0 and resample > 1
    clip: (low, high), bounds of x_0, or None
    state: the state given to the first step
    start: time of x_T
    known: x_0 where it is known, NaN elsewhere; broadcasts with x_T. None = nothing is
    guide: x_0 -> x_0, moves the denoiser's answer before what is known replaces it
    resample: evaluations at every time; between them noise is added back, which lets the rest
        agree with what is known (RePaint, Lugmayr et al. 2201.09865)
    yields: Step, one per evaluation; x_0 of the last one is the sample
    """
    scale = schedule.input_scale
    times = time_steps(steps, spacing, start)
    gammas = schedule.gamma(times).to(x_T.device)
    x_t = x_T.float()
    for i in range(steps * resample):
        gamma, gamma_next = gammas[i // resample], gammas[i // resample + 1]
        prediction, state = denoise(x_t, gamma.expand(x_t.shape[0]), state)
        x_0 = to_x_0(prediction, x_t, gamma, target, scale)
        eps = to_eps(prediction, x_t, gamma, target, scale)
        if guide is not None:
            x_0 = guide(x_0)
        if clip is not None:
            x_0 = x_0.clamp(*clip)
        if known is not None:
            x_0 = torch.where(known.isnan(), x_0, known)
        if not (clip is known is guide is None):
            # x_0 and eps must go on explaining x_t together.
            eps = to_eps(x_0, x_t, gamma, 'x_0', scale)
        yield Step(x_t, x_0, float(times[i // resample]), state)
        if i + 1 == steps * resample:
            return
        variance = eta**2 * (1 - gamma_next) / (1 - gamma) * (1 - gamma / gamma_next)
        x_t = (
            gamma_next.sqrt() * scale * x_0 + (1 - gamma_next - variance).clamp(min=0).sqrt() * eps
        )
        if eta > 0:
            x_t = x_t + variance.sqrt() * _noise_like(x_t, generator)
        if (i + 1) % resample:
            back = gamma / gamma_next
            x_t = back.sqrt() * x_t + (1 - back).sqrt() * _noise_like(x_t, generator)


def _noise_like(x_t, generator) -> torch.Tensor:
    return torch.randn(x_t.shape, generator=generator, device=x_t.device)


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
    **imputation,
) -> Iterator[Step]:
    """
    Sample ancestrally (Ho et al. 2006.11239), with the variance of the posterior of x_s.

    q(x_s | x_t, x_0) is DDIM's step with eta = 1, for any stride. Arguments as for ddim;
    imputation: start, known, guide, resample.
    """
    return ddim(
        denoise, x_T, schedule, steps, target, spacing, 1.0, generator, clip, state, **imputation
    )  # fmt: skip
