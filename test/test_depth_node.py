# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node in a process of its own, over Fast DDS, around a model that is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('rclpy')

from ros_peer import image_message, info_message, NodeProcess, Peer, TOPICS  # noqa: E402


@pytest.fixture
def peer(ros_domain_id):
    with Peer(ros_domain_id) as peer:
        yield peer


def picture(height: int = 48, width: int = 64) -> np.ndarray:
    """Depth 2 m with a patch of 5 m, an unknown corner, and a colour of its own in each."""
    pixels = np.full((height, width, 3), (20, 40, 200), np.uint8)
    pixels[8:16, 8:24] = (50, 210, 90)
    pixels[-4:, -4:] = 0
    return pixels


def test_every_topic(peer, tmp_path):
    with NodeProcess(tmp_path / 'log') as node:
        peer.listen(*TOPICS)
        peer.ready()
        message = image_message(picture(), sec=12, frame='front_optical', padding=5)

        def all_there():
            peer.send('camera_info', info_message(64, 48))
            peer.send('image', message)
            peer.pause(0.1)
            return all(peer.got[topic] for topic in TOPICS)

        peer.wait(all_there)
        assert node.stop() == 0
    print(node.text)
