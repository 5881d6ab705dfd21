# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A camera with a stopwatch: it sends frames to nodes in namespaces and times their answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import struct
import time

import numpy as np
import rclpy
from rclpy.client import Client
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image, PointCloud2

from grin_ros.camera import Camera
from grin_ros.ros.player import frame_of

# Deep enough to take both answers of a node while the other topic is being read.
RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
ANSWERS = {'depth/image': Image, 'points': PointCloud2}


@dataclass(frozen=True)
class Answer:
    """
    When the last message of an answer was published and when it had arrived here.

    published, arrived: seconds after the stamp
    """

    published: float
    arrived: float


class Stopwatch(Node):
    """
    Sends one image again and again, each time with the stamp of the moment.

    namespaces: of the nodes
    size: (height, width), pixels
    """

    def __init__(self, namespaces: list[str], size: tuple[int, int]) -> None:
        super().__init__('grin_stopwatch')
        pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        self._frame = frame_of(pixels, Camera.default(size), 0)
        self._cameras = {}
        self._asked: dict[str, Client] = {}
        self._came: dict[str, dict[int, dict[str, Answer]]] = {}
        for name in namespaces:
            self._came[name] = {}
            self._cameras[name] = tuple(
                self.create_publisher(type(message), f'{name}/{topic}', qos_profile_sensor_data)
                for message, topic in zip(self._frame, ('image', 'camera_info'))
            )
            for topic, kind in ANSWERS.items():

                def note(data: bytes, info: dict, name=name, topic=topic) -> None:
                    self._note(name, topic, data, info)

                # Raw, because to unpack a cloud costs more than what is measured.
                self.create_subscription(kind, f'{name}/{topic}', note, RELIABLE, raw=True)

    def connected(self, name: str) -> bool:
        """Tell whether a node hears this camera and will answer."""
        heard = all(one.get_subscription_count() for one in self._cameras[name])
        return heard and all(self.count_publishers(f'{name}/{topic}') for topic in ANSWERS)

    def send(self, name: str) -> int:
        """Send a frame to a node and return its stamp, nanoseconds."""
        stamp = time.time_ns()
        for message, camera in zip(reversed(self._frame), reversed(self._cameras[name])):
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
            camera.publish(message)
        return stamp

    def answer(self, name: str, stamp: int) -> Answer | None:
        """Return the answer to a frame, None as long as it is not complete."""
        parts = self._came[name].get(stamp, {})
        if len(parts) < len(ANSWERS):
            return None
        return Answer(
            max(part.published for part in parts.values()),
            max(part.arrived for part in parts.values()),
        )

    def newest_answer(self, name: str) -> int:
        """Return the stamp of the newest frame that is answered in full, 0 if there is none."""
        came = self._came[name]
        return max(
            (stamp for stamp, parts in came.items() if len(parts) == len(ANSWERS)), default=0
        )

    def wait(self, condition: Callable[[], object], seconds: float) -> bool:
        """Take messages until the condition holds or the time is over; tell which."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            # Also when there is no time left: who is late shall not become deaf too.
            rclpy.spin_once(self, timeout_sec=min(max(left, 0.0), 0.05))
            if left <= 0:
                return bool(condition())
        return True

    def ask(self, kind: type, service: str, request, limit: float) -> tuple[float, object]:
        """Call a service; return the seconds until the reply came, and the reply."""
        if service not in self._asked:
            self._asked[service] = self.create_client(kind, service)
        client = self._asked[service]
        begin = time.monotonic()
        future = client.call_async(request)
        if not self.wait(future.done, limit):
            raise TimeoutError(f'{service} did not answer within {limit:.0f} s')
        return time.monotonic() - begin, future.result()

    def _note(self, name: str, topic: str, data: bytes, info: dict) -> None:
        now = time.time_ns()
        # CDR: four bytes that say how it is written, then the header, which starts with the stamp.
        sec, nanosec = struct.unpack_from('<iI' if data[1] & 1 else '>iI', data, 4)
        stamp = 1_000_000_000 * sec + nanosec
        answer = Answer(1e-9 * (info['source_timestamp'] - stamp), 1e-9 * (now - stamp))
        self._came[name].setdefault(stamp, {})[topic] = answer


@contextmanager
def stopwatch(namespaces: list[str], size: tuple[int, int]) -> Iterator[Stopwatch]:
    """Bring up ROS with a stopwatch in it; signals stay with the caller."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = Stopwatch(namespaces, size)
        yield node
        node.destroy_node()
    finally:
        rclpy.try_shutdown()
