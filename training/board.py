# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a run shows of itself in TensorBoard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from grin_ros import pictures

from .source import Source

TILE = 256  # pixels, height of a view


class Board:
    """
    Writes scalars and pictures of a run into a folder.

    step: where the run starts or goes on; what an interrupted run wrote beyond it is dropped
    """

    def __init__(self, folder: Path, step: int):
        self._writer = SummaryWriter(str(folder), purge_step=step)

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Add one value to each of some curves."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def picture(self, step: int, name: str, image: np.ndarray) -> None:
        """Add a picture (H, W, 3) uint8, RGB."""
        self._writer.add_image(name, image, step, dataformats='HWC')

    def text(self, step: int, name: str, text: str) -> None:
        """Add a text in Markdown."""
        self._writer.add_text(name, text, step)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


def views(sources: list[Source], seed: int) -> np.ndarray:
    """
    Draw one augmented view of each source beside its labels: what the network is shown.

    returns: (H, W, 3) uint8, RGB
    """
    rows = []
    for source in sources:
        view = source.view(seed % source.count, (seed,))
        size = (TILE, round(TILE * view.image.shape[1] / view.image.shape[0]))
        near, far = pictures.depth_range(view.depth)
        labels = pictures.colorize(pictures.thicken(view.depth, 3), near, far)
        tiles = (view.image, source.name), (labels, f'labels, {near:.1f} to {far:.1f} m')
        rows.append(np.hstack([pictures.label(pictures.fit(i, size), t) for i, t in tiles]))
    width = max(row.shape[1] for row in rows)
    return np.vstack(
        [
            np.pad(r, ((0, 4), (0, width - r.shape[1]), (0, 0)), constant_values=pictures.PAPER)
            for r in rows
        ]
    )
