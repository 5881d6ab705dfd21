# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Step-unrolled denoising diffusion: training on the noisy maps that sampling really meets."""

from __future__ import annotations

import torch

from grin_ros.diffusion.schedule import add_noise, to_eps


def unroll(answer, x_0, eps, gamma, input_scale=1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Put a denoiser's own answer in the place of the truth, and tell it the way from there.

    In training x_t comes from the truth, in sampling from the model. So x_t is made from what the
    model answered one step ago, at the same gamma, and the noise is defined anew, so that x_t and
    it still lead to the truth: x_t = sqrt(gamma) b x_0 + sqrt(1 - gamma) eps (DDVM, 2306.01923).

    answer: (B, ...), x_0 as the denoiser sees it, without gradient
    x_0: (B, ...), the truth
    eps: (B, ...), fresh noise
    gamma: (B,) or ()
    returns: x_t and the noise in it, both (B, ...)
    """
    x_t = add_noise(answer, eps, gamma, input_scale)
    return x_t, to_eps(x_0, x_t, gamma, 'x_0', input_scale)
