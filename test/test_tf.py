# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Transforms of a recording, against products of matrices and a turn at constant speed."""

from __future__ import annotations

import tracemalloc

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from grin_ros.training.extract_config import ExtractConfig
from grin_ros.training.fixed_frame import find_fixed_frame
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


def fixed_frame(transforms, camera='camera', lidar='camera', worlds=(), **options):
    config = ExtractConfig(**options)
    return find_fixed_frame('bag', transforms, (camera, lidar), list(worlds), config)


def test_the_fixed_frame_is_the_smooth_one():
    transforms = moving([0, NS])
    transforms.add('base', 'camera', (0, 0, 1), (0, 0, 0, 1))
    assert fixed_frame(transforms) == 'odom'
    transforms.add('map', 'odom', (0, 0, 0), (0, 0, 0, 1), 0)
    transforms.add('map', 'odom', (9, 0, 0), (0, 0, 0, 1), NS)  # a loop was closed
    assert fixed_frame(transforms) == 'odom'
    assert fixed_frame(transforms, fixed_frame='map') == 'map'
    assert fixed_frame(transforms, ego_motion=False) is None
    assert fixed_frame(Transforms()) is None
    still = Transforms()
    still.add('base', 'camera', (0, 0, 1), (0, 0, 0, 1))
    assert fixed_frame(still) is None
    # Of robots in one map, that of this one; here it has no odometry.
    for frames in (('map', 'a/base'), ('map', 'b/odom'), ('b/odom', 'b/base')):
        other = still if frames[0] == 'map' else Transforms()
        for stamp in (0, NS):
            other.add(*frames, (stamp / NS, 0, 0), (0, 0, 0, 1), stamp)
    still.add('a/base', 'base', (0, 0, 1), (0, 0, 0, 1))
    assert fixed_frame(still) == 'map'


@pytest.mark.parametrize('frozen', [('odom', 'base'), ('base', 'odom'), ('map', 'odom')])
def test_a_frame_that_moves_is_better_than_a_name(frozen):
    """Wheel odometry that is dead, beside a SLAM that is not."""
    transforms = moving([0, NS], *(('map', 'base') if frozen[0] != 'map' else ('odom', 'base')))
    transforms.add('base', 'camera', (0, 0, 1), (0, 0, 0, 1))
    for stamp in (0, NS):
        transforms.add(*frozen, (0, 0, 0), (0, 0, 0, 1), stamp)
    assert fixed_frame(transforms) == ('odom' if frozen[0] == 'map' else 'map')
    # As hector does it: the map moves on the odometry, which is dead.
    hector = moving([0, NS], 'map', 'odom')
    hector.add('odom', 'base', (0, 0, 0), (0, 0, 0, 1))
    hector.add('base', 'camera', (0, 0, 1), (0, 0, 0, 1))
    assert fixed_frame(hector) == 'map'


@pytest.mark.parametrize(
    'name', ['global', 'robot1_odom', 'robot1/odom', 'my_map', 'odom_combined']
)
def test_a_root_is_told_by_its_name_with_the_prefix_of_a_robot(name):
    transforms = moving([0, NS], name, 'base')
    transforms.add('base', 'camera', (0, 0, 1), (0, 0, 0, 1))
    assert fixed_frame(transforms) == name


@pytest.mark.parametrize('inverted', [False, True])
def test_a_fixed_frame_may_stand_below_the_vehicle(inverted):
    """Beside map -> base some publish the odometry as a child of the base: a tree, still."""
    for name, worlds in (('odom', []), ('odom_lidar', ['odom_lidar'])):
        transforms = moving([0, NS], *(('base', name) if inverted else (name, 'base')))
        transforms.add('base', 'camera', (0, 0, 1), (0, 0, 0, 1))
        assert fixed_frame(transforms, worlds=worlds) == name


def test_a_moving_root_is_no_fixed_frame_unless_something_tells():
    head = moving([0, NS], 'base_link', 'head')
    head.add('head', 'camera', (0, 0, 1), (0, 0, 0, 1))
    with pytest.raises(
        ValueError, match=r"'camera' moves in 'base_link'.*--fixed-frame base_link"
    ):
        fixed_frame(head)
    assert fixed_frame(head, fixed_frame='base_link') == 'base_link'
    assert fixed_frame(head, ego_motion=False) is None
    # A LiDAR's own odometry, whose frames have any name, as a second parent of it.
    other = moving([0, NS], 'camera_init', 'lidar')
    other.add('base', 'lidar', (0, 0, 1), (0, 0, 0, 1))
    other.add('base', 'camera', (0, 0, 1), (0, 0, 0, 1))
    with pytest.raises(ValueError, match=r"'lidar' moves in 'camera_init'.*--no-ego-motion"):
        fixed_frame(other, lidar='lidar')
    assert fixed_frame(other, worlds=['camera_init']) == 'camera_init'
    # Odometry of a wheel, in a frame of the vehicle that does not move against the camera.
    assert fixed_frame(other, worlds=['base', 'camera_init']) == 'camera_init'


def test_of_two_sources_of_one_motion_one_counts():
    tf, odometry = moving([0, NS]), Transforms()
    for stamp in range(0, NS, NS // 10):
        odometry.add('odom', 'base', (7, 7, 7), (0, 0, 0, 1), stamp + 5)
    assert not tf.add_all(odometry, replace=False)
    assert tf.lookup('odom', 'base', np.array([NS // 2]))[0, 0, 3] == 0.5
    assert tf.add_all(odometry, replace=True)
    assert tf.lookup('odom', 'base', np.array([NS // 2]))[0, 0, 3] == 7


def test_chosen_odometry_replaces_motion_by_other_frames_but_no_joint():
    tf, odometry = moving([0, NS], 'odom', 'base'), Transforms()
    for stamp in (0, NS):
        tf.add('base', 'head', (0, stamp / NS, 0), (0, 0, 0, 1), stamp)
        odometry.add('odom', 'head', (7, 7, 7 + stamp / NS), (0, 0, 0, 1), stamp)
    tf.add('head', 'camera', (0, 0, 0), (0, 0, 0, 1))
    assert tf.add_all(odometry, replace=True)
    found = tf.lookup('odom', 'base', np.array([NS]))[0, :3, 3]
    np.testing.assert_allclose(found, [7, 6, 8])  # by way of the head, whose joint is known


def test_poses_may_come_in_any_order_and_the_last_one_for_an_instant_counts():
    rng = np.random.default_rng(0)
    transforms, truth = Transforms(), {}
    for stamp in rng.integers(0, 20, 100):
        truth[stamp] = rng.normal()
        transforms.add('odom', 'base', (truth[stamp], 0, 0), (0, 0, 0, 1), int(stamp))
    stamps = np.array(sorted(truth))
    found = transforms.lookup('odom', 'base', stamps)[:, 0, 3]
    np.testing.assert_array_equal(found, [truth[stamp] for stamp in stamps])


def test_a_pose_takes_64_bytes_until_it_is_asked_for():
    tracemalloc.start()
    transforms = moving(range(0, 20 * NS, NS // 1000))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 64 <= size / 20_000 < 80  # a list of what grows has some room left
    assert transforms.lookup('odom', 'base', np.array([7 * NS]))[0, 0, 3] == 7
