# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Things of mesh worlds go neither through each other nor through what is there."""

from __future__ import annotations

from asset_pack import BLOCK_HIGH, BLOCK_LOW, HIGH, LOW, write_pack
import numpy as np
import pytest

from grin_ros.training.world.geometry import box, Geometry, standing
from grin_ros.training.world.mesh import MeshWorld
from grin_ros.training.world.raylight import Casters
from grin_ros.training.world.staging import lens, rotation, View
from grin_ros.training.world.taken import Taken

pytestmark = pytest.mark.usefixtures('open3d')
ROOM = [box(LOW, HIGH, 0), box(BLOCK_LOW, BLOCK_HIGH, 0)]


@pytest.fixture(scope='module')
def stage(tmp_path_factory, open3d):
    return MeshWorld(write_pack(tmp_path_factory.mktemp('taken') / 'assets'), 'cell')._stage


def random_box(rng):
    half = rng.uniform([0.3, 0.3, 0.2], [0.7, 0.7, 0.6])
    place = rng.uniform([-2, -3, 0.7], [2, 3, 1.9])
    return Taken(-half, half, standing(*place, rng.uniform(0, 6.28)))


def points_in(taken, less=0.0, count=12):
    marks = [np.linspace(a + less, b - less, count) for a, b in zip(taken.low, taken.high)]
    points = np.stack(np.meshgrid(*marks), axis=-1).reshape(-1, 3)
    return points @ taken.T[:3, :3].T + taken.T[:3, 3]


def blocked(points, slack=0.0):
    """Say which points are beyond the room's walls or in its block, by more than slack."""
    beyond = ((points < LOW - slack) | (points > HIGH + slack)).any(axis=1)
    return beyond | ((points > BLOCK_LOW + slack) & (points < BLOCK_HIGH - slack)).all(axis=1)


def test_a_box_is_free_where_none_of_its_points_is_in_something():
    rng, casters = np.random.default_rng(0), Casters(Geometry.join(ROOM))
    boxes = [random_box(rng) for _ in range(300)]
    found = np.array([taken.is_free(casters) for taken in boxes])
    truth = np.array([not blocked(points_in(taken, 0.05)).any() for taken in boxes])
    assert 0.2 < truth.mean() < 0.8
    assert (found == truth).mean() > 0.97
    # A little of a corner at most is missed between the rays.
    assert not any(blocked(points_in(t), 0.15).any() for t in np.array(boxes)[found])


def test_boxes_overlap_where_they_share_points():
    rng, agree, both = np.random.default_rng(1), 0, 0
    for _ in range(300):
        one, other = random_box(rng), random_box(rng)
        inside = (points_in(one, count=16) - other.T[:3, 3]) @ other.T[:3, :3]
        truth = ((inside > other.low) & (inside < other.high)).all(axis=1).any()
        assert one.overlaps(other) == other.overlaps(one)
        agree += one.overlaps(other, 0.02) == truth
        both += truth
    assert both > 20
    assert agree > 290


def test_desks_and_stairs_fit_into_the_room(stage):
    made = {'_desk': 0, '_stairs': 0}
    for seed in range(40):
        for way in made:
            found = getattr(stage, way)(np.random.default_rng(seed), (48, 64))
            if found is not None:
                made[way] += 1
                vertices = np.concatenate([thing.vertices for thing in found[1]])
                assert not blocked(vertices, 0.06).any()
    assert made['_desk'] > 10
    assert made['_stairs'] > 0


def test_what_is_strewn_stands_free(stage):
    view = View(
        np.array([0, -2.4, 1.5]), rotation(1.5, -0.5, 0), lens(np.random.default_rng(0), (48, 64))
    )
    counts = []
    for seed in range(30):
        things = stage.litter.strew(np.random.default_rng(seed), stage.casters, view, False)
        counts.append(len(things))
        for i, thing in enumerate(things):
            assert not blocked(thing.vertices, 0.06).any()
            # Nothing of another is in its middle.
            low, high = thing.bounds
            middle, part = (low + high) / 2, (high - low) / 8
            for other in things[:i]:
                assert not (np.abs(other.vertices - middle) < part).all(axis=1).any()
    assert sum(counts) > 40
