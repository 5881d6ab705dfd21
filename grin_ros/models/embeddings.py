# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Fourier features of viewing rays and of the noise level (GRIN sec. 4; RIN code)."""

from __future__ import annotations

import math

import torch
from torch import nn


class FourierRays(nn.Module):
    """
    Fourier features of unit viewing rays: `[r, sin(pi f r), cos(pi f r)]` per coordinate.

    The frequencies f are `bands` values spaced linearly from 1 to `max_resolution` / 2, the form
    of the authors' ZeroDepth; the camera centre is the origin for one camera and is left out.
    """

    def __init__(self, bands: int = 16, max_resolution: int = 64):
        super().__init__()
        frequencies = torch.linspace(1.0, max_resolution / 2, bands)
        self.register_buffer('frequencies', frequencies * math.pi, persistent=False)
        self.dim = 3 + 6 * bands

    def forward(self, rays: torch.Tensor) -> torch.Tensor:
        """Encode rays (..., 3) as (..., dim), always in float32."""
        phase = (rays.float()[..., None] * self.frequencies).flatten(-2)  # (..., 3 bands)
        return torch.cat([rays.float(), phase.sin(), phase.cos()], dim=-1)


class GammaEmbedding(nn.Module):
    """
    Embedding of the noise level gamma(t), not of t itself, as in the official RIN code.

    Sines and cosines of 1000 gamma are standardised before the two-layer perceptron.
    """

    def __init__(self, dim: int):
        super().__init__()
        half = dim // 8
        frequencies = torch.exp(-math.log(10000.0) * torch.arange(half) / max(half - 1, 1))
        self.register_buffer('frequencies', frequencies * 1000.0, persistent=False)
        self.mlp = nn.Sequential(
            nn.LayerNorm(2 * half, elementwise_affine=False),
            nn.Linear(2 * half, dim),
            nn.SiLU(),
            nn.Linear(dim, dim),
        )

    def forward(self, gamma: torch.Tensor) -> torch.Tensor:
        """Embed gamma (B,) in [0, 1] as (B, dim)."""
        phase = gamma.float()[:, None] * self.frequencies
        return self.mlp(torch.cat([phase.sin(), phase.cos()], dim=-1))
