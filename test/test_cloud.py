# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from grin_ros.cloud import BACKGROUND, SIZE, splat, viewpoint, write_ply

DTYPE = [('x', '<f4'), ('y', '<f4'), ('z', '<f4'), ('r', 'u1'), ('g', 'u1'), ('b', 'u1')]


def wall(z=4.0, count=500):
    x, y = np.meshgrid(np.linspace(-1, 1, count), np.linspace(-0.5, 0.5, count))
    return np.stack([x, y, np.full(x.shape, z)], axis=-1).reshape(-1, 3).astype(np.float32)


def open3d():
    """open3d, or a skipped test that says which library of the system is missing."""
    try:
        import open3d
    except (ImportError, OSError) as error:
        pytest.skip(f'open3d does not load: {error}')
    return open3d


def test_ply_holds_the_known_points(tmp_path):
    points = np.array([[0, 1, 2], [np.nan, 0, 1], [3.5, -4, 5], [0, np.inf, 0]], np.float32)
    colours = np.array([[1, 2, 3], [4, 5, 6], [250, 128, 0], [7, 8, 9]], np.uint8)
    write_ply(tmp_path / 'new' / 'cloud.ply', points, colours)
    header, _, body = (tmp_path / 'new' / 'cloud.ply').read_bytes().partition(b'end_header\n')
    assert b'format binary_little_endian 1.0\nelement vertex 2\n' in header
    rows = np.frombuffer(body, DTYPE).tolist()
    assert rows == [(0, 1, 2, 1, 2, 3), (3.5, -4, 5, 250, 128, 0)]


def test_open3d_reads_our_ply(tmp_path):
    o3d = open3d()
    rng = np.random.default_rng(0)
    points, colours = rng.normal(size=(50, 3)), rng.integers(0, 256, (50, 3), dtype=np.uint8)
    write_ply(tmp_path / 'cloud.ply', points, colours)
    cloud = o3d.io.read_point_cloud(str(tmp_path / 'cloud.ply'))
    np.testing.assert_allclose(np.asarray(cloud.points), points.astype(np.float32), rtol=1e-6)
    np.testing.assert_allclose(255 * np.asarray(cloud.colors), colours, atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(0.1, 100), wide=st.floats(0.2, 3), seed=st.integers(0, 99))
def test_the_viewpoint_shows_nearly_all(scale, wide, seed):
    points = (
        np.random.default_rng(seed).uniform([-wide, -0.5, 1], [wide, 0.5, 3], (500, 3)) * scale
    )
    pose, focal = viewpoint(points)
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(pose[:3, :3]) == pytest.approx(1)
    x, y, z = (np.c_[points, np.ones(len(points))] @ pose.T)[:, :3].T
    height, width = SIZE
    inside = (np.abs(focal * x / z) < width / 2) & (np.abs(focal * y / z) < height / 2) & (z > 0)
    assert inside.mean() > 0.9
    # The viewer is above and behind the camera, whose own picture this must not be.
    eye = -pose[:3, :3].T @ pose[:3, 3]
    assert eye[1] < 0 and eye[2] < 0


def test_the_nearest_point_wins():
    red, blue = np.array([200, 0, 0]), np.array([0, 0, 200])
    far, near = wall(4.0), 0.25 * wall(4.0, 200) + [0, 0, 1.0]
    points = np.concatenate([near, far])  # drawn last is not in front
    colours = np.repeat(np.uint8([red, blue]), [len(near), len(far)], axis=0)
    picture = splat(points, colours)
    pose, focal = viewpoint(points)
    x, y, z = pose[:3, :3] @ near.mean(axis=0) + pose[:3, 3]
    row, column = round(SIZE[0] / 2 + focal * y / z), round(SIZE[1] / 2 + focal * x / z)
    assert picture.shape == (*SIZE, 3)
    assert picture[row, column].tolist() == red.tolist()
    shown = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    assert {tuple(red), tuple(blue), BACKGROUND} <= shown


def test_open3d_draws_the_same_view(tmp_path):
    open3d()
    points = wall()
    colours = np.where(points[:, :1] < 0, [220, 30, 30], [30, 30, 220]).astype(np.uint8)
    write_ply(tmp_path / 'cloud.ply', points, colours)
    command = [sys.executable, '-m', 'grin_ros.view', 'cloud.ply', 'view.png']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    if not (tmp_path / 'view.png').exists():
        pytest.skip(f'open3d cannot draw here: {done.stderr[-200:]}')
    drawn = cv2.imread(str(tmp_path / 'view.png'))[..., ::-1].astype(int)
    ours = splat(points, colours).astype(int)
    # Antialiasing and the outlier filter touch edges only.
    assert (np.abs(drawn - ours).max(axis=-1) < 30).mean() > 0.97
    assert (ours != BACKGROUND).any(axis=-1).mean() > 0.1
