# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The shell of an indoor space: floor, walls, ceiling, doors, windows, pictures and lamps."""

from __future__ import annotations

import math

import numpy as np

from . import opening
from .clutter import scatter
from .footprint import Footprint, Plan
from .material import colour, Palette
from .scene import Frame, Lamp, Scene, Sky


def shell(
    scene: Scene, palette: Palette, width, depth, height, plan: Plan | None = None
) -> list[tuple]:
    """
    Build floor, ceiling and four walls with doors, windows, pictures around the origin.

    plan: what will stand before the walls, such as stairs; they stay bare there
    returns: per window its centre (3,), metres, and the unit vector (3,) into the room
    """
    rng, at = scene.rng, scene.frame()
    at.box(0, 0, -0.2, width + 0.4, depth + 0.4, 0.2, palette.floor())
    at.box(0, 0, height, width + 0.4, depth + 0.4, 0.2, palette.ceiling())
    paint, skirting = palette.wall(), (palette.wood(), palette.size(0.05, 0.14))
    windows, open_windows = [], rng.random() < 0.5
    for k in range(4):
        length, away = (width, depth) if k % 2 == 0 else (depth, width)
        wall = at.moved(yaw=k * math.pi / 2).moved(y=away / 2, yaw=math.pi)  # its inside is +y
        cover = palette.wall() if rng.random() < 0.15 else paint
        holes = []  # left, right, bottom, top
        x = -length / 2 + rng.uniform(0.3, 1.5)
        while x < length / 2 - 0.5:
            what, w = rng.random(), rng.uniform(0.4, 1.6)
            size = opening.door_size(palette, height)
            if what < 0.2:
                w = size[0] + 0.16
            before = Footprint.between(wall, (x - 0.2, 0), (x + w + 0.2, 0.5))
            if plan and not plan.free(before):
                what = 1.0
            if what < 0.2 and x + w < length / 2:
                if rng.random() < 0.35:
                    holes.append(opening.doorway(wall, palette, x + w / 2, size, paint))
                else:
                    opening.door(wall.moved(x + w / 2), palette, *size)
            elif what < 0.42 and x + w < length / 2 - 0.2:
                hole = opening.window(wall, palette, x + w / 2, w, height, glass=not open_windows)
                middle = wall.world(x + w / 2, 0.1, (hole[2] + hole[3]) / 2)
                windows.append((middle, wall.rotation[:, 1]))
                holes += [hole] * open_windows
            elif what < 0.75:
                _hung(wall.moved(x + w / 2), palette, min(w, 1.2))
            x += w + rng.uniform(0.2, 1.5)
        opening.wall_with_holes(wall, cover, skirting, length, height, holes)
        if open_windows and rng.random() < 0.6:
            lit = rng.uniform(0.0, 5.0)
            front = palette.facade(colour(rng), palette.size(2.6, 3.6), glow=lit)
            wall.box(0, -rng.uniform(6, 30), -6, 60, 1, rng.uniform(6, 22), front)
    return windows


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
    for place, inwards in windows[:2]:
        day = np.array(colour(rng, (0.5, 0.65), (0.0, 0.25), (0.9, 1.0)))
        shine = day * strength * rng.uniform(0.2, 2.0)
        scene.lamps.append(Lamp(place, shine, 0.5, rng.random() < 0.5, inwards))
    ambient = warm * strength * rng.uniform(0.04, 0.15) + 0.02
    # What open windows let in: a sky far brighter than the room, often the sun's beam.
    day = (
        strength
        * 10 ** rng.uniform(-1.0, 0.5)
        * np.array(colour(rng, (0.5, 0.62), (0, 0.4), (0.8, 1)))
    )
    turn, up = rng.uniform(0, 2 * math.pi), math.radians(rng.uniform(15, 55))
    sun = np.array([math.cos(turn) * math.cos(up), math.sin(turn) * math.cos(up), math.sin(up)])
    beam = strength * rng.uniform(0.3, 1.5) * np.array([1.0, 0.93, 0.8]) * (rng.random() < 0.7)
    scene.sky = Sky(sun, beam * (len(windows) > 0), day, day, ambient)


def shine(scene: Scene, tubes: list, colour) -> None:
    """
    Let two or three of the tubes at a ceiling shine down: as many lamps as are cheap enough.

    tubes: (x, y, z) of the lower side of each, metres; colour: (3,), radiant intensity
    """
    count = min(int(scene.rng.integers(2, 4)), len(tubes))
    for k in scene.rng.choice(len(tubes), count, replace=False):
        # So far below that all of the lamp, which is round, is.
        place = np.array(tubes[k]) - [0, 0, 0.1]
        scene.lamps.append(Lamp(place, colour, 0.15, aim=np.array([0.0, 0.0, -1.0])))


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
