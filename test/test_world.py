# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Rendered worlds: repeatable, plausible, and of real size."""

from __future__ import annotations

import math

import numpy as np
import pytest
from solid_scenes import GREY, SIZE_HW
import torch

from grin_ros.training.world import amenity, DOMAINS, furniture, garden, render, seat, vehicle
from grin_ros.training.world.ground import Ground
from grin_ros.training.world.lorry import lorry
from grin_ros.training.world.material import Palette
from grin_ros.training.world.raycast import cast, from_tiles, Solids
from grin_ros.training.world.scene import Scene
from grin_ros.training.world.texture import texture_bank
from grin_ros.training.world.viewpoint import Viewpoint

pytestmark = pytest.mark.usefixtures('one_thread')  # many small operations


@pytest.mark.parametrize('domain', DOMAINS)
def test_a_seed_gives_the_same_picture_again_and_other_seeds_others(domain):
    first, again, other = (render(domain, seed, SIZE_HW) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.depth, again.depth)
    assert torch.equal(first.camera.K, again.camera.K)
    assert first.stem == again.stem != other.stem
    assert np.abs(first.image.astype(int) - other.image).mean() > 5
    assert (first.depth != other.depth).mean() > 0.5


@pytest.mark.parametrize(
    'domain, median, unknown',
    [
        ('room', (1, 4), 0.05),
        ('corridor', (1, 7), 0.05),
        ('street', (3, 15), 0.45),
        ('stairs', (0.8, 3.5), 0.05),
        ('hall', (2, 12), 0.05),
        ('park', (2, 10), 0.45),
        ('yard', (1.5, 9), 0.4),
        ('terrain', (1.5, 9), 0.5),
    ],
)
def test_pictures_and_depths_are_plausible(domain, median, unknown):
    samples = [render(domain, seed, SIZE_HW) for seed in range(12)]
    for sample in samples:
        assert sample.image.shape == (*SIZE_HW, 3)
        assert sample.image.dtype == np.uint8
        assert sample.depth.shape == SIZE_HW
        assert sample.depth.dtype == np.float32
        assert sample.camera.size == SIZE_HW
        known = sample.depth[sample.depth > 0]
        assert known.min() > 0.02 and known.max() <= 250
        hfov = 2 * math.degrees(math.atan(SIZE_HW[1] / 2 / sample.camera.fx))
        assert 30 < hfov < 125
        assert sample.image.std() > 5  # neither black nor burnt out
    medians = [np.median(sample.depth[sample.depth > 0]) for sample in samples]
    assert median[0] < np.median(medians) < median[1]
    assert np.mean([(sample.depth == 0).mean() for sample in samples]) <= unknown
    if domain == 'street':  # the road is near, the sky unknown
        assert np.mean([(s.depth[-1] > 0).mean() for s in samples]) > 0.99
        assert np.mean([(s.depth[0] == 0).mean() for s in samples]) > 0.2


def test_any_size_keeps_the_scene_and_gives_finite_depth():
    for size in ((17, 33), (37, 124), (96, 64)):
        sample = render('street', 5, size)
        assert sample.depth.shape == size
        assert np.isfinite(sample.depth).all()


@pytest.mark.parametrize(
    'build, low, high',
    [
        (vehicle.car, (1.6, 3.5, 1.3), (2.3, 5.0, 1.85)),
        (lorry, (2.45, 6.0, 2.5), (3.0, 16.8, 4.1)),
        (vehicle.person, (0.35, 0.2, 1.45), (0.75, 1.2, 2.0)),
        (
            lambda at, p: furniture.table(at, p, 1.4, 0.8, clutter=0),
            (1.4, 0.8, 0.7),
            (1.4, 0.8, 0.78),
        ),
        (seat.chair, (0.4, 0.4, 0.7), (0.75, 0.8, 1.2)),
        (amenity.bench, (1.2, 0.4, 0.4), (2.3, 0.7, 1.0)),
        (amenity.swing, (2.4, 0.9, 1.9), (3.8, 2.2, 2.6)),
        (amenity.slide, (0.9, 2.2, 3.0), (1.9, 5.0, 4.3)),
        (garden.shed, (1.8, 1.7, 2.0), (4.4, 3.5, 3.3)),
        (garden.container, (1.7, 2.9, 1.0), (2.5, 12.3, 2.7)),
        (
            lambda at, palette: seat.bed(at, palette, 1.4, 2),
            (1.4, 1.9, 0.6),
            (1.6, 2.2, 1.25),
        ),
    ],
)
def test_things_have_their_real_size(build, low, high):
    for seed in range(5):
        scene = Scene(np.random.default_rng(seed))
        build(scene.frame(), Palette(scene.rng, texture_bank('cpu', None)))
        corners = Solids.of(scene, 'cpu').corners.flatten(0, 1)
        extent = (corners.amax(0) - corners.amin(0)).numpy()
        assert (np.array(low) - 1e-4 <= extent).all() and (extent <= np.array(high) + 1e-4).all()
        assert -0.1 < corners[:, 2].min() < 0.1  # stands on the ground


def test_clearance_is_the_distance_to_a_box():
    scene = Scene(np.random.default_rng(0))
    scene.frame(yaw=0.7).box(0, 0, 0, 2, 2, 2, GREY)
    assert scene.clearance(np.array([0.1, 0.1, 1.0])) == 0.0
    assert scene.clearance(np.array([0.0, 0.0, 5.0])) == pytest.approx(3.0)
    scene.frame(20.0).ellipsoid(0, 0, -6, (20, 10, 7), GREY)  # a mound, 1 m high
    # Above its middle as far as one is; above its rim at least, and more than within its box.
    assert scene.clearance(np.array([20.0, 0.0, 3.0])) == pytest.approx(2.0)
    assert 0 < scene.clearance(np.array([33.0, 0.0, 0.5])) < 1.5
    assert scene.clearance(np.array([20.0, 0.0, 0.9])) == 0.0


def test_the_ground_is_as_high_as_it_is_seen_from_above():
    scene = Scene(np.random.default_rng(0))
    ground = Ground(scene, GREY)
    ground.raise_mound(3, -2, 6, 3, 1.5, 0.6)
    ground.raise_mound(-4, 1, 5, 5, 0.7)
    down = Viewpoint(np.array([0.0, 0.0, 30.0]), 0.3, -math.pi / 2, 0.0, math.radians(40))
    camera = down.camera((60, 80), np.random.default_rng(0))
    view = down.view(camera, 'cpu')
    rays = from_tiles(view.rays(), view)
    depth = from_tiles(cast(Solids.of(scene, 'cpu'), view)[0][:, None], view)
    x, y, z = (view.position[:, None, None] + depth * rays).double().numpy()
    told = np.vectorize(ground.height)(x, y)
    np.testing.assert_allclose(told, z, atol=2e-3)
    assert z.max() == pytest.approx(1.5, abs=0.01) and (z < 1e-3).mean() > 0.2
    # The rim is where it was asked for: along its own x, 6 m from the middle.
    rim = lambda away: ground.height(3 + away * math.cos(0.6), -2 + away * math.sin(0.6))
    assert rim(6.05) == 0 < rim(5.9) < 0.1
