# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a park is furnished with, metres; all of it on the origin, facing +y."""

from __future__ import annotations

import math

import numpy as np

from .material import Palette
from .nature import stone_of
from .scene import Frame


def bench(at: Frame, palette: Palette) -> None:
    """Build a bench, with a back or without."""
    rng = palette.rng
    length, wood = rng.uniform(1.2, 2.2), palette.wood()
    foot = palette.metal() if rng.random() < 0.5 else palette.plain((0, 0.1), (0.3, 0.7))
    for x in (-0.4 * length, 0.4 * length):
        at.box(x, 0, 0, 0.08, 0.4, 0.43, foot)
    for y in (-0.15, 0.0, 0.15):
        at.box(0, y, 0.43, length, 0.12, 0.04, wood)
    if rng.random() < 0.7:
        back = at.moved(0, -0.22, 0.45).tilted('x', 0.2)
        for z in (0.08, 0.24, 0.36)[: rng.integers(1, 4)]:
            back.box(0, 0, z, length, 0.03, 0.1, wood)
        for x in (-0.4 * length, 0.4 * length):
            back.box(x, -0.03, -0.05, 0.06, 0.03, 0.5, foot)


def bin_(at: Frame, palette: Palette) -> None:
    """Stand up a bin on wheels, or a litter bin."""
    rng, body = palette.rng, palette.plain((0.0, 0.8), (0.05, 0.5), 0.1)
    if rng.random() < 0.4:
        at.cylinder(0, 0, 0.1, 0.2, 0.75, body, 1.1)
        at.cylinder(0, 0, 0.85, 0.24, 0.06, palette.metal())
        return
    wide = rng.choice([0.5, 0.58, 1.3])
    tall = 1.0 if wide < 1 else 1.3
    at.wedge(0, 0, tall, wide + 0.04, 0.66, 0.08, (0.1, 0.1, 0.3, 0.0), palette.plain())
    at.moved(0, 0, tall).tilted('x', math.pi).wedge(
        0, 0, 0, wide, 0.6, tall - 0.06, (0.2, 0.2, 0.25, 0.15), body
    )


def lamp_post(at: Frame, palette: Palette) -> None:
    """Stand up a low lamp."""
    rng, steel = palette.rng, palette.metal()
    tall = rng.uniform(2.8, 4.5)
    at.cylinder(0, 0, 0, 0.06, tall, steel, 0.7)
    glass = palette.shining(rng.uniform(0.0, 1.5))
    if rng.random() < 0.5:
        at.ellipsoid(0, 0, tall + 0.15, (0.22, 0.22, 0.22), glass)
    else:
        at.cylinder(0, 0, tall, 0.14, 0.35, glass, 1.4)
        at.cylinder(0, 0, tall + 0.35, 0.26, 0.08, steel, 0.3)


def swing(at: Frame, palette: Palette) -> None:
    """Build a swing of two seats."""
    rng, tube = palette.rng, palette.plain((0.4, 0.9), (0.3, 0.9), 0.2)
    wide, tall = rng.uniform(2.4, 3.6), rng.uniform(1.9, 2.5)
    for x in (-wide / 2, wide / 2):
        for lean in (-0.3, 0.3):
            at.moved(x, -math.tan(lean) * tall).tilted('x', -lean).cylinder(
                0, 0, 0, 0.04, tall / math.cos(lean), tube
            )
    across = at.moved(-wide / 2, 0, tall).tilted('y', math.pi / 2)
    across.cylinder(0, 0, 0, 0.045, wide, tube)
    for x in (-wide / 4, wide / 4):
        hung = at.moved(x, 0, tall).tilted('x', math.pi + rng.normal(0, 0.2))
        for side in (-0.2, 0.2):
            hung.cylinder(side, 0, 0, 0.012, tall - 0.45, palette.metal())
        hung.box(0, 0, tall - 0.46, 0.46, 0.18, 0.03, palette.plain((0, 0.5), (0.02, 0.4)))


def slide(at: Frame, palette: Palette) -> None:
    """Build a slide with its tower, down towards +y."""
    rng, post = palette.rng, palette.wood()
    high, wide = rng.uniform(1.0, 2.0), rng.uniform(0.9, 1.4)
    for x in (-wide / 2, wide / 2):
        for y in (-wide, 0):
            at.box(x, y, 0, 0.09, 0.09, high + 1.6, post)
    at.box(0, -wide / 2, high - 0.06, wide, wide, 0.06, post)
    roof = palette.plain((0.4, 0.9), (0.3, 0.9))
    at.wedge(0, -wide / 2, high + 1.6, 1.3 * wide, 1.3 * wide, 0.6, (1, 1, 0, 0), roof)
    for z in np.arange(0.25, high, 0.28):
        at.box(0, -wide - 0.2 * (1 - z / high), z, 0.8 * wide, 0.06, 0.05, post)
    length = high / math.sin(0.6)
    chute = at.moved(0, 0, high).tilted('x', -0.6)
    steel = palette.metal() if rng.random() < 0.5 else palette.plain((0.5, 0.9), (0.4, 0.9), 0.3)
    chute.box(0, length / 2, -0.03, 0.5, length, 0.03, steel)
    for x in (-0.25, 0.25):
        chute.box(x, length / 2, 0, 0.03, length, 0.18, steel)


def statue(at: Frame, palette: Palette) -> None:
    """Raise a figure or an obelisk on a plinth."""
    rng, stone = palette.rng, stone_of(palette)
    wide, tall = rng.uniform(0.5, 1.4), rng.uniform(0.6, 2.0)
    at.box(0, 0, 0, 1.3 * wide, 1.3 * wide, 0.2, stone)
    at.wedge(0, 0, 0.2, wide, wide, tall, (0.1,) * 4, stone)
    z, s = 0.2 + tall, rng.uniform(0.7, 1.6)
    if rng.random() < 0.3:
        at.wedge(0, 0, z, 0.6 * wide, 0.6 * wide, 3 * s, (0.6,) * 4, stone)
        return
    at.cylinder(0, 0, z, 0.3 * s, 0.9 * s, stone, 0.6)
    at.ellipsoid(0, 0, z + 1.15 * s, (0.24 * s, 0.16 * s, 0.35 * s), stone)
    at.ellipsoid(0, 0, z + 1.6 * s, (0.11 * s, 0.13 * s, 0.15 * s), stone)
    for side in (-1, 1):
        arm = at.moved(0.24 * s * side, 0, z + 1.35 * s).tilted('x', math.pi + rng.normal(0, 0.7))
        arm.cylinder(0, 0, 0, 0.06 * s, 0.6 * s, stone, 0.7)
