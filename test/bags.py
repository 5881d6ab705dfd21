# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Bags for tests, written by rosbags message by message."""

from __future__ import annotations

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

STORE = get_typestore(Stores.ROS2_JAZZY)
Header, Time = STORE.types['std_msgs/msg/Header'], STORE.types['builtin_interfaces/msg/Time']
START = 1_700_000_000 * 10**9


def header(stamp):
    return Header(stamp=Time(sec=stamp // 10**9, nanosec=stamp % 10**9), frame_id='lens')


def raw(stamp, pixels):
    height, width = pixels.shape[:2]
    return STORE.types['sensor_msgs/msg/Image'](
        header=header(stamp), height=height, width=width, encoding='rgb8', is_bigendian=0,
        step=width * 3, data=pixels.reshape(-1),
    )  # fmt: skip


def png(stamp, pixels):
    data = cv2.imencode('.png', pixels[..., ::-1])[1]
    return STORE.types['sensor_msgs/msg/CompressedImage'](
        header=header(stamp), format='png', data=data
    )


def info(stamp, fx, size=(6, 8)):
    roi = STORE.types['sensor_msgs/msg/RegionOfInterest'](
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
    )
    return STORE.types['sensor_msgs/msg/CameraInfo'](
        header=header(stamp), height=size[0], width=size[1], distortion_model='plumb_bob',
        d=np.zeros(5), k=np.array([fx, 0, 4, 0, fx, 3, 0, 0, 1.0]), r=np.eye(3).reshape(-1),
        p=np.zeros(12), binning_x=0, binning_y=0, roi=roi,
    )  # fmt: skip


def write(path, messages, plugin=StoragePlugin.MCAP):
    """messages: (topic, message) in the order of arrival, one a millisecond."""
    with Writer(path, version=9, storage_plugin=plugin) as bag:
        connections = {}
        for index, (topic, message) in enumerate(messages):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = bag.add_connection(topic, kind, typestore=STORE)
            data = STORE.serialize_cdr(message, kind)
            bag.write(connections[topic], START + index * 10**6, data)
    return path


def pictures(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 8, 3), dtype=np.uint8)
