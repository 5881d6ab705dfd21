# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The error of a depth map's shape: what is left of it when its scale does not count.

While scale is in doubt, nearly all pixels of a picture err to the same side, and an L1 loss tells
them all to move together: nothing of it says which of two pixels is the nearer one. Scale-
invariant errors (arXiv 1406.2283 sec. 3.2) do, and among neighbours they make sharp edges.
"""

from __future__ import annotations

import torch

NEIGHBOURS = 6  # of each pixel, among the pixels that were drawn


def shape_error(error: torch.Tensor, valid: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
    """
    Average how far pixels err from their picture's mean error, and from their neighbours' errors.

    error: (B, N, 1), log depth less its truth, in any unit
    valid: (B, N, 1) bool
    uv: (B, N, 2) pixels
    returns: (B,), the sum of both averages in the unit of `error`; 0 where nothing is valid
    """
    valid, error = valid[..., 0], torch.where(valid, error, 0)[..., 0].float()
    count = valid.sum(1, keepdim=True).clamp(min=1)
    apart = (error - error.sum(1, keepdim=True) / count).abs() * valid
    with torch.no_grad():
        distance = torch.cdist(uv, uv)
        # No pixel is its own neighbour, nor where it was drawn again because labels are sparse.
        same = (uv[:, :, None] == uv[:, None]).all(-1)
        distance = distance.masked_fill(~valid[:, None] | same, torch.inf)
        near = distance.topk(min(NEIGHBOURS, uv.shape[1] - 1), largest=False)
        both = near.values.isfinite() & valid[..., None]
    others = error.gather(1, near.indices.flatten(1)).view_as(near.indices)
    steps = ((error[..., None] - others).abs() * both).flatten(1).sum(1)
    return apart.sum(1) / count[:, 0] + steps / both.flatten(1).sum(1).clamp(min=1)
