# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Small things that lie on tables, shelves and floors, at their real sizes."""

from __future__ import annotations

import math

from .material import Palette
from .scene import Frame


def scatter(frame: Frame, palette: Palette, width, depth, count, desk=False) -> None:
    """Lay things on a flat top of width x depth, metres, centred on the frame's origin."""
    rng = palette.rng
    for _ in range(count):
        x, y = rng.uniform(-0.45, 0.45) * width, rng.uniform(-0.42, 0.42) * depth
        things = (
            _box,
            _box,
            _can,
            _can,
            _bottle,
            _mug,
            _ball,
            _papers,
            _papers,
            _pile,
            _lamp,
            _bowl,
        )
        things = things + ((_papers, _pile, _mug, _phone, _keyboard) if desk else ())
        things[rng.integers(len(things))](
            frame.moved(x, y, 0.0, rng.uniform(0, 2 * math.pi)), palette
        )


def _box(at, palette):
    rng = palette.rng
    w, d, h = rng.uniform(0.04, 0.32), rng.uniform(0.03, 0.22), rng.uniform(0.02, 0.28)
    cover = palette.picture() if rng.random() < 0.45 else palette.plain()
    at.box(0, 0, 0, w, d, h, cover)


def _can(at, palette):
    rng = palette.rng
    cover = palette.picture() if rng.random() < 0.4 else palette.plain()
    at.cylinder(
        0, 0, 0, rng.uniform(0.025, 0.06), rng.uniform(0.06, 0.2), cover, rng.uniform(0.7, 1)
    )


def _bottle(at, palette):
    rng = palette.rng
    r, h, glass = rng.uniform(0.03, 0.045), rng.uniform(0.14, 0.22), palette.plain(gloss=0.4)
    at.cylinder(0, 0, 0, r, h, glass)
    at.cylinder(0, 0, h, r, 0.05, glass, 0.35)
    at.cylinder(0, 0, h + 0.05, 0.35 * r, 0.05, palette.plain())


def _mug(at, palette):
    rng = palette.rng
    r, h, china = rng.uniform(0.035, 0.05), rng.uniform(0.08, 0.11), palette.plain(gloss=0.3)
    at.cylinder(0, 0, 0, r, h, china)
    at.box(r + 0.012, 0, 0.25 * h, 0.03, 0.012, 0.5 * h, china)


def _bowl(at, palette):
    r = palette.rng.uniform(0.06, 0.14)
    at.cylinder(0, 0, 0.06, r * 1.2, 0.004, palette.plain())
    at.ellipsoid(0, 0, 0.06, (r, r, 0.06), palette.plain(gloss=0.3))


def _ball(at, palette):
    r = palette.rng.uniform(0.025, 0.11)
    at.ellipsoid(0, 0, r, (r, r, r), palette.plain())


def _papers(at, palette):
    for k in range(palette.rng.integers(1, 4)):
        turned = at.moved(0, 0, 0.003 * k, palette.rng.normal(0, 0.3))
        turned.box(0, 0, 0, 0.21, 0.297, 0.003, palette.picture('paper'))


def _pile(at, palette):
    z, rng = 0.0, palette.rng
    for _ in range(rng.integers(1, 6)):
        h = rng.uniform(0.01, 0.05)
        turned = at.moved(0, 0, z, rng.normal(0, 0.15))
        turned.box(0, 0, 0, rng.uniform(0.13, 0.22), rng.uniform(0.18, 0.3), h, palette.picture())
        z += h


def _phone(at, palette):
    at.box(0, 0, 0, 0.07, 0.15, 0.008, palette.picture('screen'))


def _keyboard(at, palette):
    at.box(0, 0, 0, palette.size(0.4, 0.44), 0.13, 0.02, palette.picture('keys'))


def _lamp(at, palette):
    rng = palette.rng
    h, steel = rng.uniform(0.25, 0.45), palette.metal()
    at.cylinder(0, 0, 0, 0.08, 0.02, steel)
    at.cylinder(0, 0, 0.02, 0.008, h, steel)
    shade = palette.shining(rng.uniform(0.3, 2.5)) if rng.random() < 0.5 else palette.fabric()
    at.cylinder(
        0, 0, h, rng.uniform(0.08, 0.16), rng.uniform(0.12, 0.2), shade, rng.uniform(0.5, 1)
    )


def plant(at: Frame, palette: Palette, height) -> None:
    """Stand a pot plant up, height in metres."""
    rng = palette.rng
    pot = 0.3 * height
    at.cylinder(0, 0, 0, 0.13 * height + 0.05, pot, palette.plain(), 1.0)
    leaf = palette.pattern('foliage', (0.05, 0.16, 0.03), (0.12, 0.22, 0.05), 0.3)
    for _ in range(rng.integers(5, 14)):
        r = rng.uniform(0.06, 0.16) * height
        spot = at.moved(*(rng.normal(0, 0.12, 2) * height), rng.uniform(0.4, 0.95) * height)
        turned = spot.tilted('xy'[rng.integers(2)], rng.uniform(-1, 1))
        turned.ellipsoid(0, 0, 0, (r, 0.5 * r, r * rng.uniform(0.3, 1.4)), leaf)
