# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Virtual KITTI 2 (Cabon et al. 2020), left camera, with the range and crops of ZoeDepth.

Layout: `<scene>/<variation>/frames/{rgb,depth}/Camera_0/*` and `<scene>/<variation>/intrinsic.txt`
as the archives rgb, depth and textgt unpack. ZoeDepth tests on 8 % of all frames, drawn without a
seed; here it is 8 % evenly spaced, which is as many: 1701 of 21,260.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from grin_ros.camera import Camera

from ..sample import Sample
from .protocol import garg_crop, ProtocolSet, read_image, read_values

SHARE = 0.08


def load(root: Path) -> list[ProtocolSet]:
    """Find the frames and choose the share."""
    found = sorted(root.glob('Scene*/*/frames/rgb/Camera_0/rgb_*.jpg'))
    count = len(found) - int(len(found) * (1 - SHARE))
    chosen = [found[int((k + 0.5) * len(found) / count)] for k in range(count)]
    frames = [(_stem(path), partial(_read, path)) for path in chosen]
    return [ProtocolSet(root, 'vkitti2', 'outdoor', (1e-3, 80), frames, 1701, _crop)]


def _crop(size: tuple[int, int]) -> tuple[slice, slice]:
    """Return Garg's part of the 1216 x 352 that the KITTI benchmark cuts out at the bottom."""
    top, left = max(size[0] - 352, 0), max((size[1] - 1216) // 2, 0)
    rows, columns = garg_crop((min(size[0], 352), min(size[1], 1216)))
    return (
        slice(top + rows.start, top + rows.stop),
        slice(left + columns.start, left + columns.stop),
    )


def _stem(path: Path) -> str:
    scene, variation = path.parts[-6:-4]
    return f'{scene}_{variation}_{path.stem[4:]}'


def _read(path: Path) -> Sample:
    folder, number = path.parents[3], path.stem[4:]
    pixels = read_image(path)
    # Centimetres, 655.35 m for the sky.
    depth = read_values(folder / f'frames/depth/Camera_0/depth_{number}.png') / np.float32(100)
    rows = [line.split() for line in (folder / 'intrinsic.txt').read_text().splitlines()[1:]]
    K = next((row[2:6] for row in rows if row[:2] == [str(int(number)), '0']), None)
    if K is None:
        raise ValueError(f'{folder}/intrinsic.txt has no frame {int(number)} of camera 0')
    camera = Camera.from_intrinsics(*(float(k) for k in K), depth.shape)
    return Sample(pixels, depth, camera, _stem(path))
