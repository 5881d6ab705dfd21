# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a simulated robot records: a bag like that of a real one, and the truth beside it."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from ..bag_writer import BagWriter
from ..sample_writer import SampleSetWriter
from . import robot_messages as messages
from .robot import Robot, START

# Nanoseconds. The camera's clock does not divide the LiDAR's, so that a picture is taken at any
# phase of a turn; poses are known before the first and after the last measurement.
IMAGE_PERIOD, TF_PERIOD, ODOMETRY_PERIOD = 66_666_667, 10_000_000, 20_000_000
IMAGE_DELAY, SWEEP_DELAY, POSE_DELAY = 25_000_000, 8_000_000, 1_000_000
MARGIN = 200_000_000


def record(robot: Robot, folder: str | Path, storage: str = 'mcap') -> None:
    """
    Drive the robot and write `folder/bag` and `folder/truth`.

    The bag has /camera/image_raw, /camera/camera_info, /points (with `t`, nanoseconds since the
    stamp, and `ring`), /tf, /tf_static and /odom. The truth is a sample set with the rendered
    depth at each image's stamp.

    storage: 'mcap' or 'sqlite3'
    """
    folder = Path(folder)
    outdoor = robot.domain == 'street'
    with (
        BagWriter(folder / 'bag', storage) as bag,
        SampleSetWriter(
            folder / 'truth',
            source=f'simulated robot in {robot.domain} {robot.seed}: rendered depth',
            licence='Apache-2.0, as grin_ros',
            depth_kind='synthetic',
            domain='outdoor' if outdoor else 'indoor',
            min_depth=0.5 if outdoor else 0.1,
            max_depth=200.0 if outdoor else 60.0,
        ) as truth,
    ):
        bag.write('/tf_static', messages.mounts(robot, START - MARGIN), START - MARGIN)
        for arrival, topic, stamp in tqdm(_timetable(robot), unit='message', disable=None):
            if topic == '/tf':
                pose = messages.moved(stamp, 'odom', 'base_link', robot.pose(stamp)[0])
                bag.write('/tf', messages.transforms([pose]), arrival)
            elif topic == '/odom':
                bag.write('/odom', messages.odometry(robot, stamp), arrival)
            elif topic == '/points':
                bag.write('/points', messages.cloud(robot.sweep(stamp)), arrival)
            else:
                sample = robot.photograph(stamp)
                bag.write('/camera/image_raw', messages.image(sample), arrival)
                bag.write('/camera/camera_info', messages.camera_info(sample), arrival)
                # Millimetres as far as 16 bits reach, else 1/256 m.
                truth.add(sample, depth_scale=1000 if sample.depth.max() < 65 else 256)


def _timetable(robot: Robot) -> list[tuple[int, str, int]]:
    """Return when which topic's message arrives, and its stamp, in the order of arrival."""
    end, turn = START + int(robot.seconds * 1e9), robot.lidar.period
    return sorted(
        (stamp + delay, topic, stamp)
        for topic, margin, period, delay in (
            ('/tf', MARGIN, TF_PERIOD, POSE_DELAY),
            ('/odom', 0, ODOMETRY_PERIOD, POSE_DELAY),
            ('/camera', 0, IMAGE_PERIOD, IMAGE_DELAY),
            ('/points', 0, turn, turn + SWEEP_DELAY),
        )
        for stamp in range(START - margin, end + margin, period)
    )
