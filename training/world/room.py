# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Furnished rooms: offices, living rooms, bedrooms, kitchens and store rooms."""

from __future__ import annotations

import math

import numpy as np

from . import furniture
from .clutter import scatter
from .material import colour, Palette
from .scene import Frame, Lamp, Scene, Sky
from .viewpoint import looking_at, Viewpoint

# Per kind of room: pieces along the walls and pieces in the middle.
KINDS = {
    'office': (('desk', 'desk', 'desk', 'shelf', 'cabinet', 'cartons', 'bin_', 'pot_plant', 'table'),
               ('desk', 'table', 'chair', 'chair')),
    'living': (('sofa', 'sofa', 'shelf', 'television', 'cabinet', 'floor_lamp', 'pot_plant', 'desk'),
               ('coffee', 'sofa', 'table', 'stool')),
    'bedroom': (('bed', 'bed', 'wardrobe', 'cabinet', 'desk', 'shelf', 'floor_lamp', 'chair'),
                ('chair', 'stool', 'cartons')),
    'kitchen': (('kitchen', 'kitchen', 'wardrobe', 'table', 'shelf', 'bin_', 'chair'),
                ('table', 'table', 'chair', 'stool')),
    'store': (('shelf', 'shelf', 'cartons', 'cartons', 'wardrobe', 'cabinet', 'table'),
              ('cartons', 'table', 'cartons')),
}
# Width, depth and height ranges, metres; the height only where the piece takes one.
SIZES = {
    'desk': ((1.1, 1.9), (0.6, 0.85)), 'table': ((0.8, 2.0), (0.7, 1.0)),
    'coffee': ((0.7, 1.3), (0.5, 0.8)), 'chair': ((0.42, 0.5), (0.42, 0.52)),
    'stool': ((0.32, 0.45), (0.32, 0.45)), 'sofa': ((0.85, 2.4), (0.8, 1.0)),
    'bed': ((0.9, 1.9), (1.95, 2.15)), 'shelf': ((0.6, 1.8), (0.25, 0.42), (0.8, 2.2)),
    'cabinet': ((0.5, 1.8), (0.35, 0.55), (0.5, 1.3)),
    'wardrobe': ((0.6, 2.2), (0.5, 0.65), (1.7, 2.2)), 'kitchen': ((1.2, 3.2), (0.6, 0.65)),
    'television': ((1.0, 1.8), (0.35, 0.5)), 'floor_lamp': ((0.4, 0.45), (0.4, 0.45)),
    'pot_plant': ((0.4, 0.7), (0.4, 0.7)), 'cartons': ((0.6, 1.4), (0.45, 0.6)),
    'bin_': ((0.3, 0.4), (0.3, 0.4)),
}  # fmt: skip
BUILDERS = {'coffee': furniture.table, 'wardrobe': furniture.cabinet}


def room(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Furnish a room; returns viewpoints to try, the preferred one first."""
    rng = scene.rng
    width, depth, height = rng.uniform(2.6, 7.5), rng.uniform(3.0, 9.0), rng.uniform(2.3, 3.2)
    kind = list(KINDS)[rng.choice(len(KINDS), p=[0.36, 0.26, 0.14, 0.12, 0.12])]
    windows = shell(scene, palette, width, depth, height)
    light(scene, palette, width, depth, height, windows)
    taken, targets = [], []
    along, middle = KINDS[kind]
    for _ in range(rng.integers(5, 13)):
        _against_wall(scene, palette, along[rng.integers(len(along))], width, depth, taken, targets)
    for _ in range(rng.integers(0, 5)):
        _free_standing(scene, palette, middle[rng.integers(len(middle))], width, depth, taken, targets)
    if rng.random() < 0.4:
        _rug(scene, palette, width, depth)
    scatter(scene.frame(), palette, 0.8 * width, 0.8 * depth, rng.integers(0, 4))
    return _viewpoints(rng, width, depth, height, taken, targets)


def shell(scene: Scene, palette: Palette, width, depth, height) -> list[np.ndarray]:
    """
    Build floor, ceiling and four walls with doors, windows, pictures; the floor's middle is the origin.

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
            at.moved(0, 0.06, sill + 0.06 * k).tilted('x', 0.6).box(0, 0, 0, width, 0.05, 0.004, frame)
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
        at.moved(0, 0, z + 0.4).tilted('x', -math.pi / 2).cylinder(0, 0, 0, r, 0.04, palette.picture('paper'))


def light(scene: Scene, palette: Palette, width, depth, height, windows) -> None:
    """Hang lamps and let windows shine."""
    rng, at = scene.rng, scene.frame()
    warm = np.array(colour(rng, (0.07, 0.14), (0.0, 0.35), (0.95, 1.0)))
    strength = rng.uniform(2.0, 7.0)
    for _ in range(rng.integers(1, 3) if windows.__len__() < 2 or rng.random() < 0.6 else 0):
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
        at.moved(yaw=rng.choice([0, math.pi / 2])).box(0, 0, -drop, 1.2, rng.uniform(0.12, 0.6), drop, bright)
    else:
        at.cylinder(0, 0, -0.08, rng.uniform(0.12, 0.25), 0.08, bright)


def _rug(scene, palette, width, depth):
    rng = scene.rng
    at = scene.frame(*(rng.uniform(-0.2, 0.2, 2) * [width, depth]), 0, rng.normal(0, 0.2))
    at.box(0, 0, 0, rng.uniform(0.3, 0.6) * width, rng.uniform(0.3, 0.6) * depth, 0.012, palette.fabric())


def _against_wall(scene, palette, name, width, depth, taken, targets):
    rng = scene.rng
    size = [rng.uniform(*bounds) for bounds in SIZES[name]]
    k = rng.integers(4)
    length, away = (width, depth) if k % 2 == 0 else (depth, width)
    if size[0] > length - 0.2:
        return
    x, gap = rng.uniform(-0.5, 0.5) * (length - size[0]), rng.choice([0.02, 0.05, 0.3])
    wall = scene.frame(yaw=k * math.pi / 2).moved(y=away / 2, yaw=math.pi)
    _place(wall.moved(x, gap, 0, rng.choice([0.0, rng.normal(0, 0.05)])), palette, name, size, taken, targets)


def _free_standing(scene, palette, name, width, depth, taken, targets):
    rng = scene.rng
    size = [rng.uniform(*bounds) for bounds in SIZES[name]]
    x, y = rng.uniform(-0.32, 0.32) * width, rng.uniform(-0.32, 0.32) * depth
    at = scene.frame(x, y, 0, rng.uniform(0, 2 * math.pi)).moved(y=-size[1] / 2)
    _place(at, palette, name, size, taken, targets)


def _place(at: Frame, palette, name, size, taken, targets):
    """Build a piece, with chairs around tables, unless it would overlap another one."""
    rng = palette.rng
    centre, radius = at.world(0, size[1] / 2), 0.5 * math.hypot(size[0], size[1])
    reach = 0.5 * size[1] + 0.35 * (size[0] / 2)
    if any(np.hypot(*(centre - other)[:2]) < reach + far for other, far, _ in taken):
        return
    taken.append((centre, reach, radius))
    options = {'height': rng.uniform(0.35, 0.5)} if name == 'coffee' else {}
    BUILDERS.get(name, getattr(furniture, name, None))(at, palette, *size, **options)
    if name in ('desk', 'table') and rng.random() < 0.8:
        x = rng.uniform(-0.3, 0.3) * size[0]
        furniture.chair(at.moved(x, size[1] + rng.uniform(0.2, 0.6), 0, math.pi + rng.normal(0, 0.5)), palette)
    top = {'desk': 0.75, 'table': 0.75, 'kitchen': 0.9, 'coffee': 0.45, 'bed': 0.5, 'sofa': 0.45}
    targets.append(at.world(0, size[1] / 2, top.get(name, rng.uniform(0.2, 1.0))))


def _viewpoints(rng, width, depth, height, taken, targets):
    """Half of the pictures show a piece from nearby, the others the room as a robot sees it."""
    found = []
    for _ in range(24):
        hfov = math.radians(rng.choice([rng.uniform(40, 75), rng.uniform(55, 75), rng.uniform(40, 115)]))
        roll = rng.normal(0, 0.05) if rng.random() < 0.8 else rng.normal(0, 0.3)
        if targets and rng.random() < 0.55:
            target = targets[rng.integers(len(targets))] + rng.normal(0, [0.4, 0.4, 0.12])
            away, turn, down = rng.uniform(0.6, 2.8), rng.uniform(0, 2 * math.pi), rng.uniform(0.05, 1.0)
            level = math.cos(down) * away
            offset = [math.cos(turn) * level, math.sin(turn) * level, math.sin(down) * away]
            view = looking_at(target + offset, target, roll, hfov)
        else:
            x, y = rng.uniform(-0.45, 0.45) * width, rng.uniform(-0.45, 0.45) * depth
            z = rng.choice([rng.uniform(0.12, 0.6), rng.uniform(0.6, 1.9), rng.uniform(1.2, 1.7)])
            yaw = math.atan2(x, -y) + rng.normal(0, 0.7)
            pitch = rng.normal(-0.12 * z, 0.18)
            view = Viewpoint(np.array([x, y, z]), yaw, pitch, roll, hfov)
        limit = np.array([width / 2 - 0.15, depth / 2 - 0.15])
        if (np.abs(view.position[:2]) < limit).all() and 0.1 < view.position[2] < height - 0.15:
            found.append(view)
    return found
