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
        placed = [(i['mesh'], np.array(i['T'])) for i in data['instances']]
        structure = [
            pack.load(pack.assets / mesh).placed(T) for mesh, T in placed if role(mesh) != 'thing'
        ]
        walls = Casters(Geometry.join(structure)) if structure else None
        found += [
            _habit(pack, world, mesh, T, float(data['floor_z']), walls)
            for mesh, T in placed if role(mesh) == 'thing'
        ]  # fmt: skip
    # In the order of the files: a set's would differ from one process to the next.
    return [habit for habit in dict.fromkeys(found) if habit is not None]


def _habit(pack, world, mesh, T, floor, walls) -> Habit | None:
    low, high = pack.load(pack.assets / mesh).bounds
    half, height = (high - low) / 2, low[2] + T[2, 3] - floor
    # Tilted things, and those larger than a room's furniture.
    if T[2, 2] < 0.99 or half[:2].max() > 1.6 or half[2] > 1.3 or half.max() < 0.05:
        return None
    back, gap = None, np.inf
    if walls is not None:
        centre = (T @ np.append((low + high) / 2, 1))[:3].astype(np.float32)
        depth = walls.cast(centre, _SIDES @ T[:3, :3].T.astype(np.float32)).depth
        gaps = depth - np.abs(_SIDES @ half)
        if np.abs(gaps).min() < _AT_WALL:
            back = int(np.abs(gaps).argmin())
            gap = max(float(gaps[back]), 0.0)
    if abs(height) < 0.12:
        height = 0.0
    elif back is None or gap > 0.12 or height < 0.12:
        return None
    return Habit(Path(mesh).name, world, round(float(height), 2), back, round(gap, 2))
