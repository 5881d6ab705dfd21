# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Light of mesh worlds: closed forms, many more rays, and nothing that runs across edges."""

from __future__ import annotations

import numpy as np
import pytest

from grin_ros.camera import Camera
from grin_ros.training.world.atlas import Atlas
from grin_ros.training.world.geometry import box, Geometry
from grin_ros.training.world.raylight import Casters, Lamp, Look, shade
from grin_ros.training.world.staging import rotation, View
from grin_ros.training.world.surroundings import scatter, Surroundings

pytestmark = pytest.mark.usefixtures('open3d')
SIZE = (64, 80)
WALL = box((-4, 2, -4), (4, 2.1, 4), 0)
FLOOR = box((-4, -4, -1.1), (4, 2, -1), 0)


def lit(geometry, seed, lamps=(), ambient=0.0, pitch=0.0, size=SIZE, atlas=None, look=None):
    """Shade white things seen from the origin towards +y; return radiance and what was hit."""
    view = View(np.zeros(3), rotation(np.pi / 2, pitch, 0), Camera.default(size))
    casters = Casters(geometry)
    if atlas is None:
        atlas = Atlas()
        atlas.add(np.full((8, 8, 3), 255, np.uint8))
        look = Look(np.zeros(1, int), np.zeros((1, 2)), np.ones((1, 3)), np.zeros(1))
    hits = casters.cast(view.origin.astype(np.float32), view.rays())
    rest = (lamps, np.full(3, ambient, np.float32), size, np.random.default_rng(seed))
    pixel = 1 / float(view.camera.fx)
    return shade(casters, hits, view.origin, pixel, atlas, look, *rest)[..., 0], hits


def falling(point, normal, lamp):
    """Cosine over squared distance, with the quarter metre that bounds it."""
    way = lamp.position - point
    far = np.linalg.norm(way, axis=1)
    return lamp.power[0] * np.maximum(way @ normal, 0) / far / (far**2 + 0.25)


@pytest.mark.parametrize('seed', range(3))
def test_a_plain_wall_has_the_light_of_the_closed_form_everywhere(seed):
    lamp = Lamp(np.array([0.5, 1.2, 0.4]), np.full(3, 3.0), 0.3)
    light, hits = lit(WALL, seed, [lamp])
    truth = falling(hits.point, np.array([0, -1, 0]), lamp).reshape(SIZE)
    np.testing.assert_allclose(light, truth, rtol=0.02)


def test_soft_shadows_are_those_of_many_rays():
    lamp = Lamp(np.array([-0.6, 0.2, 0.3]), np.full(3, 3.0), 0.25)
    scene = Geometry.join([WALL, box((-0.2, 1.2, -0.3), (0.3, 1.25, 0.3), 0)])
    light, hits = lit(scene, 0, [lamp])
    other, _ = lit(scene, 1, [lamp])
    assert (np.abs(light - other) > 0.1 * other.max()).mean() < 0.005
    casters, rng, free = Casters(scene), np.random.default_rng(5), 0
    start = hits.point + 0.004 * hits.flat
    for _ in range(200):
        spot = rng.standard_normal((len(start), 3))
        spot = lamp.position + 0.25 * spot / np.linalg.norm(spot, axis=1)[:, None]
        free = free + casters.visible(start, spot.astype(np.float32)) / 200
    truth = free * falling(hits.point, np.array([0, -1, 0]), lamp)
    wall = (hits.point[:, 1] > 1.99).reshape(SIZE)
    shade_of = (truth.reshape(SIZE) - light)[wall] / truth.max()
    assert ((free > 0.1) & (free < 0.9)).mean() > 0.05  # there is a penumbra
    assert np.abs(shade_of).mean() < 0.01
    assert (np.abs(shade_of) > 0.1).mean() < 0.02


def test_corners_get_the_share_of_the_sky_that_the_wall_leaves():
    light, hits = lit(Geometry.join([WALL, FLOOR]), 0, ambient=1.0, pitch=-0.5, size=(192, 240))
    on_floor = (hits.point[:, 2] < -0.999) & (hits.flat[:, 2] > 0.9)
    # Directions of a cosine-weighted hemisphere are even over the disc below it.
    a = np.clip((2 - hits.point[on_floor, 1]) / 0.8, 0, 1)
    truth = 0.15 + 0.85 * (1 - (np.arccos(a) - a * np.sqrt(1 - a**2)) / np.pi)
    assert (a < 0.7).mean() > 0.1
    assert np.abs(light.ravel()[on_floor] - truth).mean() < 0.015
    # The floor's rows run along the wall: what differs within one is grain.
    rows = [row[mask] for row, mask in zip(light, on_floor.reshape(light.shape)) if mask.all()]
    assert max(row.std() for row in rows) < 0.02


def test_averages_stay_within_a_surface():
    scene = Geometry.join([WALL, FLOOR, box((-0.5, 1.4, -0.4), (0.1, 1.6, 0.5), 0)])
    _, hits = lit(scene, 0, pitch=-0.3)
    # Which surface a pixel shows, told by where it is: wall, floor, front of the block.
    front, floor = hits.point[:, 1] < 1.41, hits.point[:, 2] < -0.999
    names = np.where(floor, 2.0, np.where(front, 1.0, 0.0))
    side = ~floor & (hits.point[:, 1] < 1.99) & ~front
    around = Surroundings(hits.point, hits.flat, hits.depth, SIZE)
    for mean in (around.mean4, around.mean8):
        found = mean(names.astype(np.float32))
        assert len(set(names[~side])) == 3
        np.testing.assert_allclose(found[~side], names[~side], atol=0.01)


def test_averages_on_a_plane_are_those_of_squares():
    _, hits = lit(WALL, 0)
    around = Surroundings(hits.point, hits.flat, hits.depth, SIZE)
    values = np.random.default_rng(0).random(SIZE).astype(np.float32)
    four, eight = (f(values.ravel()).reshape(SIZE) for f in (around.mean4, around.mean8))
    for i, j in ((10, 12), (30, 41), (50, 66)):
        assert four[i, j] == pytest.approx(values[i - 2 : i + 2, j - 2 : j + 2].mean(), rel=1e-4)
        window = values[i - 4 : i + 4, j - 4 : j + 4]
        assert eight[i, j] == pytest.approx(window.mean(), rel=0.01)


@pytest.mark.parametrize('side', [4, 8])
def test_any_square_of_pixels_looks_everywhere(side):
    ways = scatter(np.random.default_rng(side), side, (21, 30)).reshape(21, 30, 3)
    np.testing.assert_allclose(np.linalg.norm(ways, axis=-1), 1, rtol=1e-5)
    window = ways[5 : 5 + side, 7 : 7 + side].reshape(-1, 3)
    # Moments of a sphere: no mean, and the same spread along every axis.
    np.testing.assert_allclose(window.mean(axis=0), 0, atol=0.08)
    np.testing.assert_allclose(window.T @ window / side**2, np.eye(3) / 3, atol=0.08)


def test_pictures_that_are_not_square_keep_their_shape():
    """A photograph whose upper left quarter is black repeats every 0.8 x 0.4 m."""
    image = np.full((64, 128, 3), 255, np.uint8)
    image[:32, :64] = 0
    atlas = Atlas()
    atlas.add(image)
    look = Look(np.zeros(1, int), np.array([[0.8, 0.4]]), np.ones((1, 3)), np.zeros(1))
    light, hits = lit(WALL, 0, ambient=1.0, atlas=atlas, look=look)
    x, z = hits.point[:, 0] / 0.8, -hits.point[:, 2] / 0.4
    black = ((x % 1 < 0.5) & (z % 1 < 0.5)).reshape(SIZE)
    sure = (np.abs(x * 2 - np.rint(x * 2)) > 0.2) & (np.abs(z * 2 - np.rint(z * 2)) > 0.2)
    assert 0.2 < black.mean() < 0.3
    assert ((light < 0.4) == black)[sure.reshape(SIZE)].all()
