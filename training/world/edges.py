# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Softer rims: a pixel of a real camera averages what lies on both sides of an edge."""

from __future__ import annotations

import torch
from torch.nn.functional import conv2d, pad


def smooth_edges(radiance, solid):
    """
    Blur the rims of solids, one pixel to each side, in place of casting many rays per pixel.

    radiance: (3, H, W), linear; solid: (H, W), index of what each pixel shows
    returns: (3, H, W)
    """
    rim = torch.zeros_like(solid, dtype=torch.bool)
    across, down = solid[:, 1:] != solid[:, :-1], solid[1:] != solid[:-1]
    rim[:, 1:] |= across
    rim[:, :-1] |= across
    rim[1:] |= down
    rim[:-1] |= down
    kernel = torch.tensor([0.14, 0.72, 0.14], device=radiance.device)
    # A lamp in the picture must not outshine its surroundings through the blur.
    padded = pad(radiance.clamp_max(4.0)[:, None], (1, 1, 1, 1), mode='replicate')
    soft = conv2d(conv2d(padded, kernel.view(1, 1, 1, 3)), kernel.view(1, 1, 3, 1))[:, 0]
    return torch.where(rim, soft, radiance)
