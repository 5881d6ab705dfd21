# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Views of one image that leave its depth alone, so that samples differ by more than their noise.

A few-step model answers nearly the same whatever noise it starts from. What it makes of the mirror
image or of another exposure differs as much as it is unsure, and the median over them errs less.
"""

from __future__ import annotations

import torch

from grin_ros.camera import Camera

GAMMAS = (1.0, 1.0, 0.6, 1.6)  # of view 0, 1, 2, 3 and so on; every second one is mirrored


def view(
    number: int, picture: torch.Tensor, camera: Camera, uv: torch.Tensor
) -> tuple[torch.Tensor, Camera, torch.Tensor]:
    """
    Give what sample `number` sees; sample 0 sees the image as it is.

    picture: (B, 3, H, W) in [0, 1]
    camera: of that picture
    uv: (B, N, 2) pixels
    returns: picture, camera and the same points' pixels, of the view
    """
    gamma = GAMMAS[number % len(GAMMAS)]
    if gamma != 1:
        picture = picture.clamp(0, 1) ** gamma
    if number % 2 == 0:
        return picture, camera, uv
    mirrored = torch.stack([picture.shape[-1] - 1 - uv[..., 0], uv[..., 1]], dim=-1)
    return picture.flip(-1), camera.flip(), mirrored
