# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Several cameras on one model: together where they come together, fair where they do not."""

from __future__ import annotations

from itertools import count
import time

import numpy as np
import pytest

pytest.importorskip('rclpy')

from ros_peer import image_message, info_message, NodeProcess, Peer, picture, values_of

from grin_ros.ros.from_msg import read_camera, read_depth

NAMES = ('front', 'left', 'right')


@pytest.fixture
def peer(ros_domain_id):
    with Peer(ros_domain_id) as peer:
        yield peer


def infos(peer, names=NAMES):
    """A CameraInfo for each camera, each of a focal length of its own."""
    for index, name in enumerate(names):
        peer.send(f'{name}/camera_info', info_message(64, 48, fx=100.0 + index))


def scene(index):
    """What a camera sees: the picture of all tests, in 1, 2 or 3 m."""
    pixels = picture(48, 64)
    pixels[..., 0] = np.where(pixels[..., 0] > 0, 10 * (index + 1), 0)
    return pixels


def test_each_camera_gets_its_own_depth_and_all_share_batches(peer, tmp_path):
    parameters = {'cameras': 'front, left,right', 'batch_window': 0.3}
    with NodeProcess(tmp_path / 'log', parameters) as node:
        topics = [f'{name}/depth/{kind}' for name in NAMES for kind in ('image', 'camera_info')]
        peer.listen(*topics)
        peer.ready()
        sec = count(1)
        batches = tmp_path / 'log.batches'

        def all_at_once():
            infos(peer)
            stamp = next(sec)
            for index, name in enumerate(NAMES):
                image = image_message(scene(index), sec=stamp, frame=f'{name}_optical')
                peer.send(f'{name}/image', image)
            peer.pause(0.4)
            return batches.read_text().split()[1:].count('3') >= 3

        peer.wait(all_at_once)
        peer.pause(0.3)
        for index, name in enumerate(NAMES):
            depth = peer.got[f'{name}/depth/image'][-1]
            assert depth.header.frame_id == f'{name}_optical'
            np.testing.assert_allclose(read_depth(depth)[0, 0], index + 1)
            camera = read_camera(peer.got[f'{name}/depth/camera_info'][-1])
            assert float(camera.fx) == 100 + index

        # What is wrong with one camera is its own affair. The first frames may come before their
        # CameraInfo, and be refused.
        refused = values_of(peer.status('front input'))['refused_frames']

        def one_is_broken():
            infos(peer)
            broken = image_message(scene(1), sec=next(sec))
            broken.encoding = 'h264'
            peer.send('left/image', broken)
            peer.send('front/image', image_message(scene(0), sec=next(sec)))

        peer.status('left input', lambda one: 'h264' in one.message, meanwhile=one_is_broken)
        stamps = [one.header.stamp.sec for one in peer.got['front/depth/image']]
        front = peer.status('front input')
        assert values_of(front)['refused_frames'] == refused
        assert 'h264' not in front.message and stamps == sorted(stamps)
        assert peer.status('right camera_info').message == 'usable'
        assert node.stop() == 0
        assert 'Traceback' not in node.text


def test_a_fast_camera_does_not_starve_a_slow_one(peer, tmp_path):
    """At about 20 Hz and 1 Hz, with a model at 5 Hz: every frame of the slow one is answered."""
    with NodeProcess(tmp_path / 'log', {'cameras': 'front,left'}, seconds=0.2) as node:
        peer.listen('front/depth/image', 'left/depth/image')
        peer.ready()
        peer.wait(
            lambda: (
                infos(peer, ('front', 'left')),
                peer.send('left/image', image_message(scene(1), sec=1)),
                peer.pause(0.1),
                peer.got['left/depth/image'],
            )[-1]
        )
        sent, arrived, begun = {}, {}, time.monotonic()

        def note():
            for message in peer.got['left/depth/image']:
                arrived.setdefault(message.header.stamp.sec, time.monotonic())
            return sent.keys() <= arrived.keys()

        for number in range(100):
            peer.send('front/image', image_message(scene(0), sec=1000 + number))
            if number % 20 == 0:
                sent[100 + number] = time.monotonic()
                peer.send('left/image', image_message(scene(1), sec=100 + number))
            peer.pause(0.05)
            note()
        took = time.monotonic() - begun
        peer.wait(note)
        front = [one.header.stamp.sec for one in peer.got['front/depth/image']]
        slowest = max(arrived[stamp] - sent[stamp] for stamp in sent)
        assert slowest < took / 4, 'in the turn after the one that it met, on a slow machine too'
        assert 5 < len(front) < 6 * took and front == sorted(set(front))
        assert node.stop() == 0
