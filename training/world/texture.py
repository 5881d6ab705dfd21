# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
A bank of small tileable textures with mip levels, drawn procedurally or read from a folder.

A *pattern* has no colours of its own: its first channel blends between two colours of a material,
its second one brightens or darkens (0.5: neutral). A *picture* is linear RGB.
"""

from __future__ import annotations

from functools import lru_cache
import math
from pathlib import Path

import cv2
import numpy as np
import torch

from .pattern import PATTERNS
from .picture import PICTURES

SIZE = 128  # texels per side of the largest mip level
LEVELS = int(math.log2(SIZE)) + 1
OFFSETS = [sum((SIZE >> k) ** 2 for k in range(level)) for level in range(LEVELS + 1)]


class TextureBank:
    """
    All textures of one process on one device, as one flat tensor.

    texels: (M, 21845, 3), [0, 1], all mip levels of a texture one after the other
    is_picture: (M,), float, 1 for pictures and photographs
    """

    def __init__(self, device='cpu', folder: Path | None = None):
        rng = np.random.default_rng(20261121)
        images, self.kinds, self.photos, is_picture = [], {}, {}, []
        for kind, (draw, count) in (PATTERNS | PICTURES).items():
            self.kinds[kind] = range(len(images), len(images) + count)
            images += [draw(rng, SIZE) for _ in range(count)]
            is_picture += [float(kind in PICTURES)] * count
        for path in _image_files(folder):
            self.photos.setdefault(path.stem.split('__')[0], []).append(len(images))
            images.append(_read(path))
            is_picture.append(1.0)
        self.texels = _mip_levels(images).to(device)
        self.is_picture = torch.tensor(is_picture, device=device)

    def draw(self, kind: str, rng) -> int:
        """Return the index of a random texture of this kind."""
        return self.kinds[kind][rng.integers(len(self.kinds[kind]))]

    def draw_photo(self, kinds, rng) -> int | None:
        """Return the index of a random photograph of one of these kinds, if there is one."""
        found = [i for kind in kinds for i in self.photos.get(kind, ())]
        return found[rng.integers(len(found))] if found else None

    def sample(self, texture, u, v, footprint):
        """
        Look texels up, bilinearly in the mip level that fits.

        texture: (N,), index; u, v: (N,), in repeats; footprint: (N,), repeats that one pixel spans
        returns: (3, N), [0, 1]
        """
        level = (footprint * SIZE).clamp(1.0, SIZE).log2().round().long()
        side = SIZE >> level
        start = texture * self.texels.shape[1] + _offsets(self.texels.device)[level]
        x, y = u * side - 0.5, v * side - 0.5
        x_0, y_0 = x.floor(), y.floor()
        fx, fy = (x - x_0), (y - y_0)
        left, top = x_0.long() & (side - 1), y_0.long() & (side - 1)
        right, low = (left + 1) & (side - 1), (top + 1) & (side - 1)
        top, low = start + top * side, start + low * side
        flat = self.texels.view(-1, 3)
        texel = lambda index: flat.index_select(0, index)
        upper = torch.lerp(texel(top + left), texel(top + right), fx[:, None])
        lower = torch.lerp(texel(low + left), texel(low + right), fx[:, None])
        return torch.lerp(upper, lower, fy[:, None]).T


@lru_cache(maxsize=4)
def texture_bank(device: str, folder: str | None) -> TextureBank:
    """Return the bank of a device and folder, made once per process."""
    return TextureBank(device, None if folder is None else Path(folder))


@lru_cache(maxsize=4)
def _offsets(device):
    return torch.tensor(OFFSETS, device=device)


def _mip_levels(images) -> torch.Tensor:
    level = torch.from_numpy(np.stack(images)).float().permute(0, 3, 1, 2)
    levels = []
    while True:
        levels.append(level.flatten(2).transpose(1, 2))
        if level.shape[-1] == 1:
            return torch.cat(levels, 1).contiguous()
        level = torch.nn.functional.avg_pool2d(level, 2)


def _image_files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    found = sorted(p for p in folder.glob('*') if p.suffix.lower() in ('.jpg', '.jpeg', '.png'))
    if not found:
        raise FileNotFoundError(f'no .jpg or .png texture in {folder}; give a folder of images')
    return found


def _read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f'{path} is not a readable image; remove it from the texture folder')
    image = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return (image[..., ::-1] / 255.0) ** 2.2
