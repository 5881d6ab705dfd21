# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Every kind of image that cameras send, good and broken: the right colours, or the next frame."""

from __future__ import annotations

from array import array
import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from rclpy.qos import qos_profile_sensor_data, QoSProfile
from ros_peer import drive, image_message, info_message
from sensor_msgs.msg import CompressedImage, Image

from grin_ros.ros.from_msg import read_depth
from robot.camera import SIZES
from robot.faults import Faults

WIDTH, HEIGHT = 64, 48
INFO = info_message(WIDTH, HEIGHT)
COLOUR = (200, 40, 90)
_stamps = itertools.count(5000)

LUMA = 0.299 * COLOUR[0] + 0.587 * COLOUR[1] + 0.114 * COLOUR[2]
YUV = (
    16 + 219 / 255 * LUMA,
    128 + 224 / 255 * (COLOUR[2] - LUMA) / 1.772,
    128 + 224 / 255 * (COLOUR[0] - LUMA) / 1.402,
)
RED, GREEN, BLUE = COLOUR
# encoding: what the camera sends for 2 x 2 pixels of that colour, (2, 2[, channels])
PATTERNS = {
    'rgb8': np.full((2, 2, 3), COLOUR, 'u1'),
    'bgr8': np.full((2, 2, 3), COLOUR[::-1], 'u1'),
    'rgba8': np.full((2, 2, 4), (*COLOUR, 7), 'u1'),
    'bgra8': np.full((2, 2, 4), (*COLOUR[::-1], 7), 'u1'),
    'rgb16': np.full((2, 2, 3), COLOUR, 'u2') * np.uint16(257),
    'bayer_rggb8': np.array([[RED, GREEN], [GREEN, BLUE]], 'u1'),
    'bayer_grbg8': np.array([[GREEN, RED], [BLUE, GREEN]], 'u1'),
    'bayer_bggr16': np.array([[BLUE, GREEN], [GREEN, RED]], 'u2') * np.uint16(257),
    'yuv422': np.rint([[(YUV[1], YUV[0]), (YUV[2], YUV[0])]] * 2).astype('u1'),
    'yuv422_yuy2': np.rint([[(YUV[0], YUV[1]), (YUV[0], YUV[2])]] * 2).astype('u1'),
    'mono8': np.full((2, 2), 90, 'u1'),
    'mono16': np.full((2, 2), 90 * 257, 'u2'),
}


def colours(cloud) -> np.ndarray:
    """Return (H, W, 3) uint8, RGB, of the bytes B, G, R, 0 that a cloud ends its points with."""
    points = np.frombuffer(cloud.data, 'u1').reshape(cloud.height, cloud.width, cloud.point_step)
    assert (points[..., 15] == 0).all()
    return points[..., 14:11:-1]


def test_colours_of_every_encoding(peer):
    peer.listen('points')
    peer.ready()
    for encoding, pattern in PATTERNS.items():
        pixels = np.tile(pattern, (HEIGHT // 2, WIDTH // 2) + (1,) * (pattern.ndim - 2))
        step = pixels.nbytes // HEIGHT
        message = Image(height=HEIGHT, width=WIDTH, encoding=encoding, step=step + 5)
        message.header.stamp.sec = next(_stamps)
        rows = np.full((HEIGHT, step + 5), 171, 'u1')
        rows[:, :step] = pixels.view('u1').reshape(HEIGHT, step)
        message.data = array('B', rows.tobytes())
        found = colours(drive(peer, message, INFO, ['points'])['points'])
        expected = (90,) * 3 if encoding.startswith('mono') else COLOUR
        assert np.abs(found.astype(int) - expected).max() <= 3, encoding


def grey(size=(HEIGHT, WIDTH)):
    return image_message(np.full((*size, 3), 90, np.uint8), sec=next(_stamps))


@pytest.mark.parametrize('profile', [qos_profile_sensor_data, QoSProfile(depth=5)])
def test_cameras_of_either_reliability_are_heard(peer, profile):
    """And listeners of either reliability hear."""
    image, got = grey(), []
    camera = peer.node.create_publisher(Image, 'image', profile)
    peer.node.create_subscription(Image, 'depth/image', got.append, profile)
    peer.wait(camera.get_subscription_count)

    def came():
        peer.send('camera_info', INFO)
        camera.publish(image)
        peer.pause(0.1)
        return [one for one in got if one.header.stamp == image.header.stamp]

    assert peer.wait(came)


def test_images_of_one_pixel_and_of_millions(peer, node):
    """They need not be useful; a single row must not become a million times 32 pixels."""
    peer.listen('depth/image')
    peer.ready()
    assert peer.set(intrinsics='none').successful
    for height, width in ((1, 1), (1, 4000), (3000, 1), (2160, 3840)):
        message = Image(height=height, width=width, encoding='mono8', step=width)
        message.header.stamp.sec = next(_stamps)
        message.data = array('B', bytes(height * width))
        depth = read_depth(drive(peer, message, INFO, ['depth/image'])['depth/image'])
        assert depth.shape == (height, width) and np.isfinite(depth).all()
    assert peer.set(intrinsics='camera_info').successful


def test_after_garbage_the_next_good_frame_is_answered(peer, node, tmp_path):
    peer.listen('depth/image')
    peer.ready()
    size = SIZES[3]
    info = info_message(size[1], size[0])
    drive(peer, grey(size), info, ['depth/image'])
    before = resident(node)
    faults = Faults(peer, tmp_path, seed=1, camera=False)
    for trouble in (faults.garbage_frames, faults.garbage_intrinsics):
        trouble()
        drive(peer, grey(size), info, ['depth/image'])
    assert resident(node) - before < 200, 'MiB'


def test_compressed_images_whole_cut_and_huge(peer, node):
    """The transport changes while the process goes on."""
    peer.listen('depth/image')
    peer.ready()

    def switch(transport):
        for label in ('deactivate', 'cleanup'):
            assert peer.change_state(label)
        assert peer.set(image_transport=transport).successful
        for label in ('configure', 'activate'):
            assert peer.change_state(label)

    switch('compressed')
    assert peer.set(full_size=False, intrinsics='none').successful
    try:
        for height, width in ((HEIGHT, WIDTH), (4320, 7680)):
            data = cv2.imencode('.jpg', np.full((height, width, 3), 90, np.uint8))[1].tobytes()
            for part in (len(data) // 2, 30, 0):
                peer.send('image/compressed', CompressedImage(format='jpeg', data=data[:part]))
                peer.pause(0.05)
            message = CompressedImage(format='jpeg')
            message.data = array('B', data)
            message.header.stamp.sec = next(_stamps)
            drive(peer, message, INFO, ['depth/image'], 'image/compressed')
    finally:
        assert peer.set(full_size=True, intrinsics='camera_info').successful
        switch('raw')


def resident(node) -> float:
    """Return the memory of the process, MiB."""
    status = Path(f'/proc/{node.process.pid}/status').read_text()
    return int(status.partition('VmRSS:')[2].split()[0]) / 1024
