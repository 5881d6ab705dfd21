# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
A denoiser that sees a tilted wall whatever the image shows: for tests, soaks and benches.

The wall is where the intrinsics put it, so depth and cloud are known exactly for every camera, and
it costs next to nothing, so what is timed is the node around it.
"""

from __future__ import annotations

from pathlib import Path
import time

import torch

from grin_ros.camera import Camera
from grin_ros.checkpoint import ModelConfig
from grin_ros.depth import DepthConfig, DepthTransform
from grin_ros.pipeline import DepthPipeline

NORMAL = (0.2, 0.1, 1.0)  # of the wall: NORMAL . X = distance, X in the camera frame
DISTANCE = 4.0  # metres; the depth at the principal point


class PlaneDenoiser(torch.nn.Module):
    """
    A Denoiser that is right from the first step on.

    depth: how depth is encoded
    distance: of the wall, metres
    seconds: that a step takes, as on a slow device: asleep, so that other threads can work
    """

    float32_layers = ()

    def __init__(self, depth: DepthConfig, distance: float = DISTANCE, seconds: float = 0.0):
        super().__init__()
        self.transform = DepthTransform(depth)
        self.distance, self.seconds = distance, seconds

    def encode(
        self, image: torch.Tensor, camera: Camera, uv: torch.Tensor | None = None
    ) -> torch.Tensor:
        """
        Intersect the viewing rays with the wall; see `Denoiser`.

        returns: x_0, (B, N, 1) or (B, 1, H, W); behind the camera as far away as can be
        """
        rays = camera.rays(uv)  # (B, N, 3) or (B, 3, H, W)
        axis = -1 if uv is not None else -3
        x, y, z = rays.split(1, dim=axis)
        across = sum(n * r for n, r in zip(NORMAL, (x, y, z)))
        depth = torch.where(across > 0, self.distance * z / across, torch.inf)
        return self.transform.encode(depth, camera)

    def forward(
        self, x_t: torch.Tensor, gamma: torch.Tensor, cond: torch.Tensor, state=None
    ) -> tuple[torch.Tensor, None]:
        """Predict x_0; see `Denoiser`."""
        if self.seconds:  # sleep(0) would let others go first
            time.sleep(self.seconds)
        return cond.expand_as(x_t), None


def load_plane(
    path: str | Path | None = None, device: str | torch.device = 'cpu', seconds: float = 0.0
) -> DepthPipeline:
    """
    Return the pipeline of a wall, as `DepthPipeline.from_checkpoint` returns that of a network.

    path: text file with the distance of the wall in metres; None = DISTANCE
    seconds: that a denoising step takes
    """
    config = ModelConfig(steps=1, target='x_0')
    try:
        distance = DISTANCE if path is None else float(Path(path).read_text())
    except FileNotFoundError:
        raise FileNotFoundError(f'there is no checkpoint {path}; give a file') from None
    model = PlaneDenoiser(config.depth, distance, seconds)
    return DepthPipeline(model, config, device, Path('plane') if path is None else Path(path))
