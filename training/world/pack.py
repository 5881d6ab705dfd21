# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
An asset pack: meshes and textures, and how pictures of what is made of them look.

The pack is a folder with `worlds/<name>.json` (instances, anchors), `meshes/*.glb` and
`textures/<kind>__<name>.jpg`. Every picture draws its own surfaces, lamps, props and camera, so
that a handful of buildings give pictures without end; the same seed gives the same picture again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import zlib

import cv2
import numpy as np

from ..sample import Sample
from . import pattern
from .atlas import Atlas
from .develop import develop
from .geometry import Geometry, standing
from .glb import read_glb
from .picture import PICTURES
from .raylight import Lamp, Look, shade
from .staging import Stage
from .surface import metres_of

MAX_DEPTH = 60.0  # metres; what lies beyond counts as unknown
# The first word that is found counts: walls of a floor are walls.
_STRUCTURE = {'ceiling': 'ceiling', 'roof': 'ceiling', 'wall': 'wall', 'column': 'wall'}
_STRUCTURE |= {'floor': 'floor', 'ground': 'floor'}
SURFACES = {
    'floor': ('floor', 'floor', 'wood', 'tiles', 'concrete', 'marble', 'fabric', 'plain'),
    'wall': ('wall', 'wall', 'wall', 'plain', 'plain', 'brick', 'concrete', 'wood', 'tiles'),
    'ceiling': ('ceiling', 'wall', 'plain', 'concrete'),
    'thing': ('wood', 'wood', 'metal', 'fabric', 'plain', 'plain', 'print', 'wall', 'cardboard'),
}
# Things that hang, or are part of a building, and never lie about.
_FIXED = ('light', 'lamp', 'chandelier', 'handle', 'camera', 'window', 'rangehood', 'tv_')
_FIXED += ('airconditioner', 'curtain', 'portrait', 'horologe', 'clock', 'logo', 'sign', 'ramp')
_PICTURES = ('print', 'paper', 'screen', 'books', 'keys')


class Pack:
    """
    The meshes of a pack as they are read, and a material for everything that a surface may show.

    assets: the pack's folder
    """

    def __init__(self, assets: str | Path):
        self.assets = Path(assets)
        self._atlas, self._role, self._kinds = Atlas(), [], {}
        self._metres: list[tuple[float, float]] = []  # of a planar repeat, 0 = the mesh's uv
        self._files: dict[str, Geometry] = {}
        self._rng = np.random.default_rng(0)

    def photograph(
        self, name: str, seed: int, size: tuple[int, int],
        set_up: Callable[[np.random.Generator], Stage],
    ) -> Sample:  # fmt: skip
        """
        Take a picture of what a stage composes; name and seed decide all that is drawn for it.

        size: (height, width), pixels; set_up: gives the stage of the picture
        returns: Sample; depth is exact at the pixels' centres, 0 where a ray leaves the world
        """
        size = (int(size[0]), int(size[1]))
        # Materials are picked by kind; which one is the picture's own luck.
        rng = self._rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        stage = set_up(rng)
        view, things = stage.compose(rng, size)
        casters = stage.casters.with_props(Geometry.join(things)) if things else stage.casters
        hits = casters.cast(view.origin, view.rays())
        lamps, ambient = _light(rng, view, stage.casters)
        pixel = 1 / float(view.camera.fx)
        look = self._look(rng)
        args = (pixel, self._atlas, look, lamps, ambient, size, rng)
        radiance = shade(casters, hits, view.origin, *args)
        lost = ~np.isfinite(hits.depth).reshape(size)
        if lost.any():
            typical = radiance[~lost].mean() if not lost.all() else 1.0
            radiance[lost] = typical * np.exp(rng.normal(0.7, 0.8)) * rng.uniform(0.8, 1.2, 3)
        depth = np.where(hits.depth < MAX_DEPTH, hits.depth, 0).reshape(size).astype(np.float32)
        return Sample(develop(radiance, rng), depth, view.camera, f'{name}_{seed:07d}')

    def load(self, path: Path) -> Geometry:
        """Read a mesh file of the pack, once."""
        if path.name not in self._files:
            parts = []
            for part in read_glb(path):
                material = self._add_material(part.image, role(path.name))
                columns = (part.vertices, part.normals, part.uv, part.faces)
                parts.append(Geometry(*columns, np.full(len(part.faces), material)))
            self._files[path.name] = Geometry.join(parts)
        return self._files[path.name]

    def _add_material(self, image, part: str, metres: float = 0.0) -> int:
        # One material per image, so that both have the same index.
        self._role.append(part)
        self._metres.append((metres, metres * image.shape[0] / image.shape[1]))
        return self._atlas.add(np.ascontiguousarray(image))

    def props(self, hung=frozenset()) -> tuple[list, list]:
        """
        Sort meshes into things for tables and for the floor, standing on z = 0 at the origin.

        hung: files to leave out
        """
        small, large = [], []
        for path in sorted((self.assets / 'meshes').glob('*.glb')):
            if path.name in hung or _is_fixed(path.name) or path.stat().st_size > 600_000:
                continue
            geometry = self.load(path)
            low, high = geometry.bounds
            width, depth, height = high - low
            # Some have their origin beside them: they would stand elsewhere than where is room.
            geometry = geometry.placed(standing(*-(low + high)[:2] / 2, -low[2]))
            if max(width, depth) < 0.6 and height < 0.6:
                small.append(geometry)
            elif max(width, depth) < 2.7 and 0.1 < height < 2.2:
                large.append(geometry)
        return small, large

    def add_surfaces(self) -> None:
        """Add a material for every texture of the pack, and for printed things of our own."""
        for path in sorted((self.assets / 'textures').glob('*.jpg')):
            kind, image = path.name.split('__')[0], cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                raise ValueError(f'{path} is not a readable image; remove it from the pack')
            material = self._add_material(image[..., ::-1], 'photo', metres_of(path.name))
            self._kinds.setdefault(kind, []).append(material)
        rng = np.random.default_rng(20261121)
        for _ in range(24):
            grain = pattern.noise(rng, 128, rng.uniform(1.0, 2.0))
            plain = 215 + 40 * rng.uniform(0, 1) ** 2 * (grain[..., None] - 0.5)
            image = np.uint8(np.clip(plain, 0, 255).repeat(3, axis=2))
            self._kinds.setdefault('plain', []).append(self._add_material(image, 'photo', 1.0))
        for kind in _PICTURES:
            draw, count = PICTURES[kind]
            for _ in range(count):
                image = np.uint8(255 * np.clip(draw(rng, 128), 0, 1) ** (1 / 2.2))
                material = self._add_material(image, 'picture')
                self._kinds.setdefault(kind, []).append(material)

    def pick(self, *kinds: str) -> int:
        """Draw a material of one of these kinds, as far as the pack has them."""
        known = [kind for kind in kinds if kind in self._kinds] or ['plain']
        return int(self._rng.choice(self._kinds[known[self._rng.integers(len(known))]]))

    def _look(self, rng) -> Look:
        """Draw how every material looks: as in the pack, or with another surface."""
        count = len(self._atlas)
        texture, metres = np.arange(count), np.array(self._metres, np.float32)
        tint = np.exp(rng.normal(0, 0.2, (count, 1)) + rng.normal(0, 0.05, (count, 3)))
        swap = rng.choice([0.05, 0.4, 0.85], p=[0.35, 0.35, 0.3])
        for i, part in enumerate(self._role):
            if part == 'photo':
                metres[i] *= rng.uniform(0.7, 1.3)
                if i in self._kinds['plain'] or rng.random() < 0.2:
                    tint[i] = _paint(rng)
            elif part != 'picture' and rng.random() < swap:
                texture[i] = self.pick(*SURFACES[part])
                metres[i] = np.multiply(self._metres[texture[i]], rng.uniform(0.7, 1.3))
                if texture[i] in self._kinds['plain'] or rng.random() < 0.2:
                    tint[i] = _paint(rng, pale=part in ('wall', 'ceiling'))
        gloss = np.where(rng.random(count) < 0.3, rng.uniform(0, 0.5, count), 0)
        return Look(texture, metres, tint.astype(np.float32), gloss.astype(np.float32))


def _light(rng, view, casters) -> tuple[list[Lamp], np.ndarray]:
    lamps, warm = [], rng.normal(0, 0.15)
    for _ in range(rng.integers(1, 4)):
        ahead = view.R[:, 2] * rng.uniform(0, 4) * [1, 1, 0]
        place = view.origin + ahead + np.append(rng.normal(0, 1.3, 2), 0)
        height = casters.cast(place, np.float32([[0, 0, 1]])).depth[0]
        height = min(float(height), rng.uniform(2, 5)) - rng.uniform(0.05, 0.4)
        place[2] += max(height, 0.1)
        tone = np.exp((warm + rng.normal(0, 0.08)) * np.array([1, 0, -1]))
        power = np.exp(rng.normal(1.3, 0.7)) * tone
        # A lamp that dips into the ceiling would be shaded by it.
        radius = min(rng.uniform(0.03, 0.35), 0.9 * casters.clearance(place))
        lamps.append(Lamp(place, power, radius))
    if rng.random() < 0.08:  # a flash, or a robot's own lamp
        lamps.append(Lamp(view.origin + rng.normal(0, 0.05, 3), np.full(3, 3.0), 0.01))
    ambient = rng.uniform(0.15, 0.9) * np.exp(rng.normal(0, 0.08, 3))
    return lamps, ambient.astype(np.float32)


def _paint(rng, pale=False) -> np.ndarray:
    """Draw a linear RGB factor of any colour."""
    value = rng.uniform(0.5, 1.2) if pale else rng.uniform(0.05, 1.2)
    strength = rng.uniform(0, 0.3) if pale else rng.uniform(0, 1) ** 1.5
    return value * (1 - strength * rng.random(3))


def role(name: str) -> str:
    """Tell what a mesh file holds: floor, ceiling, wall or, else, a thing."""
    words = Path(name).stem.lower()
    return next((part for word, part in _STRUCTURE.items() if word in words), 'thing')


def _is_fixed(name: str) -> bool:
    """Tell whether a mesh file holds a part of a building, or what is fixed to one."""
    words = Path(name).stem.lower().replace('deskportrait', 'frame')
    return role(name) != 'thing' or any(word in words for word in _FIXED)
