# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Streets: a road along +y with whatever lines it, seen by a car or a robot on the pavement."""

from __future__ import annotations

import math

import numpy as np

from . import building, greenery, vehicle
from .material import colour, Palette
from .scene import Frame, Scene, Sky
from .viewpoint import Viewpoint

LENGTH = 170.0  # metres of street that get furnished; the ground goes on


def street(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Build a street; returns viewpoints to try, the preferred one first."""
    rng, at = scene.rng, scene.frame()
    weather(scene)
    lanes, lane = int(rng.choice([1, 2, 2, 2, 2, 3, 4])), rng.uniform(2.8, 3.6)
    parking = [rng.choice([0.0, 2.2]) for _ in range(2)]
    half = lanes * lane / 2 + (0.6 if lanes == 1 else 0.0)
    path = rng.choice([0.0, 1.5, 2.0, 3.0], size=2)
    _ground(at, palette, half, parking, path)
    _markings(at, palette, lanes, lane, half)
    crossing = rng.uniform(15, 60) if rng.random() < 0.4 else None
    if crossing is not None:
        at.box(0, crossing + 4, 0.0, 300, 8, 0.012, _asphalt(palette))
    urban = rng.choice(['town', 'suburb', 'country'], p=[0.4, 0.4, 0.2])
    for k in range(2):
        side = at.moved(yaw=k * math.pi)
        edge = half + parking[k]
        # The far side is built by turning the world around: its street runs towards -y.
        start = -15.0 if k == 0 else -LENGTH + 15.0
        _roadside(side, palette, urban, edge, path[k], start, crossing, k)
        _parked(side, palette, half + parking[k] / 2, start, parking[k], urban)
    _traffic(at, palette, lanes, lane)
    _distance(at, palette, half, crossing)
    return _viewpoints(rng, lanes, lane, half + parking[0], path[0])


def weather(scene: Scene) -> None:
    """Set sun, sky and haze: clear, overcast or dusk."""
    rng = scene.rng
    turn, cover = rng.uniform(0, 2 * math.pi), rng.choice([0.0, 0.3, 0.5, 0.7, 1.0])
    up = math.radians(rng.uniform(8, 65))
    sun = np.array([math.cos(turn) * math.cos(up), math.sin(turn) * math.cos(up), math.sin(up)])
    warm = np.array([1.0, 0.75 + 0.2 * min(up, 1.0), 0.45 + 0.45 * min(up, 1.0)])
    blue = np.array(colour(rng, (0.56, 0.62), (0.35, 0.75), (0.75, 0.95)))
    grey = np.array(colour(rng, (0.5, 0.65), (0.0, 0.12), (0.75, 0.98)))
    zenith = blue * (1 - cover) + grey * cover
    horizon = 0.55 * zenith + 0.45 * grey
    strength = rng.uniform(1.5, 4.0) * (1 - cover) ** 0.5 if cover < 0.9 else 0.0
    if rng.random() < 0.1:
        zenith, horizon, strength = 0.12 * zenith, 0.3 * horizon * warm, 0.1 * strength
    haze = 1 / rng.uniform(250, 2500) if rng.random() < 0.85 else 1 / rng.uniform(80, 250)
    scene.sky = Sky(sun, warm * strength, zenith, horizon, 0.12 * horizon, haze, cover)


def _asphalt(palette: Palette):
    rng = palette.rng
    grey = rng.uniform(0.05, 0.22)
    first = tuple(grey * rng.uniform(0.92, 1.08, 3))
    laid = lambda: palette.pattern('asphalt', first, None, rng.uniform(2, 5))
    return palette.photo(('asphalt', 'concrete'), 3.0, laid, 0.25)


def _soil(palette: Palette):
    rng = palette.rng
    first = colour(rng, (0.14, 0.3), (0.2, 0.6), (0.25, 0.5))
    second = colour(rng, (0.08, 0.25), (0.2, 0.6), (0.25, 0.5))
    lawn = lambda: palette.pattern('grass', first, second, rng.uniform(2, 5))
    return palette.photo(('grass', 'grass', 'ground'), 2.5, lawn, 0.35)


def _paving(palette: Palette):
    rng = palette.rng
    first = colour(rng, (0.02, 0.15), (0.0, 0.2), (0.4, 0.75))
    laid = lambda: palette.pattern(
        rng.choice(['tiles', 'bricks', 'asphalt', 'speckle']), first, None, rng.uniform(1.0, 2.5)
    )
    return palette.photo(('tiles', 'concrete', 'brick'), 1.8, laid, 0.3)


def _ground(at: Frame, palette, half, parking, path):
    """Lay road, kerbs, pavements and soil; the road's surface is z = 0."""
    rng = palette.rng
    left, right = half + parking[1], half + parking[0]
    at.box((right - left) / 2, 150, -1, left + right, 700, 1.0, _asphalt(palette))
    soil, kerb = _soil(palette), palette.pattern('speckle', (0.4, 0.4, 0.38), None, 1.0)
    for k, edge in enumerate((right, left)):
        side = at.moved(yaw=k * math.pi)
        y = 150 * (1 if k == 0 else -1)
        rise = 0.12 if path[k] > 0 else 0.0
        side.box(edge + path[k] + 200, y, -1, 400, 700, 1.0 + rise - 0.02, soil)
        if path[k] > 0:
            side.box(edge + path[k] / 2, y, -1, path[k], 700, 1.0 + rise, _paving(palette))
            side.box(edge + 0.07, y, -1, 0.15, 700, 1.0 + rise + 0.005, kerb)
    if rng.random() < 0.3:
        patch = _asphalt(palette)
        for _ in range(rng.integers(1, 6)):
            w, d = rng.uniform(0.8, 2 * half), rng.uniform(1, 8)
            at.box(rng.uniform(-1, 1) * (half - w / 2), rng.uniform(3, 60), 0, w, d, 0.003, patch)


def _markings(at: Frame, palette, lanes, lane, half):
    rng = palette.rng
    if rng.random() < 0.2:
        return
    white = rng.uniform(0.4, 0.85)
    paint = palette.pattern('asphalt', (white, white, 0.95 * white), None, 0.7)
    for k in range(1, lanes):
        x, y = (k - lanes / 2) * lane, -20.0 + rng.uniform(0, 9)
        if rng.random() < 0.25:
            at.box(x, 60, 0, 0.13, 200, 0.006, paint)
            continue
        dash, gap = rng.choice([3.0, 4.0, 6.0]), rng.choice([4.0, 6.0, 9.0])
        while y < 110:
            at.box(x, y, 0, 0.13, dash, 0.006, paint)
            y += dash + gap
    if rng.random() < 0.5:
        for x in (-half + 0.1, half - 0.1):
            at.box(x, 60, 0, 0.12, 200, 0.006, paint)
    if rng.random() < 0.25:
        y = rng.uniform(8, 40)
        for k in range(int(2 * half)):
            at.box(-half + k + 0.5, y, 0, 0.5, 3.5, 0.007, paint)


def _roadside(side: Frame, palette, urban, edge, path, start, crossing, turned):
    """Line one side of the road; in the side's frame it lies at x > edge."""
    rng = palette.rng
    setback = {'town': rng.choice([0.0, 0.0, 2.0]), 'suburb': rng.uniform(3, 9), 'country': 25.0}[
        urban
    ]
    y, end = start, start + LENGTH
    while y < end:
        length = rng.uniform(7, 22) if urban != 'country' else rng.uniform(10, 40)
        middle = -(y + length / 2) if turned else y + length / 2
        open_ground = crossing is not None and abs(middle - crossing - 4) < length / 2 + 5
        chance = {'town': 0.92, 'suburb': 0.75, 'country': 0.12}[urban]
        if not open_ground and rng.random() < chance:
            place = side.moved(
                edge + path + setback + rng.uniform(0, 0.3 + 0.4 * setback), y + length
            )
            building.house(place.moved(yaw=math.pi), palette, length - rng.choice([0.0, 0.0, 3.0]))
        elif not open_ground:
            for _ in range(rng.integers(1, 4)):
                spot = side.moved(edge + path + rng.uniform(2, 14), y + rng.uniform(0, length))
                greenery.tree(spot, palette)
        if setback > 1.5 and not open_ground and rng.random() < 0.65:
            border = side.moved(edge + path + rng.uniform(0.3, 1.0), y)
            (greenery.hedge if rng.random() < 0.5 else building.fence)(
                border, palette, length - 2.0
            )
        y += length + rng.choice([0.0, 0.5, 4.0])
    if urban == 'country' and rng.random() < 0.4:
        _guard_rail(side.moved(edge + 0.7, start), palette)
    verge = edge + (path - 0.4 if path > 1 else path + 0.6)
    for builder, density in (
        (building.pole, 9),
        (greenery.tree, 14),
        (greenery.bush, 5),
        (vehicle.person, 6),
    ):
        for _ in range(rng.poisson(density * rng.uniform(0.0, 1.0))):
            away = rng.uniform(0, max(path - 0.6, 0.2)) if builder is vehicle.person else 0.0
            if builder is greenery.bush:
                away = rng.uniform(0.5, 5.0) + max(path, 0)
            spot = side.moved(
                verge - away if builder is vehicle.person else verge + away,
                rng.uniform(start, end),
                0.1,
            )
            yaw = rng.choice([0, math.pi]) if builder is vehicle.person else turned * math.pi
            builder(spot.moved(yaw=yaw), palette)


def _guard_rail(at: Frame, palette):
    steel = palette.metal()
    at.box(0, LENGTH / 2, 0.45, 0.06, LENGTH, 0.3, steel)
    for y in range(0, int(LENGTH), 4):
        at.box(0.05, y, 0, 0.08, 0.1, 0.7, steel)


def _parked(side: Frame, palette, x, start, room, urban):
    rng = palette.rng
    if room == 0 and rng.random() < 0.7:
        return
    y, busy = start + rng.uniform(0, 8), rng.uniform(0.1, 0.95)
    while y < start + 95:
        if rng.random() < busy:
            place = side.moved(
                x + rng.normal(0, 0.12), y, 0, rng.normal(0, 0.02) + rng.choice([0, math.pi])
            )
            (vehicle.van if rng.random() < 0.12 else vehicle.car)(place, palette)
        y += rng.uniform(5.3, 7.5)


def _traffic(at: Frame, palette, lanes, lane):
    rng = palette.rng
    for k in range(lanes):
        x = (k + 0.5 - lanes / 2) * lane
        yaw = 0.0 if x > 0 or lanes == 1 else math.pi
        y = rng.uniform(6, 45)
        for _ in range(rng.choice([0, 1, 1, 2, 3])):
            place = at.moved(x + rng.normal(0, 0.2), y, 0, yaw + rng.normal(0, 0.02))
            kind = rng.choice(4, p=[0.74, 0.1, 0.08, 0.08])
            (vehicle.car, vehicle.van, vehicle.truck, vehicle.cyclist)[kind](place, palette)
            y += rng.uniform(12, 40)


def _distance(at: Frame, palette, half, crossing):
    """Close the street's end, far away or at a junction, and raise hills behind it."""
    rng = palette.rng
    near = crossing is not None and rng.random() < 0.4
    y = crossing + 10 + rng.uniform(0, 6) if near else rng.uniform(110, 200)
    x = -half - rng.uniform(20, 50)
    while x < half + 30 and (near or rng.random() < 0.8):
        length = rng.uniform(8, 25)
        if rng.random() < 0.6:
            building.house(at.moved(x, y, 0, -math.pi / 2), palette, length)
        else:
            for _ in range(3):
                greenery.tree(at.moved(x + rng.uniform(0, length), y + rng.uniform(0, 8)), palette)
        x += length + rng.uniform(0, 4)
    if near:
        at.box(0, y - 1.5, 0, 120, 3, 0.14, _paving(palette))
        for _ in range(rng.integers(0, 4)):  # cross traffic
            place = at.moved(rng.uniform(-25, 25), crossing + rng.uniform(2, 6), 0)
            vehicle.car(place.moved(yaw=math.pi * (rng.integers(2) + 0.5)), palette)
    if rng.random() < 0.6:
        wood = greenery.leaves(palette)
        for _ in range(rng.integers(3, 30)):
            x, far, r = rng.uniform(-220, 220), rng.uniform(150, 240), rng.uniform(4, 12)
            if abs(x) > half + 12 or far > 200:
                at.ellipsoid(x, far, 0.5 * r, (1.5 * r, r, r), wood)


def _viewpoints(rng, lanes, lane, edge, path):
    found = []
    for _ in range(24):
        hfov = math.radians(rng.choice([rng.uniform(75, 90), rng.uniform(35, 110)]))
        y = rng.uniform(-4, 4)
        if rng.random() < 0.78:
            x = (rng.integers(lanes) + 0.5 - lanes / 2) * lane + rng.normal(0, 0.3)
            z = rng.choice([rng.uniform(1.55, 1.75), rng.uniform(1.1, 2.2)])
            yaw, pitch = rng.normal(0, 0.06), rng.normal(-0.02, 0.035)
            if rng.random() < 0.15:
                yaw = rng.uniform(-0.6, 0.6)
        else:
            x, z = (
                edge + rng.uniform(0.2, max(path, 1.0)),
                rng.choice([rng.uniform(0.3, 1.0), rng.uniform(1, 1.8)]),
            )
            yaw, pitch = rng.normal(0, 0.6), rng.normal(-0.05, 0.12)
        if rng.random() < 0.2:
            yaw += math.pi
        found.append(Viewpoint(np.array([x, y, z]), yaw, pitch, rng.normal(0, 0.015), hfov))
    return found
