# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Keeps account of frames in and answers out, by their stamps and without unpacking megabytes."""

from __future__ import annotations

import bisect
import struct
import time

import numpy as np
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image, PointCloud2

from grin_ros.ros.from_msg import read_depth
from robot.camera import DIGIT, SIZES
from robot.faults import DISTANCES

TOPICS = {'image': Image, 'depth/image': Image, 'points': PointCloud2}
SAMPLED = 20  # of so many depth images, one is looked at
# Seconds without a newer frame, after which an unanswered one was not replaced. On a machine that
# is busy with something else, the node may well get no processor for three.
PATIENCE = 10.0
CUT = 2.0  # seconds around the end of a camera, in which a frame may reach us and not the node


class Watcher:
    """
    Subscribes what camera and node publish.

    dead: (begin, end) of the times in which the node need not answer; grows from outside
    kills: when cameras were killed; grows from outside
    """

    def __init__(self, node, kills: list[float]) -> None:
        self._kills = kills
        self.came = {topic: {} for topic in TOPICS}  # topic -> stamp -> when, monotonic seconds
        self.dead, self.twice, self.wrong = [], 0, []
        for topic, kind in TOPICS.items():

            def note(data, topic=topic):
                self._note(topic, data)

            node.create_subscription(kind, topic, note, QoSProfile(depth=20), raw=True)

    def _note(self, topic: str, data: bytes) -> None:
        sec, nanosec = struct.unpack_from('<iI', data, 4)  # behind the four bytes of CDR's header
        stamp, came = sec * 1_000_000_000 + nanosec, self.came[topic]
        self.twice += topic != 'image' and stamp in came
        came.setdefault(stamp, time.monotonic())
        if topic == 'depth/image' and len(came) % SAMPLED == 0:
            self._check(stamp, deserialize_message(data, Image))

    def _check(self, stamp: int, message: Image) -> None:
        """A wall is where it was loaded to be, at the size of the image of that stamp."""
        if stamp % 10 == DIGIT:
            return
        height, width = SIZES[stamp % 10]
        depth = read_depth(message)
        middle = float(depth[depth.shape[0] // 2, depth.shape[1] // 2])
        at = min(DISTANCES, key=lambda distance: abs(distance - middle))
        small = depth.shape != (height, width)  # full_size: false
        larger = depth.shape[0] > height or depth.shape[1] > width
        if larger or not np.isclose(middle, at, rtol=0.1 if small else 0.03):
            self.wrong.append(f'{stamp}: {depth.shape} of {(height, width)}, {middle:.2f} m')

    def good(self) -> list[int]:
        """Return the stamps of the frames that deserve an answer, in the order they came."""
        return [stamp for stamp in self.came['image'] if stamp % 10 != DIGIT]

    def lost(self) -> list[int]:
        """Return good frames without an answer that no newer frame can have replaced."""
        times = list(self.came['image'].values())
        end, lost = time.monotonic(), []
        for stamp in self.good():
            then = self.came['image'][stamp]
            after = bisect.bisect_right(times, then)
            newer = times[after] if after < len(times) else end
            answered = all(stamp in self.came[topic] for topic in ('depth/image', 'points'))
            idle = any(a - PATIENCE < then < b + PATIENCE for a, b in self.dead)
            cut = any(abs(kill - then) < CUT for kill in self._kills)
            if newer - then > PATIENCE and not (answered or idle or cut):
                lost.append(stamp)
        return lost

    def latencies(self) -> list[float]:
        """Return milliseconds from frame to cloud, both as they came here."""
        images, clouds = self.came['image'], self.came['points']
        return [1000 * (when - images[s]) for s, when in clouds.items() if s in images]
