# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Transforms of a recording, against products of matrices and a turn at constant speed."""

from __future__ import annotations

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from grin_ros.training.tf import inverse, MAX_GAP, Transforms

NS = 1_000_000_000


def quaternion(turn) -> np.ndarray:
    """x y z w of a rotation vector."""
    angle = np.linalg.norm(turn)
    axis = np.asarray(turn) / angle if angle else np.zeros(3)
    return np.array([*(np.sin(angle / 2) * axis), np.cos(angle / 2)])


def matrix(translation, turn) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = cv2.Rodrigues(np.asarray(turn, float))[0]
    pose[:3, 3] = translation
    return pose


triples = st.tuples(*[st.floats(-3, 3)] * 3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(triples, triples, st.booleans()), min_size=1, max_size=5))
def test_a_chain_is_the_product_of_its_links(links):
    transforms, product = Transforms(), np.eye(4)
    for i, (translation, turn, up) in enumerate(links):
        pose = matrix(translation, turn)
        product = product @ (inverse(pose) if up else pose)
        pair = (f'f{i + 1}', f'f{i}') if up else (f'f{i}', f'f{i + 1}')
        transforms.add(*pair, translation, quaternion(turn))
    found = transforms.lookup('f0', f'f{len(links)}', np.array([5, 7]))
    np.testing.assert_allclose(found, [product, product], atol=1e-9)
    np.testing.assert_allclose(found[0] @ inverse(found[0]), np.eye(4), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(triples, st.floats(0, 1), st.booleans())
def test_between_two_poses_it_turns_at_constant_speed(turn, share, negated):
    transforms = Transforms()
    transforms.add('odom', 'base', (0, 0, 0), (0, 0, 0, 1), 0)
    # q and -q are one rotation; drivers send either.
    transforms.add('odom', 'base', (4, 0, 8), (-1 if negated else 1) * quaternion(turn), 1000)
    time = round(1000 * share)
    found = transforms.lookup('odom', 'base', np.array([time]))[0]
    angle = np.linalg.norm(turn)
    shorter = np.array(turn) * (1 if angle <= np.pi else 1 - 2 * np.pi / angle)
    if abs(angle - np.pi) > 1e-3:  # at half a turn both ways are as short
        want = matrix((4 * time / 1000, 0, 8 * time / 1000), shorter * time / 1000)
        np.testing.assert_allclose(found, want, atol=1e-6)


def moving(stamps, parent='odom', child='base'):
    transforms = Transforms()
    for stamp in stamps:
        transforms.add(parent, child, (stamp / NS, 0, 0), (0, 0, 0, 1), stamp)
    return transforms


def test_there_is_no_pose_outside_or_in_a_long_gap():
    transforms = moving([0, NS // 2, NS, NS + 2 * MAX_GAP])
    times = np.array([-1, 0, NS // 4, NS, NS + MAX_GAP, NS + 2 * MAX_GAP, NS + 2 * MAX_GAP + 1])
    x = transforms.lookup('odom', 'base', times)[:, 0, 3]
    np.testing.assert_allclose(x, [np.nan, 0, 0.25, 1, np.nan, 3, np.nan])
    # What never moves holds for ever, though it was sent with stamps, as ROS 1 did.
    transforms.add('base', 'lidar', (1, 0, 0), (0, 0, 0, 1), 5)
    transforms.add('base', 'lidar', (1, 0, 0), (0, 0, 0, 1), NS)
    assert transforms.lookup('base', 'lidar', np.array([-(10**18), 10**18]))[:, 0, 3].tolist() == [
        1, 1,
    ]  # fmt: skip


def test_frames_that_are_not_connected_are_named():
    transforms = moving([0, NS])
    transforms.add('/world', 'camera', (0, 0, 0), (0, 0, 0, 1))
    with pytest.raises(ValueError, match=r"from 'camera' to 'base'.*base, camera, odom, world"):
        transforms.lookup('base', 'camera', np.array([0]))
    transforms.add('odom', 'nowhere', (np.nan, 0, 0), (0, 0, 0, 1))
    transforms.add('odom', 'nowhere', (0, 0, 0), (0, 0, 0, 0))
    assert 'nowhere' not in transforms.frames


def test_the_fixed_frame_is_the_smooth_one():
    transforms = moving([0, NS])
    transforms.add('base', 'camera', (0, 0, 1), (0, 0, 0, 1))
    assert transforms.fixed_frame('camera') == 'odom'
    transforms.add('map', 'odom', (0, 0, 0), (0, 0, 0, 1), 0)
    transforms.add('map', 'odom', (9, 0, 0), (0, 0, 0, 1), NS)  # a loop was closed
    assert transforms.fixed_frame('camera') == 'odom'
    assert Transforms().fixed_frame('camera') is None
    # Any name will do for the top of a moving tree, and a LiDAR's own odometry may be a second
    # parent of it.
    other = moving([0, NS], 'start', 'lidar')
    other.add('base', 'lidar', (0, 0, 1), (0, 0, 0, 1))
    assert other.fixed_frame('lidar') == 'start'
    still = Transforms()
    still.add('base', 'camera', (0, 0, 1), (0, 0, 0, 1))
    assert still.fixed_frame('camera') is None


def test_of_two_sources_of_one_motion_one_counts():
    tf, odometry = moving([0, NS]), Transforms()
    for stamp in range(0, NS, NS // 10):
        odometry.add('odom', 'base', (7, 7, 7), (0, 0, 0, 1), stamp + 5)
    assert not tf.add_all(odometry, replace=False)
    assert tf.lookup('odom', 'base', np.array([NS // 2]))[0, 0, 3] == 0.5
    assert tf.add_all(odometry, replace=True)
    assert tf.lookup('odom', 'base', np.array([NS // 2]))[0, 0, 3] == 7
