# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Worlds made of meshes: an asset pack's furnished buildings, seen by ray casting.

The pack is a folder with `worlds/<name>.json` (instances, anchors), `meshes/*.glb` and
`textures/<kind>__<name>.jpg`. Every picture draws its own surfaces, lamps, props and camera, so
that a handful of buildings give pictures without end; the same seed gives the same picture again.
"""

from __future__ import annotations

import json
from pathlib import Path
import zlib

import cv2
import numpy as np

from ..sample import Sample
from . import pattern
from .atlas import Atlas
from .develop import develop
from .geometry import Geometry
from .glb import read_glb
from .picture import PICTURES
from .raylight import Casters, Lamp, Look, shade
from .staging import Stage

MAX_DEPTH = 60.0  # metres; what lies beyond counts as unknown
_STRUCTURE = {'floor': 'floor', 'ground': 'floor', 'ceiling': 'ceiling', 'roof': 'ceiling'}
_STRUCTURE |= {'wall': 'wall', 'column': 'wall'}
_SURFACES = {
    'floor': ('floor', 'floor', 'wood', 'tiles', 'concrete', 'marble', 'fabric', 'plain'),
    'wall': ('wall', 'wall', 'wall', 'plain', 'plain', 'brick', 'concrete', 'wood', 'tiles'),
    'ceiling': ('ceiling', 'wall', 'plain', 'concrete'),
    'thing': ('wood', 'wood', 'metal', 'fabric', 'plain', 'plain', 'print', 'wall', 'cardboard'),
}
_PICTURES = ('print', 'paper', 'screen', 'books', 'keys')


class MeshWorld:
    """
    One world of an asset pack.

    assets: the pack's folder; world: name of one of its worlds
    """

    def __init__(self, assets: str | Path, world: str):
        assets = Path(assets)
        self.name = world
        self.data = json.loads(world_file(assets, world).read_text())
        self._atlas, self._role, self._kinds = Atlas(), [], {}
        self._files: dict[str, Geometry] = {}
        instances = self.data['instances'] + self.data.get('standins', [])
        if not instances:
            raise ValueError(f'world {world} in {assets} has no instances; add meshes to it')
        placed = [(i, self._load(assets / i['mesh']).placed(np.array(i['T']))) for i in instances]
        self._casters = Casters(Geometry.join([geometry for _, geometry in placed]))
        small, large = self._props(assets)
        self._add_surfaces(assets / 'textures')
        targets = [g.bounds for i, g in placed if _role(i['mesh']) == 'thing']
        targets = [b for b in targets if 0.05 < (b[1] - b[0]).max() < 6 and b[1][2] < 2.3]
        anchors = np.array(self.data['anchors'], float)
        floor = float(self.data['floor_z'])
        # The stage asks for materials by kind; which one is the picture's own luck.
        self._stage = Stage(self._casters, anchors, targets, floor, small, large, self._pick)
        self._rng = np.random.default_rng(0)

    def render(self, seed: int, size=(256, 320)) -> Sample:
        """
        Take one picture; size: (height, width), pixels.

        returns: Sample; depth is exact at the pixels' centres, 0 where a ray leaves the world
        """
        size = (int(size[0]), int(size[1]))
        rng = self._rng = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        view, things = self._stage.compose(rng, size)
        casters = self._casters.with_props(Geometry.join(things)) if things else self._casters
        hits = casters.cast(view.origin, view.rays())
        lamps, ambient = self._light(rng, view)
        pixel = 1 / float(view.camera.fx)
        look = self._look(rng)
        args = (pixel, self._atlas, look, lamps, ambient, size, rng)
        radiance = shade(casters, hits, view.origin, *args)
        lost = ~np.isfinite(hits.depth).reshape(size)
        if lost.any():
            typical = radiance[~lost].mean() if not lost.all() else 1.0
            radiance[lost] = typical * np.exp(rng.normal(0.7, 0.8)) * rng.uniform(0.8, 1.2, 3)
        depth = np.where(hits.depth < MAX_DEPTH, hits.depth, 0).reshape(size).astype(np.float32)
        return Sample(develop(radiance, rng), depth, view.camera, f'{self.name}_{seed:07d}')

    def _load(self, path: Path) -> Geometry:
        if path.name not in self._files:
            parts = []
            for part in read_glb(path):
                material = self._add_material(part.image, _role(path.name))
                columns = (part.vertices, part.normals, part.uv, part.faces)
                parts.append(Geometry(*columns, np.full(len(part.faces), material)))
            self._files[path.name] = Geometry.join(parts)
        return self._files[path.name]

    def _add_material(self, image, role: str) -> int:
        # One material per image, so that both have the same index.
        self._role.append(role)
        return self._atlas.add(np.ascontiguousarray(image))

    def _props(self, assets: Path) -> tuple[list, list]:
        """Sort the pack's meshes into things for tables and things for the floor."""
        small, large = [], []
        for path in sorted((assets / 'meshes').glob('*.glb')):
            if _role(path.name) != 'thing' or path.stat().st_size > 600_000:
                continue
            geometry = self._load(path)
            low, high = geometry.bounds
            width, depth, height = high - low
            if max(width, depth) < 0.6 and height < 0.6:
                small.append(geometry)
            elif max(width, depth) < 2.7 and 0.1 < height < 2.2:
                large.append(geometry)
        return small, large

    def _add_surfaces(self, folder: Path) -> None:
        """Add a material for every texture of the pack, and for printed things of our own."""
        for path in sorted(folder.glob('*.jpg')):
            kind, image = path.name.split('__')[0], cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                raise ValueError(f'{path} is not a readable image; remove it from the pack')
            self._kinds.setdefault(kind, []).append(self._add_material(image[..., ::-1], 'photo'))
        rng = np.random.default_rng(20261121)
        for _ in range(24):
            grain = pattern.noise(rng, 128, rng.uniform(1.0, 2.0))
            plain = 215 + 40 * rng.uniform(0, 1) ** 2 * (grain[..., None] - 0.5)
            image = np.uint8(np.clip(plain, 0, 255).repeat(3, axis=2))
            self._kinds.setdefault('plain', []).append(self._add_material(image, 'photo'))
        for kind in _PICTURES:
            draw, count = PICTURES[kind]
            for _ in range(count):
                image = np.uint8(255 * np.clip(draw(rng, 128), 0, 1) ** (1 / 2.2))
                material = self._add_material(image, 'picture')
                self._kinds.setdefault(kind, []).append(material)

    def _pick(self, *kinds: str) -> int:
        """Draw a material of one of these kinds, as far as the pack has them."""
        known = [kind for kind in kinds if kind in self._kinds] or ['plain']
        return int(self._rng.choice(self._kinds[known[self._rng.integers(len(known))]]))

    def _look(self, rng) -> Look:
        """Draw how every material looks: as in the pack, or with another surface."""
        count = len(self._atlas)
        texture, metres = np.arange(count), np.zeros(count, np.float32)
        tint = np.exp(rng.normal(0, 0.2, (count, 1)) + rng.normal(0, 0.05, (count, 3)))
        swap = rng.choice([0.05, 0.4, 0.85], p=[0.35, 0.35, 0.3])
        for i, role in enumerate(self._role):
            if role == 'photo':
                metres[i] = np.exp(rng.uniform(np.log(0.3), np.log(2.5)))
                if i in self._kinds['plain'] or rng.random() < 0.2:
                    tint[i] = _paint(rng)
            elif role != 'picture' and rng.random() < swap:
                texture[i] = self._pick(*_SURFACES[role])
                if self._role[texture[i]] == 'photo':
                    metres[i] = np.exp(rng.uniform(np.log(0.6), np.log(3.0)))
                if texture[i] in self._kinds['plain'] or rng.random() < 0.2:
                    tint[i] = _paint(rng, pale=role in ('wall', 'ceiling'))
        gloss = np.where(rng.random(count) < 0.3, rng.uniform(0, 0.5, count), 0)
        return Look(texture, metres, tint.astype(np.float32), gloss.astype(np.float32))

    def _light(self, rng, view) -> tuple[list[Lamp], np.ndarray]:
        lamps, warm = [], rng.normal(0, 0.15)
        for _ in range(rng.integers(1, 4)):
            ahead = view.R[:, 2] * rng.uniform(0, 4) * [1, 1, 0]
            place = view.origin + ahead + np.append(rng.normal(0, 1.3, 2), 0)
            height = self._casters.cast(place, np.float32([[0, 0, 1]])).depth[0]
            height = min(float(height), rng.uniform(2, 5)) - rng.uniform(0.05, 0.4)
            place[2] += max(height, 0.1)
            tone = np.exp((warm + rng.normal(0, 0.08)) * np.array([1, 0, -1]))
            power = np.exp(rng.normal(1.3, 0.7)) * tone
            lamps.append(Lamp(place, power, rng.uniform(0.03, 0.35)))
        if rng.random() < 0.08:  # a flash, or a robot's own lamp
            lamps.append(Lamp(view.origin + rng.normal(0, 0.05, 3), np.full(3, 3.0), 0.01))
        ambient = rng.uniform(0.15, 0.9) * np.exp(rng.normal(0, 0.08, 3))
        return lamps, ambient.astype(np.float32)


def _paint(rng, pale=False) -> np.ndarray:
    """Draw a linear RGB factor of any colour."""
    value = rng.uniform(0.5, 1.2) if pale else rng.uniform(0.05, 1.2)
    strength = rng.uniform(0, 0.3) if pale else rng.uniform(0, 1) ** 1.5
    return value * (1 - strength * rng.random(3))


def _role(name: str) -> str:
    words = Path(name).stem.lower()
    return next((role for word, role in _STRUCTURE.items() if word in words), 'thing')


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
