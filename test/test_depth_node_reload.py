# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The service reload: other weights while frames are flowing, and the old ones if those fail."""

from __future__ import annotations

import itertools
import time

import pytest

pytest.importorskip('rclpy')

from ros_peer import drive, image_message, info_message, NodeProcess, Peer, picture
from std_srvs.srv import Trigger

from grin_ros.ros.from_msg import read_depth

LOAD = 1.5  # seconds
CAMERA = 0.05  # seconds between frames


class Flow:
    """A camera that goes on, and what the node answers to it: {stamp: (time, depth)}."""

    def __init__(self, peer):
        self._peer, self._stamp, self._due = peer, 100, 0.0
        self.sent, self.answers = {}, {}

    def step(self):
        now = time.monotonic()
        if now >= self._due:
            self._due = now + CAMERA
            self._stamp += 1
            self.sent[self._stamp] = now
            self._peer.send('image', image_message(picture(48, 64), sec=self._stamp))
        self._peer.pause(0.005)
        for message in self._peer.got['depth/image']:
            depth = float(read_depth(message)[0, 0])
            self.answers.setdefault(message.header.stamp.sec, (time.monotonic(), depth))
        self._peer.got['depth/image'].clear()

    def through(self, future):
        """Go on until the future is done and return its result."""
        self._peer.wait(lambda: self.step() or future.done())
        return future.result()

    def gap(self, since, until):
        """Return the longest time without an answer, seconds."""
        times = [since, *(t for t, _ in self.answers.values() if since < t < until), until]
        return max(b - a for a, b in itertools.pairwise(times))


def test_reload_while_frames_are_flowing(ros_domain_id, tmp_path):
    double, broken = tmp_path / 'double.txt', tmp_path / 'broken.txt'
    double.write_text(f'{LOAD} 2')
    broken.write_text('no checkpoint at all')
    with NodeProcess(tmp_path / 'log') as node, Peer(ros_domain_id) as peer:
        peer.listen('depth/image')
        peer.ready()
        drive(peer, image_message(picture(48, 64)), info_message(64, 48), ['depth/image'])
        client = peer.node.create_client(Trigger, 'grin_depth/reload')
        peer.wait(client.service_is_ready)
        flow = Flow(peer)

        assert peer.set(checkpoint=str(double)).successful
        began = time.monotonic()
        pending = client.call_async(Trigger.Request())
        flow.step()
        second = flow.through(client.call_async(Trigger.Request()))
        assert not second.success and 'under way' in second.message
        reply = flow.through(pending)
        ended = time.monotonic()
        assert reply.success and str(double) in reply.message
        assert ended - began >= LOAD and flow.gap(began, ended) < LOAD / 2
        peer.wait(lambda: flow.step() or time.monotonic() > ended + 1)
        depths = [flow.answers[stamp][1] for stamp in sorted(flow.answers)]
        assert depths == sorted(depths) and set(depths) == {2.0, 4.0}, 'old ones, then new ones'
        assert all(depth == 2.0 for when, depth in flow.answers.values() if when < began + LOAD)
        between = [stamp for stamp, when in flow.sent.items() if when < ended]
        assert len(flow.answers.keys() & set(between)) > 0.7 * len(between)

        for path, reason in ((broken, 'could not convert'), ('/nowhere', 'no checkpoint')):
            assert peer.set(checkpoint=str(path)).successful
            reply = flow.through(client.call_async(Trigger.Request()))
            assert not reply.success and reason in reply.message
            assert f'{double} stays in use' in reply.message
        flow.answers.clear()
        peer.wait(lambda: flow.step() or len(flow.answers) > 3)
        assert {depth for _, depth in flow.answers.values()} == {4.0}

        assert peer.change_state('deactivate') and peer.change_state('cleanup')
        reply = peer.call(Trigger, 'grin_depth/reload', Trigger.Request())
        assert not reply.success and 'configure the node' in reply.message
        assert node.stop() == 0
        assert 'Traceback' not in node.text
