# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The simulated robot measures what is there, and its bag says what it measured."""

from __future__ import annotations

from collections import defaultdict
import itertools

import numpy as np
import pytest
import torch

from grin_ros.cli import main
from grin_ros.ros.from_msg import read_camera, read_image, read_points
from grin_ros.training.bag import BagReader, stamp_of
from grin_ros.training.bag_writer import BagWriter, message
from grin_ros.training.sample import SampleSet
from grin_ros.training.world import DOMAINS
from grin_ros.training.world.material import Palette
from grin_ros.training.world.raycast import cast, from_tiles, Solids, View
from grin_ros.training.world.robot import BASES, Robot, START
from grin_ros.training.world.robot_bag import record
from grin_ros.training.world.robot_lidar import cast_rays, Lidar
from grin_ros.training.world.scene import Scene
from grin_ros.training.world.texture import texture_bank

LIDAR = Lidar(beams=16, columns=240)


@pytest.fixture(scope='module')
def robot():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Robot('street', 2, seconds=0.2, size=(48, 128), lidar=LIDAR)
    torch.set_num_threads(threads)


@pytest.fixture(scope='module', params=['mcap', 'sqlite3'])
def recording(robot, request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / 'recording'
    record(robot, folder, request.param)
    return folder


def yard(*boxes) -> Solids:
    """Boxes given as (centre x, y, bottom, width, depth, height)."""
    scene = Scene(np.random.default_rng(0))
    palette = Palette(scene.rng, texture_bank('cpu', None))
    for box in boxes:
        scene.frame().box(*box, palette.plain())
    return Solids.of(scene, 'cpu')


def moving(x=0.0, y=0.0, z=0.0, turn=0.0):
    """Return poses with velocities in m/s and rad/s, from 1 m above the origin."""

    def pose(stamp):
        t = (np.asarray(stamp) - START) * 1e-9
        T = np.tile(np.eye(4), (len(t), 1, 1))
        c, s = np.cos(turn * t), np.sin(turn * t)
        T[:, 0, 0], T[:, 0, 1], T[:, 1, 0], T[:, 1, 1] = c, -s, s, c
        T[:, :3, 3] = t[:, None] * [x, y, z] + [0, 0, 1]
        return T

    return pose


def test_rays_agree_with_the_renderer(robot):
    """Single rays against the tiled caster, whose culling and arithmetic are others."""
    solids, pose = robot._solids, robot.motion.pose(START)[0] @ robot.base_from_camera
    K = robot.camera.K.double().numpy()
    view = View.of(robot.camera, pose[:3, :3], pose[:3, 3], 'cpu')
    depth = from_tiles(cast(solids, view)[0][:, None], view)[0].numpy()
    v, u = np.mgrid[:48, :128]
    rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(K).T
    length = np.linalg.norm(rays, axis=-1)
    world = rays / length[..., None] @ pose[:3, :3].T
    found = cast_rays(solids, np.broadcast_to(pose[:3, 3], world.shape), world) / length
    same = np.isclose(found, depth, rtol=1e-3) | (np.isinf(found) & np.isinf(depth))
    assert np.isfinite(depth).mean() > 0.4
    assert same.mean() > 0.999  # the rest are rays along an edge


def test_a_sweep_is_measured_from_where_the_sensor_was():
    """A wall and the ground, seen from a mount that drives and turns: closed form."""
    solids = yard((12, 0, 0, 2, 200, 50), (0, 0, -1, 500, 500, 1))
    pose = moving(x=20.0, y=-3.0, turn=1.5)
    sweep = Lidar(noise=0.0).sweep(solids, pose, START, np.random.default_rng(0))
    assert (sweep.time.min(), sweep.time.max()) == (0, 99_888_888)
    T = pose(START + sweep.time.astype(np.int64))
    world = np.einsum('nij,nj->ni', T[:, :3, :3], sweep.points) + T[:, :3, 3]
    wall, ground = np.isclose(world[:, 0], 11, atol=2e-3), np.isclose(world[:, 2], 0, atol=2e-3)
    assert (wall | ground).all()
    assert wall.sum() > 1000
    assert ground.sum() > 1000
    # Taken as if all of it were measured at once, the same points are beside the wall.
    still = np.einsum('ij,nj->ni', T[0, :3, :3], sweep.points) + T[0, :3, 3]
    assert np.abs(still[wall, 0] - 11).mean() > 0.5


def test_range_noise_is_as_large_as_stated():
    solids = yard((12, 0, 0, 2, 200, 50))
    sweeps = [
        Lidar(noise=sigma).sweep(solids, moving(), START, np.random.default_rng(1))
        for sigma in (0.0, 0.05)
    ]
    ranges = [np.linalg.norm(sweep.points, axis=1) for sweep in sweeps]
    assert len(ranges[0]) == len(ranges[1]) > 2000
    error = ranges[1] - ranges[0]
    assert error.std() == pytest.approx(0.05, rel=0.05)
    assert abs(error.mean()) < 0.004
    # Along the ray: the direction is that of the beam.
    cosine = (sweeps[0].points * sweeps[1].points).sum(1) / ranges[0] / ranges[1]
    assert cosine.min() > 1 - 1e-6


def test_beams_turn_clockwise_and_look_ahead_in_the_middle():
    lidar = Lidar(beams=3, columns=4, lowest=-30, highest=30, period=400)
    directions = lidar.directions()
    assert np.linalg.norm(directions, axis=-1) == pytest.approx(1)
    np.testing.assert_allclose(directions[:, 1, :2] * 2**0.5, [[-1, 1], [1, 1], [1, -1], [-1, -1]])
    np.testing.assert_allclose(directions[0, :, 2], [-0.5, 0, 0.5], atol=1e-12)
    assert lidar.times().tolist() == [0, 100, 200, 300]


def test_the_robot_starts_at_the_origin_of_odom_and_goes_ahead(robot):
    poses = robot.pose(START + np.array([0, 10**9, 2 * 10**9]))
    np.testing.assert_allclose(poses[0], np.eye(4), atol=1e-12)
    assert np.linalg.norm(np.diff(poses[:, :3, 3], axis=0), axis=1) == pytest.approx(6, abs=0.6)
    np.testing.assert_allclose(
        poses[:, :3, :3] @ poses[:, :3, :3].transpose(0, 2, 1), np.tile(np.eye(3), (3, 1, 1)),
        atol=1e-12,
    )  # fmt: skip


def test_the_bag_holds_what_the_robot_measured(robot, recording):
    truth = SampleSet(recording / 'truth')
    assert len(truth) == 3
    assert (truth.domain, truth.depth_kind) == ('outdoor', 'synthetic')
    found = defaultdict(list)
    with BagReader(recording / 'bag') as bag:
        assert bag.topics == {
            '/camera/image_raw': 'sensor_msgs/msg/Image',
            '/camera/camera_info': 'sensor_msgs/msg/CameraInfo',
            '/points': 'sensor_msgs/msg/PointCloud2',
            '/tf': 'tf2_msgs/msg/TFMessage',
            '/tf_static': 'tf2_msgs/msg/TFMessage',
            '/odom': 'nav_msgs/msg/Odometry',
        }
        for topic, content in bag.messages(*bag.topics):
            found[topic].append(content)
    for i, picture in enumerate(found['/camera/image_raw']):
        sample = truth[i]
        assert stamp_of(picture) == sample.stamp
        exact = robot.photograph(sample.stamp)
        np.testing.assert_array_equal(read_image(picture), exact.image)
        np.testing.assert_allclose(sample.depth, exact.depth, atol=2.1e-3)
        assert (picture.header.frame_id, sample.camera.size) == ('camera_optical', (48, 128))
    camera = read_camera(found['/camera/camera_info'][0])
    np.testing.assert_allclose(camera.K, robot.camera.K, rtol=1e-6)
    assert camera.distortion is None
    assert len(found['/points']) == 2
    for cloud in found['/points']:
        sweep = robot.sweep(stamp_of(cloud))
        points, fields = read_points(cloud, ('t', 'ring', 'intensity'))
        np.testing.assert_array_equal(points, sweep.points)
        np.testing.assert_array_equal(fields['t'], sweep.time)
        np.testing.assert_array_equal(fields['ring'], sweep.ring)
        np.testing.assert_array_equal(fields['intensity'], sweep.intensity)
        assert cloud.header.frame_id == 'lidar'


def test_the_bag_holds_where_the_robot_was(robot, recording):
    with BagReader(recording / 'bag') as bag:
        read = list(bag.messages('/tf', '/tf_static', '/odom'))
    mounts = [one for topic, m in read if topic == '/tf_static' for one in m.transforms]
    assert {(m.header.frame_id, m.child_frame_id) for m in mounts} == {
        ('base_link', 'camera_optical'),
        ('base_link', 'lidar'),
    }
    for mount, T in zip(mounts, (robot.base_from_camera, robot.base_from_lidar)):
        np.testing.assert_allclose(
            matrix(mount.transform.translation, mount.transform.rotation), T, atol=1e-12
        )
    moved = [one for topic, m in read if topic == '/tf' for one in m.transforms]
    assert stamp_of(moved[0]) < START < START + 200_000_000 < stamp_of(moved[-1])
    for one in moved:
        assert (one.header.frame_id, one.child_frame_id) == ('odom', 'base_link')
        T = robot.pose(stamp_of(one))[0]
        np.testing.assert_allclose(
            matrix(one.transform.translation, one.transform.rotation), T, atol=1e-9
        )
    odometry = [m for topic, m in read if topic == '/odom']
    for before, after in itertools.pairwise(odometry):
        pose = before.pose.pose
        T = matrix(pose.position, pose.orientation)
        np.testing.assert_allclose(T, robot.pose(stamp_of(before))[0], atol=1e-9)
        v = before.twist.twist.linear
        ahead = T[:3, :3] @ [v.x, v.y, v.z] * (stamp_of(after) - stamp_of(before)) * 1e-9
        there = after.pose.pose.position
        np.testing.assert_allclose(T[:3, 3] + ahead, [there.x, there.y, there.z], atol=2e-3)


def matrix(t, q):
    """The rotation that a quaternion is, by turning the axes: q v q*."""
    u, w = np.array([q.x, q.y, q.z]), q.w
    assert np.hypot(np.linalg.norm(u), w) == pytest.approx(1, abs=1e-12)
    turn = lambda v: v + 2 * np.cross(u, np.cross(u, v) + w * v)
    T = np.eye(4)
    T[:3, :3] = np.stack([turn(axis) for axis in np.eye(3)], axis=1)
    T[:3, 3] = t.x, t.y, t.z
    return T


def test_messages_arrive_after_they_were_measured_and_in_order(recording):
    with BagReader(recording / 'bag') as bag:
        delays = defaultdict(set)
        for connection, arrival, data in bag._reader.messages():
            if connection.topic in ('/points', '/camera/image_raw'):
                content = bag._reader.deserialize(data, connection.msgtype)
                delays[connection.topic].add(arrival - stamp_of(content))
    assert delays == {'/points': {108_000_000}, '/camera/image_raw': {25_000_000}}


def test_the_same_seed_is_the_same_drive(robot):
    again = Robot('street', 2, seconds=0.2, size=(48, 128), lidar=LIDAR)
    np.testing.assert_array_equal(again.sweep(START).points, robot.sweep(START).points)
    assert len(Robot('street', 3, 0.2, (48, 128), LIDAR).sweep(START).points) != len(
        robot.sweep(START).points
    )


def test_command(tmp_path, capsys):
    words = ['bag', 'simulate', '-o', str(tmp_path / 'out'), '--seconds', '0.1', '--seed', '1']
    assert main([*words, '--size', '32x64', '--world', 'corridor']) == 0
    assert 'truth' in capsys.readouterr().out
    assert len(SampleSet(tmp_path / 'out' / 'truth')) == 2
    with BagReader(tmp_path / 'out' / 'bag') as bag:
        assert bag.counts['/points'] == 1
    for more, sentence in (
        ([], 'exists already'),
        (['--seconds', '0'], '--seconds positive'),
        (['--seconds', '1e3', '-o', str(tmp_path / 'far')], 'no way of 1000 s is free'),
    ):
        assert main([*words, *more]) == 2
        assert sentence in capsys.readouterr().err


def test_worlds_without_a_robot_are_refused():
    for domain in sorted({*DOMAINS} - {*BASES}):
        with pytest.raises(ValueError, match=f"'{domain}'; choose one of street, corridor, room"):
            Robot(domain)


def test_the_command_offers_only_worlds_with_a_robot(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(['bag', 'simulate', '-o', str(tmp_path / 'out'), '--world', 'park'])
    assert 'street' in capsys.readouterr().err


def test_a_recording_that_broke_off_is_none(tmp_path):
    with pytest.raises(RuntimeError), BagWriter(tmp_path / 'bag') as bag:
        time = message('builtin_interfaces/msg/Time', sec=0, nanosec=0)
        bag.write('/x', message('std_msgs/msg/Header', stamp=time, frame_id=''), START)
        raise RuntimeError
    assert not (tmp_path / 'bag').exists()
    with pytest.raises(ValueError, match='mcap, sqlite3'):
        BagWriter(tmp_path / 'bag', 'rosbag1')
