# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
A recording whose truth is a formula: a vehicle drives towards a wall and measures it.

World: x forward, y left, z up; the wall is the plane x = WALL. The base drives along x with SPEED.
The camera looks along x from CAMERA, the LiDAR sits at LIDAR, both in the base.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from grin_ros.training.extract import extract
from grin_ros.training.extract_config import ExtractConfig
from grin_ros.training.sample import SampleSet

STORE, STORE1 = get_typestore(Stores.ROS2_JAZZY), get_typestore(Stores.ROS1_NOETIC)
STORE1.register(
    get_types_from_msg('geometry_msgs/TransformStamped[] transforms', 'tf2_msgs/msg/TFMessage')
)
START = 1_700_000_000 * 10**9
PERIOD = 10**8
WALL, SPEED = 20.0, 8.0  # metres, metres per second
CAMERA, LIDAR = (0.5, 0.0, 0.0), (0.0, 0.0, 0.3)  # metres, in the base
SIZE, FOCAL = (48, 64), 60.0
# Optical from body axes: x right = -y, y down = -z, z forward = x.
OPTICAL = np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0.0]])
QUATERNION = (-0.5, 0.5, -0.5, 0.5)  # of the optical frame in the body


def at(seconds: float) -> int:
    return START + round(seconds * 1e9)


def true_depth(stamp: int) -> float:
    """Depth of the wall in every pixel, metres."""
    return WALL - SPEED * (stamp - START) / 1e9 - CAMERA[0]


def make(kind: str, **values):
    return STORE.types[kind](**values)


def header(stamp: int, frame: str):
    time = make('builtin_interfaces/msg/Time', sec=stamp // 10**9, nanosec=stamp % 10**9)
    return make('std_msgs/msg/Header', stamp=time, frame_id=frame)


def image(stamp: int, size=SIZE, frame='camera_optical', encoding='rgb8'):
    v, u = np.mgrid[: size[0], : size[1]]
    pixels = np.stack([u * 3, v * 4, 255 - u * 2], axis=-1).astype(np.uint8)
    return make(
        'sensor_msgs/msg/Image', header=header(stamp, frame), height=size[0], width=size[1],
        encoding=encoding, is_bigendian=0, step=3 * size[1], data=pixels.reshape(-1),
    )  # fmt: skip


def jpeg(stamp: int, size=SIZE, frame='camera_optical'):
    data = cv2.imencode('.jpg', image(stamp, size).data.reshape(*size, 3))[1].reshape(-1)
    return make('sensor_msgs/msg/CompressedImage', header=header(stamp, frame),
                format='rgb8; jpeg compressed bgr8', data=data)  # fmt: skip


def info(stamp: int, size=SIZE, d=(), model='plumb_bob', focal=FOCAL):
    K = np.array([focal, 0, (size[1] - 1) / 2, 0, focal, (size[0] - 1) / 2, 0, 0, 1.0])
    roi = make('sensor_msgs/msg/RegionOfInterest', x_offset=0, y_offset=0, height=0, width=0,
               do_rectify=False)  # fmt: skip
    return make(
        'sensor_msgs/msg/CameraInfo', header=header(stamp, 'camera_optical'), height=size[0],
        width=size[1], distortion_model=model, d=np.array(d, float), k=K,
        r=np.eye(3).reshape(-1), p=np.zeros(12), binning_x=0, binning_y=0, roi=roi,
    )  # fmt: skip


def cloud(stamp: int, columns: dict[str, np.ndarray], frame='lidar'):
    """A PointCloud2 of named columns, packed in their own types."""
    codes = {'i1': 1, 'u1': 2, 'i2': 3, 'u2': 4, 'i4': 5, 'u4': 6, 'f4': 7, 'f8': 8}
    kinds = np.dtype([(name, values.dtype) for name, values in columns.items()])
    packed = np.empty(len(columns['x']), kinds)
    for name, values in columns.items():
        packed[name] = values
    fields = [
        make('sensor_msgs/msg/PointField', name=name, offset=kinds.fields[name][1],
             datatype=codes[values.dtype.str[1:]], count=1)
        for name, values in columns.items()
    ]  # fmt: skip
    return make(
        'sensor_msgs/msg/PointCloud2', header=header(stamp, frame), height=1, width=len(packed),
        fields=fields, is_bigendian=False, point_step=kinds.itemsize,
        row_step=kinds.itemsize * len(packed), data=np.frombuffer(packed.tobytes(), np.uint8),
        is_dense=True,
    )  # fmt: skip


def sweep(stamp: int, span: int = 0, field: str | None = None, unit: float = 1e-9):
    """
    Measure the wall; each point at its own moment, from stamp to stamp + span nanoseconds.

    field: name of a float64 column with the offsets in units of so many seconds
    """
    azimuth, elevation = np.meshgrid(np.linspace(0.6, -0.6, 121), np.linspace(-0.5, 0.5, 51))
    azimuth, elevation = azimuth.T.reshape(-1), elevation.T.reshape(-1)
    offsets = np.linspace(0, span, len(azimuth)).round().astype(np.int64)
    along = WALL - SPEED * (stamp + offsets - START) / 1e9 - LIDAR[0]
    columns = {
        'x': along, 'y': along * np.tan(azimuth), 'z': along * np.tan(elevation),
    }  # fmt: skip
    columns = {name: values.astype(np.float32) for name, values in columns.items()}
    if field:
        columns[field] = offsets * 1e-9 / unit
    return cloud(stamp, columns)


def transforms(stamp: int, *poses):
    """poses: (parent, child, translation, quaternion x y z w)."""
    return make('tf2_msgs/msg/TFMessage', transforms=[
        make(
            'geometry_msgs/msg/TransformStamped', header=header(stamp, parent),
            child_frame_id=child,
            transform=make(
                'geometry_msgs/msg/Transform',
                translation=make('geometry_msgs/msg/Vector3', **dict(zip('xyz', map(float, t)))),
                rotation=make('geometry_msgs/msg/Quaternion', **dict(zip('xyzw', map(float, q)))),
            ),
        )
        for parent, child, t, q in poses
    ])  # fmt: skip


MOUNTS = (
    ('base', 'camera_optical', CAMERA, QUATERNION),
    ('base', 'lidar', LIDAR, (0, 0, 0, 1)),
)


def odometry(stamp: int, child='base'):
    zero = make('geometry_msgs/msg/Vector3', x=0.0, y=0.0, z=0.0)
    pose = make(
        'geometry_msgs/msg/Pose',
        position=make('geometry_msgs/msg/Point', x=SPEED * (stamp - START) / 1e9, y=0.0, z=0.0),
        orientation=make('geometry_msgs/msg/Quaternion', x=0.0, y=0.0, z=0.0, w=1.0),
    )
    twist = make('geometry_msgs/msg/Twist', linear=zero, angular=zero)
    none = np.zeros(36)
    return make(
        'nav_msgs/msg/Odometry', header=header(stamp, 'odom'), child_frame_id=child,
        pose=make('geometry_msgs/msg/PoseWithCovariance', pose=pose, covariance=none),
        twist=make('geometry_msgs/msg/TwistWithCovariance', twist=twist, covariance=none),
    )  # fmt: skip


@dataclass
class Rig:
    """
    Which messages the recording has; `messages` lists (topic, arrival, message).

    late: of the images, seconds after the sweep of the same number
    span, field, unit: as in sweep
    poses: 'tf', 'odometry' or 'none'
    """

    frames: int = 5
    late: float = 0.0
    span: int = 0
    field: str | None = None
    unit: float = 1e-9
    poses: str = 'none'
    mounts: tuple = MOUNTS
    size: tuple = SIZE
    encode: object = image
    d: tuple = ()

    def messages(self) -> list:
        found = [('/tf_static', START, transforms(START, *self.mounts))] if self.mounts else []
        for i in range(self.frames):
            stamp = START + i * PERIOD
            taken = stamp + round(self.late * 1e9)
            found += [
                ('/lidar/points', stamp, sweep(stamp, self.span, self.field, self.unit)),
                ('/camera/image_raw', taken, self.encode(taken, self.size)),
                ('/camera/camera_info', taken, info(taken, self.size, self.d)),
            ]
        for i in range(-10, 10 * self.frames + 20):
            stamp = START + i * PERIOD // 10
            if self.poses == 'tf':
                pose = ('odom', 'base', (SPEED * (stamp - START) / 1e9, 0, 0), (0, 0, 0, 1))
                found.append(('/tf', stamp, transforms(stamp, pose)))
            elif self.poses == 'odometry':
                found.append(('/odom', stamp, odometry(stamp)))
        return sorted(found, key=lambda entry: entry[1])


def write(path, messages, plugin=StoragePlugin.MCAP, compression=None, chunk=None):
    """compression: None, 'file' or 'message' (zstd)."""
    writer = Writer(path, version=9, storage_plugin=plugin)
    if compression:
        writer.set_compression(CompressionMode[compression.upper()], CompressionFormat.ZSTD)
    with writer as bag:
        connections = {}
        for topic, arrival, message in messages:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = bag.add_connection(topic, kind, typestore=STORE)
            bag.write(connections[topic], arrival, STORE.serialize_cdr(message, kind))
    return path


def write_ros1(path, messages):
    """The same recording as ROS 1 would have made it."""
    with Writer1(path) as bag:
        connections = {}
        for topic, arrival, message in messages:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = bag.add_connection(topic, kind, typestore=STORE1)
            # The store of ROS 2 puts the field seq into headers that ROS 1 has there.
            data = STORE.cdr_to_ros1(STORE.serialize_cdr(message, kind), kind)
            bag.write(connections[topic], arrival, data)
    return path


def extracted(tmp_path, messages, name='set', **options):
    """Extract one bag, and return the set, and per sample its depths less the wall's."""
    bag = tmp_path / f'{name}_bag'
    write(bag, messages)
    result = extract([bag], tmp_path / name, ExtractConfig(workers=1, **options), progress=False)
    samples = SampleSet(result.path)
    errors = []
    for i in range(len(samples)):
        depth = samples[i].depth
        errors.append(depth[depth > 0] - true_depth(samples[i].stamp))
    return result, samples, errors
