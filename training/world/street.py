# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Streets: a road with whatever lines it, seen by a car or by a robot on the pavement."""

from __future__ import annotations

import math

import numpy as np

from . import building, greenery, overhead, vehicle
from .footprint import Footprint, Plan
from .lorry import lorry
from .material import Palette
from .road import AHEAD, BEHIND, paving_of, Road, WIDE
from .scene import Frame, Scene
from .viewpoint import Viewpoint
from .weather import weather

LOW = 2.0  # metres; crowns and eaves, which begin higher, may be over one another
CUT = -2.5  # metres; houses in a bend are let into each other a little


def street(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Build a street; returns viewpoints to try, the preferred one first."""
    rng = scene.rng
    weather(scene)
    road = Road.draw(scene.frame(), rng)
    road.build(palette)
    urban = rng.choice(['town', 'suburb', 'country', 'motorway'], p=[0.37, 0.35, 0.16, 0.12])
    jam = rng.random() < 0.3
    plan = Plan()
    if road.crossing is not None:
        middle = road.at(0, road.crossing + WIDE / 2)
        plan.take(Footprint.between(middle, (-150, -WIDE / 2), (150, WIDE / 2)))
    # Trees where all houses have left room.
    grove = _distance(plan, road, palette)
    for side in range(2):
        grove += _buildings(plan, road, side, palette, urban)
    for place in grove:
        plan.put(place, greenery.tree, palette, below=LOW)
    for side in range(2):
        _verge(plan, road, side, palette, urban)
        _parked(road, side, palette)
    if rng.random() < (0.35 if jam else 0.12):
        overhead.bridge(road, palette)
    if rng.random() < 0.15:
        overhead.gantry(road, palette)
    (_jam if jam else _traffic)(road, palette)
    return _viewpoints(road, rng)


def _buildings(plan: Plan, road: Road, side, palette, urban) -> list[Frame]:
    """Line one side of the road with houses and gardens; returns where trees fill the gaps."""
    rng = palette.rng
    front = {'town': rng.choice([0.0, 0.0, 2.0]), 'suburb': rng.uniform(3, 9)}
    setback, path = front.get(urban, 25.0), road.path[side]
    y, grove = BEHIND + rng.uniform(0, 10), []
    while y < AHEAD:
        length = rng.uniform(7, 22) if urban in front else rng.uniform(10, 40)
        middle = y + length / 2
        if road.crossing is None or abs(middle - road.crossing - 4) > length / 2 + 5:
            if rng.random() < {'town': 0.92, 'suburb': 0.75}.get(urban, 0.12):
                away = path + setback + rng.uniform(0, 0.3 + 0.4 * setback)
                built = length - rng.choice([0.0, 0.0, 3.0])
                place = road.beside(side, away, middle).moved(y=-built / 2)
                plan.put(place, building.house, palette, built, below=LOW, gap=CUT)
            else:
                for _ in range(rng.integers(1, 5)):
                    away, along = path + rng.uniform(1.5, 14), rng.uniform(-0.5, 0.5) * length
                    grove.append(road.beside(side, away, middle + along))
            if setback > 1.5 and rng.random() < 0.65:
                border = road.beside(side, path + rng.uniform(0.3, 1.0), middle)
                build = greenery.hedge if rng.random() < 0.5 else building.fence
                plan.put(border.moved(y=1 - length / 2), build, palette, length - 2.0)
        y += length + rng.choice([0.0, 0.5, 4.0])
    return grove


def _verge(plan: Plan, road: Road, side, palette, urban):
    """Stand poles, trees, bushes and people along the pavement."""
    rng, path = palette.rng, road.path[side]
    kerb, ground = (0.4, road.kerb) if path > 1 else (0.6, 0.0)
    for build, density, low, high in (
        (building.pole, 9, kerb, kerb + 0.1),
        (greenery.tree, 12, kerb, kerb + 0.3),
        (greenery.tree, 6, path + 1.5, path + 6.0),
        (greenery.bush, 5, path + 0.7, path + 5.0),
        (vehicle.person, 6, kerb, max(path - 0.3, kerb + 0.2)),
    ):
        for _ in range(rng.poisson(density * rng.uniform(0.0, 1.0))):
            away = rng.uniform(low, high)
            place = road.beside(side, away, rng.uniform(BEHIND, AHEAD), ground * (away < path))
            yaw = math.pi * rng.integers(2) + rng.normal(0, 0.3)
            place = place.moved(yaw=yaw) if build is vehicle.person else place
            plan.put(place, build, palette, below=LOW)
    if urban == 'country' and rng.random() < 0.4:
        steel = palette.metal()
        for start, end in road.stretches():
            for y in np.arange(start + 2, end - 2, 4.0):  # a guard rail
                post = road.beside(side, 0.7, y)
                post.box(0.05, 0, 0.45, 0.06, 4.1, 0.3, steel)
                post.box(0, 0, 0, 0.08, 0.1, 0.7, steel)
    if urban == 'motorway' and rng.random() < 0.8:  # a concrete or a noise barrier
        wall = palette.plain((0, 0.3), (0.3, 0.8), 0.0) if rng.random() < 0.5 else palette.wood()
        tall, away = rng.choice([0.85, rng.uniform(2.0, 5.0)]), path + rng.uniform(0.3, 3.0)
        x = (1, -1)[side] * (road.half + road.parking[side] + away)
        for start, end in road.stretches():
            road.strip(x - 0.1, x + 0.1, tall, wall, start, end, deep=tall + 0.1)


def _parked(road: Road, side, palette):
    rng, room = palette.rng, road.parking[side]
    if room == 0 and rng.random() < 0.7:
        return
    y, busy, x = BEHIND + rng.uniform(0, 8), rng.uniform(0.1, 0.95), (1, -1)[side] * road.half
    while y < 100:
        # Nobody parks on a crossing road, or before it.
        free = road.crossing is None or not -5 < y - road.crossing < WIDE + 5
        if rng.random() < busy and free:
            aside = (1, -1)[side] * room / 2 + rng.normal(0, 0.12)
            place = road.at(x + aside, y, 0, math.pi * rng.integers(2) + rng.normal(0, 0.02))
            (vehicle.van if rng.random() < 0.12 else vehicle.car)(place, palette)
        y += rng.uniform(5.3, 7.5)


def _traffic(road: Road, palette):
    rng = palette.rng
    for k in range(road.lanes):
        x = road.middle_of(k)
        yaw = 0.0 if x > 0 or road.lanes == 1 else math.pi
        y = rng.uniform(6, 45)
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            place = road.at(x + rng.normal(0, 0.2), y, 0, yaw + rng.normal(0, 0.02))
            kind = rng.choice(4, p=[0.74, 0.1, 0.08, 0.08])
            (vehicle.car, vehicle.van, lorry, vehicle.cyclist)[kind](place, palette)
            y += rng.uniform(12, 40)


def _jam(road: Road, palette):
    """Queue vehicles on every lane, lorries and vans among them, with gaps of a few metres."""
    rng = palette.rng
    one_way, heavy, ours = rng.random() < 0.6, rng.uniform(0.05, 0.5), rng.integers(road.lanes)
    for k in range(road.lanes):
        x = road.middle_of(k)
        yaw = 0.0 if x > 0 or one_way else math.pi
        y, close = BEHIND + rng.uniform(0, 10), rng.uniform(0.5, 7)
        while y < 110:
            kind = rng.choice(3, p=[1 - heavy, 0.4 * heavy, 0.6 * heavy])
            length = (5.0, 12.0, 16.5)[kind]
            # Our own lane stays free where the camera is, and a little before it.
            if k != ours or y > 3 + close or y + length < -5:
                middle = road.at(x + rng.normal(0, 0.15), y + length / 2, 0, yaw)
                (vehicle.car, vehicle.van, lorry)[kind](middle, palette)
            y += length + close * rng.uniform(0.4, 1.6)


def _distance(plan: Plan, road: Road, palette) -> list[Frame]:
    """Close the street's end, far off or at a junction, woods behind; returns places for trees."""
    rng = palette.rng
    near = road.crossing is not None and rng.random() < 0.4
    y = road.crossing + 10 + rng.uniform(0, 6) if near else AHEAD + rng.uniform(0, 30)
    end: Frame = road.at(0, y)
    x, grove = -road.half - rng.uniform(20, 50), []
    while x < road.half + 30 and (near or rng.random() < 0.8):
        length = rng.uniform(8, 25)
        if rng.random() < 0.6:
            place = end.moved(x, yaw=-math.pi / 2)
            plan.put(place, building.house, palette, length, below=LOW, gap=CUT)
        else:
            for _ in range(3):
                grove.append(end.moved(x + rng.uniform(0, length), rng.uniform(0, 8)))
        x += length + rng.uniform(0, 4)
    if near:
        end.box(0, -1.5, 0, 120, 3, road.kerb, paving_of(palette))
        for _ in range(rng.integers(0, 4)):  # cross traffic
            place = road.at(0, road.crossing + rng.uniform(2, 6)).moved(rng.uniform(-25, 25))
            vehicle.car(place.moved(yaw=math.pi * (rng.integers(2) + 0.5)), palette)
    if rng.random() < 0.6:
        leaf = greenery.leaves(palette)
        for _ in range(rng.integers(3, 40)):
            x, far, r = rng.uniform(-130, 130), rng.uniform(5, 90), rng.uniform(3, 10)
            end.ellipsoid(x, far, 0.5 * r, (1.5 * r, r, r), leaf)
    return grove


def _viewpoints(road: Road, rng):
    found = []
    for _ in range(24):
        hfov = math.radians(rng.choice([rng.uniform(75, 90), rng.uniform(35, 110)]))
        if rng.random() < 0.78:
            x = road.middle_of(rng.integers(road.lanes)) + rng.normal(0, 0.3)
            z = rng.choice([rng.uniform(1.55, 1.75), rng.uniform(1.1, 2.2)])
            yaw, pitch = rng.normal(0, 0.06), rng.normal(-0.02, 0.035)
            if rng.random() < 0.15:
                yaw = rng.uniform(-0.6, 0.6)
        else:
            x = road.half + road.parking[0] + rng.uniform(0.2, max(road.path[0], 1.0))
            z = rng.choice([rng.uniform(0.3, 1.0), rng.uniform(1, 1.8)])
            yaw, pitch = rng.normal(0, 0.6), rng.normal(-0.05, 0.12)
        y = rng.uniform(-4, 4)
        if rng.random() < 0.2:  # look back from further on
            x, y, yaw = -x, y + 95.0, yaw + math.pi
        place = road.at(x, y).world(0, 0, z)
        yaw += road.curvature * y
        found.append(Viewpoint(place, yaw, pitch, rng.normal(0, 0.015), hfov))
    return found
