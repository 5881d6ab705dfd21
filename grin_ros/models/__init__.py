# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The networks behind one seam: a denoiser encodes a frame once and predicts at every step.

GRIN sees (B, N, 1) queried pixels, DepthGen's U-Net (B, 1, H, W); schedule, loss and samplers in
`grin_ros.diffusion` are elementwise and never ask.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch

from grin_ros.camera import Camera


class Denoiser(Protocol):
    """
    What every depth denoiser offers.

    float32_layers: names of the layers that compute in float32 whatever the others do
    """

    float32_layers: tuple[str, ...]

    def encode(self, image: torch.Tensor, camera: Camera, uv: torch.Tensor | None = None) -> Any:
        """
        Compute, once per frame, everything that does not depend on the noise.

        image: (B, 3, H, W), RGB in [0, 1]
        camera: of that image, K (B, 3, 3)
        uv: (B, N, 2) queried pixels, or None for all
        returns: the conditioning for `forward`
        """

    def forward(
        self, x_t: torch.Tensor, gamma: torch.Tensor, cond: Any, state: Any = None
    ) -> tuple[torch.Tensor, Any]:
        """
        Predict the target (eps, x_0 or v) from noisy depth.

        x_t: noisy x_0 of the queried pixels, (B, N, 1) or (B, 1, H, W)
        gamma: (B,), share of signal
        cond: from `encode`
        state: what the previous step returned (latent self-conditioning), or None
        returns: prediction of the shape of x_t, and the state for the next step; (B, N, 2) where
            the network has an `error_head`: the target, and ln of the error of ln(depth) that
            the network expects of it
        """
