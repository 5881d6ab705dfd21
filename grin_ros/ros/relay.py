# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The least that a Python node can do with the depth node's topics: what `grin bench node` counts by.

It takes the same messages and publishes messages of the same sizes, made beforehand.
"""

from __future__ import annotations

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from grin_ros.camera import Camera
from grin_ros.ros.to_msg import depth_image, point_cloud

NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)


class Relay(Node):
    """Answers every image with a depth image and a cloud of its size and with its header."""

    def __init__(self) -> None:
        super().__init__('grin_relay')
        self._outputs = (
            self.create_publisher(Image, 'depth/image', RELIABLE),
            self.create_publisher(PointCloud2, 'points', RELIABLE),
        )
        self._answers = {}  # (height, width) -> messages
        self.create_subscription(Image, 'image', self._on_image, NEWEST)
        self.create_subscription(CameraInfo, 'camera_info', lambda info: None, NEWEST)

    def _on_image(self, message: Image) -> None:
        size = (message.height, message.width)
        if size not in self._answers:
            depth, colours = np.ones(size, np.float32), np.zeros((*size, 3), np.uint8)
            cloud = point_cloud(depth, colours, Camera.default(size), message.header)
            self._answers[size] = (depth_image(depth, message.header), cloud)
        for publisher, answer in zip(self._outputs, self._answers[size]):
            answer.header = message.header
            publisher.publish(answer)


def main() -> None:
    """Relay until a signal comes."""
    rclpy.init()
    try:
        rclpy.spin(Relay())
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
