# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Doors and windows, and walls with holes for them.

A wall's frame has the inside towards +y and x along the wall; a hole is (left, right, bottom, top)
in it, metres.
"""

from __future__ import annotations

from .material import Palette
from .scene import Frame


def wall_with_holes(wall: Frame, cover, skirting, length, height, holes) -> None:
    """
    Build a wall of 20 cm that leaves holes, none above another, free.

    skirting: its material and height, metres
    """
    board, low = skirting
    x = -length / 2 - 0.2
    for left, right, bottom, top in sorted(holes):
        wall.box((x + left) / 2, -0.1, 0, left - x, 0.2, height, cover)
        wall.box((left + right) / 2, -0.1, top, right - left, 0.2, height - top, cover)
        if bottom > 0:
            wall.box((left + right) / 2, -0.1, 0, right - left, 0.2, bottom, cover)
        else:
            wall.box((x + left) / 2, 0.008, 0, left - x, 0.016, low, board)
        x = right
    end = length / 2 + 0.2
    wall.box((x + end) / 2, -0.1, 0, end - x, 0.2, height, cover)
    if not any(hole[2] == 0 for hole in holes):
        wall.box(0, 0.008, 0, length, 0.016, low, board)


def door_size(palette: Palette, height) -> tuple[float, float]:
    """Draw the width and height of a door, one in seven a double one, in a wall of a height."""
    double = palette.size(0.0, 1.0) < 0.15
    wide = palette.size(1.5, 1.8) if double else palette.size(0.7, 1.0)
    return wide, min(palette.size(1.95, 2.3), height - 0.12)


def door(at: Frame, palette: Palette, wide, tall) -> None:
    """Build a shut door in its frame; from 1.4 m on it has two leaves."""
    rng, leaf = palette.rng, palette.wood()
    leaves = [(0.0, wide)] if wide < 1.4 else [(-wide / 4, wide / 2), (wide / 4, wide / 2)]
    panelled = rng.random() < 0.6
    for x, w in leaves:
        at.box(x, 0.02, 0, w - 0.004, 0.03, tall, leaf)
        if panelled:
            for z, high in ((0.15, 0.75), (1.1, tall - 1.25)):
                at.box(x, 0.04, z, 0.7 * w, 0.015, high, leaf)
    _door_frame(at, palette, wide, tall)
    # A single door is opened at its edge, a double one near the middle.
    x = wide / 2 - 0.08 if len(leaves) == 1 else 0.08
    at.box(x, 0.06, palette.size(0.95, 1.1), 0.12, 0.03, 0.025, palette.metal())


def doorway(wall: Frame, palette: Palette, x, size, paint) -> tuple:
    """Build an open door, its leaves turned aside and a dim room behind; returns the hole."""
    rng, at, (wide, tall) = palette.rng, wall.moved(x), size
    _door_frame(at, palette, wide, tall)
    broad, deep, ground = rng.uniform(1.6, 4.0), rng.uniform(1.2, 4.0), palette.floor()
    broad, high = max(broad, wide + 0.3), max(2.4, tall + 0.1)
    at.box(0, -0.2 - deep / 2, -0.2, broad, deep + 0.4, 0.2, ground)
    at.box(0, -0.2 - deep / 2, high, broad, deep, 0.2, palette.ceiling())
    at.box(0, -0.25 - deep, 0, broad, 0.1, high + 0.1, paint)
    for side in (-1, 1):
        at.box(side * broad / 2, -0.2 - deep / 2, 0, 0.1, deep, high + 0.1, paint)
    if rng.random() < 0.7:
        leaf, wood = wide if wide < 1.4 else wide / 2, palette.wood()
        for side in (1,) if wide < 1.4 else (1, -1):
            hinge = at.moved(side * wide / 2, 0, 0, side * rng.uniform(0.8, 2.6))
            hinge.box(-side * leaf / 2, 0, 0.01, leaf, 0.04, tall - 0.01, wood)
    return x - wide / 2, x + wide / 2, 0.0, tall


def _door_frame(at: Frame, palette, wide, tall):
    frame = palette.wood()
    for x in (-wide / 2 - 0.04, wide / 2 + 0.04):
        at.box(x, 0.025, 0, 0.08, 0.05, tall + 0.06, frame)
    at.box(0, 0.025, tall, wide + 0.16, 0.05, 0.08, frame)


def window(wall: Frame, palette: Palette, x, width, height, glass) -> tuple:
    """
    Hang a window, perhaps with curtains or blinds; returns its hole.

    Where it is wide it may be a glass door to a terrace, which has no sill.

    glass: a shining pane that nobody looks through; without it the wall must have the hole
    """
    rng, at = palette.rng, wall.moved(x)
    sill, tall = rng.uniform(0.6, 1.0), rng.uniform(0.9, 1.4)
    terrace = width > 0.9 and rng.random() < 0.5
    if terrace:
        sill, tall = 0.0, rng.uniform(1.95, 2.2)
    tall = min(tall, height - sill - 0.1)
    if glass:
        pane = palette.shining(rng.uniform(1.5, 8.0))
        if rng.random() < 0.3:
            pane = palette.picture(bright=0.9, glow=rng.uniform(1.0, 4.0), gloss=0.3)
        at.box(0, 0.0, sill, width, 0.03, tall, pane)
    frame = palette.plain((0, 0.2), (0.5, 0.95))
    for side in (-width / 2, 0.0, width / 2):
        at.box(side, 0.0, sill, 0.05, 0.08, tall, frame)
    for z in (sill - 0.03, sill + tall - 0.03):
        at.box(0, 0.0, z, width + 0.05, 0.08, 0.05, frame)
    if terrace:
        _terrace(at, palette, width)
    else:
        at.box(0, 0.1, sill - 0.04, width + 0.1, 0.2, 0.03, frame)
    _drape(at, palette, width, sill, tall)
    return x - width / 2, x + width / 2, sill, sill + tall


def _terrace(at: Frame, palette, width):
    """Lay slabs outside and perhaps stand a wall at their end."""
    rng, deep = palette.rng, palette.rng.uniform(0.8, 4.0)
    at.box(0, -0.2 - deep / 2, -0.25, width + 6, deep, 0.2, palette.floor())
    if rng.random() < 0.6:
        at.box(0, -0.2 - deep, -0.05, width + 6, 0.15, rng.uniform(0.5, 2.0), palette.wall())


def _drape(at: Frame, palette, width, sill, tall):
    rng, slat = palette.rng, palette.plain((0, 0.2), (0.5, 0.95))
    if rng.random() < (0.4 if sill else 0.8):
        cloth, long = palette.fabric(), rng.random() < 0.5
        for side in (-1, 1):
            for k in range(rng.integers(2, 10 if long else 6)):
                x = side * (width / 2 + 0.1 - 0.07 * k)
                bottom = 0.02 if long else 0.1
                at.cylinder(x, 0.1, bottom, 0.045, sill + tall + 0.1 - bottom, cloth)
    elif rng.random() < 0.25:
        for k in range(int(tall / 0.06)):
            at.moved(0, 0.06, sill + 0.06 * k).tilted('x', 0.6).box(
                0, 0, 0, width, 0.05, 0.004, slat
            )
