# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The table and the sparsification curves that `grin eval --uncertainty` shows."""

from __future__ import annotations

import cv2
import numpy as np
from rich.table import Table

from grin_ros import pictures

from .uncertainty import FIGURES, REMOVED


def figures_table(reports: dict[str, dict]) -> Table:
    """Set the FIGURES of every set; reports: name of a set -> its mean figures."""
    table = Table(title='uncertainty', title_justify='left', box=None, padding=(0, 2, 0, 0))
    table.add_column('set', no_wrap=True)
    for name in FIGURES:
        table.add_column(name, justify='right', no_wrap=True)
    for name, figures in reports.items():
        table.add_row(name, *(f'{figures[key]:.3f}' for key in FIGURES))
    return table


def draw_curves(reports: dict[str, dict], size: tuple[int, int] = (260, 340)) -> np.ndarray:
    """
    Draw the sparsification curves of every set: ours, the oracle's and random order's.

    reports: name of a set -> its mean figures
    size: (height, width) of one plot, pixels
    returns: picture (H, W, 3) uint8, three plots a row
    """
    plots = [_plot(name, figures, size) for name, figures in reports.items()]
    blank = np.full((*size, 3), pictures.PAPER, np.uint8)
    columns = min(3, len(plots))
    plots += [blank] * (-len(plots) % columns)
    rows = [np.hstack(plots[i : i + columns]) for i in range(0, len(plots), columns)]
    return np.vstack(rows)


def _plot(name: str, figures: dict, size: tuple[int, int]) -> np.ndarray:
    height, width = size
    top, bottom, left, right = 44, height - 34, 40, width - 14
    picture = np.full((height, width, 3), pictures.PAPER, np.uint8)
    high = max(1.0, *figures['curve'])

    def at(share, value):
        x, y = left + (right - left) * share, bottom - (bottom - top) * value / high
        return round(x), round(y)

    def text(words, place, colour=(200, 200, 200)):
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(picture, words, place, font, 0.38, colour, 1, cv2.LINE_AA)

    cv2.rectangle(picture, (left, top), (right, bottom), (90, 90, 90), 1)
    lines = (
        ('random', np.ones(len(REMOVED)), (130, 130, 130)),
        ('oracle', figures['oracle'], (90, 200, 120)),
        ('std', figures['curve'], (245, 160, 70)),
    )
    for i, (label, values, colour) in enumerate(lines):
        points = np.array([at(x, y) for x, y in zip(REMOVED, values)], np.int32)
        cv2.polylines(picture, [points], False, colour, 2, cv2.LINE_AA)
        text(label, (left + 8 + 62 * i, bottom - 8), colour)
    for share in (0, 0.5, 1):
        text(f'{share:.0%}', (at(share, 0)[0] - 12, bottom + 15))
        text(f'{share:.1f}', (10, at(0, share)[1] + 4))
    text('pixels taken away, least certain first', (left, bottom + 29))
    text(name, (left, 16), (240, 240, 240))
    text(
        f'rank {figures["rank_correlation"]:.2f}  AUSE {figures["ause"]:.3f} of '
        f'{figures["ause_random"]:.3f}  90 %: {figures["coverage_90"]:.0%}',
        (left, 34),
    )
    return picture
