# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Furnished rooms: things stand as in the worlds of the pack, between walls, each by itself."""

from __future__ import annotations

import json
import zlib

from asset_pack import BLOCK_HIGH, BLOCK_LOW, HIGH, write_glb, write_pack
import numpy as np
import pytest

from grin_ros.training.world.furnished import Furnished, NAME
from grin_ros.training.world.geometry import standing
from grin_ros.training.world.habit import Habit, habits
from grin_ros.training.world.pack import Pack
from grin_ros.training.world.staging import lens, rotation, Stage, View

pytestmark = pytest.mark.usefixtures('open3d')
BLOCK = 'meshes/block.glb'  # 1 x 0.5 x 0.7 m; its middle is at (0.1, 1.25)


def pack_with(folder, *poses):
    """Write a pack whose only world has blocks at these poses."""
    pack = write_pack(folder)
    path = pack / 'worlds' / 'cell.json'
    world = json.loads(path.read_text())
    room = world['instances'][0]
    world['instances'] = [room, *({'mesh': BLOCK, 'T': T.tolist()} for T in poses)]
    path.write_text(json.dumps(world))
    return pack


def at_wall(turns, gap, height=0.0):
    """Turn a block by quarter turns, and stand it so far from the wall at x = 2."""
    T = standing(0, 0, height, turns * np.pi / 2)
    corners = np.array([[*BLOCK_LOW[:2], 0, 1], [*BLOCK_HIGH[:2], 0, 1]]) @ T.T
    T[0, 3] = HIGH[0] - gap - corners[:, 0].max()
    T[1, 3] = -corners[:, 1].mean()
    return T


@pytest.mark.parametrize('turns', range(4))
def test_a_wall_behind_a_thing_is_found_in_the_things_own_directions(tmp_path, turns):
    pack = Pack(pack_with(tmp_path / 'pack', at_wall(turns, 0.1)))
    # What looks towards +x in the world looked elsewhere before the thing was turned.
    assert habits(pack) == [Habit('block.glb', 'cell', 0.0, -turns % 4, 0.1)]


def test_habits_come_in_the_order_of_the_file(tmp_path):
    pack = Pack(pack_with(tmp_path / 'pack', *[at_wall(turns, 0.1) for turns in (2, 0, 3, 1)]))
    assert [habit.back for habit in habits(pack)] == [2, 0, 1, 3]


def test_things_stand_hang_or_are_left_out(tmp_path):
    before = at_wall(1, 0.2, 1.2)
    before[1, 3] += 1.5  # beside the one that hangs
    tilted = standing(0, 0, 0)
    tilted[1:3, 1:3] = [[0.9, -0.436], [0.436, 0.9]]
    poses = [
        standing(0, 0, 0.05),  # on the floor, free of walls
        at_wall(1, 0.05, 1.2),  # hung
        before,  # on something before the wall
        standing(0, 0, 0.8),  # on a table
        tilted,
    ]
    found = habits(Pack(pack_with(tmp_path / 'pack', *poses)))
    assert found == [
        Habit('block.glb', 'cell', 0.0, None, np.inf),
        Habit('block.glb', 'cell', 1.2, 3, 0.05),
    ]


def test_what_stands_on_a_shelf_at_the_wall_does_not_hang(tmp_path):
    """The lower block's top is at 0.7 m: at 0.72 m a block stands on it, at 0.75 m it hangs."""
    for height, hung in ((0.68, 0), (0.72, 0), (0.75, 1), (1.5, 1)):
        pack = pack_with(tmp_path / str(height), at_wall(1, 0.05), at_wall(1, 0.05, height))
        found = habits(Pack(pack))
        assert [habit.height for habit in found] == [0.0, height][: 1 + hung]


def test_curtains_before_a_window_keep_to_their_wall(tmp_path):
    folder = pack_with(tmp_path / 'pack')
    image = np.full((8, 8, 3), 200, np.uint8)
    write_glb(folder / 'meshes' / 'curtain.glb', (-0.03, -1, 0), (0.03, 1, 2.3), image)
    # The wall beyond the room's end has a hole from 0.2 to 2.1 m.
    write_glb(folder / 'meshes' / 'sill_wall.glb', (5, -2, 0), (5.1, 2, 0.2), image)
    write_glb(folder / 'meshes' / 'lintel_wall.glb', (5, -2, 2.1), (5.1, 2, 2.5), image)
    path = folder / 'worlds' / 'cell.json'
    world = json.loads(path.read_text())
    here = {'mesh': 'meshes/curtain.glb', 'T': standing(4.57, 0, 0).tolist()}
    walls = [{'mesh': f'meshes/{n}_wall.glb', 'T': np.eye(4).tolist()} for n in ('sill', 'lintel')]
    world['instances'] = [*walls, here]
    path.write_text(json.dumps(world))
    assert habits(Pack(folder)) == [Habit('curtain.glb', 'cell', 0.0, 0, 0.4)]


def test_what_hangs_or_is_fixed_is_not_strewn(tmp_path):
    folder = write_pack(tmp_path / 'pack')
    names = ['Chandelier_01', 'TV_01', 'WallPortrait', 'Rangehood', 'Curtain', 'hook', 'mug']
    for name in names:
        size = 0.3 if name in ('hook', 'mug') else 1.0
        image = np.full((8, 8, 3), 200, np.uint8)
        write_glb(folder / 'meshes' / f'{name}.glb', (0, 0, 0), (size, size, size / 2), image)
    small, large = Pack(folder).props({'hook.glb'})
    assert [np.ptp(thing.bounds, axis=0).max() for thing in small] == pytest.approx([0.3])  # mug
    assert [np.ptp(thing.bounds, axis=0)[2] for thing in large] == pytest.approx([0.7])  # block


@pytest.mark.parametrize('seed', range(6))
def test_things_stay_in_the_room_and_out_of_each_other(tmp_path, seed):
    poses = [at_wall(2, 0.1), at_wall(1, 0.0, 1.2)]
    world = Furnished(pack_with(tmp_path / 'pack', *poses))
    rng, room = np.random.default_rng(seed), np.array([4.0, 5.0, 2.5])
    things = world._furnish(rng, room, [])
    bounds = np.array([thing.bounds for thing in things])
    assert len(bounds) > 3
    assert (np.abs(bounds[:, :, :2]) < room[:2] / 2).all()
    height = bounds[:, 0, 2].astype(float)
    assert (np.isclose(height, 0, atol=1e-4) | np.isclose(height, 1.2)).all()
    for i, (low, high) in enumerate(bounds):
        assert (high > low + 0.4).all()
        for other_low, other_high in bounds[:i]:
            assert ((low > other_high - 0.02) | (other_low > high - 0.02)).any()
        # Either's back is the long side or the short one of the block; it is at a wall.
        distance = np.min(room[:2] / 2 - np.abs([low[:2], high[:2]]).max(axis=0))
        assert distance < 0.17


@pytest.mark.parametrize('seed', range(3))
def test_depth_of_an_empty_room_is_that_of_a_box(tmp_path, monkeypatch, seed):
    world = Furnished(pack_with(tmp_path / 'pack', standing(0, 0, 0)))
    monkeypatch.setattr('grin_ros.training.world.furnished._partition', lambda *args: [])
    monkeypatch.setattr(world, '_furnish', lambda *args: [])
    room = np.random.default_rng([seed, zlib.crc32(NAME.encode())])
    room = room.uniform([2.4, 2.8, 2.25], [6.5, 8.0, 3.2])
    made = []

    def compose(stage, rng, size):
        made.append(View(np.array([0.2, -0.3, 1.1]), rotation(0.8, -0.2, 0.1), lens(rng, size)))
        return made[0], []

    monkeypatch.setattr(Stage, 'compose', compose)
    sample = world.render(seed, (36, 48))
    way = made[0].rays().astype(float)
    low, high = np.append(-room[:2] / 2, 0), np.append(room[:2] / 2, room[2])
    ends = np.stack([(low - made[0].origin) / way, (high - made[0].origin) / way])
    truth = ends.max(axis=0).min(axis=1).reshape(36, 48)
    np.testing.assert_allclose(sample.depth, truth, rtol=1e-4)


def test_the_same_seed_gives_the_same_room(tmp_path):
    pack = pack_with(tmp_path / 'pack', at_wall(0, 0.1), standing(0, 0, 0))
    world = Furnished(pack)
    first, other = world.render(3, (32, 40)), world.render(4, (32, 40))
    again = Furnished(pack).render(3, (32, 40))
    assert first.stem == 'furnished_0000003'
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.depth, again.depth)
    assert not np.array_equal(first.depth, other.depth)


def test_cameras_are_within_the_rooms(tmp_path):
    world = Furnished(pack_with(tmp_path / 'pack', at_wall(0, 0.1), standing(0, 0, 0)))
    lost = [(world.render(seed, (32, 40)).depth == 0).mean() for seed in range(12)]
    assert max(lost) < 0.02  # a wall's edge, now and then


def test_a_pack_without_furniture_is_refused(tmp_path):
    with pytest.raises(ValueError, match='has things that stand on its floor'):
        Furnished(pack_with(tmp_path / 'pack'))
