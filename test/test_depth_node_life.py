# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The life of the node's process: transitions, failures that are no end, and good ends."""

from __future__ import annotations

import signal
import time

import pytest

pytest.importorskip('rclpy')

from ros_peer import (
    drive,
    FAKE_NODE,
    image_message,
    info_message,
    NodeProcess,
    Peer,
    picture,
    TIMEOUT,
)


@pytest.fixture
def peer(ros_domain_id):
    with Peer(ros_domain_id) as peer:
        yield peer


def test_life_cycle(peer, tmp_path):
    """A bad checkpoint is a clean failure, after which the operator can set things right."""
    with NodeProcess(tmp_path / 'log', {'checkpoint': '/nowhere.safetensors'}) as node:
        peer.listen('depth/image')
        failed = peer.status('inference', lambda one: 'no checkpoint /nowhere' in one.message)
        assert failed.level == b'\x02'
        assert peer.state == 'unconfigured'
        assert not peer.change_state('configure')
        assert peer.state == 'unconfigured'
        assert peer.set(checkpoint='').successful
        assert peer.change_state('configure') and peer.state == 'inactive'
        assert 'inactive' in peer.status('inference', lambda one: one.level == b'\x01').message
        assert peer.node.count_subscribers('image') == 0
        assert not peer.set(device='cuda').successful
        pixels, info = picture(48, 64), info_message(64, 48)
        for number in (1, 2):
            assert peer.change_state('activate') and peer.state == 'active'
            drive(peer, image_message(pixels, sec=number), info, ['depth/image'])
            assert peer.change_state('deactivate') and peer.state == 'inactive'
        assert peer.change_state('cleanup') and peer.state == 'unconfigured'
        assert peer.wait(lambda: peer.node.count_publishers('depth/image') == 0) is True
        assert peer.set(device='cpu').successful
        assert peer.change_state('shutdown') and peer.state == 'finalized'
        assert node.stop() == 0
        assert node.text.count('Cannot configure: there is no checkpoint /nowhere') == 2
        assert 'Traceback' not in node.text


def test_ends_of_processes(ros_domain_id, tmp_path):
    """What cannot be is one sentence; a signal while the model loads is a good end."""
    (tmp_path / 'slow').write_text('2 1')
    with (
        NodeProcess(tmp_path / 'choice', {'intrinsics': 'guess'}) as choice,
        NodeProcess(tmp_path / 'type', {'max_depth': 50}) as integer,
        NodeProcess(tmp_path / 'rule', remaps=['image']) as rule,
        NodeProcess(tmp_path / 'words', program=(FAKE_NODE, '-p', 'steps:=4')) as words,
        NodeProcess(tmp_path / 'early', {'checkpoint': str(tmp_path / 'slow')}) as early,
    ):
        for node, sentence in (
            (choice, "intrinsics is 'guess': choose one of camera_info, parameters, none"),
            (integer, "'max_depth' to '50' of type 'INTEGER'"),
            (words, '-p steps:=4: parameters and remappings come after --ros-args'),
        ):
            assert node.process.wait(TIMEOUT) == 2
            assert node.text.startswith('grin_depth: ') and sentence in node.text
            assert len(node.text.splitlines()) == 1
        assert rule.process.wait(TIMEOUT) == 2
        assert "Couldn't parse remap rule: '-r image'" in rule.text.splitlines()[-1]
        assert 'Traceback' not in rule.text  # but rcl has a line of its own
        while 'loading' not in early.text:
            assert early.process.poll() is None
            time.sleep(0.05)
        early.process.send_signal(signal.SIGTERM)
        assert early.stop(signal.SIGINT) == 0
        assert 'Traceback' not in early.text


def test_a_parameter_file_that_is_not_there_is_named(tmp_path):
    program = (FAKE_NODE, '--ros-args', '--params-file', '/nowhere.yaml')
    with NodeProcess(tmp_path / 'log', program=program) as node:
        assert node.process.wait(TIMEOUT) == 2
        assert '/nowhere.yaml' in node.text.splitlines()[-1]
        assert node.text.splitlines()[-1].startswith('grin_depth: ')
        assert 'Traceback' not in node.text
