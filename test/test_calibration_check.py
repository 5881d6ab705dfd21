# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A calibration that was turned on purpose is told from a right one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from grin_ros.camera import Camera
from grin_ros.training.calibration_check import ANGLES, AXES, check_calibration
from grin_ros.training.sample import Sample

SIZE, FOCAL = (240, 480), 400.0


def scene(seed, turn=(0.0, 0.0, 0.0)):
    """
    Boxes before a wall, measured on every sixth row.

    turn: pitch, yaw, roll in degrees by which the LiDAR's points are wrong
    """
    rng = np.random.default_rng(seed)
    image = np.full((*SIZE, 3), 90, np.uint8) + rng.integers(0, 12, (*SIZE, 1)).astype(np.uint8)
    depth = np.full(SIZE, 30.0)
    for z in sorted(rng.uniform(4, 15, 9), reverse=True):
        left, top = int(rng.integers(0, 440)), int(rng.integers(0, 200))
        width, height = (int(n) for n in rng.integers(20, 60, 2))
        image[top : top + height, left : left + width] = rng.integers(0, 255, 3)
        depth[top : top + height, left : left + width] = z
    camera = Camera.from_intrinsics(FOCAL, FOCAL, 239.5, 119.5, SIZE)
    v, u = np.mgrid[0 : SIZE[0] : 6, 0 : SIZE[1] : 2]
    v, u = v.ravel(), u.ravel()
    z = depth[v, u]
    points = np.stack([(u - 239.5) / FOCAL * z, (v - 119.5) / FOCAL * z, z])
    for axis, degrees in enumerate(turn):
        vector = np.eye(3)[axis] * np.radians(degrees)
        points = cv2.Rodrigues(vector)[0] @ points
    moved = np.rint(FOCAL * points[:2] / points[2] + [[239.5], [119.5]]).astype(int)
    inside = (moved >= 0).all(axis=0) & (moved < [[SIZE[1]], [SIZE[0]]]).all(axis=0)
    sparse = np.zeros(SIZE, np.float32)
    sparse[moved[1, inside], moved[0, inside]] = points[2, inside]
    return Sample(image, sparse, camera, f'{seed}')


def test_a_right_calibration():
    check = check_calibration(scene(seed) for seed in range(6))
    assert check.points > 500
    assert check.verdict.startswith('plausible')
    assert check.given > 1.5
    assert check.share > 0.9
    assert all(abs(check.best[axis]) <= 0.5 for axis in AXES[:2])


@pytest.mark.parametrize('axis, degrees', [('yaw', 1.5), ('yaw', -2.0), ('pitch', 1.0)])
def test_a_turned_one_and_by_how_much(axis, degrees):
    turn = [degrees if name == axis else 0.0 for name in AXES]
    check = check_calibration(scene(seed, turn) for seed in range(6))
    assert check.verdict.startswith('suspicious') and axis in check.verdict
    # Turning back is what would fit best.
    assert check.best[axis] == pytest.approx(-degrees, abs=0.5)
    right = check_calibration(scene(seed) for seed in range(6))
    assert check.given < right.given - 0.2


def test_nothing_to_judge_by():
    flat = scene(0)
    flat.depth[:] = 10
    check = check_calibration([flat])
    assert check.points == 0
    assert check.verdict.startswith('too few edges')
    assert check.agreement.shape == (3, len(ANGLES))
