# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Things that tell a picture's scale: as large in the worlds as they are built and sold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grin_ros.training.world import building, clutter, furniture, garden, interior, opening, props
from grin_ros.training.world.light import Surface
from grin_ros.training.world.material import Palette
from grin_ros.training.world.raycast import cast, Solids
from grin_ros.training.world.road import Road
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


def boxes(scene):
    """Lowest and highest corner of every solid, as it stands in its own frame: (n, 2, 3)."""
    return np.array(
        [[rotation.T @ centre - half, rotation.T @ centre + half]
         for _, centre, rotation, half, _, _ in scene.rows]
    )  # fmt: skip


def test_doors_are_as_large_as_doors_and_of_many_sizes():
    sizes, handles = [], []
    for seed in range(80):
        scene, palette = scene_and_palette(seed)
        opening.door(scene.frame(), palette, *opening.door_size(palette, 2.6))
        low, high = boxes(scene).transpose(1, 0, 2)
        leaf = np.isclose((high - low)[:, 1], 0.03) & (low[:, 2] == 0)
        sizes.append((high[leaf, 0].max() - low[leaf, 0].min(), high[leaf, 2].max()))
        handles.append(low[np.isclose((high - low)[:, 2], 0.025), 2][0])
    wide, tall = np.array(sizes).T
    single = wide < 1.4
    assert 0.69 < wide[single].min() < 0.75 and 0.95 < wide[single].max() < 1.01
    assert wide[~single].min() > 1.49 and wide[~single].max() < 1.81 and 4 < (~single).sum() < 24
    assert 1.949 < tall.min() < 2.0 and 2.25 < tall.max() < 2.31
    assert 0.949 < min(handles) < 0.98 and 1.07 < max(handles) < 1.11


def test_an_open_door_is_a_hole_of_its_size_below_the_ceiling():
    for seed in range(20):
        scene, palette = scene_and_palette(seed)
        size = opening.door_size(palette, 2.2)
        left, right, low, top = opening.doorway(scene.frame(), palette, 0.4, size, palette.wall())
        assert (right - left, top) == pytest.approx(size) and low == 0 and top <= 2.2 - 0.08


def test_skirtings_and_kerbs_come_in_their_real_heights():
    skirtings, kerbs = [], []
    for seed in range(40):
        scene, palette = scene_and_palette(seed)
        interior.shell(scene, palette, 5.0, 5.0, 2.6)
        size = np.ptp(boxes(scene), axis=1)
        skirtings.append(size[np.isclose(size[:, 1], 0.016) & (size[:, 2] < 0.2), 2][0])
        scene, palette = scene_and_palette(seed)
        road = Road.draw(scene.frame(), scene.rng)
        road.path[:] = 2.0
        start = len(scene.rows)
        road.build(palette)
        tops = boxes(scene)[start:, 1, 2]
        kerbs.append(tops[tops < 0.3].max())
    assert 0.05 <= min(skirtings) < 0.07 and 0.12 < max(skirtings) <= 0.14
    assert 0.05 <= min(kerbs) < 0.08 and 0.13 < max(kerbs) <= 0.166


def test_a_television_stands_on_its_board():
    for seed in range(20):
        scene, palette = scene_and_palette(seed)
        furniture.television(scene.frame(), palette, 1.4, 0.45)
        solids = boxes(scene)
        foot = np.isclose(np.ptp(solids, axis=1), (0.22, 0.18, 0.015)).all(1)
        assert foot.sum() == 1 and solids[foot, 0, 2] == pytest.approx(solids[0, 1, 2])


def test_monitors_on_a_desk_stand_beside_each_other():
    pairs = 0
    for seed in range(80):
        scene, palette = scene_and_palette(seed)
        furniture.desk(scene.frame(), palette, scene.rng.uniform(1.1, 1.9), 0.7)
        screens = [row for row in scene.rows if 2 * row[3][1] == pytest.approx(0.006)]
        for i, (_, centre, rotation, half, _, _) in enumerate(screens):
            # A plane through each screen, cut by the thickness of the others' cases.
            x, z = np.meshgrid(np.linspace(-1, 1, 60) * half[0], np.linspace(-1, 1, 40) * half[2])
            points = centre + np.stack([x, 0 * x, z], -1).reshape(-1, 3) @ rotation.T
            for _, other, turned, size, _, _ in screens[:i]:
                inside = np.abs((points - other) @ turned) < np.array(size) + (0, 0.03, 0)
                assert not inside.all(1).any()
                pairs += 1
    assert pairs > 15


def test_a_pallet_stands_on_what_lies_below_it():
    stacked = 0
    for seed in range(40):
        scene, palette = scene_and_palette(seed)
        garden.goods(scene.frame(), palette)
        top = 0.0
        for low, high in boxes(scene):
            if high - low == pytest.approx(np.array([1.2, 0.8, 0.14])):
                assert low[2] == pytest.approx(top)
                stacked += low[2] > 0
            top = max(top, high[2])
    assert stacked > 20
