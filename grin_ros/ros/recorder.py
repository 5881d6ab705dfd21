# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A listener to camera and node: counts, latencies, depth statistics, and the newest frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from grin_ros.camera import Camera
from grin_ros.ros.from_msg import read_camera, read_depth, read_image, read_points

RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
THINNING = 4  # every so many rows and columns enter the median of depth over a run
PARTS = {
    'depth/image': Image,
    'depth/camera_info': CameraInfo,
    'depth/std': Image,
    'points': PointCloud2,
}


@dataclass(frozen=True)
class RecordedFrame:
    """
    What camera and node published for one image.

    stamp: nanoseconds
    image: (h, w, 3) uint8, RGB
    depth, std: (H, W) float32, metres, NaN where unknown
    camera: of the depth image
    points: (H, W, 3) float32, metres, NaN where unknown
    colours: (H, W, 3) uint8, RGB
    """

    stamp: int
    image: np.ndarray
    depth: np.ndarray
    std: np.ndarray
    camera: Camera
    points: np.ndarray
    colours: np.ndarray


class Recorder(Node):
    """
    Records a run until it is asked for `report` and `newest`.

    The stamps of the images must come from this machine's clock, because latency counts from them.

    on_frame: called with every RecordedFrame as it becomes complete, None for nobody
    """

    def __init__(self, on_frame: Callable[[RecordedFrame], None] | None = None) -> None:
        super().__init__('grin_recorder')
        self.newest: RecordedFrame | None = None
        self.frames_in = 0
        self._last_in = self._last_out = None  # stamps, nanoseconds
        self._status: DiagnosticStatus | None = None  # of its model
        self._state = 'nothing'
        self._on_frame = on_frame
        self._latencies = []  # milliseconds
        self._depths, self._extremes = [], []  # metres: thinned pixels; (least, greatest)
        self._waiting = {}  # stamp -> topic -> message
        for topic, kind in {'image': Image, 'image/compressed': CompressedImage}.items():
            self.create_subscription(kind, topic, self._on_image, RELIABLE)
        for topic, kind in PARTS.items():
            self.create_subscription(
                kind, topic, lambda message, topic=topic: self._on_part(topic, message), RELIABLE
            )
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10)

    def spin(self) -> None:
        """Handle what came, or wait a moment for it."""
        rclpy.spin_once(self, timeout_sec=0.1)

    @property
    def frames_out(self) -> int:
        """Depth images that came."""
        return len(self._latencies)

    @property
    def failure(self) -> str:
        """What keeps the node from ever working, by its own words; empty if nothing does."""
        failed = self._status is not None and self._status.level == DiagnosticStatus.ERROR
        return self._status.message if failed else ''

    @property
    def state(self) -> str:
        """What the node says of itself, the worst of it."""
        return self._state

    def transport(self) -> str | None:
        """Return what the camera sends, 'raw' or 'compressed'; None as long as there is none."""
        topics = {'raw': 'image', 'compressed': 'image/compressed'}
        return next((name for name, one in topics.items() if self.count_publishers(one)), None)

    def settled(self) -> bool:
        """Tell whether the last image of the camera and a word of the node have come through."""
        newest = None if self.newest is None else self.newest.stamp
        return self._last_in == self._last_out == newest and self._status is not None

    def report(self) -> dict:
        """Return counts, latencies, depth in metres, and what the node says of itself."""
        known = np.concatenate([*self._depths, np.empty(0, np.float32)])
        node = {} if self._status is None else {one.key: one.value for one in self._status.values}
        low, high = zip(*self._extremes) if self._extremes else ((), ())
        return {
            'frames_in': self.frames_in,
            'frames_out': self.frames_out,
            'dropped': self.frames_in - self.frames_out,
            'latency_ms': {
                name: _rounded(np.percentile(self._latencies, part)) if self._latencies else None
                for name, part in (('p50', 50), ('p99', 99))
            },
            'device': node.get('device'),
            'checkpoint': node.get('checkpoint'),
            'steps': int(node['steps']) if 'steps' in node else None,
            'depth': {
                'min': _rounded(min(low)) if low else None,
                'median': _rounded(np.median(known)) if known.size else None,
                'max': _rounded(max(high)) if high else None,
            },
        }

    def _on_image(self, message) -> None:
        self.frames_in += 1
        self._last_in = _stamp(message)
        self._waiting.setdefault(self._last_in, {})['image'] = message

    def _on_part(self, topic: str, message) -> None:
        now, stamp = time.time_ns(), _stamp(message)
        if topic == 'depth/image':
            self._latencies.append(1e-6 * (now - stamp))
            self._keep_depth(read_depth(message))
            self._last_out = stamp
        parts = self._waiting.setdefault(stamp, {})
        parts[topic] = message
        if len(parts) == len(PARTS) + 1:
            self.newest = _decode(stamp, parts)
            # Older ones were dropped by the node and never become complete.
            self._waiting = {s: p for s, p in self._waiting.items() if s > stamp}
            if self._on_frame is not None:
                self._on_frame(self.newest)

    def _keep_depth(self, depth: np.ndarray) -> None:
        known = depth[np.isfinite(depth)]
        if known.size:
            self._extremes.append((known.min(), known.max()))
            thinned = depth[THINNING // 2 :: THINNING, THINNING // 2 :: THINNING]
            self._depths.append(thinned[np.isfinite(thinned)])

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        words = [status for status in message.status if 'grin_depth: ' in status.name]
        for status in words:
            if status.name.endswith(': inference'):
                self._status = status
        if words:
            self._state = max(words, key=lambda status: status.level).message


@contextmanager
def recording(
    on_frame: Callable[[RecordedFrame], None] | None = None,
) -> Iterator[Recorder]:
    """Bring up ROS with a recorder in it; signals stay with the caller."""
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        recorder = Recorder(on_frame)
        yield recorder
        recorder.destroy_node()
    finally:
        rclpy.try_shutdown()


def _decode(stamp: int, parts: dict) -> RecordedFrame:
    cloud = parts['points']
    points, fields = read_points(cloud, ('rgb',))
    # The float's bytes are B, G, R and nothing.
    bgr = fields['rgb'].astype('<f4', copy=False).view(np.uint8).reshape(-1, 4)[:, :3]
    shape = (cloud.height, cloud.width, 3)
    depth = read_depth(parts['depth/image'])
    # As a depth, zero would be unknown; as a deviation it is what a single sample has.
    std = np.nan_to_num(read_depth(parts['depth/std']))
    return RecordedFrame(
        stamp=stamp,
        image=read_image(parts['image']),
        depth=depth,
        std=np.where(np.isfinite(depth), std, np.nan),
        camera=read_camera(parts['depth/camera_info']),
        points=points.reshape(shape),
        colours=bgr[:, ::-1].reshape(shape),
    )


def _stamp(message) -> int:
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec


def _rounded(value) -> float:
    return round(float(value), 3)
