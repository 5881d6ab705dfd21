# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Worlds made of meshes: an asset pack's furnished buildings, seen by ray casting."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..sample import Sample
from .geometry import Geometry
from .pack import Pack, role
from .raylight import Casters
from .staging import Stage


class MeshWorld:
    """
    One world of an asset pack.

    assets: the pack's folder; world: name of one of its worlds
    """

    def __init__(self, assets: str | Path, world: str):
        self.name = world
        self.data = json.loads(world_file(Path(assets), world).read_text())
        instances = self.data['instances'] + self.data.get('standins', [])
        if not instances:
            raise ValueError(f'world {world} in {assets} has no instances; add meshes to it')
        self._pack = pack = Pack(assets)
        placed = [
            (i, pack.load(pack.assets / i['mesh']).placed(np.array(i['T']))) for i in instances
        ]
        casters = Casters(Geometry.join([geometry for _, geometry in placed]))
        small, large = pack.props()
        pack.add_surfaces()
        targets = [g.bounds for i, g in placed if role(i['mesh']) == 'thing']
        targets = [b for b in targets if 0.05 < (b[1] - b[0]).max() < 6 and b[1][2] < 2.3]
        anchors = np.array(self.data['anchors'], float)
        floor = float(self.data['floor_z'])
        self._stage = Stage(casters, anchors, targets, floor, small, large, pack.pick)

    def render(self, seed: int, size=(256, 320)) -> Sample:
        """
        Take one picture; size: (height, width), pixels.

        returns: Sample; depth is exact at the pixels' centres, 0 where a ray leaves the world
        """
        return self._pack.photograph(self.name, seed, size, lambda rng: self._stage)


def worlds(assets: str | Path) -> list[str]:
    """Return the names of a pack's worlds."""
    found = sorted(path.stem for path in (Path(assets) / 'worlds').glob('*.json'))
    if not found:
        raise FileNotFoundError(f'{assets} is no asset pack: it holds no worlds/<name>.json')
    return found


def world_file(assets: Path, world: str) -> Path:
    """Return the file that describes a world of a pack."""
    names = worlds(assets)
    if world not in names:
        raise ValueError(f'unknown world {world!r} in {assets}; choose one of {", ".join(names)}')
    return assets / 'worlds' / f'{world}.json'
