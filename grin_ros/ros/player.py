# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A camera of recorded or rendered frames: `image` or `image/compressed`, and `camera_info`."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
import time
from typing import Any

from builtin_interfaces.msg import Time
import numpy as np
import rclpy
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from grin_ros.camera import Camera
from grin_ros.ros.to_msg import camera_info, rgb_image

RELIABLE = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
DEFAULT_PERIOD = 0.1  # seconds, where stamps do not tell
LONGEST_PERIOD = 10.0  # seconds; a longer gap in a recording is a pause of the recorder
INFO_PATIENCE = 2.0  # seconds


def frame_of(
    image: np.ndarray, camera: Camera, stamp: int, frame_id: str = 'camera_optical'
) -> tuple[Image, CameraInfo]:
    """
    Make the two messages of a frame.

    image: (H, W, 3) uint8, RGB
    stamp: nanoseconds
    """
    header = Header(stamp=_time(stamp), frame_id=frame_id)
    return rgb_image(image, header), camera_info(camera, header)


def to_rclpy(message: Any) -> Any:
    """Turn a message of `rosbags` into the rclpy message of that type, field by field."""
    package, _, name = message.__msgtype__.split('/')
    made = getattr(import_module(f'{package}.msg'), name)()
    for field, kind in made.get_fields_and_field_types().items():
        value = getattr(message, field)
        if hasattr(value, '__msgtype__'):
            value = to_rclpy(value)
        elif isinstance(value, np.ndarray):
            # Bytes as the one type that rclpy takes without a copy of its own.
            value = array('B', value.tobytes()) if 'uint8' in kind else value.tolist()
        elif isinstance(value, list):
            value = [to_rclpy(one) if hasattr(one, '__msgtype__') else one for one in value]
        setattr(made, field, value)
    return made


class CameraPlayer(Node):
    """
    Publishes frames, pairs of an image message (raw or compressed) and a CameraInfo.

    live: stamp a frame with the moment it is sent, as a camera does, instead of keeping its stamp
    """

    def __init__(self, live: bool = False, name: str = 'grin_camera') -> None:
        super().__init__(name)
        self._live = live
        self._image = None
        self._info = self.create_publisher(CameraInfo, 'camera_info', RELIABLE)

    def play(
        self,
        frames: Iterable[tuple[Any, Any]],
        rate: float | None = None,
        subscribers: int = 1,
    ) -> int:
        """
        Publish all frames, at their own pace or at a given rate, and return how many there were.

        rate: Hz; None = as far apart as their stamps are
        subscribers: of the images, to wait for before the first frame
        """
        count, due, previous = 0, None, None
        for image, info in frames:
            stamp = image.header.stamp.sec + 1e-9 * image.header.stamp.nanosec
            if due is None:
                self._wait_for(type(image), subscribers)
                due = time.monotonic()
            else:
                # Who is late does not catch up in a burst.
                due = max(due + _period(stamp - previous, rate), time.monotonic())
            previous = stamp
            self._sleep_until(due)
            if not self.context.ok():
                return count
            self._publish(image, info)
            count += 1
        for publisher in filter(None, (self._info, self._image)):
            publisher.wait_for_all_acked(Duration(seconds=2))
        return count

    def _wait_for(self, kind: type, subscribers: int) -> None:
        topic = 'image' if kind is Image else 'image/compressed'
        self._image = self.create_publisher(kind, topic, RELIABLE)
        while self.context.ok() and self._image.get_subscription_count() < subscribers:
            time.sleep(0.05)
        # Who wants camera_info too may be known a moment later, and not everybody wants it.
        end = time.monotonic() + INFO_PATIENCE
        while time.monotonic() < end and not self._info.get_subscription_count():
            time.sleep(0.05)

    def _sleep_until(self, due: float) -> None:
        # In short pieces, because a signal shuts the context down without waking a sleeper.
        while self.context.ok() and (left := due - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _publish(self, image: Any, info: Any) -> None:
        stamp = image.header.stamp
        if self._live:
            stamp = _time(time.time_ns())
        # The two belong together for those who match them by their stamps.
        image.header.stamp = info.header.stamp = stamp
        self._info.publish(info)
        self._image.publish(image)


@contextmanager
def playing(live: bool = False) -> Iterator[CameraPlayer]:
    """Bring up ROS with a player in it; a signal ends the play."""
    rclpy.init()
    try:
        player = CameraPlayer(live)
        yield player
        player.destroy_node()
    finally:
        rclpy.try_shutdown()


def _period(step: float, rate: float | None) -> float:
    if rate is not None:
        return 1 / rate
    # Where a recording starts again its stamps go back.
    return step if 0 < step < LONGEST_PERIOD else DEFAULT_PERIOD


def _time(stamp: int) -> Time:
    return Time(sec=stamp // 1_000_000_000, nanosec=stamp % 1_000_000_000)
