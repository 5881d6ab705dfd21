# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Rocks, fallen trees, grass and water, metres."""

from __future__ import annotations

import math

from .material import colour, Material, Palette
from .scene import Frame


def stone_of(palette: Palette) -> Material:
    """Return the surface of rocks."""
    rng = palette.rng
    first = colour(rng, (0.03, 0.15), (0.0, 0.25), (0.25, 0.75))
    kind = rng.choice(['asphalt', 'speckle', 'marble', 'plaster'])
    rough = lambda: palette.pattern(kind, first, None, rng.uniform(0.5, 2.0))
    return palette.photo(('ground', 'concrete'), 1.5, rough, 0.2)


def rock(at: Frame, palette: Palette, size, stone: Material) -> None:
    """Lay a rock of about a size, round or broken, partly in the ground."""
    rng = palette.rng
    wide, deep, high = size * rng.uniform(0.5, 1.0, 3)
    laid = at.moved(yaw=rng.uniform(0, 2 * math.pi)).tilted('x', rng.normal(0, 0.25))
    if rng.random() < 0.5:
        laid.ellipsoid(0, 0, 0.15 * high, (wide / 2, deep / 2, high / 2), stone)
        return
    taper = tuple(rng.uniform(0.05, 0.6, 4))
    laid.wedge(0, 0, -0.3 * high, wide, deep, high, taper, stone)
    if rng.random() < 0.5:
        laid.moved(0.3 * wide, yaw=0.7).wedge(
            0, 0, -0.2 * high, 0.6 * wide, deep, 0.6 * high, taper[::-1], stone
        )


def log(at: Frame, palette: Palette, bark: Material) -> None:
    """Lay a trunk down along +y, or leave its stump."""
    rng = palette.rng
    radius = rng.uniform(0.08, 0.35)
    cut = palette.pattern('grain', (0.45, 0.3, 0.16), None, 0.3)
    if rng.random() < 0.35:
        tall = rng.uniform(0.2, 0.6)
        at.cylinder(0, 0, -0.1, 1.2 * radius, tall + 0.1, bark, 0.9)
        at.cylinder(0, 0, tall, 0.95 * radius, 0.01, cut)
        return
    length = rng.uniform(1.0, 7.0)
    lying = at.moved(0, -length / 2, 0.8 * radius).tilted('x', -math.pi / 2 + rng.normal(0, 0.02))
    lying.cylinder(0, 0, 0, radius, length, bark, rng.uniform(0.6, 0.95))


def tuft(at: Frame, palette: Palette, leaf: Material, size) -> None:
    """Grow grass, fern or reed of a height, metres."""
    rng = palette.rng
    for _ in range(rng.integers(2, 6)):
        blade = at.moved(*rng.normal(0, 0.25 * size, 2), -0.05, rng.uniform(0, 2 * math.pi))
        leaning = blade.tilted('x', rng.normal(0, 0.4))
        leaning.cylinder(
            0, 0, 0, rng.uniform(0.06, 0.2) * size, size * rng.uniform(0.6, 1), leaf, 0.1
        )


def pond(at: Frame, palette: Palette) -> None:
    """Fill a pond or a basin; what is measured of water is its surface."""
    rng = palette.rng
    water = palette.pattern(
        'cloud', colour(rng, (0.25, 0.6), (0.2, 0.6), (0.08, 0.3)), None, 6.0, gloss=0.8
    )
    wide, deep = rng.uniform(1.5, 7), rng.uniform(1.5, 6)
    if rng.random() < 0.4:  # of stone, round, with a pillar
        radius, rim = rng.uniform(1.2, 4.0), stone_of(palette)
        at.cylinder(0, 0, 0, radius, 0.5, rim)
        at.cylinder(0, 0, 0.495, radius - 0.25, 0.01, water)
        at.cylinder(0, 0, 0.5, 0.3, rng.uniform(0.3, 1.8), rim, 0.6)
        return
    at.ellipsoid(0, 0, -0.02, (wide, deep, 0.05), water)
    stone = stone_of(palette)
    for _ in range(rng.integers(0, 14)):
        turn = rng.uniform(0, 2 * math.pi)
        place = at.moved(0.92 * wide * math.cos(turn), 0.92 * deep * math.sin(turn))
        rock(place, palette, rng.uniform(0.2, 0.9), stone)
