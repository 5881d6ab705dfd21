# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The messages of a simulated robot."""

from __future__ import annotations

import cv2
import numpy as np

from ..bag_writer import message
from ..sample import Sample
from .robot import Robot
from .robot_lidar import Sweep

FLOAT32, UINT32, UINT16 = 7, 6, 4  # PointField.datatype
POINT = np.dtype(
    {
        'names': ['x', 'y', 'z', 'intensity', 'ring', 't'],
        'formats': ['<f4', '<f4', '<f4', '<f4', '<u2', '<u4'],
        'offsets': [0, 4, 8, 12, 16, 20],
        'itemsize': 24,
    }
)


def _header(stamp: int, frame: str):
    time = message('builtin_interfaces/msg/Time', sec=stamp // 10**9, nanosec=stamp % 10**9)
    return message('std_msgs/msg/Header', stamp=time, frame_id=frame)


def _vector(kind: str, values):
    x, y, z = (float(value) for value in values)
    return message(f'geometry_msgs/msg/{kind}', x=x, y=y, z=z)


def _quaternion(rotation):
    turn = cv2.Rodrigues(rotation)[0][:, 0]
    angle = np.linalg.norm(turn)
    x, y, z = np.sinc(angle / 2 / np.pi) / 2 * turn
    return message('geometry_msgs/msg/Quaternion', x=x, y=y, z=z, w=float(np.cos(angle / 2)))


def moved(stamp: int, parent: str, child: str, T: np.ndarray):
    """Return parent from child (4, 4) as a TransformStamped."""
    transform = message(
        'geometry_msgs/msg/Transform',
        translation=_vector('Vector3', T[:3, 3]),
        rotation=_quaternion(T[:3, :3]),
    )
    return message(
        'geometry_msgs/msg/TransformStamped',
        header=_header(stamp, parent),
        child_frame_id=child,
        transform=transform,
    )


def transforms(poses):
    """Return TransformStamped messages as one for /tf or /tf_static."""
    return message('tf2_msgs/msg/TFMessage', transforms=poses)


def mounts(robot: Robot, stamp: int):
    """Return where the sensors are on the base."""
    camera = moved(stamp, 'base_link', 'camera_optical', robot.base_from_camera)
    return transforms([camera, moved(stamp, 'base_link', 'lidar', robot.base_from_lidar)])


def odometry(robot: Robot, stamp: int):
    """Return the base's pose in odom and its velocity in its own frame."""
    step = 1_000_000
    before, here, after = robot.pose(np.array([stamp - step, stamp, stamp + step]))
    change = np.linalg.inv(before) @ after / (2e-9 * step)
    unknown = np.zeros(36)
    pose = message(
        'geometry_msgs/msg/Pose',
        position=_vector('Point', here[:3, 3]),
        orientation=_quaternion(here[:3, :3]),
    )
    twist = message(
        'geometry_msgs/msg/Twist',
        linear=_vector('Vector3', change[:3, 3]),
        angular=_vector('Vector3', (change[2, 1], change[0, 2], change[1, 0])),
    )
    return message(
        'nav_msgs/msg/Odometry',
        header=_header(stamp, 'odom'),
        child_frame_id='base_link',
        pose=message('geometry_msgs/msg/PoseWithCovariance', pose=pose, covariance=unknown),
        twist=message('geometry_msgs/msg/TwistWithCovariance', twist=twist, covariance=unknown),
    )


def cloud(sweep: Sweep):
    """Return a sweep as PointCloud2, with each point's nanoseconds since the stamp as `t`."""
    points = np.zeros(len(sweep.points), POINT)
    points['x'], points['y'], points['z'] = sweep.points.T
    points['intensity'], points['ring'] = sweep.intensity, sweep.ring
    points['t'] = sweep.time
    kinds = {'<f4': FLOAT32, '<u2': UINT16, '<u4': UINT32}
    fields = [
        message(
            'sensor_msgs/msg/PointField',
            name=name,
            offset=POINT.fields[name][1],
            datatype=kinds[POINT[name].str],
            count=1,
        )
        for name in POINT.names
    ]
    return message(
        'sensor_msgs/msg/PointCloud2',
        header=_header(sweep.start, 'lidar'),
        height=1,
        width=len(points),
        fields=fields,
        is_bigendian=False,
        point_step=POINT.itemsize,
        row_step=points.nbytes,
        data=points.view(np.uint8),
        is_dense=True,
    )


def image(sample: Sample):
    """Return a picture as Image."""
    height, width = sample.depth.shape
    return message(
        'sensor_msgs/msg/Image',
        header=_header(sample.stamp, 'camera_optical'),
        height=height,
        width=width,
        encoding='rgb8',
        is_bigendian=0,
        step=3 * width,
        data=sample.image.reshape(-1),
    )


def camera_info(sample: Sample):
    """Return the camera of a picture as CameraInfo."""
    K = sample.camera.K.double().numpy()
    height, width = sample.depth.shape
    whole = message(
        'sensor_msgs/msg/RegionOfInterest',
        x_offset=0, y_offset=0, height=0, width=0, do_rectify=False,
    )  # fmt: skip
    return message(
        'sensor_msgs/msg/CameraInfo',
        header=_header(sample.stamp, 'camera_optical'),
        height=height,
        width=width,
        distortion_model='plumb_bob',
        d=np.zeros(5),
        k=K.reshape(-1),
        r=np.eye(3).reshape(-1),
        p=np.hstack([K, np.zeros((3, 1))]).reshape(-1),
        binning_x=0,
        binning_y=0,
        roi=whole,
    )
