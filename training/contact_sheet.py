# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""One picture of an evaluation: rgb, prediction, ground truth and error, a few frames a set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grin_ros import pictures

from .metrics import depth_metrics
from .sample import Sample

TILE_WIDTH = 360  # pixels
LEGEND = 3  # its place in a row, after the depths that it explains


class ContactSheet:
    """Collects frames and writes them below each other."""

    def __init__(self):
        self._rows: list[list[np.ndarray]] = []

    def add(self, name: str, sample: Sample, depth: np.ndarray, valid: np.ndarray) -> None:
        """
        Draw a frame.

        name: of the set
        depth: (H, W), predicted metres, NaN where unknown
        valid: (H, W) bool, where the ground truth counts
        """
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
        row.insert(LEGEND, pictures.legend(near, far, size[0]))
        self._rows.append(row)

    def picture(self) -> np.ndarray:
        """Return the sheet: (H, W, 3) uint8, RGB."""
        width = max(row[LEGEND].shape[1] for row in self._rows)
        for row in self._rows:
            row[LEGEND] = _margin(row[LEGEND], right=width - row[LEGEND].shape[1])
        rows = [np.hstack(row) for row in self._rows]
        full = max(row.shape[1] for row in rows)
        return np.vstack([_margin(row, right=full - row.shape[1], below=4) for row in rows])

    def write(self, path: str | Path) -> None:
        """Write the sheet as a PNG."""
        pictures.write(path, self.picture())


def _margin(picture: np.ndarray, right: int = 0, below: int = 0) -> np.ndarray:
    return np.pad(picture, ((0, below), (0, right), (0, 0)), constant_values=pictures.PAPER)
