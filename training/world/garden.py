# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What stands in gardens and yards, metres; all of it on the origin, facing +y."""

from __future__ import annotations

import math

from . import furniture, seat, vehicle
from .clutter import plant
from .hall import pallet
from .material import colour, Palette
from .nature import rock, stone_of
from .scene import Frame


def shed(at: Frame, palette: Palette) -> None:
    """Build a garden shed, its door towards +y."""
    rng = palette.rng
    wide, deep, high = rng.uniform(1.6, 4.0), rng.uniform(1.4, 3.0), rng.uniform(1.8, 2.3)
    first = colour(rng, (0.03, 0.12) if rng.random() < 0.7 else None, (0.1, 0.6), (0.2, 0.8))
    boards = palette.pattern('planks', first, None, rng.uniform(0.8, 1.6))
    at.box(0, 0, 0, wide, deep, high, boards)
    at.box(0.2 * wide, deep / 2, 0.05, 0.8, 0.05, 1.75, palette.wood())
    if rng.random() < 0.6:
        at.box(
            -0.25 * wide,
            deep / 2,
            1.0,
            0.5,
            0.04,
            0.5,
            palette.pattern('cloud', (0.03,) * 3, gloss=0.8),
        )
    taper = (0, 0, 1, 1) if rng.random() < 0.7 else (0, 0, 0, 1.9)
    felt = palette.plain((0, 0.3), (0.08, 0.4), 0.0)
    at.wedge(0, 0, high, wide + 0.3, deep + 0.4, rng.uniform(0.3, 0.9), taper, felt)


def woodpile(at: Frame, palette: Palette) -> None:
    """Stack firewood, its cut ends towards +y."""
    rng = palette.rng
    cut = palette.pattern('speckle', (0.5, 0.33, 0.17), (0.2, 0.12, 0.06), 0.5)
    count, rows = int(rng.integers(5, 16)), int(rng.integers(2, 7))
    for row in range(rows):
        for k in range(count - row):
            r = rng.uniform(0.06, 0.085)
            end = at.moved((k - (count - row) / 2) * 0.16, -0.2, 0.08 + 0.14 * row)
            end.tilted('x', -math.pi / 2).cylinder(0, 0, 0, r, rng.uniform(0.3, 0.42), cut)


def container(at: Frame, palette: Palette) -> None:
    """Set down a steel container or a skip."""
    rng = palette.rng
    paint = palette.pattern('stripes', colour(rng, None, (0.2, 0.9), (0.2, 0.8)), None, 1.0)
    if rng.random() < 0.5:
        length = rng.choice([6.06, 12.19]) if rng.random() < 0.7 else 3.0
        at.box(0, 0, 0.05, 2.44, length, 2.55, paint)
        at.box(0.3, length / 2, 0.2, 0.05, 0.05, 2.3, palette.metal())
        return
    turned = at.moved(0, 0, 1.1).tilted('x', math.pi)
    turned.wedge(0, 0, 0, 1.8, 3.6, 1.1, (0.1, 0.1, 0.35, 0.35), paint)
    if rng.random() < 0.6:
        rubble = palette.pattern('speckle', (0.4, 0.35, 0.3), (0.2, 0.15, 0.1), 0.8)
        at.ellipsoid(0, 0, 1.1, (0.75, 1.4, rng.uniform(0.2, 0.7)), rubble)


def laundry(at: Frame, palette: Palette) -> None:
    """Hang cloth on a line across x."""
    rng, steel = palette.rng, palette.metal()
    wide, tall = rng.uniform(3, 6), rng.uniform(1.7, 2.1)
    for x in (-wide / 2, wide / 2):
        at.cylinder(x, 0, 0, 0.03, tall + 0.05, steel)
    at.box(0, 0, tall, wide, 0.008, 0.008, steel)
    x = -wide / 2 + 0.3
    while x < wide / 2 - 0.8:
        cloth, drop = rng.uniform(0.3, 1.4), rng.uniform(0.3, 1.3)
        middle = min(x, wide / 2 - cloth) + cloth / 2
        at.box(middle, 0, tall - drop, cloth, 0.012, drop, palette.fabric())
        x += cloth + rng.uniform(0.05, 0.5)


def flower_bed(at: Frame, palette: Palette) -> None:
    """Lay out a bed of flowers with an edging."""
    rng = palette.rng
    wide, deep = rng.uniform(1, 4), rng.uniform(0.6, 2)
    soil = palette.pattern('asphalt', (0.08, 0.05, 0.03))
    at.box(0, 0, 0, wide, deep, rng.choice([0.1, 0.1, 0.45]), soil)
    leaf = palette.pattern('foliage', (0.05, 0.16, 0.03), (0.1, 0.2, 0.05), 0.4)
    petal = palette.pattern('foliage', colour(rng, None, (0.5, 1), (0.5, 0.95)), None, 0.2)
    for _ in range(rng.integers(8, 30)):
        x, y = rng.uniform(-0.45, 0.45) * wide, rng.uniform(-0.4, 0.4) * deep
        r = rng.uniform(0.1, 0.25)
        at.ellipsoid(x, y, 0.15 + 0.5 * r, (r, r, 1.3 * r), leaf)
        at.ellipsoid(x, y, 0.2 + 1.6 * r, (0.6 * r, 0.6 * r, 0.4 * r), petal)


def seats(at: Frame, palette: Palette) -> None:
    """Set a table with chairs around it, under a parasol now and then."""
    rng = palette.rng
    furniture.table(at, palette, rng.uniform(0.8, 1.6), 0.8, clutter=rng.integers(0, 5))
    for k in range(rng.integers(1, 5)):
        seat.chair(at.moved(yaw=k * math.pi / 2 + rng.normal(0, 0.15)).moved(0, -0.95), palette)
    if rng.random() < 0.4:
        at.cylinder(0, 0, 0, 0.025, 2.3, palette.metal())
        at.cylinder(0, 0, 2.05, rng.uniform(1.0, 1.6), 0.35, palette.fabric(), 0.05)


def parked_bicycle(at: Frame, palette: Palette) -> None:
    """Lean a bicycle, its side towards +y."""
    leaning = at.moved(yaw=math.pi / 2).tilted('y', palette.rng.normal(0, 0.1))
    vehicle.bicycle(leaning, palette)


def pot(at: Frame, palette: Palette) -> None:
    """Stand a plant up in a pot."""
    plant(at, palette, palette.rng.uniform(0.4, 1.8))


def stone(at: Frame, palette: Palette) -> None:
    """Lay a stone of 0.2 to 1 m."""
    rock(at, palette, palette.rng.uniform(0.2, 1.0), stone_of(palette))


def cartons(at: Frame, palette: Palette) -> None:
    """Pile up cartons."""
    furniture.cartons(at, palette, 1.2, 0.8)


def goods(at: Frame, palette: Palette) -> None:
    """Stack up to three pallets with goods."""
    z = 0.0
    for _ in range(palette.rng.integers(1, 4)):
        z += pallet(at.moved(0, 0, z), palette, palette.rng.uniform(0.2, 1.0))


def heap(at: Frame, palette: Palette) -> None:
    """Tip a heap of sand, gravel or earth."""
    rng = palette.rng
    loose = palette.pattern(rng.choice(['speckle', 'asphalt']), (0.4, 0.33, 0.24), None, 1.0)
    radius = rng.uniform(0.8, 3.0)
    at.cylinder(0, 0, 0, radius, 0.55 * radius, loose, rng.uniform(0.05, 0.4))


def barrels(at: Frame, palette: Palette) -> None:
    """Stand up to five barrels up."""
    paint = palette.plain((0.3, 0.9), (0.2, 0.8), 0.2)
    for x, y in palette.rng.normal(0, 0.7, (palette.rng.integers(1, 6), 2)):
        at.cylinder(x, y, 0, 0.29, 0.88, paint)
