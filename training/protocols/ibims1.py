# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
iBims-1 (Koch et al. 2018), its 100 images, with the range and crop of ZoeDepth.

Layout: `ibims1_core_raw/{rgb,depth,mask_invalid,mask_transp}/*.png`, `calib/*.txt` and
`imagelist.txt` in it or beside it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from grin_ros.camera import Camera

from ..sample import Sample
from .protocol import eigen_crop, ProtocolSet, read_image, read_values


def load(root: Path) -> list[ProtocolSet]:
    """Find the images of the list."""
    folder = root / 'ibims1_core_raw' if (root / 'ibims1_core_raw').is_dir() else root
    lists = [p / 'imagelist.txt' for p in (folder, folder.parent)]
    found = next((p for p in lists if p.is_file()), None)
    if found is None:
        raise FileNotFoundError(f'{lists[0]} is missing; it comes with ibims1_core_raw.zip')
    names = found.read_text().split()
    frames = [(n, partial(_read, folder, n)) for n in names if (folder / f'rgb/{n}.png').is_file()]
    return [ProtocolSet(root, 'ibims1', 'indoor', (1e-3, 10), frames, 100, eigen_crop)]


def _read(folder: Path, name: str) -> Sample:
    pixels = read_image(folder / f'rgb/{name}.png')
    depth = read_values(folder / f'depth/{name}.png').astype(np.float32) * 50 / 65535
    for mask in ('mask_invalid', 'mask_transp'):  # 0 where invalid or transparent
        depth[read_values(folder / mask / f'{name}.png') == 0] = 0
    K = (folder / f'calib/{name}.txt').read_text().replace(',', ' ').split()
    camera = Camera.from_intrinsics(*(float(k) for k in K[:4]), depth.shape)
    return Sample(pixels, depth, camera, name)
