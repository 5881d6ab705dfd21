# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
DIODE (Vasiljevic et al. 2019), its validation images, indoors and outdoors apart, as in ZoeDepth.

Layout: `val/{indoors,outdoor}/scene_*/scan_*/*.png` with `*_depth.npy` and `*_depth_mask.npy`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from grin_ros.camera import Camera

from ..sample import Sample
from .protocol import eigen_crop, garg_crop, ProtocolSet, read_image

K = (886.81, 927.06, 512.0, 384.0)  # intrinsics.txt of the devkit, for 1024 x 768


def load(root: Path) -> list[ProtocolSet]:
    """Find the validation images."""
    root = root / 'val' if (root / 'val').is_dir() else root
    # ZoeDepth cuts NYU's window, made for 640 x 480, out of 1024 x 768; DMD is compared with it.
    return [
        ProtocolSet(
            root, 'diode_indoor', 'indoor', (1e-3, 10), _frames(root / 'indoors'), 325, eigen_crop
        ),
        ProtocolSet(
            root, 'diode_outdoor', 'outdoor', (1e-3, 80), _frames(root / 'outdoor'), 446, garg_crop
        ),
    ]


def _frames(folder: Path):
    return [(p.stem, partial(_read, p)) for p in sorted(folder.glob('scene_*/scan_*/*.png'))]


def _read(path: Path) -> Sample:
    pixels = read_image(path)
    depth, mask = (_array(path, end) for end in ('_depth.npy', '_depth_mask.npy'))
    depth = np.where(mask > 0, depth, 0).astype(np.float32)
    return Sample(pixels, depth, Camera.from_intrinsics(*K, depth.shape), path.stem)


def _array(path: Path, end: str) -> np.ndarray:
    file = path.with_name(path.stem + end)
    if not file.is_file():
        raise FileNotFoundError(f'{file} is missing; complete the data set')
    return np.load(file).squeeze()  # (H, W, 1) in the depth files
