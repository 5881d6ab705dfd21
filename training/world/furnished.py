# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Rooms without end, furnished with the things of an asset pack as they stand in its worlds.

A few buildings are soon known by heart, their furniture is not: what a chair, a bed or a computer
looks like tells how large things are, wherever they stand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..sample import Sample
from .geometry import box, Geometry, standing
from .habit import Habit, habits
from .pack import Pack, SURFACES
from .raylight import Casters
from .staging import Stage

NAME = 'furnished'  # among the names of a pack's worlds
THICK = 0.12  # of walls, metres


class Furnished:
    """
    Rooms of an asset pack's furniture; every seed has its own.

    assets: the pack's folder
    raises: ValueError if nothing in its worlds stands on a floor
    """

    def __init__(self, assets: str | Path):
        self._pack = Pack(assets)
        found = habits(self._pack)
        hung = {habit.mesh for habit in found if habit.height}
        self._small, self._large = self._pack.props(hung)
        self._pack.add_surfaces()
        self._standing = _each_once([habit for habit in found if not habit.height])
        self._hung = _each_once([habit for habit in found if habit.height])
        if not self._standing:
            raise ValueError(
                f'no world in {assets} has things that stand on its floor, to furnish rooms with'
            )

    def render(self, seed: int, size=(256, 320)) -> Sample:
        """
        Take one picture; size: (height, width), pixels.

        returns: Sample; depth is exact at the pixels' centres
        """
        return self._pack.photograph(NAME, seed, size, self._set_up)

    def _set_up(self, rng) -> Stage:
        """Build and furnish a room."""
        room = rng.uniform([2.4, 2.8, 2.25], [6.5, 8.0, 3.2])
        parts = _shell(room, self._pack.pick)
        if rng.random() < 0.35 and room[1] > 4:
            parts += _partition(rng, room, self._pack.pick)
        things = self._furnish(rng, room, [part.bounds for part in parts[6:]])
        casters = Casters(Geometry.join(parts + things))
        targets = [b for b in (thing.bounds for thing in things) if b[0][2] < 0.1 < b[1][2]]
        anchors = _anchors(rng, room, casters)
        args = (casters, anchors, targets, 0.0, self._small, self._large, self._pack.pick)
        return Stage(*args, spread=1.7, known=1.0)

    def _furnish(self, rng, room, taken) -> list[Geometry]:
        """Put things where they fit; taken: bounds of what is there."""
        things, choice = [], self._standing
        if rng.random() < 0.6:  # a home, a shop, a ward
            world = choice[rng.integers(len(choice))].world
            choice = [habit for habit in choice if habit.world == world]
        for _ in range(int(rng.uniform(2, 6) * (room[0] + room[1]))):
            some = choice if rng.random() < 0.8 or not self._hung else self._hung
            thing = self._place(rng, some[rng.integers(len(some))], room)
            low, high = thing.bounds
            outside = (np.abs([low[:2], high[:2]]) > room[:2] / 2 - 0.01).any()
            if outside or high[2] > room[2] - 0.02:
                continue
            flat = high[2] - low[2] < 0.05  # a carpet, which others stand on
            if not flat and any(_overlap(low, high, *bounds) for bounds in taken):
                continue
            things.append(thing)
            if not flat:
                taken.append((low, high))
        return things

    def _place(self, rng, habit: Habit, room) -> Geometry:
        """Move a thing to its wall, or to some place in the room."""
        mesh = self._pack.load(self._pack.assets / 'meshes' / habit.mesh)
        scale = rng.uniform(0.93, 1.07)
        if habit.back is None:
            turn = rng.uniform(0, 2 * np.pi)
        else:
            wall = rng.integers(4)  # quarter turns from +x to it
            turn = (wall - habit.back) * np.pi / 2
        thing = mesh.placed(standing(0, 0, 0, turn), scale)
        low, high = thing.bounds
        half = (high - low)[:2] / 2
        place = rng.uniform(-1, 1, 2) * np.maximum(room[:2] / 2 - half - 0.02, 0)
        if habit.back is not None:
            axis, sign = wall % 2, 1 - 2 * (wall // 2)
            gap = 0.015 + habit.gap * rng.uniform(0.3, 1.5)
            place[axis] = sign * (room[axis] / 2 - half[axis] - gap)
        shift = np.append(place - (low + high)[:2] / 2, habit.height - low[2])
        return thing.placed(standing(*shift))


def _each_once(found: list[Habit]) -> list[Habit]:
    """Keep one habit of each thing, so that none is common because a world has many of it."""
    return list({habit.mesh: habit for habit in found}.values())


def _shell(room, pick) -> list[Geometry]:
    """Floor, ceiling and four walls around the origin."""
    x, y, height = room[0] / 2, room[1] / 2, room[2]
    floor, ceiling, wall = (pick(*SURFACES[kind]) for kind in ('floor', 'ceiling', 'wall'))
    other = pick(*SURFACES['wall'])  # one wall in another paper, or the same
    return [
        box((-x - THICK, -y - THICK, -THICK), (x + THICK, y + THICK, 0), floor),
        box((-x - THICK, -y - THICK, height), (x + THICK, y + THICK, height + THICK), ceiling),
        box((-x - THICK, -y, 0), (-x, y, height), wall),
        box((x, -y, 0), (x + THICK, y, height), wall),
        box((-x, -y - THICK, 0), (x, -y, height), wall),
        box((-x, y, 0), (x, y + THICK, height), other),
    ]


def _partition(rng, room, pick) -> list[Geometry]:
    """Return a wall across the room, with an open doorway in it."""
    x, y, height = room[0] / 2, rng.uniform(-0.2, 0.2) * room[1], room[2]
    wide, tall = rng.uniform(0.8, 1.3), min(rng.uniform(1.95, 2.15), height - 0.05)
    left, wall = rng.uniform(-x + 0.1, x - wide - 0.1), pick(*SURFACES['wall'])
    return [
        box((-x, y, 0), (left, y + THICK, height), wall),
        box((left + wide, y, 0), (x, y + THICK, height), wall),
        box((left, y, tall), (left + wide, y + THICK, height), wall),
    ]


def _overlap(low, high, other_low, other_high) -> bool:
    return bool(((low < other_high - 0.01) & (other_low < high - 0.01)).all())


def _anchors(rng, room, casters, count=40) -> np.ndarray:
    """Places for a camera, as the worlds of a pack list them: (A, 6)."""
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ways = np.float32([np.cos(turns), np.sin(turns), 0 * turns]).T
    found = []
    for _ in range(count):
        place = np.append(rng.uniform(-0.5, 0.5, 2) * (room[:2] - 0.3), rng.uniform(0.3, 1.6))
        clear = casters.clearance(place)
        if clear > 0.2:
            free = casters.cast(place.astype(np.float32), ways).depth
            found.append([*place, clear, turns[free.argmax()], free.max()])
    return np.array(found or [[0, 0, 1.2, 0.2, 0, 1]], float)
