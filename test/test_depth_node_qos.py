# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Topics that do not connect: the node says why and which parameter to set; and that helps."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy')

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from ros_peer import drive, image_message, info_message, NodeProcess, Peer, picture, values_of
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


@pytest.fixture
def peer(ros_domain_id):
    with Peer(ros_domain_id) as peer:
        yield peer


def test_silence_is_explained(peer, tmp_path):
    """Nobody there, the wrong transport, the wrong type, a listener who asks for too much."""
    remaps = ['image:=/cam/image_raw', 'camera_info:=/info']
    parameters = {'warn_silence': 0.5, 'error_silence': 1.5}
    with NodeProcess(tmp_path / 'log', parameters, remaps=remaps) as node:
        peer.status('input', lambda one: 'nobody publishes /cam/image_raw: start' in one.message)
        late = peer.status('input', lambda one: one.level == b'\x02')
        assert late.message.startswith('no image for')
        # On the console as well, once for each cause.
        nobody = '/cam/image_raw: start the camera, or remap image to its topic'
        peer.wait(lambda: nobody in node.text)
        peer.pause(2.5)
        assert node.text.count(nobody) == 1

        compressed = peer.node.create_publisher(CompressedImage, '/cam/image_raw/compressed', 1)
        peer.status('input', lambda one: 'set image_transport to compressed' in one.message)
        peer.node.destroy_publisher(compressed)
        wrong = peer.node.create_publisher(PointCloud2, '/cam/image_raw', 1)
        peer.status('input', lambda one: 'of type sensor_msgs/msg/PointCloud2' in one.message)
        peer.node.destroy_publisher(wrong)
        silent = peer.node.create_publisher(Image, '/cam/image_raw', 1)
        peer.status('input', lambda one: 'has a publisher that is silent' in one.message)
        peer.node.destroy_publisher(silent)

        beside = peer.node.create_publisher(CameraInfo, '/cam/camera_info', 1)
        word = peer.status('camera_info', lambda one: 'is there' in one.message)
        assert word.level == b'\x02' and word.message.endswith('; /cam/camera_info is there')
        peer.node.destroy_publisher(beside)

        peer.listen('depth/image')
        greedy = peer.node.create_subscription(Image, 'depth/std', print, LATCHED)
        image, info = image_message(picture(48, 64), sec=1), info_message(64, 48)
        for reliability in (ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT):
            image.header.stamp.sec += 1
            profile = QoSProfile(depth=1, reliability=reliability)
            camera = peer.node.create_publisher(Image, '/cam/image_raw', profile)
            came = len(peer.got['depth/image'])

            def answered(camera=camera, came=came):
                peer.send('/info', info)
                camera.publish(image)
                peer.pause(0.1)
                return len(peer.got['depth/image']) > came

            peer.wait(answered)
            peer.node.destroy_publisher(camera)
        peer.wait(lambda: '/cam/image_raw: images come' in node.text)
        word = peer.status('output', lambda one: one.level == b'\x01')
        assert 'qos_overrides./depth/std.publisher.durability at transient_local' in word.message
        peer.node.destroy_subscription(greedy)
        peer.status('output', lambda one: one.level == b'\x00')
        assert node.stop() == 0
        assert node.text.count('Topics do not connect: a subscriber of /depth/std') == 1
        assert 'Traceback' not in node.text


def test_overrides_of_quality_of_service(peer, tmp_path):
    """Asked for too much, then for what there is; and a CameraInfo that was sent before us."""
    once = peer.node.create_publisher(CameraInfo, 'camera_info', LATCHED)
    once.publish(info_message(64, 48))
    info = 'qos_overrides./camera_info.subscription'
    latched = {f'{info}.durability': 'transient_local', f'{info}.reliability': 'reliable'}
    reliable = {'qos_overrides./image.subscription.reliability': 'reliable'}
    best = peer.node.create_publisher(
        Image, 'image', QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    )
    image = image_message(picture(48, 64), sec=7)
    peer.listen('depth/image')
    with NodeProcess(tmp_path / 'strict', {**latched, **reliable, 'warn_silence': 0.5}) as node:
        word = peer.status(
            'input',
            lambda one: 'offers less reliability' in one.message,
            meanwhile=lambda: best.publish(image),
        )
        assert 'image.subscription.reliability at best_effort' in word.message
        assert node.stop() == 0
    with NodeProcess(tmp_path / 'wrong', {f'{info}.reliability': 'sometimes'}) as node:
        peer.wait(lambda: 'Cannot activate' in node.text)
        assert 'sometimes' in node.text and peer.state == 'inactive'
        peer.status('inference', lambda one: one.level == b'\x02' and 'sometimes' in one.message)
        assert node.stop() == 0
    with NodeProcess(tmp_path / 'log', latched) as node:

        def answered():
            best.publish(image)
            peer.pause(0.1)
            return peer.got['depth/image']

        assert peer.wait(answered)[0].header.stamp.sec == 7
        assert node.stop() == 0


def test_the_clock_of_a_bag_that_begins_anew(peer, tmp_path):
    """Under use_sim_time stamps count against the clock of the bag, and a loop is survived."""
    from rosgraph_msgs.msg import Clock

    clock = peer.node.create_publisher(Clock, '/clock', 1)
    with NodeProcess(tmp_path / 'log', {'use_sim_time': True, 'max_age': 5.0}) as node:
        peer.listen('depth/image')
        peer.ready()
        info = info_message(64, 48)

        def play(sec):
            message = Clock()
            message.clock.sec = sec
            clock.publish(message)
            peer.pause(0.05)
            image = image_message(picture(48, 64), sec=sec)
            drive(peer, image, info, ['depth/image'])

        for sec in (1000, 1001, 1002, 1000, 1001):
            play(sec)
        word = peer.status('input', lambda one: values_of(one)['time_jumps'] == '1')
        assert abs(float(values_of(word)['stamp_offset_ms'])) < 2000
        old = image_message(picture(48, 64), sec=990)
        word = peer.status(
            'input',
            lambda one: 'older than max_age' in one.message,
            meanwhile=lambda: peer.send('image', old),
        )
        assert node.stop() == 0
        assert 'Traceback' not in node.text
