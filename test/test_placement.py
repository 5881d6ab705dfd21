# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where things stand: beside each other, within walls, and not in one another."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest
from solid_scenes import GREY

from grin_ros.training.world import building, furniture, greenery, interior, opening, seat, vehicle
from grin_ros.training.world.footprint import Footprint, Plan
from grin_ros.training.world.material import Palette
from grin_ros.training.world.scene import CONE, ELLIPSOID, Scene, WEDGE
from grin_ros.training.world.staircase import Flight, staircase
from grin_ros.training.world.street import street
from grin_ros.training.world.texture import texture_bank

# The functions of the same names hide these modules.
hall, room = (importlib.import_module(f'grin_ros.training.world.{n}') for n in ('hall', 'room'))


def scene_and_palette(seed):
    scene = Scene(np.random.default_rng(seed))
    return scene, Palette(scene.rng, texture_bank('cpu', None))


def inside(points, rows):
    """Which points (n, 3) lie in one of the solids, each tested by its definition: (n,), bool."""
    found = np.zeros(len(points), bool)
    for kind, centre, rotation, half, taper, _ in rows:
        x, y, z = ((points - centre) @ rotation / np.maximum(half, 1e-4)).T
        rise, flat = (z + 1) / 2, np.abs(z) <= 1
        if kind == ELLIPSOID:
            found |= x * x + y * y + z * z <= 1
        elif kind == CONE:
            found |= flat & (np.hypot(x, y) <= 1 + (taper[0] - 1) * rise)
        else:
            k = taper if kind == WEDGE else (0,) * 4
            found |= flat & (x <= 1 - k[0] * rise) & (-x <= 1 - k[1] * rise)\
                & (y <= 1 - k[2] * rise) & (-y <= 1 - k[3] * rise)  # fmt: skip
    return found


def bounds(rows):
    """Lowest and highest corner (3,) of the boxes around some solids, metres."""
    centre = np.array([row[1] for row in rows])
    reach = np.array([np.abs(rotation) @ half for _, _, rotation, half, _, _ in rows])
    return (centre - reach).min(0), (centre + reach).max(0)


def shared(one, other):
    """Cubic metres that two sets of solids have in common, from 3000 random points."""
    (a, b), (c, d) = bounds(one), bounds(other)
    low, high = np.maximum(a, c), np.minimum(b, d)
    if (high <= low).any():
        return 0.0
    points = np.random.default_rng(0).uniform(low, high, (3000, 3))
    return (inside(points, one) & inside(points, other)).mean() * np.prod(high - low)


class Watch:
    """Notes which solids each call of some builders adds."""

    def __init__(self, monkeypatch):
        self.pieces, self._patch, self._deep = [], monkeypatch, 0

    def over(self, owner, name, item=False):
        """Wrap owner.name, or owner[name]; calls that one wrapped function makes do not count."""
        build = owner[name] if item else getattr(owner, name)

        def built(at, *args, **options):
            start = len(at.scene.rows)
            self._deep += 1
            answer = build(at, *args, **options)
            self._deep -= 1
            if not self._deep and len(at.scene.rows) > start:
                self.pieces.append(at.scene.rows[start:])
            return answer

        (self._patch.setitem if item else self._patch.setattr)(owner, name, built)

    def standing(self, scene):
        """The solids of each piece that is still in the scene."""
        there = {id(row) for row in scene.rows}
        return [rows for rows in self.pieces if id(rows[0]) in there]


@pytest.fixture
def watch(monkeypatch):
    return Watch(monkeypatch)


def test_rectangles_overlap_where_they_have_points_in_common():
    rng, share = np.random.default_rng(0), np.linspace(-1, 1, 41)
    grid = np.stack(np.meshgrid(share, share), -1).reshape(-1, 2)
    hits = 0
    for _ in range(300):
        one, other = (
            Footprint.between(
                Scene(rng).frame(*rng.uniform(-1.5, 1.5, 2), 0, rng.uniform(0, 7)), -half, half
            )
            for half in rng.uniform(0.1, 1.5, (2, 2))
        )
        common = False
        for a, b in ((one, other), (other, one)):
            points = a.centre + grid * a.half @ a.axes
            common |= (np.abs((points - b.centre) @ b.axes.T) < b.half).all(1).any()
        assert one.overlaps(other) == other.overlaps(one)
        assert one.overlaps(other) or not common
        assert common or not one.overlaps(other, gap=-0.15)  # but for corners between the points
        hits += common
    assert 60 < hits < 240


def test_a_footprint_covers_what_was_built_and_no_crown():
    scene = Scene(np.random.default_rng(0))
    at = scene.frame(3.0, -2.0, 0.0, 0.7)
    at.box(0.5, 0, 0, 1.0, 0.4, 1.0, GREY)
    at.moved(0, 0, 2.0).box(0, 0, 0, 8, 8, 1, GREY)
    trunk = Footprint.of(at, 0, below=1.5)
    np.testing.assert_allclose(trunk.half, [0.5, 0.2])
    turn = np.array([math.cos(0.7), math.sin(0.7)])
    np.testing.assert_allclose(trunk.centre, [3, -2] + 0.5 * turn)
    np.testing.assert_allclose(Footprint.of(at, 0).half, [4, 4])
    assert Footprint.of(at, 1, below=1.5) is None


def test_what_does_not_fit_leaves_nothing_behind():
    scene, plan = Scene(np.random.default_rng(0)), Plan((4, 4))
    block = lambda at: at.box(0, 0, 0, 1, 1, 1, GREY)
    assert plan.put(scene.frame(), block)
    for at in (scene.frame(0.9, 0.9), scene.frame(1.6, 0), scene.frame(1.4, 1.4, 0, 0.8)):
        assert not plan.put(at, block)
    assert len(scene.rows) == len(scene.materials) == 1
    assert plan.put(scene.frame(1.2, -1.2), block) and len(plan.taken) == 2


def test_pieces_of_a_room_neither_share_space_nor_stand_in_walls(watch):
    for name in list(room.BUILDERS):
        watch.over(room.BUILDERS, name, item=True)
    watch.over(seat, 'chair')
    watch.over(vehicle, 'person')
    count = 0
    for seed in range(30):
        scene, palette = scene_and_palette([seed, 7])
        watch.pieces.clear()
        room.room(scene, palette)
        pieces, limit = watch.standing(scene), np.array(scene.rows[0][3][:2]) - 0.2
        for k, piece in enumerate(pieces):
            assert (np.abs(bounds(piece))[:, :2] < limit + 0.01).all()
            assert max((shared(piece, other) for other in pieces[:k]), default=0) < 5e-4
        count += len(pieces)
    assert 6 < count / 30 < 16  # as furnished as rooms are


def test_what_stands_in_a_hall_shares_no_space(watch):
    for owner, names in (
        (furniture, ('table', 'shelf', 'cartons', 'cabinet')),
        (vehicle, ('person', 'car', 'van')),
        (hall, ('_machine', 'pallet', '_rack', 'board', 'cone')),
    ):
        for name in names:
            watch.over(owner, name)
    count = 0
    for seed in range(16):
        scene, palette = scene_and_palette([seed, 7])
        watch.pieces.clear()
        hall.hall(scene, palette)
        pieces, limit = watch.standing(scene), np.array(scene.rows[0][3][:2]) - 0.2
        for k, piece in enumerate(pieces):
            assert (np.abs(bounds(piece))[:, :2] < limit + 0.01).all()
            assert max((shared(piece, other) for other in pieces[:k]), default=0) < 5e-4
        count += len(pieces)
    assert 12 < count / 16 < 60


def test_walls_are_bare_where_stairs_lie(watch):
    steps = []
    for owner, name in ((interior, '_hung'), (opening, 'door'), (opening, 'window')):
        watch.over(owner, name)
    build = Flight.build

    def noted(self, at, *args, **options):
        start = len(at.scene.rows)
        build(self, at, *args, **options)
        steps.append(bounds(at.scene.rows[start:]))

    watch._patch.setattr(Flight, 'build', noted)
    count = 0
    for seed in range(40):
        scene, palette = scene_and_palette(seed)
        watch.pieces.clear()
        steps.clear()
        staircase(scene, palette)
        limit = np.array(scene.rows[0][3][:2]) - 0.2
        for piece in watch.pieces:
            # But for a terrace outside.
            low, high = bounds([row for row in piece if (np.abs(row[1][:2]) < limit + 0.1).all()])
            for first, last in steps:
                # In plan: what is above the steps is in the way of who climbs them.
                apart = np.maximum(low - last, first - high)[:2].max()
                assert apart > -0.01
        count += len(watch.pieces)
    assert count > 60


def test_nothing_grows_or_stands_in_a_house_or_on_a_crossing_road(watch):
    watch.over(building, 'house')
    kept = Watch(watch._patch)
    for owner, names in (
        (greenery, ('tree', 'bush')),
        (building, ('pole',)),
        (vehicle, ('person',)),
    ):
        for name in names:
            kept.over(owner, name)
    count, z = 0, np.array([0.3, 1.0, 1.8])
    for seed in range(24):
        scene, palette = scene_and_palette([seed, 3])
        watch.pieces.clear()
        kept.pieces.clear()
        street(scene, palette)
        bodies = [row for rows in watch.pieces for row in rows[:1]]
        bodies += [row for row in scene.rows if 2 * row[3][0] == 300]  # the crossing road
        for rows in kept.standing(scene):
            # What it stands with: plumb lines through it, up to a man's height.
            low, high = bounds([row for row in rows if bounds([row])[0][2] < 1.5])
            for height in z[z < high[2]]:
                points = np.random.default_rng(0).uniform(low, high, (300, 3))
                points[:, 2] = height
                points = points[inside(points, rows)]
                points[:, 2] = np.maximum(height, 0.4)
                for body in bodies:
                    kind, centre, rotation, half, taper, _ = body
                    tall = np.array([*half[:2], max(half[2], 5.0)])
                    assert not inside(points, [(kind, centre, rotation, tall, taper, 0)]).any()
        count += len(kept.standing(scene))
    assert 10 < count / 24 < 80
