# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The size at which an image is worked on, and the grid of pixels that is asked for in it."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

MULTIPLE = 32  # the sides of the processing size: the coarsest stride of the encoders


def processing_size(size: tuple[int, int], pixels: int) -> tuple[int, int]:
    """Sides (height, width), multiples of 32, of about `pixels` pixels in the aspect of size."""
    height, width = size
    scale = math.sqrt(pixels / (height * width))
    # A single row of pixels is not taken to the height that its width would ask for.
    most = max(pixels // MULTIPLE // MULTIPLE, 1)
    return tuple(MULTIPLE * min(max(round(side * scale / MULTIPLE), 1), most) for side in size)


def pixel_centres(grid: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
    """Centres of the cells of a grid laid over an image of `size`: (rows * columns, 2)."""
    rows, cols = grid
    v, u = torch.meshgrid(
        torch.arange(rows, dtype=torch.float32), torch.arange(cols, dtype=torch.float32),
        indexing='ij',
    )  # fmt: skip
    return rescale(torch.stack([u, v], dim=-1).flatten(0, 1), grid, size)


def as_map(x: torch.Tensor, grid: tuple[int, int], size: tuple[int, int]) -> torch.Tensor:
    """Lay values (samples, rows * columns) of a grid out as maps (samples, H, W)."""
    x = x.view(len(x), 1, *grid)
    return (x if size == grid else F.interpolate(x, size=size, mode='bilinear'))[:, 0]


def rescale(uv: torch.Tensor, size: tuple[int, int], to: tuple[int, int]) -> torch.Tensor:
    """Move pixel coordinates (N, 2) from an image of `size` to the same image resized `to`."""
    scale = torch.tensor([to[1] / size[1], to[0] / size[0]])
    return (uv + 0.5) * scale - 0.5
