# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Values at scattered pixels, spread over the image.

Multilevel interpolation, coarse to fine (in the manner of Lee, Wolberg and Shin 1997): a grid of
nodes takes the mean of the values around it, what it leaves over goes to the grid of half the
spacing. One value shifts the whole image, many are met one by one; the time grows with their
number, not with its square.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

COARSEST = 4  # cells along the side of a square image of the same area, at the first level
FINEST = 1.0  # pixels, spacing of the last level
# Weight of "nothing is left over" against one value, in every node: keeps far nodes still.
PRIOR = 0.05


def spread(
    values: torch.Tensor, uv: torch.Tensor, at: torch.Tensor, size: tuple[int, int]
) -> torch.Tensor:
    """
    Spread values over an image.

    values: (N,), N >= 1
    uv: (N, 2), their pixels
    at: (M, 2), pixels that are asked for
    size: (height, width) of the image, pixels
    returns: (M,) float32; at `uv` nearly `values`, far from all of them nearly their median
    """
    values = values.float()
    # torch's median of an even number is the lower one of two.
    median = (values.median() - (-values).median()) / 2
    left, total = values - median, median.expand(len(at)).clone()
    cell = math.sqrt(size[0] * size[1]) / COARSEST
    while cell >= FINEST:
        nodes = _fit(left, uv, cell, size)
        total += _sample(nodes, at, cell)
        left = left - _sample(nodes, uv, cell)
        cell /= 2
    return total


def _fit(values: torch.Tensor, uv: torch.Tensor, cell: float, size) -> torch.Tensor:
    """Return the smoothed mean of the values around every node: (1, 1, rows, columns)."""
    rows, columns = (math.ceil(side / cell) + 1 for side in size)
    sums = values.new_zeros(2, rows * columns)
    place = (uv + 0.5) / cell
    corner = place.floor()
    share = place - corner
    for right in (0, 1):
        for below in (0, 1):
            weight = (share[:, 0] - 1 + right).abs() * (share[:, 1] - 1 + below).abs()
            u = (corner[:, 0].long() + right).clamp(0, columns - 1)
            v = (corner[:, 1].long() + below).clamp(0, rows - 1)
            sums.index_add_(1, v * columns + u, torch.stack([weight * values, weight]))
    # 1 2 1 along both sides; poolings, because autocast would lower a convolution's precision.
    sums = F.pad(sums.view(2, 1, rows, columns), (1, 1, 1, 1))
    values, weights = F.avg_pool2d(F.avg_pool2d(sums, 2, 1), 2, 1)
    return (values / (weights + PRIOR))[None]


def _sample(nodes: torch.Tensor, uv: torch.Tensor, cell: float) -> torch.Tensor:
    """Interpolate bilinearly between nodes: (N,)."""
    rows, columns = nodes.shape[-2:]
    place = 2 * (uv + 0.5) / cell / uv.new_tensor([columns - 1, rows - 1]) - 1
    return F.grid_sample(nodes, place[None, None], padding_mode='border', align_corners=True)[
        0, 0, 0
    ]
