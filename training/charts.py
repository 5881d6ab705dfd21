# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Bars and lines as SVG text for self-contained HTML pages, without a plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

WIDTH, HEIGHT, LEFT, BELOW, ABOVE = 460, 200, 44, 34, 12  # pixels
COLOURS = ('#2a6fbb', '#d1495b', '#3c8d5a')


def bars(edges: Sequence[float], counts: Sequence[float], label: str, log: bool = False) -> str:
    """
    Draw a histogram.

    edges: N + 1 ascending values, positive where log
    counts: N
    label: of the horizontal axis, with its unit
    """
    edges, counts = np.asarray(edges, float), np.asarray(counts, float)
    place = _axis(edges, log)
    top = max(counts.max(), 1e-9)
    shapes = [
        f'<rect x="{place(a):.1f}" y="{_row(n / top):.1f}" '
        f'width="{max(place(b) - place(a) - 0.5, 0.5):.1f}" '
        f'height="{_row(0) - _row(n / top):.1f}" fill="{COLOURS[0]}"/>'
        for a, b, n in zip(edges[:-1], edges[1:], counts)
    ]
    return _frame(shapes, place, _ticks(edges, log), [(0, '0'), (1, _short(top))], label)


def lines(x: Sequence[float], rows: Sequence[Sequence[float]], names: Sequence[str], label: str):
    """
    Draw curves over one axis.

    x: (N,), ascending
    rows: (R, N), R up to three
    """
    x, rows = np.asarray(x, float), np.asarray(rows, float)
    place = _axis(x, log=False)
    low, high = float(rows.min()), float(rows.max())
    span = max(high - low, 1e-9)
    shapes = []
    for number, (row, name) in enumerate(zip(rows, names)):
        colour = COLOURS[number]
        points = ' '.join(f'{place(a):.1f},{_row((b - low) / span):.1f}' for a, b in zip(x, row))
        shapes.append(f'<polyline points="{points}" fill="none" stroke="{colour}" '
                      f'stroke-width="2"/>')  # fmt: skip
        shapes.append(f'<text x="{LEFT + 8 + 60 * number}" y="{ABOVE - 2}" '
                      f'fill="{colour}">{escape(name)}</text>')  # fmt: skip
    ticks = [(0, f'{low:.2f}'), (1, f'{high:.2f}')]
    return _frame(shapes, place, _ticks(x, False), ticks, label)


def stacked(panels: Sequence[str]) -> str:
    """Put charts below each other, two abreast, as one SVG file."""
    rows = -(-len(panels) // 2)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{rows * HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="#555">'
        f'<rect width="100%" height="100%" fill="#fff"/>'
    ]
    for place, panel in enumerate(panels):
        corner = f'{place % 2 * WIDTH},{place // 2 * HEIGHT}'
        out.append(f'<g transform="translate({corner})">{panel}</g>')
    return ''.join([*out, '</svg>\n'])


def _short(count: float) -> str:
    for size, letter in ((1e6, ' M'), (1e3, ' k')):
        if count >= 10 * size:
            return f'{count / size:.0f}{letter}'
    return f'{count:.4g}'


def _axis(values: np.ndarray, log: bool):
    """Return the function from a value to its column."""
    scale = np.log if log else np.asarray
    low, high = float(scale(values[0])), float(scale(values[-1]))
    span = max(high - low, 1e-12)
    return lambda value: LEFT + (WIDTH - LEFT - 14) * (float(scale(value)) - low) / span


def _row(share: float) -> float:
    return ABOVE + (HEIGHT - ABOVE - BELOW) * (1 - share)


def _ticks(values: np.ndarray, log: bool) -> list[float]:
    low, high = float(values[0]), float(values[-1])
    if log:
        return [v for v in (0.5, 1, 2, 5, 10, 20, 50, 100, 200) if low <= v <= high]
    step = 10 ** np.floor(np.log10(max(high - low, 1e-9)))
    step *= next(f for f in (0.2, 0.5, 1, 2) if (high - low) / (step * f) <= 6)
    return [float(v) for v in np.arange(np.ceil(low / step), high / step + 1e-9) * step]


def _frame(shapes, place, ticks, rows, label: str) -> str:
    """Put axes around what was drawn."""
    base, right = _row(0), WIDTH - 14
    out = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">', *shapes]
    out.append(f'<path d="M{LEFT} {ABOVE}V{base}H{right}" fill="none" stroke="#888"/>')
    for value in ticks:
        out.append(f'<path d="M{place(value):.1f} {base}v4" stroke="#888"/>')
        text = f'{0.0 if abs(value) < 1e-12 else value:.4g}'
        out.append(f'<text x="{place(value):.1f}" y="{base + 15:.0f}" '
                   f'text-anchor="middle">{text}</text>')  # fmt: skip
    for share, text in rows:
        out.append(f'<text x="{LEFT - 5}" y="{_row(share) + 4:.0f}" '
                   f'text-anchor="end">{text}</text>')  # fmt: skip
    out.append(f'<text x="{(LEFT + right) / 2:.0f}" y="{HEIGHT - 4}" '
               f'text-anchor="middle">{escape(label)}</text></svg>')  # fmt: skip
    return ''.join(out)
