# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Furniture at its real sizes.

Every piece stands in a frame whose x axis runs along its back; it fills |x| <= width / 2 and
0 <= y <= depth, with its front towards +y. Lengths in metres.
"""

from __future__ import annotations

from .clutter import plant, scatter
from .material import Palette
from .scene import Frame


def legs(at: Frame, palette, width, depth, height, thick, material):
    inset = thick / 2 + 0.02
    for x in (-width / 2 + inset, width / 2 - inset):
        for y in (inset, depth - inset):
            if palette.rng.random() < 0.02:
                continue
            at.box(x, y, 0, thick, thick, height, material)


def table(at: Frame, palette: Palette, width, depth, height=None, clutter=None) -> None:
    """Build a table with four legs, a middle foot or side panels, and things on it."""
    rng = palette.rng
    height = height or rng.uniform(0.7, 0.78)
    top, frame_material = palette.wood(), palette.metal() if rng.random() < 0.5 else palette.wood()
    thick = rng.uniform(0.02, 0.05)
    at.box(0, depth / 2, height - thick, width, depth, thick, top)
    style = rng.random()
    if style < 0.65:
        legs(at, palette, width, depth, height - thick, rng.uniform(0.03, 0.08), frame_material)
    elif style < 0.8:
        at.cylinder(0, depth / 2, 0, 0.05, height - thick, frame_material)
        at.cylinder(0, depth / 2, 0, 0.35 * depth, 0.03, frame_material)
    else:
        for x in (-width / 2 + 0.03, width / 2 - 0.03):
            at.box(x, depth / 2, 0, 0.04, 0.9 * depth, height - thick, frame_material)
    count = rng.integers(0, 9) if clutter is None else clutter
    scatter(at.moved(0, depth / 2, height), palette, width, depth, count)


def desk(at: Frame, palette: Palette, width, depth) -> None:
    """Build a desk with monitors, keyboard, clutter, drawers and a chair."""
    rng = palette.rng
    height = rng.uniform(0.7, 0.76)
    table(at, palette, width, depth, height, 0)
    wide = rng.uniform(0.42, 0.62, rng.integers(0, 3))
    if len(wide):
        # Side by side from the left, each on the desk with its foot, which is 0.22 m wide.
        edge = rng.uniform(-0.5, 0.5) * max(width - wide.sum() - 0.1, 0.0) - wide.sum() / 2
        turn = rng.normal(0, 0.3) if len(wide) == 1 else rng.uniform(0, 0.2)
    for k, w in enumerate(wide):
        yaw = -turn * (-1) ** k  # two of them look at whoever sits between
        spot = at.moved(edge + w / 2, rng.uniform(0.15, 0.35) * depth, height, yaw)
        monitor(spot, palette, w)
        edge += w + 0.03
    if rng.random() < 0.3:
        _laptop(
            at.moved(rng.uniform(-0.3, 0.3) * width, 0.5 * depth, height, rng.normal(0, 0.4)),
            palette,
        )
    spot = at.moved(rng.uniform(-0.2, 0.2) * width, 0.72 * depth, height, rng.normal(0, 0.15))
    spot.box(0, 0, 0, palette.size(0.4, 0.44), 0.13, 0.022, palette.picture('keys'))
    spot.ellipsoid(0.32, 0, 0.015, (0.03, 0.055, 0.018), palette.plain())
    scatter(at.moved(0, depth / 2, height), palette, width, depth, rng.integers(2, 20), desk=True)
    if rng.random() < 0.5:
        cabinet(
            at.moved((width / 2 - 0.25) * rng.choice([-1, 1]), 0.05), palette, 0.42, 0.5, 0.6, 0
        )
    if rng.random() < 0.3:
        at.box(0.35 * width, 0.4 * depth, 0, 0.2, 0.45, 0.45, palette.plain((0, 0.2), (0.05, 0.3)))


def monitor(at: Frame, palette: Palette, width) -> None:
    """Stand a monitor on the frame's origin, facing +y."""
    rng = palette.rng
    black = palette.plain((0, 0.1), (0.05, 0.2), 0.1) if rng.random() < 0.7 else palette.metal()
    height, lift = width * rng.uniform(0.56, 0.8), rng.uniform(0.08, 0.2)
    at.box(0, -0.02, 0, 0.22, 0.18, 0.015, black)
    at.box(0, -0.05, 0, 0.06, 0.03, lift + 0.2, black)
    at.box(0, -0.01, lift, width, 0.04, height, black)
    lit = rng.choice([0.0, 0.5, 1.0])
    face = palette.picture('screen', gloss=0.2, glow=lit)
    at.box(0, 0.012, lift + 0.015, width - 0.03, 0.006, height - 0.03, face)


def _laptop(at, palette):
    grey = palette.metal()
    at.box(0, 0, 0, 0.33, 0.23, 0.018, grey)
    at.box(0, 0.02, 0.018, 0.28, 0.1, 0.002, palette.picture('laptop'))
    lid = at.moved(0, -0.115, 0.015).tilted('x', 0.3)
    lid.box(0, 0, 0, 0.33, 0.01, 0.22, grey)
    lid.box(0, 0.006, 0.01, 0.31, 0.003, 0.2, palette.picture('screen', glow=0.5))


def cabinet(at: Frame, palette: Palette, width, depth, height, clutter=None) -> None:
    """Build a cupboard, wardrobe, drawers or fridge; its doors show as seams and handles."""
    rng = palette.rng
    body = palette.wood() if rng.random() < 0.7 else palette.plain((0, 0.4), (0.3, 0.95), 0.1)
    at.box(0, (depth - 0.02) / 2, 0, width, depth - 0.02, height, body)
    columns, rows = max(1, round(width / rng.uniform(0.4, 0.7))), int(rng.integers(1, 5))
    knob, front = palette.metal(), body if rng.random() < 0.6 else palette.wood()
    for i in range(columns):
        for j in range(rows):
            w, h = width / columns, (height - 0.06) / rows
            x, z = (i + 0.5) * w - width / 2, 0.06 + j * h
            at.box(x, depth - 0.01, z, w - 0.012, 0.02, h - 0.012, front)
            handle = (0.12, 0.012) if h < w else (0.012, 0.12)
            at.box(
                x + (0 if h < w else 0.38 * w),
                depth + 0.015,
                z + 0.55 * h,
                handle[0],
                0.02,
                handle[1],
                knob,
            )
    if height < 1.4:
        count = rng.integers(0, 6) if clutter is None else clutter
        scatter(at.moved(0, depth / 2, height), palette, width, depth, count)


def shelf(at: Frame, palette: Palette, width, depth, height) -> None:
    """Build an open shelf with books, boxes and things."""
    rng = palette.rng
    wood = palette.wood() if rng.random() < 0.8 else palette.metal()
    boards = max(2, round(height / rng.uniform(0.28, 0.5)))
    step, thick = (height - 0.08) / boards, 0.022
    for x in (-width / 2 + 0.01, width / 2 - 0.01):
        at.box(x, depth / 2, 0, 0.022, depth, height, wood)
    if rng.random() < 0.7:
        at.box(0, 0.005, 0, width, 0.01, height, wood)
    at.box(0, depth / 2, height - thick, width, depth, thick, wood)
    for k in range(boards):
        z = 0.05 + k * step
        at.box(0, depth / 2, z, width - 0.03, depth, thick, wood)
        x = -width / 2 + 0.03
        while x < width / 2 - 0.12:
            w, what = rng.uniform(0.08, 0.45), rng.random()
            w = min(w, width / 2 - 0.03 - x)
            if what < 0.5:  # a narrow picture of many books would show spines of millimetres
                w = min(max(w, 0.3), width / 2 - 0.03 - x)
                what = 0.6 if w < 0.28 else what
            room, middle = step - thick, x + w / 2
            if what < 0.5:
                tall = min(rng.uniform(0.55, 0.92) * room, 0.35)
                deep = rng.uniform(0.5, 0.9) * depth
                at.box(middle, deep / 2, z + thick, w, deep, tall, palette.picture('books'))
            elif what < 0.7:
                box = palette.plain() if rng.random() < 0.6 else palette.picture()
                at.box(
                    middle,
                    depth / 2,
                    z + thick,
                    0.9 * w,
                    0.7 * depth,
                    rng.uniform(0.3, 0.8) * room,
                    box,
                )
            elif what < 0.85:
                scatter(at.moved(middle, 0.55 * depth, z + thick), palette, 0.3 * w, 0.2, 1)
            x += w + rng.uniform(0.0, 0.06)


def kitchen(at: Frame, palette: Palette, width, depth=0.62) -> None:
    """Build a kitchen counter with wall cupboards, hob, sink and things."""
    rng = palette.rng
    cabinet(at, palette, width, depth, 0.86, 0)
    at.box(0, depth / 2, 0.86, width + 0.02, depth + 0.03, 0.04, palette.floor())
    scatter(at.moved(0, depth / 2, 0.9), palette, width, 0.8 * depth, rng.integers(2, 10))
    if rng.random() < 0.8:
        cabinet(at.moved(0, 0, 1.45), palette, width, 0.35, rng.uniform(0.5, 0.75), 0)
    at.box(
        rng.uniform(-0.3, 0.3) * width,
        depth / 2,
        0.9,
        0.58,
        0.5,
        0.006,
        palette.plain((0, 0), (0.02, 0.1), 0.5),
    )


def television(at: Frame, palette: Palette, width, depth) -> None:
    """Build a low board with a television on it."""
    high = palette.rng.uniform(0.35, 0.6)
    cabinet(at, palette, width, depth, high, 3)
    monitor(at.moved(0, depth / 2, high), palette, palette.rng.uniform(0.8, 1.3))


def floor_lamp(at: Frame, palette: Palette, width=0.4, depth=0.4) -> None:
    """Build a standing lamp."""
    rng = palette.rng
    steel, tall = palette.metal(), rng.uniform(1.3, 1.7)
    at.cylinder(0, depth / 2, 0, 0.14, 0.03, steel)
    at.cylinder(0, depth / 2, 0.03, 0.015, tall, steel)
    at.cylinder(
        0, depth / 2, tall, 0.2, 0.28, palette.shining(rng.uniform(0.3, 3.0)), rng.uniform(0.4, 1)
    )


def pot_plant(at: Frame, palette: Palette, width=0.5, depth=0.5) -> None:
    """Build a large plant."""
    plant(at.moved(0, depth / 2), palette, palette.rng.uniform(0.5, 1.7))


def cartons(at: Frame, palette: Palette, width, depth) -> None:
    """Pile boxes, cartons and bags up."""
    rng = palette.rng
    for _ in range(rng.integers(2, 7)):
        w, d, h = rng.uniform(0.2, 0.55), rng.uniform(0.2, 0.45), rng.uniform(0.12, 0.45)
        x, z = rng.uniform(-0.5, 0.5) * (width - w), 0.0
        for _ in range(rng.integers(1, 4)):
            made_of = (
                palette.photo(('cardboard',), 0.6, palette.card)
                if rng.random() < 0.6
                else palette.plain()
            )
            at.moved(x, depth / 2, z, rng.normal(0, 0.2)).box(0, 0, 0, w, d, h, made_of)
            z += h


def bin_(at: Frame, palette: Palette, width=0.3, depth=0.3) -> None:
    """Build a waste bin or a bucket."""
    r = palette.rng.uniform(0.11, 0.18)
    at.cylinder(0, depth / 2, 0, r, palette.rng.uniform(0.25, 0.6), palette.plain(), 1.0)
