# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Noise schedules and the algebra of x_0, eps and v, elementwise on tensors of any shape.

x_t = sqrt(gamma) b x_0 + sqrt(1 - gamma) eps, with gamma falling from 1 at t = 0 to 0 at t = 1 and
b the input scale (Chen 2301.10972; b < 1 makes the same gamma noisier). v = sqrt(gamma) eps -
sqrt(1 - gamma) b x_0 (Salimans and Ho 2202.00512). Everything is computed in float32, whatever
autocast made of the arguments, and stays finite at gamma 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Literal

import torch

GAMMA_MIN = 1e-9  # as in the official RIN code
FLOOR = math.sqrt(GAMMA_MIN)  # of a divisor sqrt(gamma) or sqrt(1 - gamma)
TARGETS = ('eps', 'x_0', 'v')


@dataclass(frozen=True)
class ScheduleConfig:
    """
    A noise schedule.

    kind: cosine (simple form), sigmoid (RIN's choice), or linear (gamma = 1 - t)
    start, end, tau: the part of the sigmoid that is used, and its temperature; sigmoid only
    input_scale: b, the factor on x_0
    """

    kind: Literal['cosine', 'sigmoid', 'linear'] = 'sigmoid'
    start: float = -3.0
    end: float = 3.0
    tau: float = 0.9
    input_scale: float = 1.0

    def __post_init__(self):
        kinds = ('cosine', 'sigmoid', 'linear')
        if self.kind not in kinds:
            raise ValueError(
                f'ScheduleConfig: unknown kind {self.kind!r}; known kinds: {", ".join(kinds)}.'
            )
        if not (self.start < self.end and self.tau > 0 and self.input_scale > 0):
            raise ValueError(
                'ScheduleConfig: needs start < end, tau > 0 and input_scale > 0, got '
                f'{self.start}, {self.end}, {self.tau} and {self.input_scale}.'
            )


class Schedule:
    """
    gamma as a function of time.

    input_scale: b, to be handed to the algebra below
    """

    def __init__(self, config: ScheduleConfig):
        self.config = config
        self.input_scale = config.input_scale

    def gamma(self, t: torch.Tensor) -> torch.Tensor:
        """
        Return the share of signal in the variance of x_t.

        t: any shape, in [0, 1]
        returns: same shape, float32 in [1e-9, 1]
        """
        t = torch.as_tensor(t).float()
        if self.config.kind == 'cosine':
            gamma = torch.cos((t + 0.0002) / 1.00025 * (math.pi / 2)) ** 2
        elif self.config.kind == 'sigmoid':
            gamma = self._sigmoid(t)
        else:
            gamma = 1 - t
        return gamma.clamp(GAMMA_MIN, 1.0)

    def _sigmoid(self, t):
        start, end, tau = self.config.start, self.config.end, self.config.tau
        v_start, v_end = (1 / (1 + math.exp(-x / tau)) for x in (start, end))
        return (v_end - torch.sigmoid((t * (end - start) + start) / tau)) / (v_end - v_start)


def expand(gamma: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Append dimensions to gamma, (B,) or (), until it broadcasts with x, (B, ...)."""
    gamma = torch.as_tensor(gamma, device=x.device)
    return gamma.reshape(gamma.shape + (1,) * (x.ndim - gamma.ndim))


def _amplitudes(gamma, x):
    """Return sqrt(gamma) and sqrt(1 - gamma), float32, ready to broadcast with x."""
    gamma = expand(gamma, x).float()
    return gamma.sqrt(), (1 - gamma).clamp(min=0).sqrt()


def add_noise(x_0, eps, gamma, input_scale=1.0) -> torch.Tensor:
    """
    Return x_t.

    x_0, eps: (B, ...)
    gamma: (B,) or ()
    """
    alpha, sigma = _amplitudes(gamma, x_0)
    return alpha * input_scale * x_0.float() + sigma * eps.float()


def target_of(x_0, eps, gamma, target, input_scale=1.0) -> torch.Tensor:
    """
    Return what a denoiser of this target (eps, x_0 or v) should predict.

    x_0, eps: (B, ...)
    gamma: (B,) or ()
    """
    _check_target(target)
    if target == 'eps':
        return eps.float()
    if target == 'x_0':
        return x_0.float()
    alpha, sigma = _amplitudes(gamma, x_0)
    return alpha * eps.float() - sigma * input_scale * x_0.float()


def to_x_0(prediction, x_t, gamma, target, input_scale=1.0) -> torch.Tensor:
    """
    Return the x_0 that a prediction of this target (eps, x_0 or v) implies.

    prediction, x_t: (B, ...)
    gamma: (B,) or (). Where it is near 0 an eps says next to nothing about x_0: clip the result.
    """
    _check_target(target)
    prediction, x_t = prediction.float(), x_t.float()
    alpha, sigma = _amplitudes(gamma, x_t)
    if target == 'x_0':
        return prediction
    if target == 'eps':
        return (x_t - sigma * prediction) / (alpha.clamp(min=FLOOR) * input_scale)
    return (alpha * x_t - sigma * prediction) / input_scale


def to_eps(prediction, x_t, gamma, target, input_scale=1.0) -> torch.Tensor:
    """
    Return the eps that a prediction of this target (eps, x_0 or v) implies.

    prediction, x_t: (B, ...)
    gamma: (B,) or ()
    """
    _check_target(target)
    prediction, x_t = prediction.float(), x_t.float()
    alpha, sigma = _amplitudes(gamma, x_t)
    if target == 'eps':
        return prediction
    if target == 'x_0':
        return (x_t - alpha * input_scale * prediction) / sigma.clamp(min=FLOOR)
    return sigma * x_t + alpha * prediction


def to_v(prediction, x_t, gamma, target, input_scale=1.0) -> torch.Tensor:
    """
    Return the v that a prediction of this target (eps, x_0 or v) implies.

    prediction, x_t: (B, ...)
    gamma: (B,) or ()
    """
    _check_target(target)
    prediction, x_t = prediction.float(), x_t.float()
    alpha, sigma = _amplitudes(gamma, x_t)
    if target == 'v':
        return prediction
    if target == 'eps':
        return (prediction - sigma * x_t) / alpha.clamp(min=FLOOR)
    return (alpha * x_t - input_scale * prediction) / sigma.clamp(min=FLOOR)


def _check_target(target):
    if target not in TARGETS:
        raise ValueError(
            f'diffusion: unknown target {target!r}; known targets: {", ".join(TARGETS)}.'
        )
