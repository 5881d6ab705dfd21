# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
SUN RGB-D (Song et al. 2015), its 5050 test images, with the range and crop of ZoeDepth.

Layout: `SUNRGBD/<sensor>/.../{image/*.jpg,depth_bfx/*.png,intrinsics.txt}` and
`SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from grin_ros.camera import Camera

from ..sample import Sample
from .protocol import eigen_crop, ProtocolSet, read_image, read_values

SPLIT = 'SUNRGBDtoolbox/traintestSUNRGBD/allsplit.mat'


def load(root: Path) -> list[ProtocolSet]:
    """Find the test images that the toolbox lists."""
    split = root / SPLIT
    if not split.is_file():
        raise FileNotFoundError(
            f'{split} is missing; put SUNRGBD/ and SUNRGBDtoolbox/ into one folder'
        )
    frames = []
    for cell in loadmat(split)['alltest'].ravel():
        # An absolute path of the authors' machine: only the part from SUNRGBD/ on is ours.
        inside = 'SUNRGBD/' + str(cell.item()).rstrip('/').partition('SUNRGBD/')[2]
        if (root / inside).is_dir():
            stem = inside.removeprefix('SUNRGBD/').replace('/', '_')
            frames.append((stem, partial(_read, stem, root / inside)))
    return [ProtocolSet(root, 'sunrgbd', 'indoor', (1e-3, 8), frames, 5050, eigen_crop)]


def _read(stem: str, folder: Path) -> Sample:
    image, depth = (_only(folder / name) for name in ('image', 'depth_bfx'))
    pixels, stored = read_image(image), read_values(depth)
    # The toolbox writes millimetres turned left by three bits.
    metres = ((stored >> 3) | (stored << 13)).astype(np.float32) / 1000
    K = [float(value) for value in (folder / 'intrinsics.txt').read_text().split()]
    camera = Camera.from_intrinsics(K[0], K[4], K[2], K[5], pixels.shape[:2])
    return Sample(pixels, metres, camera, stem)


def _only(folder: Path) -> Path:
    files = sorted(folder.glob('*'))
    if not files:
        raise FileNotFoundError(f'{folder} is empty; complete the data set')
    return files[0]
