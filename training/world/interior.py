# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The shell of an indoor space: floor, walls, ceiling, doors, windows, pictures and lamps."""

from __future__ import annotations

import math

import numpy as np

from .clutter import scatter
from .material import colour, Palette
from .scene import Frame, Lamp, Scene, Sky


def shell(scene: Scene, palette: Palette, width, depth, height) -> list[np.ndarray]:
    """
    Build floor, ceiling and four walls with doors, windows, pictures around the origin.

    returns: (4,) per window: centre, metres, and the yaw of its wall
    """
    rng, at = scene.rng, scene.frame()
    at.box(0, 0, -0.2, width + 1, depth + 1, 0.2, palette.floor())
    at.box(0, 0, height, width + 1, depth + 1, 0.2, palette.ceiling())
    paint, skirting = palette.wall(), palette.wood()
    windows = []
    for k in range(4):
        length, away = (width, depth) if k % 2 == 0 else (depth, width)
        wall = at.moved(yaw=k * math.pi / 2).moved(y=away / 2, yaw=math.pi)  # its inside is +y
        cover = palette.wall() if rng.random() < 0.15 else paint
        wall.box(0, -0.1, 0, length + 0.4, 0.2, height, cover)
        wall.box(0, 0.008, 0, length, 0.016, 0.08, skirting)
        x = -length / 2 + rng.uniform(0.3, 1.5)
        while x < length / 2 - 0.5:
            what, w = rng.random(), rng.uniform(0.4, 1.6)
            if what < 0.2 and x + 1.0 < length / 2:
                _door(wall.moved(x + 0.5), palette)
                w = 1.0
            elif what < 0.42 and x + w < length / 2 - 0.2:
                z = _window(wall.moved(x + w / 2), palette, w, height)
                windows.append(np.append(wall.world(x + w / 2, 0.15, z), wall.rotation[1, 1]))
            elif what < 0.75:
                _hung(wall.moved(x + w / 2), palette, min(w, 1.2))
            x += w + rng.uniform(0.2, 1.5)
    return windows


def _door(at: Frame, palette):
    rng, leaf = palette.rng, palette.wood()
    at.box(0, 0.02, 0, 0.84, 0.03, 2.0, leaf)
    frame = palette.wood()
    for x in (-0.46, 0.46):
        at.box(x, 0.025, 0, 0.08, 0.05, 2.06, frame)
    at.box(0, 0.025, 2.0, 1.0, 0.05, 0.08, frame)
    if rng.random() < 0.6:
        for z in (0.15, 1.1):
            at.box(0, 0.04, z, 0.6, 0.015, 0.75, leaf)
    at.box(0.34, 0.06, 1.03, 0.12, 0.03, 0.025, palette.metal())


def _window(at: Frame, palette, width, height):
    """Hang a window; returns the height of its middle."""
    rng = palette.rng
    sill, tall = rng.uniform(0.6, 1.0), rng.uniform(0.9, 1.4)
    tall = min(tall, height - sill - 0.1)
    pane = palette.shining(rng.uniform(1.5, 8.0))
    if rng.random() < 0.5:
        pane = palette.picture(bright=0.9, glow=rng.uniform(1.0, 4.0), gloss=0.3)
    at.box(0, 0.0, sill, width, 0.03, tall, pane)
    frame = palette.plain((0, 0.2), (0.5, 0.95))
    for x in (-width / 2, 0.0, width / 2):
        at.box(x, 0.02, sill, 0.05, 0.06, tall, frame)
    for z in (sill - 0.03, sill + tall - 0.03):
        at.box(0, 0.02, z, width + 0.05, 0.06, 0.05, frame)
    at.box(0, 0.1, sill - 0.04, width + 0.1, 0.2, 0.03, frame)
    if rng.random() < 0.4:
        cloth = palette.fabric()
        for side in (-1, 1):
            for k in range(rng.integers(2, 6)):
                x = side * (width / 2 + 0.1 - 0.07 * k)
                at.cylinder(x, 0.1, 0.1, 0.045, sill + tall + 0.05, cloth)
    elif rng.random() < 0.25:
        for k in range(int(tall / 0.06)):
            at.moved(0, 0.06, sill + 0.06 * k).tilted('x', 0.6).box(
                0, 0, 0, width, 0.05, 0.004, frame
            )
    return sill + tall / 2


def _hung(at: Frame, palette, width):
    rng = palette.rng
    z, what = rng.uniform(1.2, 1.6), rng.random()
    if what < 0.6:
        w, h = rng.uniform(0.25, width), rng.uniform(0.25, 0.9)
        if rng.random() < 0.6:
            at.box(0, 0.012, z - h / 2, w + 0.05, 0.024, h + 0.05, palette.wood())
        at.box(0, 0.02, z - h / 2 + 0.025, w, 0.016, h, palette.picture(gloss=0.05))
    elif what < 0.75:
        at.box(0, 0.015, 0.95, 1.1 * width, 0.03, 0.9, palette.plain((0, 0.1), (0.85, 0.98), 0.2))
    elif what < 0.9:
        at.box(0, 0.1, z, width, 0.2, 0.025, palette.wood())
        scatter(at.moved(0, 0.1, z + 0.025), palette, 0.8 * width, 0.1, rng.integers(1, 5))
    else:
        r = rng.uniform(0.12, 0.2)
        at.moved(0, 0, z + 0.4).tilted('x', -math.pi / 2).cylinder(
            0, 0, 0, r, 0.04, palette.picture('paper')
        )


def light(scene: Scene, palette: Palette, width, depth, height, windows, lamps) -> None:
    """Hang a number of lamps and let two of the windows shine."""
    rng, at = scene.rng, scene.frame()
    warm = np.array(colour(rng, (0.07, 0.14), (0.0, 0.35), (0.95, 1.0)))
    strength = rng.uniform(2.0, 7.0)
    for _ in range(lamps):
        x, y = rng.uniform(-0.3, 0.3) * width, rng.uniform(-0.3, 0.3) * depth
        drop = rng.choice([0.05, 0.05, 0.6])
        _ceiling_lamp(at.moved(x, y, height), palette, drop)
        place = at.world(x, y, height - drop - 0.25)
        scene.lamps.append(Lamp(place, warm * strength, rng.uniform(0.1, 0.35)))
    for *place, _ in windows[:2]:
        inside = np.array(place) * [0.93, 0.93, 1.0]
        day = np.array(colour(rng, (0.5, 0.65), (0.0, 0.25), (0.9, 1.0)))
        scene.lamps.append(Lamp(inside, day * rng.uniform(0.5, 4.0), rng.uniform(0.3, 0.6), False))
    ambient = warm * strength * rng.uniform(0.04, 0.15) + 0.02
    none = np.zeros(3)
    scene.sky = Sky(np.array([0, 0, 1.0]), none, none, none, ambient)


def _ceiling_lamp(at: Frame, palette, drop):
    rng, bright = palette.rng, palette.shining(palette.rng.uniform(2.0, 8.0))
    if drop > 0.1:
        at.cylinder(0, 0, -drop, 0.01, drop, palette.metal())
        at.cylinder(0, 0, -drop, rng.uniform(0.12, 0.3), 0.18, bright, rng.uniform(0.3, 1.0))
    elif rng.random() < 0.5:
        at.moved(yaw=rng.choice([0, math.pi / 2])).box(
            0, 0, -drop, 1.2, rng.uniform(0.12, 0.6), drop, bright
        )
    else:
        at.cylinder(0, 0, -0.08, rng.uniform(0.12, 0.25), 0.08, bright)
