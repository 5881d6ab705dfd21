# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Our messages as others read them: byte by byte, and through the CDR decoder of rosbags."""

from __future__ import annotations

from array import array
import struct
import time

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

rclpy_serialization = pytest.importorskip('rclpy.serialization')

from rosbags.typesys import get_typestore, Stores  # noqa: E402
from std_msgs.msg import Header  # noqa: E402
import torch  # noqa: E402

from grin_ros.camera import Camera, Distortion  # noqa: E402
from grin_ros.ros import to_msg  # noqa: E402
from grin_ros.ros.from_msg import read_camera, read_depth, read_image, read_points  # noqa: E402

BAG = get_typestore(Stores.ROS2_JAZZY)
SIZES = st.tuples(st.integers(1, 7), st.integers(1, 7))
SEEDS = st.integers(0, 2**32 - 1)
NAN = np.float32(np.nan)


def a_header() -> Header:
    header = Header(frame_id='front_optical')
    header.stamp.sec, header.stamp.nanosec = 1700000000, 123456789
    return header


def over_the_wire(message, name: str):
    """Read the message as a stranger does: from its serialised bytes, without our code."""
    kind = f'sensor_msgs/msg/{name}'
    received = BAG.deserialize_cdr(rclpy_serialization.serialize_message(message), kind)
    stamp = received.header.stamp
    assert (stamp.sec, stamp.nanosec) == (1700000000, 123456789)
    assert received.header.frame_id == 'front_optical'
    return received


def a_depth(size, seed) -> np.ndarray:
    random = np.random.default_rng(seed)
    depth = random.uniform(0.1, 100, size).astype(np.float32)
    return np.where(random.random(size) < 0.2, NAN, depth)


@settings(deadline=None, max_examples=30)
@given(SIZES, SEEDS)
def test_depth_image(size, seed):
    depth = a_depth(size, seed)
    message = to_msg.depth_image(depth, a_header())
    assert type(message.data) is array and message.data.typecode == 'B'
    received = over_the_wire(message, 'Image')
    assert (received.encoding, received.is_bigendian) == ('32FC1', 0)
    assert (received.height, received.width, received.step) == (*size, 4 * size[1])
    assert received.data.tobytes() == struct.pack(f'<{depth.size}f', *depth.ravel())
    np.testing.assert_array_equal(read_depth(received), depth)


@settings(deadline=None, max_examples=20)
@given(SIZES, SEEDS)
def test_rgb_image(size, seed):
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    received = over_the_wire(to_msg.rgb_image(image[:, ::-1], a_header()), 'Image')
    assert (received.encoding, received.step) == ('rgb8', 3 * size[1])
    np.testing.assert_array_equal(read_image(received), image[:, ::-1])


def test_camera_info():
    camera = Camera.from_intrinsics(500, 510, 320.5, 200.25, (480, 640))
    received = over_the_wire(to_msg.camera_info(camera, a_header()), 'CameraInfo')
    assert (received.height, received.width) == (480, 640)
    assert list(received.k) == [500, 0, 320.5, 0, 510, 200.25, 0, 0, 1]
    assert list(received.p) == [500, 0, 320.5, 0, 0, 510, 200.25, 0, 0, 0, 1, 0]
    assert list(received.r) == [1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert (received.distortion_model, list(received.d)) == ('plumb_bob', [0] * 5)
    lens = Distortion('equidistant', (0.1, 0.2, 0.3, 0.4))
    fisheye = Camera.from_intrinsics(500, 510, 320.5, 200.25, (480, 640), lens)
    again = read_camera(over_the_wire(to_msg.camera_info(fisheye, a_header()), 'CameraInfo'))
    assert again.distortion == lens and np.array_equal(again.K, fisheye.K)


@settings(deadline=None, max_examples=30)
@given(SIZES, SEEDS)
def test_point_cloud(size, seed):
    height, width = size
    depth = a_depth(size, seed)
    image = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    camera = Camera.from_intrinsics(5, 6, 0.5, 0.25, size)
    message = to_msg.point_cloud(depth, image, camera, a_header())
    assert type(message.data) is array and message.data.typecode == 'B'
    received = over_the_wire(message, 'PointCloud2')
    assert (received.height, received.width) == size
    assert (received.point_step, received.row_step) == (16, 16 * width)
    assert not received.is_dense and not received.is_bigendian
    layout = [(field.name, field.offset, field.datatype, field.count) for field in received.fields]
    assert layout == [('x', 0, 7, 1), ('y', 4, 7, 1), ('z', 8, 7, 1), ('rgb', 12, 7, 1)]
    for v in range(height):
        for u in range(width):
            start = 16 * (v * width + u)
            *xyz, blue, green, red, nothing = struct.unpack_from('<3f4B', received.data, start)
            z = depth[v, u]
            np.testing.assert_allclose(xyz, [(u - 0.5) * z / 5, (v - 0.25) * z / 6, z], rtol=1e-5)
            assert (red, green, blue, nothing) == (*image[v, u], 0)
    xyz, _ = read_points(received)
    lifted = camera.unproject(torch.from_numpy(depth)[None]).permute(1, 2, 0)
    np.testing.assert_allclose(xyz, lifted.reshape(-1, 3), rtol=1e-5)
    np.testing.assert_array_equal(np.isnan(xyz), np.isnan(depth).reshape(-1, 1).repeat(3, 1))


def test_cloud_of_a_grid_takes_the_mean_colour_of_its_cells():
    image = np.zeros((4, 6, 3), np.uint8)
    image[:2, :3], image[2:, 3:] = (200, 100, 50), (10, 20, 30)
    image[0, 0] = (104, 100, 50)  # one of six
    camera = Camera.from_intrinsics(1, 1, 0.5, 0.5, (2, 2))
    cloud = to_msg.point_cloud(np.ones((2, 2), np.float32), image, camera, a_header())
    colours = np.frombuffer(cloud.data, np.uint8).reshape(4, 16)[:, 12:]
    assert colours.tolist() == [[50, 100, 184, 0], [0] * 4, [0] * 4, [30, 20, 10, 0]]


def test_voxels_have_the_colours_of_the_image():
    pytest.importorskip('open3d', exc_type=ImportError)
    image, camera = np.full((4, 6, 3), (200, 40, 20), np.uint8), Camera.default((4, 6))
    cloud = to_msg.point_cloud(np.ones((4, 6), np.float32), image, camera, a_header(), voxel=0.3)
    colours = np.frombuffer(cloud.data, np.uint8).reshape(-1, 16)[:, 12:]
    assert len(colours) and (colours == [20, 40, 200, 0]).all()  # b, g, r


@pytest.mark.parametrize('voxel', [0.0, 0.2])
def test_a_cloud_without_a_point_is_empty(voxel):
    if voxel:
        pytest.importorskip('open3d', exc_type=ImportError)
    image, camera = np.zeros((4, 6, 3), np.uint8), Camera.from_intrinsics(5, 5, 3, 2, (4, 6))
    cloud = to_msg.point_cloud(np.full((4, 6), NAN), image, camera, a_header(), False, voxel)
    received = over_the_wire(cloud, 'PointCloud2')
    assert (received.height, received.width, received.row_step) == (1, 0, 0)
    assert received.is_dense and received.point_step == 16 and not len(received.data)


def test_messages_are_not_copied_byte_by_byte():
    """What rclpy does with other types takes 50 ms for this image; ours takes less than one."""
    depth = np.ones((480, 640), np.float32)

    def seconds():
        start = time.perf_counter()
        to_msg.depth_image(depth, a_header())
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.015
