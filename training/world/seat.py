# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Things to sit and lie on, in frames as in `furniture.py`."""

from __future__ import annotations

from itertools import pairwise
import math

from .furniture import legs
from .material import Palette
from .scene import Frame


def chair(at: Frame, palette: Palette, width=0.45, depth=0.48) -> None:
    """Build a chair: four legs, or a swivel chair on a star."""
    rng = palette.rng
    seat = rng.uniform(0.42, 0.5)
    cover = palette.fabric() if rng.random() < 0.6 else palette.wood()
    if rng.random() < 0.5:
        stand = palette.metal()
        at.cylinder(0, depth / 2, 0.05, 0.025, seat - 0.05, stand)
        for k in range(5):
            arm = at.moved(0, depth / 2, 0.04, k * 2 * math.pi / 5)
            arm.box(0.15, 0, 0, 0.3, 0.04, 0.04, stand)
            arm.ellipsoid(0.28, 0, -0.01, (0.03, 0.03, 0.03), stand)
        if rng.random() < 0.5:
            for x in (-width / 2, width / 2):
                at.box(x, 0.55 * depth, seat + 0.18, 0.05, 0.25, 0.03, stand)
                at.box(x, 0.5 * depth, seat, 0.03, 0.04, 0.18, stand)
    else:
        legs(at, palette, width, depth, seat - 0.03, rng.uniform(0.025, 0.045), palette.wood())
    thick = rng.uniform(0.03, 0.09)
    at.box(0, depth / 2, seat - thick, width, depth, thick, cover)
    back = at.moved(0, 0.03, seat).tilted('x', rng.uniform(0.0, 0.2))
    lift, tall = rng.choice([0.0, 0.12]), rng.uniform(0.3, 0.6)
    if rng.random() < 0.7:
        back.box(0, 0, lift, width, 0.04, tall - lift, cover)
    else:
        for x in (-0.45, -0.15, 0.15, 0.45):
            back.box(x * width, 0, 0, 0.03, 0.03, tall, cover)
        back.box(0, 0, tall - 0.06, width, 0.03, 0.07, cover)


def lounge(at: Frame, palette: Palette, width=0.65, depth=0.8) -> None:
    """Build an easy chair without a body: a bent seat on tubes, on runners, or on splayed legs."""
    rng = palette.rng
    cover, frame = palette.fabric(), palette.metal() if rng.random() < 0.6 else palette.wood()
    front, lean, thick = rng.uniform(0.38, 0.46), rng.uniform(0.15, 0.5), rng.uniform(0.04, 0.14)
    drop, inside = rng.uniform(0.03, 0.12), width - rng.uniform(0.06, 0.14)
    tilt = math.atan2(drop, 0.75 * depth)
    seat = at.moved(0, 0.25 * depth, front - drop).tilted('x', tilt)
    seat.box(0, 0.375 * depth, -thick, inside, 0.75 * depth, thick, cover)
    back = at.moved(0, 0.25 * depth, front - drop).tilted('x', lean)
    back.box(0, -thick / 2, 0, inside, thick, rng.uniform(0.45, 0.75), cover)
    for side in (-1, 1):
        hand = at.moved(side * width / 2)
        arm, bar = front + rng.uniform(0.15, 0.25), rng.uniform(0.015, 0.03)
        if rng.random() < 0.3:
            for y, out in ((0.1, 0.12), (0.9, -0.12)):
                hand.moved(0, y * depth).tilted('x', out).cylinder(0, 0, 0, bar, front, frame)
        else:
            _tube(hand, depth, arm, bar, frame)
        if rng.random() < 0.6:
            hand.box(0, 0.5 * depth, arm - bar, 2.4 * bar, 0.7 * depth, 2 * bar, frame)


def _tube(at: Frame, depth, height, radius, material):
    """Bend a tube from the floor at the back round the front up to the arm, in the plane x = 0."""
    bend = height / 2
    turns = [
        (depth - bend + bend * math.sin(a), bend - bend * math.cos(a))
        for a in (k * math.pi / 6 for k in range(7))
    ]
    path = [(0.05, 0.0), *turns, (0.1, height)]
    for (y, z), (ahead, up) in pairwise(path):
        piece = at.moved(0, y, z + radius).tilted('x', math.atan2(y - ahead, up - z))
        piece.cylinder(0, 0, 0, radius, math.hypot(ahead - y, up - z), material)


def stool(at: Frame, palette: Palette, width=0.38, depth=0.38) -> None:
    """Build a round stool or a pouffe."""
    rng = palette.rng
    height = rng.uniform(0.4, 0.7)
    if rng.random() < 0.4:
        at.cylinder(0, depth / 2, 0, width / 2, height * 0.7, palette.fabric())
        return
    at.cylinder(0, depth / 2, height - 0.04, width / 2, 0.04, palette.wood())
    for k in range(3):
        leg = at.moved(0, depth / 2, 0, k * 2 * math.pi / 3)
        leg.cylinder(0.35 * width, 0, 0, 0.018, height - 0.04, palette.metal())


def sofa(at: Frame, palette: Palette, width, depth) -> None:
    """Build a sofa or an armchair with cushions."""
    rng = palette.rng
    cover, seat, arm = palette.fabric(), rng.uniform(0.38, 0.46), rng.uniform(0.12, 0.24)
    back, tall, side = rng.uniform(0.16, 0.26), rng.uniform(0.72, 0.92), rng.uniform(0.52, 0.66)
    at.box(0, depth / 2, 0.08, width, depth, seat - 0.2, cover)
    at.wedge(0, back / 2, 0.08, width, back, tall - 0.08, (0, 0, 0.5, 0), cover)
    for x in (-1, 1):
        at.box(x * (width - arm) / 2, depth / 2, 0.08, arm, depth, side - 0.08, cover)
        at.moved(x * (width - arm) / 2, depth / 2, side).tilted('x', math.pi / 2).cylinder(
            0, 0, -depth / 2, arm / 2, depth, cover
        )
    n = max(1, round((width - 2 * arm) / rng.uniform(0.6, 0.9)))
    step = (width - 2 * arm) / n
    for k in range(n):
        x = (k - (n - 1) / 2) * step
        at.wedge(
            x,
            (depth + back) / 2,
            seat - 0.12,
            step - 0.015,
            depth - back,
            0.13,
            (0.04, 0.04, 0.05, 0.0),
            cover,
        )
        if rng.random() < 0.6:
            cushion = at.moved(x, back + 0.14, seat + 0.2).tilted('x', rng.uniform(0.1, 0.4))
            cushion.ellipsoid(0, 0, 0, (0.23, 0.09, 0.22), palette.fabric())


def bed(at: Frame, palette: Palette, width, depth) -> None:
    """Build a bed with a head board, duvet and pillows."""
    rng = palette.rng
    height, wood = rng.uniform(0.28, 0.4), palette.wood()
    at.box(0, depth / 2, 0.06, width, depth, height - 0.06, wood)
    at.box(0, 0.03, 0, width + 0.05, 0.05, rng.uniform(0.7, 1.2), wood)
    at.wedge(0, depth / 2, height, width - 0.06, depth - 0.08, 0.2, (0.03,) * 4, palette.fabric())
    duvet = rng.uniform(0.5, 0.75) * depth
    at.wedge(
        0,
        depth - duvet / 2,
        height + 0.12,
        width + 0.04,
        duvet,
        0.14,
        (0.1,) * 4,
        palette.fabric(),
    )
    for x in (-0.25, 0.25) if width > 1.2 else (0.0,):
        pillow = at.moved(x * width, 0.28, height + 0.25, rng.normal(0, 0.15))
        pillow.ellipsoid(0, 0, 0, (0.33, 0.2, 0.08), palette.fabric())
