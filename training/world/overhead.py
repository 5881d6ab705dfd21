# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What spans a road: bridges and gantries with signs, metres."""

from __future__ import annotations

from .material import Palette
from .road import Road


def bridge(road: Road, palette: Palette) -> None:
    """Lead another road, on piers, across this one."""
    rng = palette.rng
    at = road.at(0, rng.uniform(8, 80), 0, rng.normal(0, 0.2))
    deep, under, thick = rng.uniform(6, 18), rng.uniform(4.3, 6.5), rng.uniform(0.6, 1.8)
    concrete = palette.wall() if rng.random() < 0.3 else palette.plain((0, 0.15), (0.25, 0.8), 0.0)
    at.box(0, 0, under, 160, deep, thick, concrete)
    rail = palette.metal()
    for y in (-deep / 2 + 0.2, deep / 2 - 0.2):
        at.box(0, y, under + thick, 160, 0.1, rng.choice([0.4, 1.1, 2.5]), rail)
    reach = road.half + max(road.parking) + max(road.path) + rng.uniform(0.8, 4)
    for x in (-reach - 20, -reach, reach, reach + 20):
        if rng.random() < 0.3:
            at.box(x, 0, 0, 1.2, deep, under, concrete)
        else:
            for y in (-0.3 * deep, 0.3 * deep):
                at.cylinder(x, y, 0, 0.5, under, concrete)


def gantry(road: Road, palette: Palette) -> None:
    """Hang signs over the road."""
    rng, steel = palette.rng, palette.metal()
    at = road.at(0, rng.uniform(15, 70))
    under, reach = rng.uniform(5, 6.5), road.half + max(road.parking) + 0.6
    for x in (-reach, reach):
        at.box(x, 0, 0, 0.3, 0.3, under + 1, steel)
    at.box(0, 0, under + 0.7, 2 * reach, 0.3, 0.3, steel)
    for k in range(road.lanes):
        if rng.random() < 0.7:
            wide, tall = rng.uniform(1.2, road.lane), rng.uniform(1.0, 2.2)
            at.box(road.middle_of(k), -0.2, under, wide, 0.06, tall, palette.picture())
