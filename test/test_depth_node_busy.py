# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A node whose model is busy: it answers at once, lets go of frames and memory, and ends well."""

from __future__ import annotations

from itertools import count
from pathlib import Path
import signal
import time

import pytest

pytest.importorskip('rclpy')

from ros_peer import drive, image_message, info_message, NodeProcess, Peer, picture

ANSWER = 0.2  # seconds; promised for a machine that is not busy with something else
STEP = 6.0  # seconds


@pytest.fixture
def peer(ros_domain_id):
    with Peer(ros_domain_id) as peer:
        yield peer


def memory(process) -> float:
    """Resident memory of a process, MiB."""
    pages = int(Path(f'/proc/{process.pid}/statm').read_text().split()[1])
    return pages * 4096 / 2**20


def test_answers_while_a_frame_is_in_the_model(peer, tmp_path, monkeypatch):
    monkeypatch.setenv('FAKE_STEP', str(STEP))
    with NodeProcess(tmp_path / 'log', seconds=STEP) as node:
        peer.listen('depth/image')
        peer.ready()
        image, info = image_message(picture(48, 64), sec=3), info_message(64, 48)

        def busy():
            before = len(node.inferences)
            peer.wait(
                lambda: (
                    peer.send('camera_info', info),
                    peer.send('image', image),
                    peer.pause(0.05),
                    len(node.inferences) > before,
                )[-1]
            )

        took = []

        def timed(answer):
            start = time.monotonic()
            assert answer()
            took.append(time.monotonic() - start)

        def median():
            took.clear()
            for steps in range(1, 8):
                timed(lambda steps=steps: peer.set(steps=steps).successful)
            return sorted(took)[3]

        idle = median()
        busy()
        assert median() < max(ANSWER, 3 * idle)
        took.clear()
        timed(lambda: peer.change_state('deactivate'))
        timed(lambda: peer.change_state('activate'))
        busy()
        timed(lambda: peer.change_state('deactivate'))
        timed(lambda: peer.change_state('cleanup'))
        assert peer.state == 'unconfigured'
        assert max(took) < STEP / 2
        peer.pause(STEP)
        assert not peer.got['depth/image'], 'frames of before are not shown'
        assert node.stop() == 0
        # The topic of images may be found before that of the CameraInfo.
        text = node.text.replace('Frame refused: no CameraInfo came', '')
        assert 'Traceback' not in text and 'Frame refused' not in text


def test_deactivation_ends_an_inference_at_its_next_step(peer, tmp_path):
    """60 s of model, in steps of 50 ms: the process is gone long before."""
    with NodeProcess(tmp_path / 'log', seconds=60) as node:
        peer.listen('depth/image')
        image, info = image_message(picture(48, 64), sec=3), info_message(64, 48)
        peer.ready()
        peer.wait(
            lambda: (
                peer.send('camera_info', info),
                peer.send('image', image),
                peer.pause(0.05),
                node.inferences,
            )[-1]
        )
        start = time.monotonic()
        assert node.stop(signal.SIGTERM) == 0
        assert time.monotonic() - start < 10
        assert 'Traceback' not in node.text


def test_cleanup_gives_the_memory_back(peer, tmp_path, monkeypatch):
    size = 300  # MiB
    monkeypatch.setenv('FAKE_MIB', str(size))
    with NodeProcess(tmp_path / 'log') as node:
        peer.listen('depth/image')
        peer.ready()
        image, info = image_message(picture(48, 64), sec=3), info_message(64, 48)
        drive(peer, image, info, ['depth/image'])
        loaded = memory(node.process)
        assert peer.change_state('deactivate') and peer.change_state('cleanup')
        peer.pause(0.5)
        assert loaded - memory(node.process) > 0.95 * size
        empty = memory(node.process)
        for _ in range(3):
            assert peer.change_state('configure') and peer.change_state('cleanup')
        peer.pause(0.5)
        assert memory(node.process) < empty + 0.1 * size, 'nothing piles up'
        assert node.stop() == 0


def test_debug_scalars_on_request(peer, tmp_path):
    from std_msgs.msg import Float64

    with NodeProcess(tmp_path / 'log', seconds=0.2) as node:
        peer.listen('depth/image')
        peer.ready()
        names = ('processing_time_ms', 'cyclic_time_ms', 'pipeline_latency_ms')
        got = {name: [] for name in names}
        info = info_message(64, 48)
        drive(peer, image_message(picture(48, 64)), info, ['depth/image'])
        for name in names:
            peer.node.create_subscription(
                Float64, f'debug/{name}', lambda one, name=name: got[name].append(one.data), 10
            )
        sec = count(1)

        def came():
            peer.send('image', image_message(picture(48, 64), sec=next(sec)))
            peer.pause(0.1)
            return all(len(values) >= 3 for values in got.values())

        peer.wait(came)
        assert min(got['processing_time_ms']) >= 200 and min(got['cyclic_time_ms']) >= 200
        assert max(got['processing_time_ms']) < 3000
        assert got['pipeline_latency_ms'][-1] == pytest.approx(time.time() * 1e3, rel=1e-3)
        assert node.stop() == 0
