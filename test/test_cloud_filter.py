# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Filters of the cloud on planes, steps and single pixels, whose right answer is known."""

from __future__ import annotations

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from grin_ros.camera import Camera
from grin_ros.cloud_filter import CloudFilter, edges, median, voxels
from grin_ros.training.world.drive import drive

SIZE = (60, 80)
CAMERA = Camera.from_intrinsics(70, 65, 41, 28, SIZE)
# A region of a larger image, far from its optical axis.
ABOVE = Camera.from_intrinsics(70, 65, 41, 228, (400, 80)).crop(0, 0, *SIZE)
NOWHERE = np.zeros(SIZE, bool)


def plane(normal, distance, camera=CAMERA):
    """Depth of the plane normal . p = distance; NaN where it is behind or beyond 100 m."""
    rays = camera.rays().double().numpy()
    rays = rays / rays[2]
    with np.errstate(divide='ignore'):
        depth = distance / np.tensordot(normal, rays, 1)
    return np.where((depth > 0) & (depth < 100), depth, np.nan).astype(np.float32)


def lift(depth, camera):
    rays = camera.rays().double().numpy()
    return depth * rays / rays[2]


@settings(max_examples=30, deadline=None)
@given(
    st.floats(-0.7, 0.7), st.floats(-0.7, 0.7), st.floats(0.5, 10), st.sampled_from([1, 2.4, 5])
)
def test_a_plane_has_no_edge_however_it_is_inclined(a, b, distance, spacing):
    assert not edges(plane((a, b, 1.0), distance), 0.02, spacing).any()


@pytest.mark.parametrize('axis', [0, 1])
@pytest.mark.parametrize('spacing', [1, 6])
def test_points_that_hang_between_two_surfaces_are_cut(axis, spacing):
    # A box at 2 m before a wall at 4 m; between them a ramp, as interpolation makes it.
    position = np.arange(SIZE[axis]) - 30.0
    share = np.clip(position / spacing, 0, 1)
    depth = np.exp((1 - share) * np.log(2) + share * np.log(4)).astype(np.float32)
    depth = np.broadcast_to(depth if axis else depth[:, None], SIZE)
    cut = edges(depth, 0.15, spacing)
    hanging = (depth > 2.01) & (depth < 3.99)
    assert hanging.any() == (spacing > 1)
    assert (cut | ~hanging).all()
    assert cut.sum() <= 4 * spacing * SIZE[1 - axis]  # and little else
    assert cut.any()


def test_ranges_are_euclidean_and_beyond_them_is_far():
    depth = plane((0, 0, 1.0), 5.0)
    distance = np.linalg.norm(lift(depth, CAMERA), axis=0)
    limit = float(np.median(distance)) + 1e-4
    out, camera = CloudFilter(max_range=limit)(depth, NOWHERE, CAMERA)
    np.testing.assert_array_equal(np.isfinite(out), distance <= limit)
    assert camera is CAMERA
    out, _ = CloudFilter(min_range=limit, invalid_depth=50.0)(depth, NOWHERE, CAMERA)
    np.testing.assert_array_equal(np.isfinite(out), distance >= limit)  # too near is not far
    out, _ = CloudFilter(max_range=limit, invalid_depth=50.0)(depth, NOWHERE, CAMERA)
    np.testing.assert_array_equal(out == 50, distance > limit)


def test_only_sky_gets_the_far_value_and_what_is_not_trusted_stays_unknown():
    depth = np.full(SIZE, 3.0, np.float32)
    sky = NOWHERE.copy()
    sky[:10] = True
    depth[:10], depth[20] = np.nan, np.nan
    for value, expected in ((0.0, np.nan), (np.inf, np.inf), (30.0, 30.0)):
        crop = {'min_height': -9.0, 'max_height': 9.0, 'max_range': 20.0}
        out, _ = CloudFilter(invalid_depth=value, **crop)(depth, sky, CAMERA)
        np.testing.assert_array_equal(out[:10], np.full((10, 80), expected))
        assert np.isnan(out[20]).all() and (out[21:] == 3).all()


def test_a_height_band_cuts_the_floor_from_what_stands_on_it():
    # The camera looks 20 degrees down from 1.2 m above the floor; a board stands at z = 3 m.
    angle = np.radians(20)
    up = np.array([0, -np.cos(angle), -np.sin(angle)])
    floor, board = plane(-up, 1.2), plane((0, 0, 1.0), 3.0)
    depth = np.fmin(floor, board)
    height = np.tensordot(up, lift(depth, CAMERA), 1) + 1.2
    band = CloudFilter(min_height=0.1, max_height=0.8)
    out, _ = band(depth, NOWHERE, CAMERA, plane=(*up, 1.2))
    np.testing.assert_array_equal(np.isfinite(out), (height >= 0.1) & (height <= 0.8))
    assert np.isnan(out[depth == floor]).all() and np.isfinite(out).any()
    level, _ = band(depth, NOWHERE, CAMERA)  # above the optical axis, if nothing is known
    up_of = -lift(depth, CAMERA)[1]
    np.testing.assert_array_equal(np.isfinite(level), (up_of >= 0.1) & (up_of <= 0.8))


@pytest.mark.parametrize('stride', [2, 3, 7])
@pytest.mark.parametrize('whole', [CAMERA, ABOVE], ids=['all', 'roi'])
def test_a_decimated_cloud_lies_on_the_full_one(stride, whole):
    depth = plane((0.2, 0.3, 1.0), 4.0, whole)
    out, camera = CloudFilter(stride=stride)(depth, NOWHERE, whole)
    assert out.shape == tuple(camera.size)
    first = (stride - 1) // 2
    np.testing.assert_allclose(
        lift(out, camera), lift(depth, whole)[:, first::stride, first::stride], rtol=1e-5
    )


def test_median_takes_single_pixels_away_and_keeps_the_unknown():
    depth = np.full(SIZE, 3.0, np.float32)
    depth[30, 40], depth[10:20, 10:20] = 0.3, np.nan
    out = median(depth, 3)
    assert out[30, 40] == 3
    np.testing.assert_array_equal(np.isnan(out), np.isnan(depth))
    depth[:], depth[30, 40] = np.nan, 0.3  # a speck before nothing, which counts as far
    assert np.isnan(median(depth, 3)).all()


def test_voxels_are_means_of_what_is_in_them():
    pytest.importorskip('open3d', exc_type=ImportError)
    rng = np.random.default_rng(0)
    low, high = rng.uniform(0.01, 0.09, (50, 3)), rng.uniform(0.51, 0.59, (30, 3))
    points = np.concatenate([low, high]).astype(np.float32)
    colours = np.repeat([[10, 20, 30], [200, 100, 0]], [50, 30], axis=0).astype(np.uint8)
    out, shades = voxels(points, colours, 0.3)
    order = np.argsort(out[:, 0])
    np.testing.assert_allclose(out[order], [low.mean(0), high.mean(0)], atol=1e-5)
    assert shades[order].tolist() == [[10, 20, 30], [200, 100, 0]]
    none, _ = voxels(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint8), 0.3)
    assert none.shape == (0, 3)


def test_without_options_nothing_changes():
    depth = plane((0.2, 0.3, 1.0), 4.0)
    out, camera = CloudFilter()(depth, NOWHERE, CAMERA)
    np.testing.assert_array_equal(out, depth)
    assert camera is CAMERA


def test_a_ramp_to_what_is_not_trusted_hangs_too():
    # A box at 2 m before a wall at 20 m, as above, with unknown depth from 10 m on.
    depth = np.geomspace(2, 20, 7)[np.clip(np.arange(SIZE[1]) - 30, 0, 6)].astype(np.float32)
    depth = np.broadcast_to(depth, SIZE)
    trusted = np.where(depth < 10, depth, np.float32(np.nan))
    cut = CloudFilter(edge=0.15)
    out, _ = cut(trusted, depth > 10, CAMERA, 6.0, predicted=depth)
    hanging = (depth > 2.01) & (depth < 10)
    assert hanging.sum() == 4 * 60 and np.isnan(out[hanging]).all()
    assert np.isfinite(out[:, :20]).all()
    # The sky is no depth at all.
    out, _ = cut(trusted, depth > 10, CAMERA, 6.0, predicted=trusted)
    assert np.isnan(out[hanging]).all()


def test_where_trust_ends_on_a_surface_there_is_no_edge():
    depth = plane((0.2, 0.9, 1.0), 4.0)
    trusted = np.where(depth < 4, depth, np.float32(np.nan))
    trusted[::7, ::5] = np.nan
    out, _ = CloudFilter(edge=0.02)(trusted, depth >= 4, CAMERA, 4.0, predicted=depth)
    assert 1000 < np.isfinite(trusted).sum() < 4000
    np.testing.assert_array_equal(out, trusted)


@pytest.mark.parametrize('farthest', [np.inf, 2.5])
def test_edges_take_away_what_hangs_in_the_air_of_rendered_rooms(farthest):
    pairs = (hanging_and_cut(seed, farthest) for seed in range(5))
    hanging, cut = (np.stack(maps) for maps in zip(*pairs))
    assert hanging.mean() > 0.005
    assert hanging[~cut].sum() < 0.1 * hanging.sum()
    assert cut.mean() < 0.25


def hanging_and_cut(seed, farthest):
    """
    Tell where a perfect model, asked for every fourth pixel, hangs, and what the filter cuts.

    Both within `farthest` metres, beyond which depth is not trusted.
    """
    sample = next(iter(drive('room', seed, 1, (192, 256))))
    height, width = sample.depth.shape
    truth = np.where(sample.depth > 0, sample.depth, np.float32(50))
    queried = np.log(truth[1::4, 1::4])  # interpolated as the pipeline does
    smooth = np.exp(cv2.resize(queried, (width, height), interpolation=cv2.INTER_LINEAR))
    near = [np.roll(truth, (i, j), (0, 1)) for i in range(-4, 5) for j in range(-4, 5)]
    gap = np.min(np.abs(np.log(smooth / np.stack(near))), axis=0)
    smooth = smooth.astype(np.float32)
    trusted = np.where(smooth <= farthest, smooth, np.float32(np.nan))
    camera = Camera.default(smooth.shape)
    out, _ = CloudFilter(edge=0.15)(trusted, smooth > farthest, camera, 4.0, predicted=smooth)
    # Hanging: far from every surface around.
    return (gap > 0.05) & ~np.isnan(trusted), np.isnan(out) & ~np.isnan(trusted)


@pytest.mark.parametrize('size', [(7, 9), (3, 40), (1, 1)])
def test_a_stride_beyond_the_map_leaves_the_pixel_in_its_middle(size):
    depth = np.arange(1, 1 + size[0] * size[1], dtype=np.float32).reshape(size)
    camera = Camera.from_intrinsics(30, 30, (size[1] - 1) / 2, (size[0] - 1) / 2, size)
    thin, small = CloudFilter(stride=64)(depth, depth < 0, camera)
    row, col = (size[0] - 1) // 2, (size[1] - 1) // 2
    assert thin.shape == small.size == (1, 1) and thin[0, 0] == depth[row, col]
    # It is seen in the same direction as before.
    direction = camera.rays().numpy()[:, row, col]
    np.testing.assert_allclose(small.rays().numpy()[:, 0, 0], direction, atol=1e-6)
