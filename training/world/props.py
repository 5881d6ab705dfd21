# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Furniture and small things made of boxes and cylinders, for scenes that meshes alone leave tidy.

Every function takes (rng, pick), where pick(*kinds) draws a material, and returns a Geometry that
stands on z = 0 around the origin, its front towards -y.
"""

from __future__ import annotations

import numpy as np

from .geometry import box, cylinder, Geometry, standing

FURNITURE = ('wood', 'wood', 'metal', 'wall', 'marble', 'plain')


def crate(rng, pick) -> Geometry:
    """Return a box of any shape."""
    width, depth, height = rng.uniform(0.03, 0.32, 3) * rng.uniform(0.5, 1.3)
    material = pick('cardboard', 'print', 'print', 'wood', 'plain', 'plain')
    return box((-width / 2, -depth / 2, 0), (width / 2, depth / 2, height), material)


def can(rng, pick) -> Geometry:
    """Return a cup, can, bottle or bin."""
    radius = rng.uniform(0.02, 0.06)
    height = radius * rng.uniform(1.2, 5.0)
    body = cylinder(radius, height, pick('print', 'plain', 'metal'), rng.uniform(0.75, 1.2))
    if rng.random() < 0.4:
        neck = cylinder(radius * 0.35, height * 0.35, pick('plain', 'metal'))
        body = Geometry.join([body, neck.placed(standing(0, 0, height))])
    return body


def books(rng, pick) -> Geometry:
    """Return a pile of books."""
    pile, z = [], 0.0
    for _ in range(rng.integers(1, 6)):
        width, depth, height = (
            rng.uniform(0.1, 0.2),
            rng.uniform(0.15, 0.3),
            rng.uniform(0.01, 0.05),
        )
        book = box((-width, -depth, 0), (width, depth, height), pick('print', 'plain'))
        pile.append(book.placed(standing(0, 0, z, rng.normal(0, 0.15)), 0.6))
        z += 0.6 * height
    return Geometry.join(pile)


def sheet(rng, pick) -> Geometry:
    """Return a sheet of paper or a magazine."""
    return box(
        (-0.105, -0.148, 0), (0.105, 0.148, rng.uniform(0.001, 0.006)), pick('paper', 'print')
    )


def monitor(rng, pick) -> Geometry:
    """Return a screen on its foot."""
    width, height = rng.uniform(0.35, 0.7), rng.uniform(0.26, 0.42)
    lift, frame = rng.uniform(0.05, 0.18), pick('plain', 'metal')
    parts = [
        box((-0.12, -0.09, 0), (0.12, 0.09, 0.015), frame),
        box((-0.03, 0.03, 0), (0.03, 0.06, lift + height / 2), frame),
        box((-width / 2, 0, lift), (width / 2, 0.04, lift + height), frame),
        box(
            (-width / 2 + 0.012, -0.002, lift + 0.015),
            (width / 2 - 0.012, 0.002, lift + height - 0.012),
            pick('screen'),
        ),
    ]
    return Geometry.join(parts)


def keyboard(rng, pick) -> Geometry:
    """Return a keyboard, about as long as they are."""
    half = rng.uniform(0.2, 0.22)  # 22 keys of 18 to 20 mm
    return box((-half, -0.065, 0), (half, 0.065, rng.uniform(0.012, 0.03)), pick('keys'))


def table(rng, pick, width, depth, height) -> Geometry:
    """Return a table or desk of this outer size [m], sometimes with drawers or closed sides."""
    thick, leg = rng.uniform(0.02, 0.05), rng.uniform(0.02, 0.05)
    top, frame = pick(*FURNITURE), pick(*FURNITURE)
    x, y, under = width / 2, depth / 2, height - thick
    parts = [box((-x, -y, under), (x, y, height), top)]
    if rng.random() < 0.3:
        parts += [box((s * x - 0.015, -y, 0), (s * x + 0.015, y, under), frame) for s in (-1, 1)]
    else:
        for i, j in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
            at = standing(i * (x - leg), j * (y - leg), 0)
            parts.append(box((-leg / 2, -leg / 2, 0), (leg / 2, leg / 2, under), frame).placed(at))
    if rng.random() < 0.4:
        side = rng.choice([-1, 1]) * (x - 0.25)
        parts.append(
            box((side - 0.2, -y + 0.03, 0.03), (side + 0.2, y - 0.03, under), pick(*FURNITURE))
        )
    return Geometry.join(parts)


def shelf(rng, pick) -> Geometry:
    """Return a shelf with rows of books."""
    width, depth, height = rng.uniform(0.6, 1.6), rng.uniform(0.25, 0.45), rng.uniform(0.8, 2.1)
    wood, rows = pick(*FURNITURE), int(rng.integers(2, 7))
    parts = [box((-width / 2, depth - 0.02, 0), (width / 2, depth, height), wood)]
    for x in (-width / 2, width / 2):
        parts.append(box((x - 0.012, 0, 0), (x + 0.012, depth, height), wood))
    step = height / rows
    for row in range(rows + 1):
        z = min(row * step, height - 0.02)
        parts.append(box((-width / 2, 0, z), (width / 2, depth, z + 0.02), wood))
        if row < rows and rng.random() < 0.75:
            left, right = np.sort(rng.uniform(-width / 2, width / 2, 2))
            parts += _row_of_books(rng, pick, left, right, z + 0.02, step - 0.03, depth)
    return Geometry.join(parts)


def _row_of_books(rng, pick, left, right, z, room, depth) -> list[Geometry]:
    """Fill a board; one picture spans 0.3 to 0.5 m, so that spines are as wide as they are."""
    runs = []
    while right - left > 0.3:
        wide = min(rng.uniform(0.3, 0.5), right - left)
        tall, front = min(room * rng.uniform(0.5, 0.95), 0.35), rng.uniform(0.01, 0.12)
        end = left + wide
        runs.append(box((left, front, z), (end, depth - 0.03, z + tall), pick('books')))
        left = end
    return runs


def stairs(rng, pick) -> Geometry:
    """Return a flight of stairs that starts at the origin and rises towards +y."""
    steps, width = int(rng.integers(3, 13)), rng.uniform(0.9, 2.4)
    rise, tread = rng.uniform(0.14, 0.2), rng.uniform(0.24, 0.34)
    top = pick('wood', 'concrete', 'marble', 'tiles', 'fabric', 'plain')
    front = pick('wood', 'concrete', 'wall', 'plain') if rng.random() < 0.6 else top
    nose = rng.uniform(0.0, 0.03)
    parts, x = [], width / 2
    for i in range(steps):
        y, z = i * tread, i * rise
        back = steps * tread + 0.8
        parts.append(box((-x, y, 0), (x, back, z + rise - 0.03), front))
        parts.append(box((-x, y - nose, z + rise - 0.03), (x, back, z + rise), top))
    if rng.random() < 0.7:
        wall = pick('wall', 'wall', 'brick', 'concrete', 'plain')
        high = steps * rise + rng.uniform(0.1, 1.6)
        for side in (-x, x):
            if rng.random() < 0.75:
                parts.append(box((side - 0.05, -0.1, 0), (side + 0.05, back, high), wall))
    return Geometry.join(parts)


SMALL = (crate, crate, can, can, books, books, sheet)
