# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""One picture of an evaluation: rgb, prediction, ground truth and error, a few frames a set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from grin_ros import pictures

from .metrics import depth_metrics
from .sample import Sample

TILE_WIDTH = 360  # pixels
FRAMES_PER_SET = 2  # the first ones


class ContactSheet:
    """Collects frames and writes them below each other."""

    def __init__(self):
        self._rows: list[np.ndarray] = []
        self._frames: Counter[str] = Counter()

    def add(self, name: str, sample: Sample, depth: np.ndarray, valid: np.ndarray) -> None:
        """
        Draw a frame, unless its set has its share already.

        name: of the set
        depth: (H, W), predicted metres, NaN where unknown
        valid: (H, W) bool, where the ground truth counts
        """
        if self._frames[name] >= FRAMES_PER_SET:
            return
        self._frames[name] += 1
        height, width = depth.shape
        size = (max(96, round(TILE_WIDTH * height / width)), TILE_WIDTH)
        answered = valid & np.isfinite(depth)
        text = 'no ground truth in range'
        if answered.any():
            text = f'abs_rel {depth_metrics(depth, sample.depth, answered)["abs_rel"]:.3f}'
        # Points of a scanner would vanish in the small tile.
        truth = pictures.thicken(np.where(valid, sample.depth, 0), round(width / TILE_WIDTH))
        near, far = pictures.depth_range(depth, truth)
        tiles = (
            (sample.image, f'{name} {sample.stem}'),
            (pictures.colorize(depth, near, far), text),
            (pictures.colorize(truth, near, far), 'ground truth'),
            (pictures.error_map(depth, truth), 'blue: too near (1/2), red: too far (x2)'),
        )
        row = [pictures.label(pictures.fit(tile, size), text) for tile, text in tiles]
        row.insert(3, pictures.legend(near, far, size[0]))
        self._rows.append(np.hstack(row))

    def write(self, path: str | Path) -> None:
        """Write the sheet as a PNG."""
        width = max(row.shape[1] for row in self._rows)
        padded = [np.pad(row, ((2, 2), (0, width - row.shape[1]), (0, 0))) for row in self._rows]
        pictures.write(path, np.vstack(padded))
