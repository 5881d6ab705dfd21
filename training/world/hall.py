# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Halls: warehouses, garages, workshops and shops, where distances are not those of rooms."""

from __future__ import annotations

import math

import numpy as np

from . import furniture, interior, vehicle
from .clutter import scatter
from .footprint import Plan
from .material import Palette
from .scene import Frame, Scene
from .viewpoint import hfov, Viewpoint


def hall(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Build a hall and what fills it; returns viewpoints to try, the preferred one first."""
    rng = scene.rng
    width, depth, height = rng.uniform(8, 24), rng.uniform(10, 40), rng.uniform(2.6, 8.5)
    windows = interior.shell(scene, palette, width, depth, height)
    interior.light(scene, palette, width, depth, height, windows, lamps=0)
    _lamps(scene, palette, width, depth, height)
    plan = Plan((width, depth))
    if rng.random() < 0.6:
        pillar, step, thick = palette.wall(), rng.uniform(4, 8), rng.uniform(0.25, 0.8)
        for x in (-0.25 * width, 0.25 * width):
            for y in np.arange(-depth / 2 + 2, depth / 2, step):
                plan.put(scene.frame(x, y), Frame.box, 0, 0, 0, thick, thick, height, pillar)
    fill = rng.choice([_aisles, _garage, _workshop], p=[0.45, 0.25, 0.3])
    fill(plan, scene, palette, width, depth, height)
    for build, often in ((vehicle.person, 0.7), (board, 0.8), (cone, 0.8)):
        for _ in range(rng.poisson(often)):
            x, y = rng.uniform(-0.4, 0.4, 2) * [width, depth]
            plan.put(scene.frame(x, y, 0, rng.uniform(0, 2 * math.pi)), build, palette)
    return [_viewpoint(rng, width, depth, height) for _ in range(24)]


def _lamps(scene: Scene, palette, width, depth, height):
    """Hang rows of tubes, bright or nearly out, and light from some of them."""
    rng = scene.rng
    tube, bright = palette.shining(rng.uniform(2, 8)), math.exp(rng.uniform(0.5, 3.4))
    across, along = rng.uniform(1.5, 5), rng.uniform(1.8, 6)
    tubes = [
        (x, y, height - 0.1)
        for x in np.arange(-width / 2 + 1, width / 2, across)
        for y in np.arange(-depth / 2 + 1, depth / 2, along)
    ]
    for place in tubes:
        scene.frame().box(*place, 0.3, 1.5, 0.1, tube)
    interior.shine(scene, tubes, bright * np.ones(3))


def _aisles(plan: Plan, scene: Scene, palette, width, depth, height):
    """Rows of racks, shop shelves, tables or cartons."""
    rng = scene.rng
    pieces = (_rack, _rack, furniture.shelf, furniture.cartons, furniture.table, furniture.cabinet)
    for x in np.arange(-width / 2 + 1.5, width / 2 - 1, rng.uniform(2.5, 5)):
        piece, full = pieces[rng.integers(len(pieces))], rng.uniform(0.3, 1.0)
        high = rng.uniform(2, min(height - 0.4, 7)) if piece is _rack else rng.uniform(1.5, 2.3)
        size = {
            _rack: (2.7, 1.0, high),
            furniture.shelf: (1.8, 0.6, high),
            furniture.cabinet: (1.2, 0.5, 1.0),
        }.get(piece, (1.2, 0.8))
        step = size[0] + rng.choice([0.12, 0.12, 1.5])
        turn = math.pi / 2 * rng.choice([1, 3])
        for y in np.arange(-depth / 2 + 1.5, depth / 2 - 2, step):
            if rng.random() < full:
                place = scene.frame(x, y, 0, turn + rng.normal(0, 0.003))
                plan.put(place, piece, palette, *size)


def _rack(at: Frame, palette, width, depth, height):
    """A bay of pallet racking: posts, beams and goods on pallets."""
    rng = palette.rng
    post = palette.plain((0.4, 0.9), (0.3, 0.9), 0.1)
    beam = palette.plain((0.4, 0.9), (0.3, 0.9), 0.1)
    for x in (-width / 2, width / 2):
        for y in (0.05, depth - 0.05):
            at.box(x, y, 0, 0.09, 0.09, height, post)
    level = rng.uniform(1.0, 1.8)
    for z in np.arange(0.0, height - 0.3, level):
        if z:
            for y in (0.05, depth - 0.05):
                at.box(0, y, z - 0.12, width, 0.05, 0.12, beam)
        for x in (-0.235 * width, 0.235 * width):  # 1.2 m each, between the posts
            if rng.random() < 0.7:
                pallet(at.moved(x, depth / 2, z), palette, rng.uniform(0.3, level - 0.35))


def pallet(at: Frame, palette: Palette, height) -> float:
    """Lay goods, up to so many metres high, on a pallet of 1.2 x 0.8 m; returns its top."""
    rng = palette.rng
    at.box(0, 0, 0, 1.2, 0.8, 0.14, palette.wood())
    if rng.random() < 0.5:
        photo = rng.random() < 0.6
        made_of = palette.photo(('cardboard',), 0.6, palette.card) if photo else palette.card()
        at.box(0, 0, 0.14, rng.uniform(0.8, 1.2), rng.uniform(0.6, 0.8), height, made_of)
        return 0.14 + height
    top = 0.0
    for x in (-0.3, 0.3):
        for y in (-0.2, 0.2):
            tall = height * rng.uniform(0.3, 1.0)
            made_of = palette.plain() if rng.random() < 0.6 else palette.card()
            at.box(x, y, 0.14, 0.56, 0.38, tall, made_of)
            top = max(top, 0.14 + tall)
    return top


def _garage(plan: Plan, scene: Scene, palette, width, depth, height):
    """Rows of parked cars, vans among them where they fit."""
    rng = scene.rng
    for x in np.arange(-width / 2 + 3, width / 2 - 2, rng.uniform(6.5, 10)):
        busy = rng.uniform(0.2, 1.0)
        for y in np.arange(-depth / 2 + 1.8, depth / 2 - 1, rng.uniform(2.4, 3.2)):
            if rng.random() < busy:
                turn = math.pi * (rng.integers(2) + 0.5) + rng.normal(0, 0.03)
                build = vehicle.van if height > 3.3 and rng.random() < 0.15 else vehicle.car
                plan.put(scene.frame(x + rng.normal(0, 0.15), y, 0, turn), build, palette)


def _workshop(plan: Plan, scene: Scene, palette, width, depth, height):
    """Machines, benches, pallets, cartons, a car now and then, in no order."""
    rng = scene.rng
    for _ in range(int(width * depth * rng.uniform(0.02, 0.08))):
        x, y = rng.uniform(-0.48, 0.48, 2) * [width, depth]
        at = scene.frame(x, y, 0, math.pi / 2 * rng.integers(4) + rng.normal(0, 0.1))
        what = rng.random()
        if what < 0.3:
            plan.put(at, _machine, palette)
        elif what < 0.5:
            wide, clutter = rng.uniform(1, 2), rng.integers(0, 12)
            plan.put(at, furniture.table, palette, wide, 0.8, None, clutter)
        elif what < 0.7:
            plan.put(at, pallet, palette, rng.uniform(0.2, 1.5))
        elif what < 0.82:
            plan.put(at, furniture.cartons, palette, 1.2, 0.8)
        elif what < 0.92:
            plan.put(at, furniture.shelf, palette, 1.8, 0.6, rng.uniform(1.5, 2.4))
        else:
            plan.put(at, vehicle.car, palette)


def _machine(at: Frame, palette):
    rng = palette.rng
    w, d, h = rng.uniform(0.6, 3.0), rng.uniform(0.6, 1.8), rng.uniform(0.8, 2.6)
    body = palette.plain((0, 0.7), (0.2, 0.9), 0.1)
    at.wedge(0, 0, 0, w, d, h, tuple(rng.choice([0, 0, 0.15], 4)), body)
    for _ in range(rng.integers(1, 5)):
        made_of = palette.metal() if rng.random() < 0.5 else palette.picture('screen')
        x, z = rng.uniform(-0.35, 0.35) * w, rng.uniform(0.1, 0.7) * h
        at.box(x, 0, z, rng.uniform(0.1, 0.4) * w, d + 0.05, rng.uniform(0.1, 0.3) * h, made_of)
    if rng.random() < 0.4:
        at.cylinder(rng.uniform(-0.3, 0.3) * w, 0, h, 0.12, rng.uniform(0.3, 1.5), palette.metal())
    scatter(at.moved(0, 0, h), palette, 0.5 * w, 0.5 * d, rng.integers(0, 3))


def board(at: Frame, palette: Palette) -> None:
    """Hold a board up on a stand, as for signs and for calibrating cameras."""
    rng = palette.rng
    size, tall = rng.uniform(0.5, 1.6), rng.uniform(0.8, 1.7)
    steel = palette.metal()
    for yaw in (0, 2.1, 4.2):
        foot = at.moved(yaw=yaw).tilted('x', 0.4)
        foot.cylinder(0, 0, 0, 0.02, tall, steel)
    face = palette.plain((0, 0.5), (0.3, 0.98), 0.0) if rng.random() < 0.6 else palette.picture()
    held = at.moved(0, 0.1, tall).tilted('x', rng.normal(0, 0.15))
    held = held.tilted('y', rng.choice([0.0, math.pi / 4, rng.uniform(-0.8, 0.8)]))
    held.box(0, 0, -size / 2, size, 0.015, size * rng.uniform(0.7, 1.0), face)


def cone(at: Frame, palette: Palette) -> None:
    """Stand a traffic cone up."""
    at.box(0, 0, 0, 0.4, 0.4, 0.03, palette.plain((0, 0.2), (0.05, 0.2)))
    orange = palette.pattern('stripes', (0.8, 0.15, 0.02), (0.8, 0.8, 0.8), 0.5)
    at.cylinder(0, 0, 0.03, 0.15, 0.7, orange, 0.2)


def _viewpoint(rng, width, depth, height) -> Viewpoint:
    x, y = rng.uniform(-0.45, 0.45) * width, rng.uniform(-0.48, 0.2) * depth
    z = min(rng.choice([rng.uniform(0.15, 0.7), rng.uniform(0.7, 2.2)]), height - 0.3)
    yaw = math.atan2(x, 4 - y) + rng.normal(0, 0.5)
    pitch = rng.normal(-0.05 * z, 0.1)
    wide = hfov(rng) if rng.random() < 0.7 else math.radians(rng.uniform(32, 50))
    return Viewpoint(np.array([x, y, z]), yaw, pitch, rng.normal(0, 0.04), wide)
