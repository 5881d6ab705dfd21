# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Weights in few bytes: 8 bits for matrices that are no longer trained, 16 for the others."""

from __future__ import annotations

import torch

SCALE = '.scale'  # suffix of a packed matrix's scales


def pack(
    tensors: dict[str, torch.Tensor], frozen: str | tuple[str, ...]
) -> dict[str, torch.Tensor]:
    """
    Store matrices whose names start with `frozen` as int8, everything else as float16.

    Every output row has a scale of its own, so an entry is off by at most half of 1/127 of its
    row's largest. `unpack` gives the values back as float32; packing those again changes nothing.

    raises: ValueError where a row is not finite
    """
    packed = {}
    for name, value in tensors.items():
        if not (name.startswith(frozen) and value.ndim > 1):
            packed[name] = value.half().contiguous()
            continue
        rows = value.float().flatten(1)
        scale = rows.abs().amax(1) / 127
        if not torch.isfinite(scale).all():
            raise ValueError(f'{name} holds values that are not finite; train it again')
        codes = torch.round(rows / scale.clamp(min=torch.finfo().tiny)[:, None])
        packed[name] = codes.to(torch.int8).view(value.shape)
        packed[name + SCALE] = scale
    return packed


def unpack(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Bring stored tensors back to float32; a matrix without a scale per row is left out."""
    packed = {name for name, value in tensors.items() if value.dtype == torch.int8}
    scales = {name + SCALE for name in packed}
    unpacked = {n: v.float() for n, v in tensors.items() if n not in packed | scales}
    for name in packed:
        matrix, scale = tensors[name], tensors.get(name + SCALE)
        if scale is not None and matrix.ndim > 1 and scale.shape == matrix.shape[:1]:
            rows = matrix.float().flatten(1) * scale[:, None]
            unpacked[name] = rows.view(matrix.shape)
    return unpacked
