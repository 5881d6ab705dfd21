# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Things that tell a picture's scale: as large in the worlds as they are built and sold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grin_ros.training.world import building, clutter, furniture, props
from grin_ros.training.world.light import Surface
from grin_ros.training.world.material import Palette
from grin_ros.training.world.raycast import cast, Solids
from grin_ros.training.world.scene import Scene
from grin_ros.training.world.texture import SIZE, texture_bank
from grin_ros.training.world.viewpoint import Viewpoint

pytestmark = pytest.mark.usefixtures('one_thread')  # many small operations


def scene_and_palette(seed):
    scene = Scene(np.random.default_rng(seed))
    return scene, Palette(scene.rng, texture_bank('cpu', None))


def image_of(texture):
    """The largest mip level of a texture: (SIZE, SIZE, 3)."""
    texels = texture_bank('cpu', None).texels[texture, : SIZE * SIZE]
    return texels.view(SIZE, SIZE, 3).numpy()


def runs(flags):
    """How many stretches of a cyclic row of flags are true."""
    return int((flags & ~np.roll(flags, 1)).sum())


def with_texture(scene, kind):
    """Full sizes of the solids that bear a texture of a kind, (n, 3), metres, and the textures."""
    mine = texture_bank('cpu', None).kinds[kind]
    found = [
        (2 * np.array(half), scene.materials[k].texture)
        for *_, half, _, k in scene.rows
        if scene.materials[k].texture in mine
    ]
    return [size for size, _ in found], [texture for _, texture in found]


def test_a_storey_of_a_painted_facade_is_as_high_as_a_storey():
    seen = set()
    for seed in range(60):
        scene, palette = scene_and_palette(seed)
        storey = scene.rng.uniform(2.6, 3.6)
        wall = palette.facade((0.6, 0.6, 0.6), storey)
        glass = image_of(wall.texture)[..., 0] > 0.5  # what the second colour covers
        rows = runs(glass.any(1))
        assert wall.scale / rows == pytest.approx(storey)
        seen.add(rows)
    assert seen == {1, 2, 3}


def test_the_rows_of_a_painted_facade_begin_at_the_ground():
    before_it = Viewpoint(np.array([40.0, 0.0, 6.0]), math.pi / 2, 0.0, 0.0, math.radians(25))
    for seed in range(6):
        scene, palette = scene_and_palette(seed)
        storey = scene.rng.uniform(2.6, 3.6)
        wall = palette.facade((0.6, 0.6, 0.6), storey)
        scene.frame().box(-5, 0, 0, 10, 30, 12.0, wall)
        camera = before_it.camera((240, 240), np.random.default_rng(0))
        view, solids = before_it.view(camera, 'cpu'), Solids.of(scene, 'cpu')
        depth, solid = cast(solids, view)
        bank = texture_bank('cpu', None)
        surface = Surface(scene, solids, view, view.rays(), depth, solid, bank)
        (x, _, z), albedo = surface.point.numpy(), surface.albedo.mean(0).numpy()
        dark = (np.abs(x) < 0.01) & (albedo < 0.12)
        # The pane is in the middle of its storey: fold all storeys into one.
        share = z[dark & (z > 0) & (z < 12 // storey * storey)] / storey % 1
        assert share.mean() == pytest.approx(0.5, abs=0.02) and share.std() < 0.3


def test_a_house_bears_storeys_of_real_height():
    heights = []
    for seed in range(60):
        scene, palette = scene_and_palette(seed)
        building.house(scene.frame(), palette, 12.0)
        wall = scene.materials[0]
        if wall.upright:
            glass = image_of(wall.texture)[..., 0] > 0.5
            heights.append(wall.scale / runs(glass.any(1)))
    assert len(heights) > 3 and min(heights) >= 2.6 and max(heights) <= 3.6


@pytest.mark.parametrize('kind', ['keys', 'laptop'])
def test_keys_are_19_mm_apart(kind):
    build = {
        'keys': lambda at, palette: clutter.scatter(at, palette, 1.0, 0.6, 30, desk=True),
        'laptop': lambda at, palette: [furniture.desk(at, palette, 1.4, 0.7) for _ in range(8)],
    }[kind]
    pitches = []
    for seed in range(4):
        scene, palette = scene_and_palette(seed)
        build(scene.frame(), palette)
        for size, texture in zip(*with_texture(scene, kind)):
            image = image_of(texture)[..., 0]
            dark = image == image.min()  # gaps
            middle = runs(dark.all(1)), max(runs(row) for row in dark[~dark.all(1)])
            pitches += [size[1] / middle[0], size[0] / middle[1]]
    assert len(pitches) > 3 and min(pitches) > 0.017 and max(pitches) < 0.024


def test_a_mesh_worlds_keyboard_has_keys_of_19_mm():
    rng = np.random.default_rng(0)
    for _ in range(20):
        low, high = props.keyboard(rng, lambda *kinds: 0).bounds
        assert 0.018 <= (high[0] - low[0]) / 22 <= 0.02
        assert 0.018 <= (high[1] - low[1]) / 6 <= 0.024


def test_spines_of_books_are_neither_of_millimetres_nor_of_decimetres():
    rng, found = np.random.default_rng(0), []
    for _ in range(40):
        shelf = props.shelf(rng, lambda *kinds: 1 if kinds == ('books',) else 0)
        found += bounds_of(shelf, 1)
    for seed in range(20):
        scene, palette = scene_and_palette(seed)
        furniture.shelf(scene.frame(), palette, 1.6, 0.35, 2.0)
        found += [(size[0], size[2]) for size in with_texture(scene, 'books')[0]]
    wide, tall = np.array(found).T
    assert len(wide) > 100 and wide.min() > 0.27 and wide.max() < 0.51 and tall.max() < 0.3501


def bounds_of(geometry, material):
    """Width and height of every box of a material in a Geometry."""
    mine = geometry.faces[geometry.material == material].reshape(-1, 36)
    corners = geometry.vertices[mine]
    return [tuple(np.ptp(c, axis=0)[[0, 2]]) for c in corners]
