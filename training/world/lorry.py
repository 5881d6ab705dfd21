# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Lorries at their real sizes, metres: rigid or with a trailer, and what they carry."""

from __future__ import annotations

import math

from .material import colour, Palette
from .scene import Frame
from .vehicle import glass_of, wheel

BED = 1.1  # metres above the road


def lorry(at: Frame, palette: Palette) -> None:
    """Build a lorry of 6 to 16.5 m around the frame's origin, looking along +y."""
    rng = palette.rng
    trailer = rng.random() < 0.5
    length = rng.uniform(12, 16.5) if trailer else rng.uniform(6, 10)
    front, rear = length / 2, -length / 2
    _cab(at.moved(0, front - 1.1), palette, rng.uniform(2.2, 3.0))
    load = length - 2.4 - 0.5 * trailer
    kind = rng.choice([_box, _tarpaulin, _tank, _container, _goods], p=[0.3, 0.3, 0.15, 0.1, 0.15])
    kind(at.moved(0, rear + load / 2, BED), palette, load)
    black = palette.pattern('cloud', (0.03, 0.03, 0.03), None)
    at.box(0, 0, 0.65, 1.0, length - 0.4, 0.45, black)
    axles = [front - 1.2, rear + 1.2, rear + 2.4]
    if trailer:
        axles += [rear + 3.6, front - 4.2]
        for x in (-1.2, 1.2):  # side guards
            at.box(x, rear + 0.45 * load, 0.5, 0.05, 0.3 * load, 0.4, palette.metal())
    for y in axles:
        for x in (-1, 1):
            wheel(at, palette, x * 1.24, y, 0.48, 0.3)
    _tail(at.moved(0, rear), palette)


def _cab(at: Frame, palette, height):
    rng = palette.rng
    first = colour(rng, None, (0, 0.85), (0.15, 0.95))
    paint = palette.pattern('cloud', first, None, 3.0, gloss=0.3)
    at.wedge(0, 0, 0.5, 2.45, 2.2, height, (0.05, 0.05, rng.uniform(0.05, 0.25), 0.0), paint)
    at.wedge(0, 0.55, 1.7, 2.4, 1.1, 0.85, (0.05, 0.05, 0.2, 0.0), glass_of(palette))
    for x in (-1.35, 1.35):  # mirrors
        at.box(x, 0.9, 1.7, 0.2, 0.1, 0.7, paint)


def _tail(at: Frame, palette):
    """Lamps, plate and, on many, striped boards."""
    rng = palette.rng
    red = palette.pattern('cloud', (0.45, 0.01, 0.01), None, glow=rng.choice([0.0, 0.0, 2.0]))
    for x in (-1.0, 1.0):
        at.box(x, 0, 0.75, 0.35, 0.08, 0.16, red)
    at.box(0, 0, 0.5, 2.3, 0.1, 0.12, palette.metal())
    at.box(0, -0.03, 0.62, 0.5, 0.08, 0.11, palette.picture('paper'))
    if rng.random() < 0.4:
        board = palette.pattern('stripes', (0.7, 0.03, 0.02), (0.75, 0.75, 0.7), 0.5)
        for x in (-0.75, 0.75):
            at.box(x, -0.02, 0.9, 0.9, 0.06, 0.25, board)


def _box(at: Frame, palette, length):
    height = palette.rng.uniform(1.9, 2.9)
    made_of = palette.plain((0, 0.5), (0.4, 0.95)) if palette.rng.random() < 0.6 else None
    at.box(0, 0, 0, 2.5, length, height, made_of or palette.picture())
    seam = palette.metal()
    for x in (-0.6, -0.03, 0.6):  # its doors
        at.box(x, -length / 2, 0.1, 0.04, 0.06, height - 0.2, seam)


def _tarpaulin(at: Frame, palette, length):
    rng = palette.rng
    height, rise = rng.uniform(2.0, 2.7), rng.choice([0.0, 0.2])
    first = colour(rng, None, (0.2, 0.95), (0.15, 0.9))
    cloth = palette.pattern('cloud', first, tuple(0.6 * c for c in first), 3.0, gloss=0.1)
    at.box(0, 0, 0, 2.5, length, 0.5, palette.metal())
    at.box(0, 0, 0.4, 2.52, length, height - 0.4, cloth)
    at.wedge(0, 0, height, 2.52, length, rise + 0.02, (0.6, 0.6, 0.05, 0.05), cloth)
    if rng.random() < 0.6:  # writing on its sides
        print_ = palette.picture()
        at.box(0, 0, 0.3 * height, 2.54, rng.uniform(0.3, 0.8) * length, 0.45 * height, print_)
    for k in range(int(length / 1.2)):  # straps
        at.box(0, (k + 0.5) * 1.2 - length / 2, 0.3, 2.55, 0.05, height - 0.35, palette.metal())


def _tank(at: Frame, palette, length):
    radius = palette.rng.uniform(0.85, 1.2)
    skin = palette.metal() if palette.rng.random() < 0.6 else palette.plain((0, 0.6), (0.3, 0.95))
    lying = at.moved(0, -length / 2, radius + 0.1).tilted('x', -math.pi / 2)
    lying.cylinder(0, 0, 0.2, radius, length - 0.4, skin)
    for y in (0.2, length - 0.2):
        lying.ellipsoid(0, 0, y, (radius, radius, 0.25), skin)
    for k in range(1, 5):  # hoops
        lying.cylinder(0, 0, k * length / 5, radius + 0.03, 0.08, palette.metal())
    at.box(0, 0, 2 * radius + 0.1, 0.6, 0.9 * length, 0.06, palette.metal())
    at.box(0, 0, 0, 1.6, length, 0.25, palette.metal())


def _container(at: Frame, palette, length):
    first = colour(palette.rng, None, (0.3, 0.9), (0.2, 0.8))
    ribs = palette.pattern('planks', first, tuple(0.7 * c for c in first), 1.0)
    at.box(0, 0, 0.1, 2.44, min(length, 12.2), 2.6, ribs)


def _goods(at: Frame, palette, length):
    """An open bed with planks, pipes, crates or a machine on it."""
    rng = palette.rng
    side = rng.choice([0.0, 0.5, 1.2])
    at.box(0, 0, 0, 2.5, length, 0.12, palette.wood())
    for x in (-1.22, 1.22):
        at.box(x, 0, 0.1, 0.05, length, side + 0.02, palette.metal())
    y = -length / 2 + 0.3
    while y < length / 2 - 1:
        long, wide = rng.uniform(1, 3), rng.uniform(1.0, 2.2)
        made_of = palette.wood() if rng.random() < 0.5 else palette.plain()
        at.box(rng.normal(0, 0.1), y + long / 2, 0.12, wide, long, rng.uniform(0.4, 2), made_of)
        y += long + rng.uniform(0.05, 1.5)
