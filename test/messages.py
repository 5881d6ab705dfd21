# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Messages laid out by hand, of rclpy and of rosbags alike."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from rosbags.typesys import get_typestore, Stores

BAG = get_typestore(Stores.ROS2_JAZZY).types
try:
    import sensor_msgs.msg as live
except ImportError:  # a machine for training only
    KINDS = ('rosbags',)
else:
    KINDS = ('rclpy', 'rosbags')
kinds = pytest.mark.parametrize('kind', KINDS)


def header():
    stamp = BAG['builtin_interfaces/msg/Time'](sec=1, nanosec=2)
    return BAG['std_msgs/msg/Header'](stamp=stamp, frame_id='cam')


def make(kind: str, message_type: str, **values):
    """A message of rclpy or of rosbags; data: bytes."""
    if kind == 'rclpy':
        if 'data' in values:
            values['data'] = array('B', values['data'])
        return getattr(live, message_type)(**values)
    if 'data' in values:
        values['data'] = np.frombuffer(values['data'], np.uint8)
    if message_type != 'PointField':
        values['header'] = header()
    return BAG[f'sensor_msgs/msg/{message_type}'](**values)


def image(kind, pixels, encoding, padding=0, big=False, cut=0):
    """An Image of an array (H, W[, C]), with padded rows, in either byte order, maybe cut off."""
    height, width = pixels.shape[:2]
    raw = pixels.astype(pixels.dtype.newbyteorder('>' if big else '<')).tobytes()
    row = len(raw) // height
    rows = np.full((height, row + padding), 171, np.uint8)
    rows[:, :row] = np.frombuffer(raw, np.uint8).reshape(height, row)
    data = rows.tobytes()
    return make(
        kind, 'Image', height=height, width=width, encoding=encoding, is_bigendian=int(big),
        step=row + padding, data=data[: len(data) - cut],
    )  # fmt: skip


def camera_info(kind, k=(500, 0, 320.5, 0, 510, 200.25, 0, 0, 1), size=(480, 640), **changes):
    """A CameraInfo, by default of 640 x 480 pixels; roi: fields that are not zero."""
    region = {'x_offset': 0, 'y_offset': 0, 'height': 0, 'width': 0, 'do_rectify': False}
    region |= changes.pop('roi', {})
    p = changes.pop('p', (400, 0, 300, 0, 0, 400, 220, 0, 0, 0, 1, 0))
    values = {
        'height': size[0], 'width': size[1], 'distortion_model': 'plumb_bob', 'd': [],
        'r': np.eye(3).ravel(), 'binning_x': 0, 'binning_y': 0,
    } | changes  # fmt: skip
    values |= {'k': np.array(k, float), 'p': np.array(p, float)}
    values['d'] = np.array(values['d'], float)
    if kind == 'rclpy':
        message = live.CameraInfo(**values)
        for name, value in region.items():
            setattr(message.roi, name, value)
        return message
    values['roi'] = BAG['sensor_msgs/msg/RegionOfInterest'](**region)
    return make(kind, 'CameraInfo', **values)


def point_cloud(kind, height, width, step, row, big, data, fields):
    """A PointCloud2 of packed data; fields: (name, offset, datatype)."""
    return make(
        kind, 'PointCloud2', height=height, width=width, point_step=step, row_step=row,
        is_bigendian=big, is_dense=True, data=data,
        fields=[
            make(kind, 'PointField', name=name, offset=offset, datatype=datatype, count=1)
            for name, offset, datatype in fields
        ],
    )  # fmt: skip
