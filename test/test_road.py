# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Roads: as wide and as long around the bend as they say, and passable below what spans them."""

from __future__ import annotations

import numpy as np
import open3d as o3d
import pytest
from solid_scenes import GREY, mesh_of

from grin_ros.training.world import overhead
from grin_ros.training.world.material import Palette
from grin_ros.training.world.road import Road
from grin_ros.training.world.scene import Scene
from grin_ros.training.world.texture import texture_bank


@pytest.mark.parametrize('curvature', [0.0, 1 / 90, -1 / 200])
def test_a_road_keeps_its_width_and_its_length_around_the_bend(curvature):
    scene = Scene(np.random.default_rng(0))
    none = np.zeros(2)
    road = Road(scene.frame(), curvature, 2, 3.0, 3.0, none, none, None)
    along = np.linspace(0, 140, 1401)
    middle, edge = (np.stack([road.at(x, y).origin for y in along]) for x in (0.0, 3.0))
    step = np.linalg.norm(np.diff(middle, axis=0), axis=1)
    np.testing.assert_allclose(step, 0.1, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(edge - middle, axis=1), 3.0)
    inside = 1 + 3.0 * curvature  # the edge to the right of a bend to the left is longer
    np.testing.assert_allclose(np.linalg.norm(np.diff(edge, axis=0), axis=1), 0.1 * inside)
    road.strip(-3.0, 3.0, 0.0, GREY)
    caster = mesh_of(scene)
    for x in (-2.9, 0.0, 2.9):
        place = np.stack([road.at(x, y, 5.0).origin for y in along])
        rays = np.concatenate([place, np.broadcast_to([0, 0, -1.0], place.shape)], 1)
        depth = caster.cast_rays(o3d.core.Tensor(np.float32(rays)))['t_hit'].numpy()
        np.testing.assert_allclose(depth, 5.0, rtol=1e-5)  # no gap between the pieces


@pytest.mark.parametrize('build', [overhead.bridge, overhead.gantry])
def test_lorries_pass_below_bridges_and_gantries(build):
    along = np.linspace(0, 120, 1201)
    up = []
    for seed in range(8):
        scene = Scene(np.random.default_rng(seed))
        road = Road.draw(scene.frame(), scene.rng)
        build(road, Palette(scene.rng, texture_bank('cpu', None)))
        caster = mesh_of(scene)
        for x in np.linspace(-road.half, road.half, 5):
            place = np.stack([road.at(x, y, 0.01).origin for y in along])
            rays = np.concatenate([place, np.broadcast_to([0, 0, 1.0], place.shape)], 1)
            up.append(caster.cast_rays(o3d.core.Tensor(np.float32(rays)))['t_hit'].numpy())
    assert 4.1 < np.min(up) < 8.0  # a lorry is 4.0 m high


@pytest.mark.parametrize('curvature', [0.0, 1 / 150])
def test_pavements_leave_a_crossing_road_free(curvature):
    scene = Scene(np.random.default_rng(0))
    wide = np.full(2, 2.0)
    road = Road(scene.frame(), curvature, 2, 3.0, 3.0, np.zeros(2), wide, 30.0, kerb=0.1)
    road.build(Palette(scene.rng, texture_bank('cpu', None)))
    caster = mesh_of(scene)

    def heights(x, along):
        place = np.stack([road.at(x, y, 5.0).origin for y in along])
        rays = np.concatenate([place, np.broadcast_to([0, 0, -1.0], place.shape)], 1)
        return 5.0 - caster.cast_rays(o3d.core.Tensor(np.float32(rays)))['t_hit'].numpy()

    for x in (-4.5, 4.5):
        assert heights(x, np.linspace(30.7, 37.3, 60)).max() < 0.03
        for along in (np.linspace(-20, 29, 60), np.linspace(39, 140, 90)):
            np.testing.assert_allclose(heights(x, along), 0.1, atol=1e-4)
