# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""How the things of an asset pack stand in its worlds: on the floor, at a wall, or hung on one."""

from __future__ import annotations

from dataclasses import dataclass
import json
from pathlib import Path

import numpy as np

from .geometry import Geometry
from .mesh import world_file, worlds
from .pack import Pack, role
from .raylight import Casters

_SIDES = np.float32([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
_AT_WALL = 0.25  # metres; farther from every wall, a thing stands free
_SHEET_AT_WALL = 0.6  # the same of what is thin and tall: curtains hang before a sill or a heater


@dataclass(frozen=True)
class Habit:
    """
    One thing as a world has it.

    mesh: its file's name; world: where it stands
    height: of its lowest point above the floor, metres; 0 for what stands there
    back: quarter turns from +x to the side of the mesh that a wall is behind, None without
    gap: metres between that side and the wall
    """

    mesh: str
    world: str
    height: float
    back: int | None
    gap: float


def habits(pack: Pack) -> list[Habit]:
    """
    Look every thing of every world of a pack up, once for each of its places.

    Things that lie on other things are left out, and what is too large for a room.
    """
    found = []
    for world in worlds(pack.assets):
        data = json.loads(world_file(pack.assets, world).read_text())
        places = [(i['mesh'], np.array(i['T'])) for i in data['instances']]
        placed = [(*place, pack.load(pack.assets / place[0]).placed(place[1])) for place in places]
        structure = [here for mesh, _, here in placed if role(mesh) != 'thing']
        walls = Casters(Geometry.join(structure)) if structure else None
        placed = [place for place in placed if role(place[0]) == 'thing']
        things = [here for *_, here in placed]
        for mesh, T, here in placed:
            habit = _habit(pack, world, mesh, T, float(data['floor_z']), walls)
            # Windows stand on their wall: only things carry what does not hang.
            if habit is not None and not (habit.height and _lies(here, things)):
                found.append(habit)
    # In the order of the files: a set's would differ from one process to the next.
    return list(dict.fromkeys(found))


def _habit(pack, world, mesh, T, floor, walls) -> Habit | None:
    low, high = pack.load(pack.assets / mesh).bounds
    half, height = (high - low) / 2, low[2] + T[2, 3] - floor
    # Tilted things, and those larger than a room's furniture.
    if T[2, 2] < 0.99 or half[:2].max() > 1.6 or half[2] > 1.3 or half.max() < 0.05:
        return None
    back, gap = None, np.inf
    if walls is not None:
        sheet = half[:2].min() < 0.1 and half[2] > 0.75
        centre = (T @ np.append((low + high) / 2, 1))[:3].astype(np.float32)
        sides = _SIDES @ T[:3, :3].T.astype(np.float32)
        # What hangs before a window has the wall behind its upper and lower end.
        lifts = [-0.96, 0, 0.96] if sheet else [0]
        depth = [walls.cast(centre + [0, 0, half[2] * z], sides).depth for z in lifts]
        gaps = np.min(depth, axis=0) - np.abs(_SIDES @ half)
        if np.abs(gaps).min() < (_SHEET_AT_WALL if sheet else _AT_WALL):
            back = int(np.abs(gaps).argmin())
            gap = max(float(gaps[back]), 0.0)
    if abs(height) < 0.12:
        height = 0.0
    elif back is None or gap > 0.12 or height < 0.12:
        return None
    return Habit(Path(mesh).name, world, round(float(height), 2), back, round(gap, 2))


def _lies(thing: Geometry, others: list[Geometry], reach=0.03) -> bool:
    """Say whether something is right below a thing, within reach [m]: a shelf, a table."""
    low, high = thing.bounds
    under = [
        other for other in others if other is not thing
        and (other.bounds[0] < [*high[:2], low[2] + 0.02]).all()
        and (other.bounds[1] > [*low[:2], low[2] - reach]).all()
    ]  # fmt: skip
    if not under:
        return False
    spots = np.stack(np.meshgrid(*np.linspace(low[:2], high[:2], 9)[1:-1].T), axis=-1)
    spots = spots.reshape(-1, 2)
    top, bottom = (np.full((len(spots), 1), low[2] + z) for z in (0.02, -reach))
    down = Casters(Geometry.join(under)).visible(
        *(np.hstack([spots, z]).astype(np.float32) for z in (top, bottom))
    )
    return not down.all()
