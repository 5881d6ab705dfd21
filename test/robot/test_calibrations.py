# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Every way in which a CameraInfo belongs to an image: the wall is where it says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

pytest.importorskip('rclpy')

from ros_peer import drive, image_message, info_message

from grin_ros.ros.from_msg import read_depth
from robot import wall

SIZE = (96, 128)
TOPICS = ('depth/image', 'depth/camera_info', 'points')
_stamps = itertools.count(1000)


def grey(size):
    return image_message(np.full((*size, 3), 90, np.uint8), sec=next(_stamps), frame='optical')


def scaled(size, scale, fx=80.0):
    """K after resampling: pixel centres, so the principal point moves by half a pixel."""
    cx, cy = (size[1] - 1) / 2, (size[0] - 1) / 2
    return fx * scale, fx * scale, (cx + 0.5) * scale - 0.5, (cy + 0.5) * scale - 0.5


# name: changes of the CameraInfo, size of the image, fx fy cx cy of the depth image
CASES = {
    'as it should be': ({}, SIZE, scaled(SIZE, 1)),
    'calibrated at twice the size': ({}, (48, 64), scaled(SIZE, 0.5)),
    'calibrated at half the size': ({}, (192, 256), scaled(SIZE, 2)),
    'binned': ({'binning_x': 2, 'binning_y': 2}, (48, 64), scaled(SIZE, 0.5)),
    'a region': (
        {'roi': {'x_offset': 40, 'y_offset': 16, 'width': 64, 'height': 48}},
        (48, 64),
        (80.0, 80.0, 63.5 - 40, 47.5 - 16),
    ),
    'a region, binned': (
        {
            'roi': {'x_offset': 40, 'y_offset': 16, 'width': 64, 'height': 64},
            'binning_x': 2,
            'binning_y': 2,
        },
        (32, 32),
        (40.0, 40.0, (64 - 40) / 2 - 0.5, (48 - 16) / 2 - 0.5),
    ),
    'without a size': ({'width': 0, 'height': 0}, SIZE, scaled(SIZE, 1)),
}


@pytest.mark.parametrize('name', CASES)
def test_depth_is_where_the_calibration_says(peer, name):
    changes, size, K = CASES[name]
    info = info_message(SIZE[1], SIZE[0], fx=80.0)
    for field, value in changes.items():
        if field == 'roi':
            for part, number in value.items():
                setattr(info.roi, part, number)
        else:
            setattr(info, field, value)
    peer.listen(*TOPICS)
    peer.ready()
    wall.check(drive(peer, grey(size), info, TOPICS), K)


def test_a_calibration_that_comes_late_changes_or_is_zero(peer):
    """Without one frames are refused with the remedy; with one they count at once."""
    assert peer.change_state('deactivate') and peer.change_state('activate')  # forgets the last
    peer.listen(*TOPICS)
    peer.ready()
    image = grey(SIZE)
    late = peer.status(
        'camera_info',
        lambda one: 'no CameraInfo came' in one.message,
        meanwhile=lambda: peer.send('image', image),
    )
    assert late.level == b'\x02' and 'remap camera_info' in late.message
    assert not peer.got['depth/image']
    for fx in (80.0, 120.0):
        answers = drive(peer, grey(SIZE), info_message(128, 96, fx=fx), TOPICS)
        wall.check(answers, scaled(SIZE, 1, fx))
    zero, image = info_message(128, 96, fx=0.0), grey(SIZE)

    def send():
        peer.send('camera_info', zero)
        peer.send('image', image)

    refused = peer.status('camera_info', lambda one: 'fx = 0' in one.message, meanwhile=send)
    assert refused.level == b'\x02' and 'calibrate the camera' in refused.message
    count = len(peer.got['depth/image'])
    peer.pause(0.2)
    assert len(peer.got['depth/image']) == count, 'the old calibration is not used silently'
    wall.check(drive(peer, grey(SIZE), info_message(128, 96, fx=80.0), TOPICS), scaled(SIZE, 1))


def test_intrinsics_by_parameter_and_without_any(peer):
    peer.listen(*TOPICS)
    peer.ready()
    assert peer.set(intrinsics='parameters', fx=100.0).successful
    nothing = info_message(128, 96, fx=0.0)
    wall.check(drive(peer, grey(SIZE), nothing, TOPICS), (100.0, 100.0, 63.5, 47.5))
    assert peer.set(intrinsics='none').successful
    depth = read_depth(drive(peer, grey(SIZE), nothing, TOPICS)['depth/image'])
    assert depth.shape == SIZE and np.isfinite(depth).all()
    assert peer.set(intrinsics='camera_info', fx=0.0).successful


def test_another_shape_is_refused_with_the_reason(peer):
    peer.listen('depth/image')
    peer.ready()
    image, info = grey((96, 96)), info_message(128, 96)

    def send():
        peer.send('camera_info', info)
        peer.send('image', image)

    status = peer.status('camera_info', lambda one: 'another shape' in one.message, meanwhile=send)
    assert '128 x 96' in status.message and '96 x 96' in status.message


def test_the_size_changes_in_mid_stream(peer):
    """Each answer has the size of its image and the calibration of that moment."""
    peer.listen(*TOPICS)
    peer.ready()
    for size in ((96, 128), (240, 320), (48, 64), (120, 160), (96, 128)):
        info = info_message(size[1], size[0], fx=0.7 * size[1])
        K = scaled(size, 1, 0.7 * size[1])
        wall.check(drive(peer, grey(size), info, TOPICS), K)
