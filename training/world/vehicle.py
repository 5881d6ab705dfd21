# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Vehicles and people at their real sizes, metres; all look along +y and stand on the ground."""

from __future__ import annotations

import math

from .material import colour, Material, Palette
from .scene import Frame


def glass_of(palette: Palette) -> Material:
    """Return the dark glass of a window seen from outside."""
    return palette.pattern('cloud', (0.02, 0.025, 0.03), None, 2.0, gloss=0.9)


def wheel(at: Frame, palette: Palette, x, y, radius, width) -> None:
    """Build a wheel whose outer face is at x, its hub y along and radius above the ground."""
    side = at.moved(x - math.copysign(width / 2, x), y, radius).tilted('y', math.pi / 2)
    tyre = palette.pattern('asphalt', (0.015, 0.015, 0.016), None, 0.3)
    side.cylinder(0, 0, -width / 2, radius, width, tyre)
    rim = palette.pattern('cloud', colour(palette.rng, None, (0, 0.1), (0.3, 0.8)), gloss=0.4)
    side.cylinder(0, 0, -width / 2 - 0.01, 0.62 * radius, width + 0.02, rim)


def car(at: Frame, palette: Palette) -> None:
    """Build a hatchback, saloon, estate or small van, about 4.4 x 1.8 x 1.5 m."""
    rng = palette.rng
    length, width, height = rng.uniform(3.6, 4.9), rng.uniform(1.65, 1.9), rng.uniform(1.4, 1.75)
    grey = rng.random() < 0.65
    first = colour(rng, None, (0.0, 0.1) if grey else (0.5, 0.9), (0.08, 0.95))
    paint = palette.pattern('cloud', first, None, 3.0, gloss=rng.uniform(0.3, 0.8))
    black = palette.pattern('cloud', (0.02, 0.02, 0.02), None, 1.0)
    glass, belt, sill = glass_of(palette), rng.uniform(0.56, 0.62) * height, 0.22
    # Body, bonnet and boot; the nose and the tail lean in a little.
    at.wedge(0, 0, sill, width, length, belt - sill, (0.05, 0.05, 0.06, 0.03), paint)
    at.box(0, 0, 0.16, 0.9 * width, 0.92 * length, 0.1, black)
    tail, nose = rng.choice([0.02, 0.03, 0.12, 0.2]) * length, rng.uniform(0.2, 0.28) * length
    cabin, middle = length - nose - tail, (tail - nose) / 2
    back = rng.uniform(0.15, 0.6) if tail < 0.05 * length else rng.uniform(0.5, 0.8)
    taper = (0.22, 0.22, rng.uniform(0.5, 0.75), back)
    at.wedge(0, middle, belt, 0.94 * width, cabin, height - belt - 0.05, taper, glass)
    lean = [1 - t for t in taper]
    at.wedge(0, middle + cabin * (taper[3] - taper[2]) / 4, height - 0.1,
             0.94 * width * lean[0] + 0.03, cabin / 2 * (lean[2] + lean[3]) + 0.06, 0.1,
             (0.08, 0.08, 0.05, 0.05), paint)  # fmt: skip
    for x in (-1, 1):  # pillars
        for y in (0.16 * cabin, -0.24 * cabin):
            post = at.moved(x * 0.43 * width, middle + y, belt - 0.02).tilted('y', -x * 0.2)
            post.box(0, 0, 0, 0.04, 0.09, height - belt - 0.04, paint)
        at.box(x * (width / 2 + 0.08), middle + 0.33 * cabin, belt, 0.16, 0.1, 0.12, paint)
    radius = rng.uniform(0.29, 0.35)
    for y in (-0.3 * length, 0.31 * length):
        for x in (-1, 1):
            wheel(at, palette, x * (width / 2 + 0.01), y, radius, 0.2)
    red = palette.pattern('cloud', (0.45, 0.01, 0.01), None, glow=rng.choice([0.0, 0.0, 2.0]))
    white = palette.pattern(
        'cloud', (0.8, 0.8, 0.75), None, gloss=0.6, glow=rng.choice([0.0, 0.0, 3.0])
    )
    for x in (-0.38, 0.38):
        at.box(x * width, -length / 2 + 0.03, 0.62 * belt, 0.22 * width, 0.1, 0.16, red)
        at.box(x * width, length / 2 - 0.05, 0.55 * belt, 0.22 * width, 0.1, 0.14, white)
    for y in (-length / 2, length / 2):
        at.box(0, y, 0.45 * belt, 0.5, 0.06, 0.11, palette.picture('paper'))
        at.box(0, 0.98 * y, 0.24, 0.96 * width, 0.1, 0.2, paint if rng.random() < 0.6 else black)


def van(at: Frame, palette: Palette) -> None:
    """Build a delivery van or a bus."""
    rng = palette.rng
    bus = rng.random() < 0.3
    length = rng.uniform(8, 12) if bus else rng.uniform(4.8, 6.5)
    width, height = (2.5, 3.1) if bus else (rng.uniform(1.9, 2.1), rng.uniform(2.0, 2.6))
    paint = palette.pattern(
        'cloud', colour(rng, None, (0, 0.6), (0.4, 0.95)), None, 3.0, gloss=0.3
    )
    at.wedge(0, 0, 0.3, width, length, height - 0.3, (0.06, 0.06, 0.1, 0.02), paint)
    glass = glass_of(palette)
    at.wedge(
        0,
        length / 2 - 0.55,
        0.5 * height,
        width + 0.02,
        1.15,
        0.36 * height,
        (0.06, 0.06, 0.4, 0.0),
        glass,
    )
    at.box(0, -length / 2, 0.5 * height, 0.7 * width, 0.04, 0.33 * height, glass)
    if bus:
        at.box(0, 0, 0.45 * height, width + 0.02, 0.9 * length, 0.35 * height, glass)
    elif rng.random() < 0.4:
        at.box(
            0,
            -0.1 * length,
            0.4 * height,
            width + 0.02,
            0.4 * length,
            0.3 * height,
            palette.picture(),
        )
    for y in (-0.3 * length, 0.32 * length):
        for x in (-1, 1):
            wheel(at, palette, x * (width / 2 + 0.01), y, 0.36, 0.24)
    red = palette.pattern('cloud', (0.45, 0.01, 0.01), None)
    for x in (-0.44, 0.44):
        at.box(x * width, -length / 2, 0.8, 0.14, 0.04, 0.3, red)
    at.box(0, -length / 2, 0.6, 0.5, 0.05, 0.11, palette.picture('paper'))


def person(at: Frame, palette: Palette) -> None:
    """Stand or walk a person of 1.5 to 1.95 m."""
    rng = palette.rng
    tall, stride = rng.uniform(1.5, 1.95), rng.uniform(0.0, 0.45)
    trousers, shirt = palette.plain((0, 0.6), (0.05, 0.5), 0.0), palette.fabric()
    skin = palette.pattern('cloud', colour(rng, (0.04, 0.08), (0.3, 0.6), (0.3, 0.9)))
    hip, shoulder = 0.5 * tall, 0.82 * tall
    for side in (-1, 1):
        leg = at.moved(0.09 * side, 0, hip).tilted('x', math.pi + side * stride)
        leg.cylinder(0, 0, 0, 0.085, hip / math.cos(stride) - 0.02, trousers, 0.65)
        foot = hip * math.tan(side * stride)
        at.box(0.09 * side, foot + 0.05, 0, 0.09, 0.26, 0.08, palette.plain((0, 0.5), (0.05, 0.5)))
        arm = at.moved(0.22 * side, 0, shoulder - 0.03).tilted('x', math.pi - side * stride)
        arm.cylinder(0, 0, 0, 0.055, 0.34 * tall, shirt, 0.7)
        arm.ellipsoid(0, 0, 0.36 * tall, (0.04, 0.04, 0.08), skin)
    at.ellipsoid(0, 0, hip + 0.02, (0.17, 0.12, 0.14), trousers)
    at.wedge(0, 0, hip, 0.4, 0.22, shoulder - hip, (0.0, 0.0, 0.2, 0.2), shirt)
    at.ellipsoid(0, 0, shoulder, (0.2, 0.11, 0.07), shirt)
    at.cylinder(0, 0, shoulder, 0.055, 0.1, skin)
    at.ellipsoid(0, 0.01, 0.93 * tall, (0.078, 0.098, 0.115), skin)
    at.ellipsoid(
        0, -0.015, 0.945 * tall, (0.085, 0.1, 0.11), palette.plain((0, 0.5), (0.03, 0.4), 0.0)
    )
    if rng.random() < 0.3:
        at.box(0, -0.17, hip + 0.1, 0.3, 0.16, 0.42, palette.fabric())


def bicycle(at: Frame, palette: Palette) -> None:
    """Build a bicycle."""
    steel = palette.metal()
    for y in (-0.5, 0.52):
        wheel = at.moved(0, y, 0.34).tilted('y', math.pi / 2)
        wheel.cylinder(0, 0, -0.02, 0.34, 0.04, palette.pattern('asphalt', (0.02, 0.02, 0.02)))
    at.box(0, 0, 0.55, 0.04, 0.8, 0.05, steel)
    at.box(0, -0.25, 0.5, 0.04, 0.04, 0.4, steel)
    at.box(0, -0.25, 0.9, 0.16, 0.26, 0.05, steel)
    at.box(0, 0.42, 0.5, 0.04, 0.05, 0.5, steel)
    at.box(0, 0.42, 1.0, 0.5, 0.04, 0.04, steel)


def cyclist(at: Frame, palette: Palette) -> None:
    """Build a person on a bicycle."""
    bicycle(at, palette)
    person(at.moved(0, -0.1, 0.12), palette)
