# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Softer rims: a pixel of a real camera averages what lies on both sides of an edge."""

from __future__ import annotations

import torch


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
    # A lamp in the picture must not outshine its surroundings through the blur.
    soft = radiance.clamp_max(4.0)
    for axis in (1, 2):
        inner = soft.narrow(axis, 1, soft.shape[axis] - 2)
        ends = soft.narrow(axis, 0, inner.shape[axis]) + soft.narrow(axis, 2, inner.shape[axis])
        blurred = soft.clone()
        blurred.narrow(axis, 1, inner.shape[axis]).copy_(0.72 * inner + 0.14 * ends)
        soft = blurred
    return torch.where(rim, soft, radiance)
