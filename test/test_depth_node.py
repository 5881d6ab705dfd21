# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node in a process of its own, over Fast DDS, around a model that is known exactly."""

from __future__ import annotations

from array import array
import re
import signal
import time

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from ros_peer import (
    drive,
    image_message,
    info_message,
    NodeProcess,
    Peer,
    picture,
    TOPICS,
    values_of,
)
from sensor_msgs.msg import CompressedImage

from grin_ros.ros.from_msg import read_camera, read_depth, read_image, read_points


@pytest.fixture
def peer(ros_domain_id):
    with Peer(ros_domain_id) as peer:
        yield peer


def check(answers, pixels, header, info):
    """Compare everything that was published with the picture that it was made of."""
    height, width = pixels.shape[:2]
    truth = pixels[..., 0].astype(np.float32) / 10
    truth[truth == 0] = np.nan
    for message in answers.values():
        assert message.header.stamp == header.stamp and message.header.frame_id == header.frame_id
    depth = answers['depth/image']
    assert (depth.encoding, depth.step) == ('32FC1', 4 * width)
    np.testing.assert_array_equal(read_depth(depth), truth)
    std = np.frombuffer(answers['depth/std'].data, np.float32).reshape(height, width)
    np.testing.assert_array_equal(std, np.where(np.isnan(truth), np.nan, 0))
    camera = read_camera(answers['depth/camera_info'])
    assert camera.size == (height, width)
    np.testing.assert_allclose(camera.K.ravel(), info.k, rtol=1e-6)
    preview = answers['depth/preview']
    assert preview.encoding == 'rgb8'
    assert not np.array_equal(read_image(preview)[0, 0], read_image(preview)[12, 12])

    cloud = answers['points']
    assert (cloud.height, cloud.width) == (height, width)
    assert (cloud.point_step, cloud.row_step) == (16, 16 * width)
    assert [field.name for field in cloud.fields] == ['x', 'y', 'z', 'rgb']
    assert not cloud.is_dense
    data = np.frombuffer(cloud.data, np.uint8).reshape(height, width, 16)
    assert data[12, 12, 12:].tolist() == [90, 210, 50, 0]
    assert data[0, 0, 12:].tolist() == [200, 40, 20, 0]
    xyz = read_points(cloud)[0].reshape(height, width, 3)
    x = (12 - info.k[2]) * 5 / info.k[0]
    y = (10 - info.k[5]) * 5 / info.k[4]
    np.testing.assert_allclose(xyz[10, 12], [x, y, 5], rtol=1e-5)
    assert np.isnan(xyz[-1, -1]).all()


def test_a_camera_and_its_troubles(peer, tmp_path):
    """Every topic; padded rows; another size, intrinsics and frame; and broken messages."""
    with NodeProcess(tmp_path / 'log') as node:
        peer.listen(*TOPICS)
        peer.ready()
        pixels, info = picture(48, 64), info_message(64, 48)
        image = image_message(pixels, sec=12, frame='front_optical', padding=5)
        check(drive(peer, image, info, TOPICS), pixels, image.header, info)

        broken = image_message(pixels, sec=13)
        broken.data = broken.data[:100]
        unknown = image_message(pixels, sec=14)
        unknown.encoding = 'h264'
        for message, reason in ((broken, 'image is cut short'), (unknown, 'h264')):
            refused = peer.status(
                'input',
                lambda one, reason=reason: reason in one.message,
                meanwhile=lambda message=message: peer.send('image', message),
            )
            assert refused.level == b'\x01'

        pixels, info = picture(96, 128), info_message(128, 96, fx=150.0)
        image = image_message(pixels, sec=15, frame='rear_optical')
        check(drive(peer, image, info, TOPICS), pixels, image.header, info)

        # The patch in BGR, at 16 bits, most significant byte first.
        image = image_message(pixels, sec=16)
        image.encoding, image.is_bigendian, image.step = 'bgr16', 1, 6 * 128
        image.data = array('B', (pixels[..., ::-1].astype('>u2') * 257).tobytes())
        check(drive(peer, image, info, TOPICS), pixels, image.header, info)

        output = peer.status(
            'output',
            lambda one: one.message == 'running',
            meanwhile=lambda: peer.send('image', image),
        )
        assert output.level == b'\x00' and output.hardware_id == 'grin_depth'
        values = values_of(output)
        assert float(values['output_rate_hz']) > 0
        now = time.time() * 1e3  # the stamps are of 1970
        assert float(values['latency_p50_ms']) == pytest.approx(now, rel=1e-3)
        model = peer.status('inference')
        assert (model.level, model.message) == (b'\x00', 'active')
        values = values_of(model)
        assert values['device'] == 'cpu' and values['checkpoint'] == 'shipped'
        assert values['steps'] == '1'
        status = peer.status('input', lambda one: 'behind the clock' in one.message)
        assert status.level == b'\x01' and 'use_sim_time' in status.message
        values = values_of(status)
        assert int(values['refused_frames']) >= 1 and int(values['dropped_frames']) >= 0
        assert float(values['input_rate_hz']) > 0
        camera = peer.status('camera_info')
        assert (camera.level, camera.message) == (b'\x00', 'usable')
        assert values_of(camera)['fx'] == '150.00'

        assert node.process.poll() is None
        assert node.stop() == 0
        for reason in ('the image is cut short', 'an image of encoding .h264.'):
            assert len(re.findall(f'Frame refused: {reason}', node.text)) in (1, 2), 'throttled'
        assert 'Traceback' not in node.text


def test_nobody_listens_and_parameters_change(peer, tmp_path):
    """No listener, no inference; parameters are live, or refused with the reason."""
    with NodeProcess(tmp_path / 'log', {'samples': 2}) as node:
        pixels, info = picture(48, 64), info_message(64, 48)
        image = image_message(pixels, sec=1)
        missing = peer.status('camera_info')
        assert missing.level == b'\x02' and 'set intrinsics to parameters' in missing.message
        unusable = peer.status(
            'camera_info',
            lambda one: 'fx = 0' in one.message,
            meanwhile=lambda: peer.send('camera_info', info_message(64, 48, fx=0.0)),
        )
        assert unusable.level == b'\x02'

        for _ in range(10):
            peer.send('camera_info', info)
            peer.send('image', image)
            peer.pause(0.05)
        idle = peer.status('output', lambda one: 'nobody subscribes' in one.message)
        assert idle.level == b'\x00'
        assert node.inferences == []

        peer.listen('depth/image', 'depth/std')
        answers = drive(peer, image, info, ['depth/image', 'depth/std'])
        std = np.frombuffer(answers['depth/std'].data, np.float32).reshape(48, 64)
        np.testing.assert_allclose(std[0, 0], 0.4)
        assert node.inferences[-1] == ['48', '64', '3', 'None', 'None', '2', 'True', '0', '100.0']

        refused = peer.set(device='cuda')
        assert not refused.successful and 'clean up' in refused.reason
        refused = peer.set(max_relative_std=0.1, samples=1)
        assert not refused.successful and 'samples' in refused.reason
        refused = peer.set(autostart=False)
        assert not refused.successful
        assert peer.set(
            max_depth=4.0, steps=3, stride=2, full_size=False, seed=9, intrinsics='none'
        ).successful
        image = image_message(pixels, sec=2)
        depth = read_depth(drive(peer, image, info, ['depth/image'])['depth/image'])
        assert node.inferences[-1] == ['48', '64', '3', '2', '3', '2', 'False', '9', '32.0']
        assert depth.shape == (24, 32)
        assert np.isnan(depth[5, 5]) and depth[0, 0] == 2
        assert node.stop(signal.SIGTERM) == 0
        assert 'Traceback' not in node.text


def test_newest_frame_wins_when_the_model_is_slow(peer, tmp_path):
    """A camera at 20 Hz, a model at 2 Hz: the delay stays below two inferences."""
    with NodeProcess(tmp_path / 'log', seconds=0.5) as node:
        peer.listen('depth/image')
        peer.ready()
        info, pixels = info_message(64, 48), picture(48, 64)
        drive(peer, image_message(pixels, sec=1), info, ['depth/image'])
        peer.pause(1.1)
        before = len(node.inferences)
        dropped = int(values_of(peer.status('input'))['dropped_frames'])
        peer.got['depth/image'].clear()
        sent, arrived = {}, {}
        for number in range(60):
            stamp = 100 + number
            peer.send('image', image_message(pixels, sec=stamp))
            sent[stamp] = time.monotonic()
            peer.pause(0.05)
            for message in peer.got['depth/image']:
                arrived.setdefault(message.header.stamp.sec, time.monotonic())
        peer.wait(lambda: peer.got['depth/image'][-1].header.stamp.sec == 159)
        stamps = [message.header.stamp.sec for message in peer.got['depth/image']]
        assert stamps == sorted(set(stamps)), 'frames come in order and once'
        assert 4 <= len(stamps) <= 12
        assert max(arrived[stamp] - sent[stamp] for stamp in arrived) < 1.4
        worked_on = len(node.inferences) - before
        assert worked_on == len(stamps)
        status = values_of(peer.status('input'))
        # Fast DDS drops some by itself when the machine is loaded: its queue has one place.
        assert 40 - worked_on <= int(status['dropped_frames']) - dropped <= 60 - worked_on

        peer.send('image', image_message(pixels, sec=200))
        peer.pause(0.2)
        assert node.stop() == 0, 'in the middle of an inference too'
        assert 'Traceback' not in node.text


def test_compressed_images_in_a_namespace(peer, tmp_path):
    remaps = ['__ns:=/front', 'image:=/cam/image_raw', 'camera_info:=/cam/camera_info']
    with NodeProcess(tmp_path / 'log', {'image_transport': 'compressed'}, remaps=remaps) as node:
        pixels = picture(48, 64)
        image = CompressedImage(format='png')
        image.header.stamp.sec = 7
        image.data = array('B', cv2.imencode('.png', pixels[..., ::-1])[1].tobytes())
        peer.listen('front/points')
        info = info_message(64, 48)

        def came():
            peer.send('cam/camera_info', info)
            peer.send('cam/image_raw/compressed', image)
            peer.pause(0.1)
            return peer.got['front/points']

        cloud = peer.wait(came)[-1]
        assert cloud.header.stamp.sec == 7
        assert np.frombuffer(cloud.data, np.uint8).reshape(48, 64, 16)[12, 12, 12] == 90
        status = peer.status('output')
        assert status.name == 'front/grin_depth: output'
        assert node.stop() == 0
