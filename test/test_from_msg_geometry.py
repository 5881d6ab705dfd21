# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""CameraInfo and PointCloud2, of rclpy and of rosbags, against OpenCV and struct."""

from __future__ import annotations

import struct

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import camera_info, kinds, point_cloud
import numpy as np
import pytest
from rosbags.typesys import get_typestore, Stores
import torch

from grin_ros.ros.from_msg import read_camera, read_points


@kinds
def test_camera_of_a_calibration(kind):
    camera = read_camera(camera_info(kind))
    assert camera.size == (480, 640) and camera.distortion is None
    np.testing.assert_allclose(camera.K, [[500, 0, 320.5], [0, 510, 200.25], [0, 0, 1]])
    rectified = read_camera(camera_info(kind, d=[0.1, 0.2, 0, 0, 0]), (480, 640), rectified=True)
    np.testing.assert_allclose(rectified.K, [[400, 0, 300], [0, 400, 220], [0, 0, 1]])
    assert rectified.distortion is None


def test_a_bag_of_ros_1_has_capital_letters():
    ours = camera_info('rosbags', d=[0.1, 0.0, 0.0, 0.0, 0.0])
    old = get_typestore(Stores.ROS1_NOETIC).types['sensor_msgs/msg/CameraInfo']
    capital = {'d': 'D', 'k': 'K', 'r': 'R', 'p': 'P'}
    values = {capital.get(name, name): value for name, value in vars(ours).items()}
    camera, expected = read_camera(old(**values)), read_camera(ours)
    assert torch.equal(camera.K, expected.K) and camera.distortion == expected.distortion
    assert torch.equal(
        read_camera(old(**values), rectified=True).K[0], torch.tensor([400.0, 0, 300])
    )


@kinds
def test_an_uncalibrated_camera_is_refused_with_the_remedy(kind):
    for values in ({'k': [0] * 9}, {'k': (np.nan, 0, 1, 0, 1, 1, 0, 0, 1)}):
        with pytest.raises(ValueError, match=r'K has fx = .*set intrinsics to parameters or none'):
            read_camera(camera_info(kind, **values), (480, 640))
    with pytest.raises(ValueError, match='P has fx = 0'):
        read_camera(camera_info(kind, p=[0] * 12), (480, 640), rectified=True)
    with pytest.raises(ValueError, match='no width and height'):
        read_camera(camera_info(kind, size=(0, 0)))
    assert read_camera(camera_info(kind, size=(0, 0)), (480, 640)).size == (480, 640)


@kinds
@pytest.mark.parametrize(
    ('model', 'd', 'expected'),
    [
        ('plumb_bob', [0.1, -0.2, 0.001, 0.002, 0.05], 'plumb_bob'),
        ('plumb_bob', [0.0] * 5, None),
        ('', [], None),
        ('rational_polynomial', [0.1, 0.2, 0, 0, 0.3, 0.4, 0.5, 0.6], 'rational_polynomial'),
        ('equidistant', [0.1, 0.2, 0.3, 0.4, 0.0], 'equidistant'),
        ('fisheye', [0.0] * 4, 'equidistant'),
    ],
)
def test_distortion(kind, model, d, expected):
    camera = read_camera(camera_info(kind, distortion_model=model, d=d))
    if expected is None:
        assert camera.distortion is None
        return
    assert camera.distortion.model == expected
    K, point = camera.K.double().numpy(), np.array([[[0.3, -0.2, 2.0]]])
    project = cv2.fisheye.projectPoints if expected == 'equidistant' else cv2.projectPoints
    count = 4 if expected == 'equidistant' else len(d)
    uv = project(point, np.zeros(3), np.zeros(3), K, np.array(d[:count]))[0]
    ours = camera.project(torch.tensor(point[0], dtype=torch.float32))[0]
    np.testing.assert_allclose(ours, uv.reshape(1, 2), atol=1e-3)


def test_an_unknown_distortion_is_refused():
    with pytest.raises(ValueError, match=r'unknown model .thin_prism.*plumb_bob'):
        read_camera(camera_info('rosbags', distortion_model='thin_prism', d=[0.1]))


@kinds
def test_binning_region_and_other_sizes_keep_the_viewing_rays(kind):
    """A pixel of the smaller image looks where the middle of its pixels in the full one looks."""
    full = read_camera(camera_info(kind))
    part = {'x_offset': 100, 'y_offset': 40, 'width': 400, 'height': 300}
    for changes, size, origin, scale in (
        ({}, (240, 320), (0, 0), 2),
        ({'binning_x': 2, 'binning_y': 2}, (240, 320), (0, 0), 2),
        ({'binning_x': 2, 'binning_y': 4}, (120, 320), (0, 0), (2, 4)),
        ({'roi': part}, (300, 400), (100, 40), 1),
        ({'roi': part, 'binning_x': 4, 'binning_y': 4}, (75, 100), (100, 40), 4),
        ({}, (960, 1280), (0, 0), 0.5),
    ):
        camera = read_camera(camera_info(kind, **changes), size)
        assert camera.size == size
        uv = torch.tensor([[10.0, 20.0], [0.0, 0.0]])
        there = (uv + 0.5) * torch.tensor(scale) - 0.5 + torch.tensor(origin)
        torch.testing.assert_close(camera.rays(uv), full.rays(there), atol=1e-5, rtol=0)


@kinds
def test_a_calibration_of_another_shape_is_refused(kind):
    with pytest.raises(ValueError, match='640 x 480 pixels and the image has 640 x 360'):
        read_camera(camera_info(kind), (360, 640))


TYPES = {1: 'b', 2: 'B', 3: 'h', 4: 'H', 5: 'i', 6: 'I', 7: 'f', 8: 'd'}


@st.composite
def clouds(draw):
    """A cloud packed with struct: any order, types, gaps, byte order and padding of the rows."""
    names = draw(st.permutations(['x', 'y', 'z', 'intensity', 'ring', 'label']))
    types = {name: draw(st.sampled_from([7, 8])) for name in 'xyz'}
    types |= {name: draw(st.sampled_from(list(TYPES))) for name in ('intensity', 'ring', 'label')}
    offsets, offset = {}, 0
    for name in names:
        offsets[name] = offset = offset + draw(st.integers(0, 3))
        offset += struct.calcsize(TYPES[types[name]])
    step = offset + draw(st.integers(0, 3))
    height, width = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    row = width * step + draw(st.integers(0, 5))
    big = draw(st.booleans())
    values, data = [], bytearray(height * row)
    for index in range(height * width):
        start = index // width * row + index % width * step
        values.append({})
        for name in names:
            number = st.floats(-100, 100, width=32) if types[name] > 6 else st.integers(0, 100)
            values[-1][name] = draw(number)
            form = ('>' if big else '<') + TYPES[types[name]]
            struct.pack_into(form, data, start + offsets[name], values[-1][name])
    fields = [(name, offsets[name], types[name]) for name in names]
    return (height, width, step, row, big, bytes(data), fields), values


@kinds
@settings(deadline=None, max_examples=40)
@given(clouds())
def test_points_by_field_name(kind, drawn):
    layout, values = drawn
    xyz, extra = read_points(point_cloud(kind, *layout), ('ring', 'intensity'))
    np.testing.assert_array_equal(xyz, [[point[name] for name in 'xyz'] for point in values])
    assert xyz.dtype == np.float32
    for name in ('ring', 'intensity'):
        np.testing.assert_array_equal(extra[name], [point[name] for point in values])


@kinds
def test_points_that_make_no_sense_are_refused(kind):
    fields = [('x', 0, 7), ('y', 4, 7), ('z', 8, 7)]
    good = {'height': 1, 'width': 2, 'step': 12, 'row': 24, 'big': False}
    good |= {'data': bytes(24), 'fields': fields}
    assert read_points(point_cloud(kind, **good))[0].shape == (2, 3)
    for changes, reason in (
        ({'data': bytes(23)}, 'cut short'),
        ({'fields': fields[:2]}, "no field 'z': it has x, y"),
        ({'fields': [*fields[:2], ('z', 10, 7)]}, "'z' does not fit into point_step 12"),
        ({'fields': [*fields[:2], ('z', 8, 9)]}, "'z' has the unknown data type 9"),
        ({'row': 23}, 'rows of 23 bytes, but its width needs 24'),
    ):
        with pytest.raises(ValueError, match=reason):
            read_points(point_cloud(kind, **(good | changes)))
