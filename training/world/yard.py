# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Yards: back gardens, courts between houses, farm and builders' yards, car parks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
import math

import numpy as np

from . import amenity, building, garden, greenery, vehicle
from .hall import cone
from .lorry import lorry
from .material import Material, Palette
from .road import asphalt_of, paving_of, soil_of
from .scene import Scene
from .viewpoint import hfov, Viewpoint
from .weather import weather


@dataclass(frozen=True)
class Kind:
    """
    What a yard is like.

    built: share of its sides that houses and garages take; size: of it, against a garden's
    ground, often: what mostly covers it, and how often it does; paving else
    edge, inside: what stands along the sides, and anywhere; one that is named twice comes twice
    as often
    at_edge, within: how many of these, the least and the greatest mean
    """

    built: float
    size: float
    ground: Callable[[Palette], Material]
    often: float
    edge: tuple
    at_edge: tuple[float, float]
    inside: tuple
    within: tuple[float, float]


KINDS = {
    'garden': Kind(
        0.3, 1.0, soil_of, 0.7,
        (garden.shed, garden.woodpile, garden.flower_bed, greenery.bush, amenity.bin_,
         greenery.bush),
        (2, 9),
        (greenery.tree, greenery.bush, garden.laundry, amenity.swing, garden.seats, garden.seats,
         garden.pot, garden.stone, vehicle.person),
        (2, 8),
    ),
    'court': Kind(
        0.85, 1.0, paving_of, 1.0,
        (amenity.bin_, amenity.bin_, amenity.bin_, garden.parked_bicycle, garden.parked_bicycle,
         garden.pot, amenity.bench, garden.cartons),
        (3, 14),
        (greenery.tree, garden.seats, garden.laundry, garden.pot, vehicle.person, vehicle.car),
        (0.5, 4),
    ),
    'works': Kind(
        0.4, 2.0, asphalt_of, 0.6,
        (garden.container, garden.container, garden.goods, garden.goods, garden.shed,
         amenity.bin_, garden.cartons),
        (4, 14),
        (garden.goods, garden.goods, garden.heap, vehicle.van, lorry, vehicle.person, cone,
         garden.barrels, garden.stone),
        (3, 12),
    ),
    'cars': Kind(
        0.35, 2.0, asphalt_of, 0.6,
        (building.pole, greenery.tree, greenery.bush, amenity.bin_, amenity.lamp_post),
        (2, 10),
        (vehicle.person, cone),
        (0, 3),
    ),
}  # fmt: skip


def yard(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Build a yard and what encloses it; returns viewpoints to try, the preferred one first."""
    rng = scene.rng
    weather(scene)
    name = str(rng.choice(list(KINDS)))
    kind = KINDS[name]
    width, depth = kind.size * rng.uniform(6, 18), kind.size * rng.uniform(8, 22)
    scene.frame().box(0, 0, -1, 900, 900, 0.98, replace(soil_of(palette), world=True))
    look = kind.ground if rng.random() < kind.often else paving_of
    # As wide as what stands around it, and behind that.
    scene.frame().box(0, 0, -0.5, width + 8, depth + 8, 0.5, replace(look(palette), world=True))
    if name == 'garden' and rng.random() < 0.7:  # a terrace
        paved = replace(paving_of(palette), world=True)
        scene.frame(0, -depth / 2).box(0, 2, -0.4, width, 4, 0.43, paved)
    _enclose(scene, palette, kind.built, width, depth)
    if name == 'cars':
        _bays(scene, palette, width, depth)
    _along(scene, palette, width, depth, kind.edge, rng.uniform(*kind.at_edge))
    _strewn(scene, palette, width, depth, kind.inside, rng.uniform(*kind.within))
    return [_viewpoint(rng, width, depth) for _ in range(24)]


def _enclose(scene: Scene, palette, built, width, depth) -> None:
    """Stand houses, walls, garages, fences and hedges on the four sides, gaps between them."""
    rng = palette.rng
    for k, (away, along) in enumerate(((depth, width), (width, depth)) * 2):
        # +x of the side is into the yard; it runs along +y.
        side = scene.frame(yaw=k * math.pi / 2 - math.pi / 2).moved(-away / 2)
        y = -along / 2
        while y < along / 2 - 0.5:
            length = min(rng.uniform(3, 14), along / 2 - y)
            what = rng.random()
            if what < built and length > 3:
                place = side.moved(-rng.choice([0.0, 0.0, 0.6]), y)
                if length < 6 and rng.random() < 0.4:
                    building.garage(place, palette)
                else:
                    building.house(place, palette, length)
            elif what < 0.93:
                build = greenery.hedge if rng.random() < 0.3 else building.fence
                build(side.moved(0, y), palette, length)
                if rng.random() < 0.6:  # what looks over it
                    behind = side.moved(-rng.uniform(5, 14), y)
                    if rng.random() < 0.5:
                        building.house(behind, palette, length + 4)
                    else:
                        greenery.tree(behind, palette)
            y += length + rng.choice([0.0, 0.0, 1.2])


def _along(scene: Scene, palette, width, depth, builds, mean) -> None:
    """Stand things near the edge, their backs to it."""
    rng = palette.rng
    for _ in range(rng.poisson(mean)):
        k = int(rng.integers(4))
        away, along = ((depth, width), (width, depth))[k % 2]
        side = scene.frame(yaw=k * math.pi / 2)
        place = side.moved(rng.uniform(-0.42, 0.42) * along, -away / 2 + rng.uniform(0.6, 1.6))
        builds[rng.integers(len(builds))](place.moved(yaw=rng.normal(0, 0.08)), palette)


def _strewn(scene: Scene, palette, width, depth, builds, mean) -> None:
    """Stand things anywhere, turned anyhow."""
    rng = palette.rng
    for _ in range(rng.poisson(mean)):
        x, y = rng.uniform(-0.42, 0.42) * width, rng.uniform(-0.42, 0.42) * depth
        place = scene.frame(x, y, 0, rng.uniform(0, 2 * math.pi))
        builds[rng.integers(len(builds))](place, palette)


def _bays(scene: Scene, palette, width, depth) -> None:
    """Mark rows of bays for cars, some of them taken."""
    rng = palette.rng
    white = rng.uniform(0.4, 0.85)
    paint = palette.pattern('asphalt', (white, white, 0.95 * white), None, 0.7)
    busy, apart = rng.uniform(0.2, 0.95), rng.uniform(10, 13)
    for x in np.arange(-width / 2 + 3, width / 2 - 2, apart):
        for y in np.arange(-depth / 2 + 1.5, depth / 2 - 1, 2.5):
            scene.frame().box(x, y - 1.25, 0, 4.8, 0.1, 0.006, paint)
            if rng.random() < busy:
                turn = math.pi * (rng.integers(2) + 0.5) + rng.normal(0, 0.03)
                build = vehicle.van if rng.random() < 0.12 else vehicle.car
                build(scene.frame(x + rng.normal(0, 0.15), y, 0, turn), palette)


def _viewpoint(rng, width, depth) -> Viewpoint:
    x, y = rng.uniform(-0.4, 0.4) * width, rng.uniform(-0.45, 0.25) * depth
    z = rng.choice([rng.uniform(0.2, 0.8), rng.uniform(0.8, 1.8)])
    yaw = math.atan2(x, 4 - y) + rng.normal(0, 0.5)
    place = np.array([x, y, z])
    return Viewpoint(place, yaw, rng.normal(-0.05, 0.12), rng.normal(0, 0.04), hfov(rng))
