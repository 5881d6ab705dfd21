# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Furnished rooms: offices, living rooms, bedrooms, kitchens and store rooms."""

from __future__ import annotations

import math

import numpy as np

from . import furniture, interior, seat, vehicle
from .clutter import scatter
from .footprint import Plan
from .material import Palette
from .scene import Frame, Scene
from .viewpoint import looking_at, Viewpoint

# Per kind of room: pieces along the walls and pieces in the middle.
KINDS = {
    'office': (
        ('desk', 'desk', 'desk', 'shelf', 'cabinet', 'cartons', 'bin', 'pot_plant', 'table'),
        ('desk', 'table', 'chair', 'chair'),
    ),
    'living': (
        ('sofa', 'lounge', 'shelf', 'television', 'cabinet', 'floor_lamp', 'pot_plant', 'desk'),
        ('coffee', 'sofa', 'lounge', 'lounge', 'table', 'stool'),
    ),
    'bedroom': (
        ('bed', 'bed', 'wardrobe', 'cabinet', 'desk', 'shelf', 'floor_lamp', 'lounge'),
        ('chair', 'stool', 'lounge', 'cartons'),
    ),
    'kitchen': (
        ('kitchen', 'kitchen', 'wardrobe', 'table', 'shelf', 'bin', 'chair'),
        ('table', 'table', 'chair', 'stool'),
    ),
    'store': (
        ('shelf', 'shelf', 'cartons', 'cartons', 'wardrobe', 'cabinet', 'table'),
        ('cartons', 'table', 'cartons'),
    ),
}
# Width, depth and height ranges, metres; the height only where the piece takes one.
SIZES = {
    'desk': ((1.1, 1.9), (0.6, 0.85)), 'table': ((0.8, 2.0), (0.7, 1.0)),
    'coffee': ((0.7, 1.3), (0.5, 0.8)), 'chair': ((0.42, 0.5), (0.42, 0.52)),
    'stool': ((0.32, 0.45), (0.32, 0.45)), 'sofa': ((0.85, 2.4), (0.8, 1.0)),
    'lounge': ((0.58, 0.78), (0.7, 0.95)), 'bed': ((0.9, 1.9), (1.95, 2.15)),
    'shelf': ((0.6, 1.8), (0.25, 0.42), (0.8, 2.2)),
    'cabinet': ((0.5, 1.8), (0.35, 0.55), (0.5, 1.3)),
    'wardrobe': ((0.6, 2.2), (0.5, 0.65), (1.7, 2.2)), 'kitchen': ((1.2, 3.2), (0.6, 0.65)),
    'television': ((1.0, 1.8), (0.35, 0.5)), 'floor_lamp': ((0.4, 0.45), (0.4, 0.45)),
    'pot_plant': ((0.4, 0.7), (0.4, 0.7)), 'cartons': ((0.6, 1.4), (0.45, 0.6)),
    'bin': ((0.3, 0.4), (0.3, 0.4)),
}  # fmt: skip
LEAN = {'chair': 0.12, 'lounge': 0.3}  # how far backs lean towards a wall, metres
BUILDERS = {
    'desk': furniture.desk, 'table': furniture.table, 'coffee': furniture.table,
    'chair': seat.chair, 'stool': seat.stool, 'sofa': seat.sofa, 'lounge': seat.lounge,
    'bed': seat.bed,
    'shelf': furniture.shelf, 'cabinet': furniture.cabinet, 'wardrobe': furniture.cabinet,
    'kitchen': furniture.kitchen, 'television': furniture.television,
    'floor_lamp': furniture.floor_lamp, 'pot_plant': furniture.pot_plant,
    'cartons': furniture.cartons, 'bin': furniture.bin_,
}  # fmt: skip


def room(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Furnish a room; returns viewpoints to try, the preferred one first."""
    rng = scene.rng
    width, depth, height = rng.uniform(2.6, 7.5), rng.uniform(3.0, 9.0), rng.uniform(2.3, 3.2)
    kind = list(KINDS)[rng.choice(len(KINDS), p=[0.3, 0.34, 0.14, 0.12, 0.1])]
    windows = interior.shell(scene, palette, width, depth, height)
    lamps = rng.integers(1, 3) if len(windows) < 2 or rng.random() < 0.6 else 0
    interior.light(scene, palette, width, depth, height, windows, lamps)
    plan, targets = Plan((width, depth)), []
    along, middle = KINDS[kind]
    for _ in range(int(rng.uniform(0.9, 2.8) * (width + depth))):
        _against_wall(scene, palette, along[rng.integers(len(along))], width, depth, plan, targets)
    if rng.random() < 0.3:
        _partition(scene, palette, width, depth, height, plan)
    for _ in range(rng.integers(0, 5)):
        _free_standing(
            scene, palette, middle[rng.integers(len(middle))], width, depth, plan, targets
        )
    if rng.random() < 0.4:
        _rug(scene, palette, width, depth)
    for _ in range(rng.integers(0, 4)):
        plan.put(scene.frame(), scatter, palette, 0.8 * width, 0.8 * depth, 1)
    if rng.random() < 0.12:
        x, y = rng.uniform(-0.4, 0.4, 2) * [width, depth]
        plan.put(scene.frame(x, y, 0, rng.uniform(0, 2 * math.pi)), vehicle.person, palette)
    return _viewpoints(rng, width, depth, height, targets)


def _partition(scene, palette, width, depth, height, plan: Plan):
    """Stand a pillar, a half-height screen or a stretch of wall into the room."""
    rng, at = scene.rng, scene.frame(yaw=math.pi / 2 * scene.rng.integers(4))
    if rng.random() < 0.3:
        x, y, thick = rng.uniform(-0.3, 0.3) * width, rng.uniform(-0.3, 0.3) * depth, 0.4
        size = thick, thick, height
        plan.put(scene.frame(x, y), Frame.box, 0, 0, 0, *size, palette.wall())
        return
    length, tall = rng.uniform(0.8, 2.5), height if rng.random() < 0.6 else rng.uniform(1.1, 1.8)
    reach = min(width, depth) / 2
    wall = at.moved(rng.uniform(-0.3, 0.3) * reach, reach - length / 2)
    size = rng.uniform(0.05, 0.2), length, tall
    plan.put(wall, Frame.box, 0, 0, 0, *size, palette.wall())


def _rug(scene, palette, width, depth):
    rng = scene.rng
    at = scene.frame(*(rng.uniform(-0.2, 0.2, 2) * [width, depth]), 0, rng.normal(0, 0.2))
    at.box(
        0,
        0,
        0,
        rng.uniform(0.3, 0.6) * width,
        rng.uniform(0.3, 0.6) * depth,
        0.012,
        palette.fabric(),
    )


def _against_wall(scene, palette, name, width, depth, plan, targets):
    rng = scene.rng
    size = [rng.uniform(*bounds) for bounds in SIZES[name]]
    k = rng.integers(4)
    length, away = (width, depth) if k % 2 == 0 else (depth, width)
    if size[0] > length - 0.2:
        return
    x, gap = rng.uniform(-0.5, 0.5) * (length - size[0]), rng.choice([0.02, 0.05, 0.3])
    gap = max(gap, LEAN.get(name, 0.0))
    wall = scene.frame(yaw=k * math.pi / 2).moved(y=away / 2, yaw=math.pi)
    _place(
        wall.moved(x, gap, 0, rng.choice([0.0, rng.normal(0, 0.05)])),
        palette,
        name,
        size,
        plan,
        targets,
    )


def _free_standing(scene, palette, name, width, depth, plan, targets):
    rng = scene.rng
    size = [rng.uniform(*bounds) for bounds in SIZES[name]]
    x, y = rng.uniform(-0.32, 0.32) * width, rng.uniform(-0.32, 0.32) * depth
    at = scene.frame(x, y, 0, rng.uniform(0, 2 * math.pi)).moved(y=-size[1] / 2)
    _place(at, palette, name, size, plan, targets)


def _place(at: Frame, palette, name, size, plan: Plan, targets):
    """Build a piece, with chairs around tables, unless it would overlap another one."""
    rng = palette.rng
    if name == 'coffee':
        size = [*size, rng.uniform(0.35, 0.5)]
    start = len(at.scene.rows)
    if not plan.put(at, BUILDERS[name], palette, *size):
        return
    if name in ('desk', 'table') and rng.random() < 0.8:
        x = rng.uniform(-0.3, 0.3) * size[0]
        place = at.moved(x, size[1] + rng.uniform(0.2, 0.6), 0, math.pi + rng.normal(0, 0.5))
        plan.put_under(place, seat.chair, palette, start=start, below=0.6)
    top = {
        'desk': 0.75, 'table': 0.75, 'kitchen': 0.9, 'coffee': 0.45, 'bed': 0.5, 'sofa': 0.45,
        'lounge': 0.5,
    }  # fmt: skip
    targets.append(at.world(0, size[1] / 2, top.get(name, rng.uniform(0.2, 1.0))))


def _viewpoints(rng, width, depth, height, targets):
    """Many pictures show a piece from nearby, the others the room as a robot sees it."""
    found = []
    for _ in range(24):
        hfov = math.radians(
            rng.choice([rng.uniform(40, 75), rng.uniform(55, 75), rng.uniform(40, 115)])
        )
        # A camera on a robot stands level, one in a hand or on an arm does not.
        held = rng.random()
        roll = rng.normal(0, 0.05) if held < 0.6 else rng.normal(0, 0.35)
        if held > 0.88:  # turned over, as on an arm
            roll = rng.uniform(-math.pi, math.pi)
        if targets and rng.random() < 0.5:
            target = targets[rng.integers(len(targets))] + rng.normal(0, [0.4, 0.4, 0.12])
            away, turn, down = (
                rng.uniform(0.45, 2.8),
                rng.uniform(0, 2 * math.pi),
                rng.uniform(0.05, 1.35),
            )
            level = math.cos(down) * away
            offset = [math.cos(turn) * level, math.sin(turn) * level, math.sin(down) * away]
            view = looking_at(target + offset, target, roll, hfov)
        else:
            x, y = rng.uniform(-0.45, 0.45) * width, rng.uniform(-0.45, 0.45) * depth
            # Half as high is as likely: a network that takes it for granted that cameras are held
            # at eye level sees a small robot's room twice as large as it is.
            z = math.exp(rng.uniform(math.log(0.15), math.log(1.8)))
            yaw = math.atan2(x, -y) + rng.normal(0, 0.7)
            pitch = rng.normal(-0.12 * z, 0.18)
            view = Viewpoint(np.array([x, y, z]), yaw, pitch, roll, hfov)
        limit = np.array([width / 2 - 0.15, depth / 2 - 0.15])
        if (np.abs(view.position[:2]) < limit).all() and 0.1 < view.position[2] < height - 0.15:
            found.append(view)
    return found
