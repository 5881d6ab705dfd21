# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Open and rough land: meadows, woods, heath, gravel, sand and snow, with a trail or without."""

from __future__ import annotations

import math

import numpy as np

from . import building, greenery, nature, vehicle
from .ground import Ground
from .material import colour, Material, Palette
from .road import paving_of, soil_of
from .scene import Scene
from .viewpoint import hfov, Viewpoint
from .weather import weather

NEAR, FAR = 35.0, 160.0  # metres around the camera: where small things are, and where hills end
# How many, on average: trees of a wood, single trees, bushes, tufts, rocks, logs.
LANDS = {
    'meadow': (0, 6, 8, 90, 6, 2),
    'wood': (55, 3, 8, 50, 10, 7),
    'heath': (4, 3, 24, 110, 20, 3),
    'gravel': (0, 1, 4, 14, 90, 2),
    'sand': (0, 1, 5, 40, 25, 2),
    'snow': (18, 6, 6, 8, 24, 4),
}
TRAIL = 1.3  # metres, half of a trail's width, where the ground stays even


def terrain(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Build open land; returns viewpoints to try, the preferred one first."""
    rng = scene.rng
    weather(scene)
    land = str(rng.choice(list(LANDS)))
    trail = bool(rng.random() < 0.45)
    ground = Ground(scene, _surface(land, palette))
    _relief(ground, palette, land, trail)
    if trail:
        scene.frame().box(0, 100, -0.2, 2 * TRAIL, 320, 0.21, _surface('trail', palette))
        if rng.random() < 0.35:
            for y in np.arange(-20, 100, 8.0):
                building.fence(scene.frame(rng.choice([-1, 1]) * (TRAIL + 0.8), y), palette, 8.0)
    _cover(ground, palette, land, trail)
    for _ in range(rng.poisson(0.5)):
        x, y = rng.uniform(-1, 1), rng.uniform(3, 30)
        vehicle.person(ground.at(x, y, rng.uniform(0, 2 * math.pi)), palette)
    return [_viewpoint(ground, rng, trail) for _ in range(24)]


def _surface(land: str, palette: Palette) -> Material:
    rng = palette.rng
    if land == 'meadow':
        return soil_of(palette)
    if land == 'trail' and rng.random() < 0.2:
        return paving_of(palette)
    kinds, hue, saturation, value, scale = {
        'wood': (('foliage', 'speckle', 'asphalt'), (0.05, 0.2), (0.2, 0.6), (0.15, 0.4), 1.5),
        'heath': (('foliage', 'grass'), (0.03, 0.25), (0.15, 0.5), (0.2, 0.5), 2.0),
        'gravel': (('speckle', 'asphalt'), (0.03, 0.15), (0.0, 0.25), (0.3, 0.75), 1.0),
        'sand': (('plaster', 'cloud', 'asphalt'), (0.08, 0.13), (0.15, 0.45), (0.5, 0.9), 3.0),
        'snow': (('plaster', 'cloud'), (0.5, 0.6), (0.0, 0.06), (0.8, 0.99), 4.0),
        'trail': (('asphalt', 'speckle'), (0.05, 0.13), (0.1, 0.4), (0.25, 0.65), 1.5),
    }[land]
    first = colour(rng, hue, saturation, value)
    second = tuple(rng.uniform(0.7, 0.97) * c for c in first) if land == 'snow' else None
    drawn = lambda: palette.pattern(rng.choice(kinds), first, second, scale * palette.loose())
    return palette.photo(('ground', 'asphalt'), 2.0, drawn, 0.0 if land == 'snow' else 0.3)


def _relief(ground: Ground, palette: Palette, land: str, trail: bool) -> None:
    """Raise humps and ridges nearby, banks along a trail, hills far away."""
    rng = palette.rng
    rough = rng.uniform(0.04, 0.3) * (0.6 if land == 'meadow' else 1.0)
    for _ in range(rng.integers(10, 70)):
        x, y = rng.uniform(-NEAR, NEAR), rng.uniform(-15, 1.5 * NEAR)
        wide = 10 ** rng.uniform(-0.1, 1.1)
        deep = wide * rng.uniform(0.4, 1.0)
        if trail and abs(x) < TRAIL + max(wide, deep):
            continue
        high = rough * deep * rng.uniform(0.3, 1.3)
        ground.raise_mound(x, y, wide, deep, high, rng.uniform(0, math.pi))
    if trail and rng.random() < 0.5:
        for side in (-1, 1):
            wide = rng.uniform(3, 12)
            x = side * (TRAIL + wide + rng.uniform(0.2, 1.5))
            ground.raise_mound(x, 40, wide, 120, rng.uniform(0.5, 4.0))
    dark = greenery.leaves(palette)
    for _ in range(rng.integers(0, 9)):
        turn, away = rng.uniform(-1.3, 1.3), rng.uniform(70, FAR)
        wide, deep = rng.uniform(35, 110), rng.uniform(20, 50)
        look = dark if rng.random() < 0.5 else None
        x, y = away * math.sin(turn), away * math.cos(turn)
        if not trail or abs(x) > TRAIL + wide:
            ground.raise_mound(x, y, wide, deep, deep * rng.uniform(0.08, 0.35), -turn, look)


def _cover(ground: Ground, palette: Palette, land: str, trail: bool) -> None:
    """Strew what grows and lies around."""
    rng = palette.rng
    leaf, wood, stone = greenery.leaves(palette), greenery.bark(palette), nature.stone_of(palette)
    reach, size = rng.uniform(0.5, 1.2) * NEAR, rng.uniform(0.3, 1.2)
    trees = lambda at: greenery.stem(at, palette, leaf, wood)
    tufts = lambda at: nature.tuft(at, palette, leaf, rng.uniform(0.15, 0.9) * size)
    rocks = lambda at: nature.rock(at, palette, size * 10 ** rng.uniform(-0.7, 0.4), stone)
    logs = lambda at: nature.log(at, palette, wood)
    single = lambda at: greenery.tree(at, palette)
    bushes = lambda at: greenery.bush(at, palette)
    for build, mean, spread in zip(
        (trees, single, bushes, tufts, rocks, logs), LANDS[land], (1.4, 1.4, 0.8, 0.4, 0.5, 0.6)
    ):
        for _ in range(rng.poisson(mean * rng.uniform(0.3, 1.5))):
            x = rng.uniform(-1, 1) * spread * reach
            y = rng.uniform(-0.2, 1.0) * spread * reach
            if trail and abs(x) < TRAIL + 0.4:
                continue
            build(ground.at(x, y, rng.uniform(0, 2 * math.pi), sunk=0.05))
    if land in ('meadow', 'heath') and rng.random() < 0.3:
        nature.pond(
            ground.at(rng.uniform(6, 15) * rng.choice([-1, 1]), rng.uniform(6, 25)), palette
        )


def _viewpoint(ground: Ground, rng, trail: bool) -> Viewpoint:
    aside = 0.6 if trail and rng.random() < 0.6 else 8.0
    x, y = rng.uniform(-aside, aside), rng.uniform(-6, 6)
    z = rng.choice([rng.uniform(0.2, 0.8), rng.uniform(0.8, 2.0)])
    yaw, pitch = rng.normal(0, 0.35), rng.normal(-0.08, 0.12)
    roll = rng.normal(0, 0.03) if rng.random() < 0.6 else rng.normal(0, 0.2)
    return Viewpoint(ground.at(x, y).world(0, 0, z), yaw, pitch, roll, hfov(rng))
