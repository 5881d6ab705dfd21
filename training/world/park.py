# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Parks: lawns and paths, trees, beds, ponds, benches, playgrounds, and houses behind them."""

from __future__ import annotations

from dataclasses import replace
import math

from . import amenity, building, garden, greenery, nature, vehicle
from .ground import Ground
from .hall import cone
from .material import Palette
from .road import asphalt_of, paving_of, soil_of
from .scene import Scene
from .viewpoint import hfov, Viewpoint
from .weather import weather


def park(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Build a park; returns viewpoints to try, the preferred one first."""
    rng = scene.rng
    weather(scene)
    size, path = rng.uniform(20, 70), rng.uniform(0.7, 2.2)  # half of the park, half of a path
    ground = Ground(scene, soil_of(palette))
    ways = _paths(scene, palette, size, path)
    for _ in range(rng.integers(0, 10)):
        wide = rng.uniform(4, 18)
        x, y = rng.uniform(-size, size), rng.uniform(-0.3, 1.6) * size
        if _away(ways, x, y) > path + wide:
            ground.raise_mound(x, y, wide, 0.8 * wide, wide * rng.uniform(0.02, 0.12))
    _furnish(ground, palette, ways, path, size)
    _border(scene, palette, size)
    return [_viewpoint(ground, rng, path) for _ in range(24)]


def _paths(scene: Scene, palette, size, path) -> list[float]:
    """Lay a path along y and up to two across it, at any angle; returns the angles, radians."""
    rng = scene.rng
    look = (paving_of if rng.random() < 0.5 else asphalt_of)(palette)
    if rng.random() < 0.35:
        look = palette.pattern('speckle', (0.45, 0.38, 0.28), None, rng.uniform(0.8, 2))
    look = replace(look, world=True)
    ways = [0.0, *rng.uniform(0.5, 2.6, rng.integers(0, 3))]
    for turn in ways:
        # All of them meet before the camera.
        way = scene.frame(0, 10, -0.2, turn)
        way.box(0, 0, 0, 2 * path, 3 * size, 0.21, look)
        if rng.random() < 0.3:
            kerb = palette.pattern('speckle', (0.4, 0.4, 0.38), None, 1.0)
            for x in (-path, path):
                way.box(x, 0, 0, 0.1, 3 * size, 0.24, kerb)
    if rng.random() < 0.4:
        scene.frame(0, 10, -0.2).cylinder(0, 0, 0, path * rng.uniform(1.5, 4), 0.212, look)
    return ways


def _away(ways, x, y) -> float:
    """Return the distance of a place from the middle of the nearest path, metres."""
    return min(abs(math.cos(turn) * x + math.sin(turn) * (y - 10)) for turn in ways)


def _furnish(ground: Ground, palette, ways, path, size) -> None:
    """Plant the lawn, and set up what stands along the paths and on it."""
    rng = palette.rng
    dense = rng.uniform(0.2, 1.5)
    for build, mean, clear in (
        (greenery.tree, 14, 0.8),
        (greenery.bush, 10, 0.8),
        (garden.flower_bed, 5, 2.0),
        (nature.pond, 2.0, 9.0),
        (amenity.swing, 1.2, 2.5),
        (amenity.slide, 1.2, 3.0),
        (amenity.statue, 0.8, 1.5),
        (vehicle.person, 4, 0.0),
        (vehicle.cyclist, 0.8, 0.0),
        (cone, 0.3, 0.0),
    ):
        for _ in range(rng.poisson(mean * dense)):
            # Most of it where it is seen well.
            reach = min(size, 22) if rng.random() < 0.6 else size
            x, y = rng.uniform(-0.7, 0.7) * reach, rng.uniform(-0.15, 1.2) * reach
            if clear and _away(ways, x, y) < path + clear:
                continue
            build(ground.at(x, y, rng.uniform(0, 2 * math.pi), sunk=0.02), palette)
    for build, mean in ((amenity.bench, 6), (amenity.bin_, 2), (amenity.lamp_post, 5)):
        for _ in range(rng.poisson(mean * rng.uniform(0.2, 1.2))):
            side, y = rng.choice([-1, 1]), rng.uniform(-5, 0.9 * size)
            x = side * (path + rng.uniform(0.3, 0.9))
            if _away(ways[1:] or [math.pi / 2], x, y) > path + 0.5:
                yaw = side * math.pi / 2 + rng.normal(0, 0.05)
                build(ground.at(x, y, yaw), palette)
    for side in (-1, 1):
        if rng.random() < 0.2:
            place = ground.at(side * (path + rng.uniform(0.8, 3)), rng.uniform(14, 20))
            greenery.hedge(place, palette, rng.uniform(6, 25))


def _border(scene: Scene, palette, size) -> None:
    """Close the park with hedges or a fence, woods and houses."""
    rng = palette.rng
    edge = rng.choice(['hedge', 'fence', 'none'])
    for turn in (-math.pi / 2, 0.0, math.pi / 2):
        # +x of the side is into the park; it runs along +y.
        side = scene.frame(0, 0.3 * size, 0, turn - math.pi / 2).moved(-size)
        y = -size
        while y < size:
            length = rng.uniform(8, 22)
            if edge != 'none' and rng.random() < 0.85:
                build = greenery.hedge if edge == 'hedge' else building.fence
                build(side.moved(0, y), palette, length)
            if rng.random() < 0.5:
                building.house(side.moved(-rng.uniform(4, 18), y), palette, length)
            else:
                for _ in range(rng.integers(1, 4)):
                    place = side.moved(-rng.uniform(2, 16), y + rng.uniform(0, length))
                    greenery.tree(place, palette)
            y += length + rng.choice([0.0, 2.0, 6.0])


def _viewpoint(ground: Ground, rng, path) -> Viewpoint:
    aside = path if rng.random() < 0.6 else 8.0
    x, y = rng.uniform(-aside, aside), rng.uniform(-8, 6)
    z = rng.choice([rng.uniform(0.2, 0.9), rng.uniform(0.9, 1.8)])
    yaw, pitch = rng.normal(0, 0.5), rng.normal(-0.06, 0.1)
    return Viewpoint(ground.at(x, y).world(0, 0, z), yaw, pitch, rng.normal(0, 0.04), hfov(rng))
