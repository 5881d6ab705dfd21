# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""From a scene and a camera in it to a picture with exact depth."""

from __future__ import annotations

import numpy as np
import torch

from .develop import develop
from .edges import smooth_edges
from .light import shade
from .raycast import cast, from_tiles, Solids, View
from .scene import Scene
from .texture import TextureBank

MAX_DEPTH = 250.0  # metres; what lies beyond counts as unknown, like the sky


@torch.no_grad()
def photograph(
    scene: Scene, solids: Solids, view: View, bank: TextureBank, film: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """
    Photograph a scene.

    film: draws exposure and colours; equal ones give equal cameras
    returns: image (H, W, 3) uint8, RGB; depth (H, W) float32, metres, exact at the pixels'
        centres, 0 for sky and beyond 250 m
    """
    depth, solid = cast(solids, view)
    radiance = shade(scene, solids, view, depth, solid, bank)
    radiance = smooth_edges(radiance, from_tiles(solid[:, None], view)[0])
    depth = from_tiles(depth[:, None], view)[0]
    depth = torch.where(depth < MAX_DEPTH, depth, 0.0).cpu().numpy()
    return develop(radiance.permute(1, 2, 0).cpu().numpy(), film), depth
