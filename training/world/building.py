# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Buildings along a street, metres: facades look along +x and run along +y."""

from __future__ import annotations

import math

from .material import colour, Material, Palette
from .scene import Frame


def _wall(palette) -> Material:
    rng = palette.rng
    first = colour(rng, (0.02, 0.16) if rng.random() < 0.8 else None, (0.0, 0.45), (0.35, 0.95))
    kind = rng.choice(['plaster', 'plaster', 'bricks', 'panels', 'planks'])
    scale = {'plaster': 4.0, 'bricks': 1.2, 'panels': 5.0, 'planks': 1.6}[kind]
    second = tuple(rng.uniform(0.6, 0.9) * c for c in first)
    paint = lambda: palette.pattern(kind, first, second, scale)
    return palette.photo(('brick', 'concrete', 'wall'), 2.5, paint, 0.2)


def _pane(palette) -> Material:
    dark = palette.rng.uniform(0.01, 0.08)
    return palette.pattern('cloud', (dark, dark, 1.2 * dark), None, 2.0, gloss=0.8)


def house(at: Frame, palette: Palette, length) -> float:
    """
    Build a detached house, town house, block, hall or garden wall.

    length: metres along the street; returns: its depth away from the street
    """
    rng = palette.rng
    kind = rng.random()
    floors = int(rng.integers(1, 4)) if kind < 0.5 else int(rng.integers(3, 8))
    storey, depth = rng.uniform(2.7, 3.4), rng.uniform(8, 14)
    height, wall = floors * storey + 0.4, _wall(palette)
    if kind > 0.85:  # windows drawn on: cheap and plausible from afar
        first = colour(rng, None, (0.0, 0.4), (0.35, 0.9))
        wall = palette.facade(first, storey, gloss=0.1)
    at.box(-depth / 2, length / 2, 0, depth, length, height, wall)
    if kind <= 0.85:
        _windows(at, palette, length, floors, storey)
    _roof(at.moved(-depth / 2, length / 2, height), palette, depth, length)
    return depth


def _windows(at: Frame, palette, length, floors, storey):
    rng = palette.rng
    width, tall = rng.uniform(0.8, 1.8), rng.uniform(1.1, 1.8)
    step = width + rng.uniform(0.7, 2.0)
    count = max(1, int((length - 0.6) / step))
    start = (length - (count - 1) * step) / 2
    frame, pane = palette.plain((0, 0.3), (0.3, 0.95), 0.0), _pane(palette)
    shop = rng.random() < 0.25
    balcony, rail = rng.random() < 0.25, palette.size(0.85, 1.1)
    door = rng.integers(count)
    for floor in range(floors):
        z = floor * storey + 0.9
        for k in range(count):
            y = start + k * step
            if floor == 0 and k == door:
                at.box(0.02, y, 0.05, 0.08, 1.1, 2.15, palette.wood())
                at.box(0.2, y, 0, 0.9, 1.5, 0.12, frame)
                continue
            if floor == 0 and shop:
                at.box(0.0, y, 0.4, 0.1, 0.9 * step, 2.1, pane)
                continue
            at.box(-0.01, y, z, 0.08, width, tall, pane)
            at.box(0.02, y, z - 0.08, 0.2, width + 0.2, 0.08, frame)
            if length < 16:
                at.box(0.0, y, z, 0.1, 0.06, tall, frame)
                at.box(0.0, y, z + tall, 0.12, width + 0.1, 0.07, frame)
            if balcony and floor and k % 2:
                at.box(0.5, y, z - 0.95, 1.0, step, 0.15, frame)
                at.box(0.98, y, z - 0.8, 0.04, step, rail, frame)
    if shop:
        at.box(0.08, length / 2, 2.6, 0.2, 0.9 * length, 0.5, palette.picture())
        if rng.random() < 0.5:
            at.moved(0, length / 2, 2.6).tilted('y', 0.35).box(
                0.6, 0, 0, 1.2, 0.8 * length, 0.04, palette.fabric()
            )


def _roof(at: Frame, palette, depth, length):
    rng = palette.rng
    first = colour(rng, (0.0, 0.08), (0.1, 0.7), (0.2, 0.6))
    tile = palette.pattern('bricks', first, tuple(0.5 * c for c in first), 1.5)
    if rng.random() < 0.3:
        at.box(0, 0, 0, depth + 0.4, length + 0.2, 0.3, tile)
        return
    rise, turned = rng.uniform(2.0, 4.5), rng.random() < 0.35
    taper = (0, 0, 1, 1) if turned else (1, 1, 0, 0)
    at.wedge(0, 0, 0, depth + 0.8, length + (0.6 if turned else 0.0), rise, taper, tile)
    if rng.random() < 0.6:
        at.box(0.1 * depth, rng.uniform(-0.3, 0.3) * length, 0.5, 0.6, 0.6, rise, _wall(palette))


def fence(at: Frame, palette: Palette, length) -> None:
    """Build a wall, a picket fence or a railing along y."""
    rng = palette.rng
    tall, kind = rng.uniform(0.7, 1.9), rng.random()
    if kind < 0.4:
        at.box(0, length / 2, 0, 0.25, length, tall, _wall(palette))
        at.box(0, length / 2, tall, 0.35, length, 0.08, palette.plain((0, 0.1), (0.3, 0.7)))
        return
    made_of = palette.wood() if rng.random() < 0.5 else palette.metal()
    step = rng.uniform(0.12, 0.25) if length < 14 else rng.uniform(0.5, 1.0)
    thick = 0.6 * step if rng.random() < 0.5 else 0.03
    for k in range(int(length / step)):
        at.box(0, k * step, 0, 0.03, thick, tall, made_of)
    for z in (0.2 * tall, 0.85 * tall):
        at.box(0.02, length / 2, z, 0.04, length, 0.06, made_of)


def garage(at: Frame, palette: Palette) -> None:
    """Build a garage of 3 x 6 m."""
    at.box(-3, 1.5, 0, 6, 3, 2.6, _wall(palette))
    door = palette.pattern('panels', colour(palette.rng, None, (0, 0.4), (0.3, 0.9)), None, 2.0)
    at.box(0, 1.5, 0, 0.06, 2.5, 2.1, palette.photo(('door',), 1.0, lambda: door, 0.3, fit=True))


def pole(at: Frame, palette: Palette) -> None:
    """Build a street lamp, a sign, a traffic light, a bollard or a power pole beside the road."""
    rng = palette.rng
    steel, what = palette.metal(), rng.random()
    if what < 0.35:
        tall = rng.uniform(4.5, 9.0)
        at.cylinder(0, 0, 0, 0.09, tall, steel, 0.6)
        at.box(0.7, 0, tall, 1.4, 0.08, 0.08, steel)
        at.box(1.4, 0, tall - 0.05, 0.6, 0.25, 0.12, steel)
    elif what < 0.7:
        tall = rng.uniform(2.2, 3.2)
        at.cylinder(0, 0, 0, 0.035, tall, steel)
        face = palette.picture()
        size = rng.uniform(0.5, 0.9)
        if rng.random() < 0.5:
            disc = at.moved(0, -0.05, tall - size / 2).tilted('x', math.pi / 2)
            disc.cylinder(0, 0, 0, size / 2, 0.02, face)
        else:
            at.box(0, -0.05, tall - size, size * rng.uniform(0.7, 2.0), 0.02, size, face)
    elif what < 0.8:
        at.cylinder(0, 0, 0, 0.06, 3.2, steel)
        black = palette.pattern('cloud', (0.02, 0.02, 0.02))
        at.box(0, -0.1, 2.4, 0.3, 0.25, 0.9, black)
        for k, lit in enumerate(((0.02, 0.6, 0.1), (0.7, 0.5, 0.02), (0.7, 0.02, 0.02))):
            lamp = palette.pattern('cloud', lit, lit, glow=2.0 * (rng.random() < 0.4))
            at.ellipsoid(0, -0.22, 2.55 + 0.28 * k, (0.1, 0.06, 0.1), lamp)
    elif what < 0.9:
        at.cylinder(0, 0, 0, 0.08, rng.uniform(0.6, 1.1), palette.plain())
    else:
        at.cylinder(0, 0, 0, 0.14, 8.0, palette.wood(), 0.7)
        at.box(0, 0, 7.3, 2.0, 0.12, 0.12, palette.wood())
