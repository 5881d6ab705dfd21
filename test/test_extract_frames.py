# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which camera, which LiDAR and which axes: what the names of frames contradict is refused."""

from __future__ import annotations

import numpy as np
import pytest
import rig
from rig import extracted, Rig

from grin_ros.training.bag import BagReader


def two_drivers(topic, make, frame):
    """Another sensor whose messages are on the same topic, 40 ms later."""
    other = [(topic, a + 4 * 10**7, make(a + 4 * 10**7))
             for t, a, _ in Rig().messages() if t == topic]  # fmt: skip
    for _, stamp, message in other:
        message.header = rig.header(stamp, frame)
    return sorted([*Rig().messages(), *other], key=lambda entry: entry[1])


@pytest.mark.parametrize('topic, make', [
    ('/lidar/points', rig.sweep), ('/camera/image_raw', rig.image),
])  # fmt: skip
def test_two_sensors_on_one_topic(tmp_path, topic, make):
    messages = two_drivers(topic, make, 'rear')
    with pytest.raises(ValueError, match=rf'the messages of {topic} are in the frames .*, rear'):
        extracted(tmp_path, messages)
    # A slash before the name is that of ROS 1, and one message may have been left without.
    same = two_drivers(topic, make, '/lidar' if 'lidar' in topic else '')
    assert len(extracted(tmp_path, same, 'same')[1]) >= 5


def two_cameras(frame):
    """The front camera's images, and the camera_info of a topic elsewhere."""
    messages = []
    for topic, arrival, message in Rig().messages():
        if topic == '/camera/camera_info':
            topic = '/rear/camera_info'
            message.header = rig.header(arrival, frame)
        messages.append((topic, arrival, message))
    return messages


def test_the_calibration_of_another_camera(tmp_path):
    with pytest.raises(ValueError, match=r"/rear/camera_info, is in the frame 'rear_optical', not "
                       r"in 'camera_optical'.*--camera-info /rear/camera_info"):  # fmt: skip
        extracted(tmp_path, two_cameras('rear_optical'))
    with BagReader(tmp_path / 'set_bag') as bag, pytest.raises(ValueError, match='is in the fra'):
        next(bag.frames())  # which `grin play` reads
    for name, frame, options in (
        ('given', 'rear_optical', {'camera_info': '/rear/camera_info'}),
        ('same', 'camera_optical', {}),
    ):
        result, _, errors = extracted(tmp_path, two_cameras(frame), name, **options)
        assert max(np.abs(error).max() for error in errors) < 0.01
        assert 'calibration: of /rear/camera_info' in result.notes.popitem()[1]


def in_body(degrees, optical=True):
    """Images in camera_link, which looks down by so many degrees."""
    half = np.radians(degrees) / 2
    tilt = (0, np.sin(half), 0, np.cos(half))
    mounts = [('base', 'camera_link', (0.5, 0, 0.5), tilt), rig.MOUNTS[1]]
    if optical:
        mounts.append(('camera_link', 'camera_optical', (0, 0.02, 0), rig.QUATERNION))
    messages = Rig(mounts=tuple(mounts)).messages()
    for topic, arrival, message in messages:
        if topic.startswith('/camera'):
            message.header = rig.header(arrival, 'camera_link')
    return messages


@pytest.mark.parametrize('degrees', [0, 30, 60, 90])
def test_a_body_frame_at_any_tilt(tmp_path, degrees):
    with pytest.raises(ValueError, match=r"'camera_link' of the images is no optical frame "
                       r"\('camera_optical' hangs.*--camera-frame, one of cam"):  # fmt: skip
        extracted(tmp_path, in_body(degrees))
    options = {'camera_frame': 'camera_optical', 'min_points': 1}
    if degrees == 0:
        assert len(extracted(tmp_path, in_body(degrees), 'right', **options)[1]) == 5


def test_an_optical_frame_with_another_name(tmp_path):
    """cam0 is optical, and cam1_optical, on the other side of the base, looks sideways."""
    cam0 = ('base', 'cam0', rig.CAMERA, rig.QUATERNION)
    cam1 = ('base', 'cam1_optical', (0, 0.3, 0), (-0.7071068, 0, 0, 0.7071068))
    messages = Rig(mounts=(cam0, cam1, rig.MOUNTS[1])).messages()
    for topic, arrival, message in messages:
        if topic.startswith('/camera'):
            message.header = rig.header(arrival, 'cam0')
    _, _, errors = extracted(tmp_path, messages)
    assert max(np.abs(error).max() for error in errors) < 0.01


POSE = '{{parent: {p}, child: {c}, translation: [0, 0, {z}], rotation: {q}}}'


@pytest.mark.parametrize('values, sentence', [
    ({'q': '[0, 0, 0, 0]'}, r'the rotation is all zero; none at all is \[0, 0, 0, 1\]'),
    ({'p': '1'}, '1 is no name of a frame; put it in quotes'),
    ({'c': '""'}, "'' is no name of a frame"),
    ({'p': 'lidar'}, "'lidar' is parent and child"),
    ({'z': '.nan'}, 'a number is not finite'),
])  # fmt: skip
def test_extrinsics_that_say_nothing(tmp_path, values, sentence):
    fill = {'p': 'base', 'c': 'lidar', 'z': '0.3', 'q': '[0, 0, 0, 1]', **values}
    (tmp_path / 'odd.yaml').write_text(f'transforms:\n- {POSE.format(**fill)}\n')
    with pytest.raises(ValueError, match=rf'odd.yaml: no extrinsics .*{sentence}.*it needs'):
        extracted(tmp_path, Rig().messages(), extrinsics=str(tmp_path / 'odd.yaml'))


def test_a_matrix_with_a_hole(tmp_path):
    (tmp_path / 'odd.yaml').write_text(
        'camera_from_lidar: [[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, .nan, 0]]'
    )
    with pytest.raises(ValueError, match='a number is not finite'):
        extracted(tmp_path, Rig().messages(), extrinsics=str(tmp_path / 'odd.yaml'))
