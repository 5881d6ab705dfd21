# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
A camera process for the soak: bursts of frames, made to be killed.

The last digit of a stamp's nanoseconds tells which of SIZES a frame has. Nothing of grin_ros is
imported: a camera shall be there a moment after it was started, not when torch is loaded.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from ros_peer import image_message, info_message

SIZES = ((480, 640), (240, 320), (600, 800), (96, 128))  # (height, width)
# Seconds of frames, and of a silence in which the last of them has to be answered.
BURST, PAUSE = 6.0, 11.0
DIGIT = 9  # of the stamps of frames that are not good


def stamp_of(index: int, offset: float = 0.0) -> int:
    """Now, shifted by an offset in seconds, as nanoseconds that end with the index."""
    return (time.time_ns() + int(offset * 1e9)) // 10 * 10 + index


def frame(index: int, offset: float = 0.0):
    """Make the image and the CameraInfo of a frame of SIZES[index]."""
    height, width = SIZES[index]
    image = image_message(np.full((height, width, 3), 10 * index + 20, np.uint8), frame='optical')
    info = info_message(width, height, fx=0.8 * width)
    info.header.frame_id = image.header.frame_id
    for message in (image, info):
        stamp(message, stamp_of(index, offset))
    return image, info


def stamp(message, nanoseconds: int) -> None:
    """Write a stamp into the header of a message."""
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(nanoseconds, 1_000_000_000)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--index', type=int, default=0)
    parser.add_argument('--rate', type=float, default=10.0)
    parser.add_argument('--offset', type=float, default=0.0)
    args = parser.parse_args()
    rclpy.init()
    node = Node('camera')
    image, info = frame(args.index)
    publishers = [
        node.create_publisher(type(message), topic, QoSProfile(depth=5))
        for topic, message in (('camera_info', info), ('image', image))
    ]
    begin = due = time.monotonic()
    while True:
        due += 1 / args.rate
        time.sleep(max(due - time.monotonic(), 0))
        if (time.monotonic() - begin) % (BURST + PAUSE) > BURST:
            continue
        now = stamp_of(args.index, args.offset)
        for message in (image, info):
            stamp(message, now)
        for publisher, message in zip(publishers, (info, image)):
            publisher.publish(message)


if __name__ == '__main__':
    main()
