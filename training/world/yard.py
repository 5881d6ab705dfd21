# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Yards: back gardens, courts between houses, farm and builders' yards, car parks."""

from __future__ import annotations

from dataclasses import replace
import math

import numpy as np

from . import amenity, building, furniture, garden, greenery, seat, vehicle
from .clutter import plant
from .hall import cone, pallet
from .lorry import lorry
from .material import Palette
from .nature import rock, stone_of
from .road import asphalt_of, paving_of, soil_of
from .scene import Frame, Scene
from .viewpoint import hfov, Viewpoint
from .weather import weather


def yard(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Build a yard and what encloses it; returns viewpoints to try, the preferred one first."""
    rng = scene.rng
    weather(scene)
    kind = str(rng.choice(list(FILL)))
    width, depth = rng.uniform(6, 18), rng.uniform(8, 22)
    if kind in ('works', 'cars'):
        width, depth = 2 * width, 2 * depth
    scene.frame().box(0, 0, -1, 900, 900, 0.98, replace(soil_of(palette), world=True))
    look = soil_of if kind == 'garden' and rng.random() < 0.7 else paving_of
    if kind in ('works', 'cars') and rng.random() < 0.6:
        look = asphalt_of
    # As wide as what stands around it, and behind that.
    scene.frame().box(0, 0, -0.5, width + 8, depth + 8, 0.5, replace(look(palette), world=True))
    if kind == 'garden' and rng.random() < 0.7:  # a terrace
        paved = replace(paving_of(palette), world=True)
        scene.frame(0, -depth / 2).box(0, 2, -0.4, width, 4, 0.43, paved)
    _enclose(scene, palette, kind, width, depth)
    FILL[kind](scene, palette, width, depth)
    return [_viewpoint(rng, width, depth) for _ in range(24)]


def _enclose(scene: Scene, palette, kind, width, depth) -> None:
    """Stand houses, walls, garages, fences and hedges on the four sides, gaps between them."""
    rng = palette.rng
    built = {'garden': 0.3, 'court': 0.85, 'works': 0.4, 'cars': 0.35}[kind]
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


def _garden(scene: Scene, palette, width, depth) -> None:
    rng = palette.rng
    edge = (
        garden.shed,
        garden.woodpile,
        garden.flower_bed,
        greenery.bush,
        amenity.bin_,
        greenery.bush,
    )
    _along(scene, palette, width, depth, edge, rng.uniform(2, 9))
    middle = (
        greenery.tree,
        greenery.bush,
        garden.laundry,
        amenity.swing,
        _seats,
        _seats,
        _pot,
        _stone,
    )
    _strewn(scene, palette, width, depth, (*middle, vehicle.person), rng.uniform(2, 8))


def _court(scene: Scene, palette, width, depth) -> None:
    rng = palette.rng
    edge = (
        amenity.bin_,
        amenity.bin_,
        amenity.bin_,
        _bicycle,
        _bicycle,
        _pot,
        amenity.bench,
        _cartons,
    )
    _along(scene, palette, width, depth, edge, rng.uniform(3, 14))
    middle = (greenery.tree, _seats, garden.laundry, _pot, vehicle.person, vehicle.car)
    _strewn(scene, palette, width, depth, middle, rng.uniform(0.5, 4))


def _works(scene: Scene, palette, width, depth) -> None:
    rng = palette.rng
    edge = (
        garden.container,
        garden.container,
        _goods,
        _goods,
        garden.shed,
        amenity.bin_,
        _cartons,
    )
    _along(scene, palette, width, depth, edge, rng.uniform(4, 14))
    middle = (_goods, _goods, _heap, vehicle.van, lorry, vehicle.person, cone, _barrels, _stone)
    _strewn(scene, palette, width, depth, middle, rng.uniform(3, 12))


def _cars(scene: Scene, palette, width, depth) -> None:
    """Rows of bays, some of them taken."""
    rng = palette.rng
    white = rng.uniform(0.4, 0.85)
    paint = palette.pattern('asphalt', (white, white, 0.95 * white), None, 0.7)
    busy, rows = (
        rng.uniform(0.2, 0.95),
        np.arange(-width / 2 + 3, width / 2 - 2, rng.uniform(10, 13)),
    )
    for x in rows:
        for y in np.arange(-depth / 2 + 1.5, depth / 2 - 1, 2.5):
            scene.frame().box(x, y - 1.25, 0, 4.8, 0.1, 0.006, paint)
            if rng.random() < busy:
                turn = math.pi * (rng.integers(2) + 0.5) + rng.normal(0, 0.03)
                build = vehicle.van if rng.random() < 0.12 else vehicle.car
                build(scene.frame(x + rng.normal(0, 0.15), y, 0, turn), palette)
    edge = (building.pole, greenery.tree, greenery.bush, amenity.bin_, amenity.lamp_post)
    _along(scene, palette, width, depth, edge, rng.uniform(2, 10))
    _strewn(scene, palette, width, depth, (vehicle.person, cone), rng.uniform(0, 3))


FILL = {'garden': _garden, 'court': _court, 'works': _works, 'cars': _cars}


def _seats(at: Frame, palette) -> None:
    """A table with chairs around it, under a parasol now and then."""
    rng = palette.rng
    furniture.table(at, palette, rng.uniform(0.8, 1.6), 0.8, clutter=rng.integers(0, 5))
    for k in range(rng.integers(1, 5)):
        seat.chair(at.moved(yaw=k * math.pi / 2 + rng.normal(0, 0.15)).moved(0, -0.95), palette)
    if rng.random() < 0.4:
        at.cylinder(0, 0, 0, 0.025, 2.3, palette.metal())
        at.cylinder(0, 0, 2.05, rng.uniform(1.0, 1.6), 0.35, palette.fabric(), 0.05)


def _bicycle(at: Frame, palette) -> None:
    """A bicycle that leans."""
    steel, tyre = palette.metal(), palette.pattern('asphalt', (0.02, 0.02, 0.02))
    leaning = at.moved(yaw=math.pi / 2).tilted('y', palette.rng.normal(0, 0.1))
    for y in (-0.5, 0.52):
        leaning.moved(0, y, 0.34).tilted('y', math.pi / 2).cylinder(0, 0, -0.02, 0.34, 0.04, tyre)
    leaning.box(0, 0, 0.55, 0.04, 0.8, 0.05, steel)
    leaning.box(0, -0.25, 0.5, 0.04, 0.04, 0.42, steel)
    leaning.box(0, -0.25, 0.9, 0.16, 0.26, 0.06, tyre)
    leaning.box(0, 0.42, 0.5, 0.04, 0.05, 0.5, steel)
    leaning.box(0, 0.42, 1.0, 0.5, 0.04, 0.04, steel)


def _pot(at: Frame, palette) -> None:
    plant(at, palette, palette.rng.uniform(0.4, 1.8))


def _stone(at: Frame, palette) -> None:
    rock(at, palette, palette.rng.uniform(0.2, 1.0), stone_of(palette))


def _cartons(at: Frame, palette) -> None:
    furniture.cartons(at, palette, 1.2, 0.8)


def _goods(at: Frame, palette) -> None:
    """Pallets with goods, stacked."""
    z = 0.0
    for _ in range(palette.rng.integers(1, 4)):
        high = palette.rng.uniform(0.2, 1.0)
        pallet(at.moved(0, 0, z), palette, high)
        z += high + 0.14


def _heap(at: Frame, palette) -> None:
    """A heap of sand, gravel or earth."""
    rng = palette.rng
    loose = palette.pattern(rng.choice(['speckle', 'asphalt']), (0.4, 0.33, 0.24), None, 1.0)
    radius = rng.uniform(0.8, 3.0)
    at.cylinder(0, 0, 0, radius, 0.55 * radius, loose, rng.uniform(0.05, 0.4))


def _barrels(at: Frame, palette) -> None:
    paint = palette.plain((0.3, 0.9), (0.2, 0.8), 0.2)
    for x, y in palette.rng.normal(0, 0.7, (palette.rng.integers(1, 6), 2)):
        at.cylinder(x, y, 0, 0.29, 0.88, paint)


def _viewpoint(rng, width, depth) -> Viewpoint:
    x, y = rng.uniform(-0.4, 0.4) * width, rng.uniform(-0.45, 0.25) * depth
    z = rng.choice([rng.uniform(0.2, 0.8), rng.uniform(0.8, 1.8)])
    yaw = math.atan2(x, 4 - y) + rng.normal(0, 0.5)
    place = np.array([x, y, z])
    return Viewpoint(place, yaw, rng.normal(-0.05, 0.12), rng.normal(0, 0.04), hfov(rng))
