# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What parameters can make the node do: read a checkpoint, and nothing else."""

from __future__ import annotations

from pathlib import Path
import pickle

import pytest
import torch

pytest.importorskip('rclpy')

from ros_peer import drive, image_message, info_message, NodeProcess, Peer, picture
from std_srvs.srv import Trigger

from grin_ros.checkpoint import build_model, load, ModelConfig, save
from grin_ros.config import load as load_config

TINY = Path(__file__).resolve().parents[2] / 'config' / 'grin_tiny.yaml'
# The real node, which says what Python asks the system for from the first configuration on.
WATCHED = """
import os, sys
sys.dont_write_bytecode = True
from grin_ros.ros import depth_node
WORDS = ('pickle.find_class', 'os.system', 'subprocess.Popen', 'socket.connect', 'os.remove',
         'os.rename', 'os.mkdir', 'os.exec')
def hook(event, args):
    writes = event == 'open' and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
    if writes or event in WORDS:
        sys.stderr.write(f'AUDIT {event} {str(args[0])[:99]}\\n')
sys.addaudithook(hook)
sys.exit(depth_node.main())
"""


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def strange(tmp_path) -> dict[str, Path]:
    """Files that are no checkpoint; two of them would run code if they were unpickled."""
    mark = tmp_path / 'was_run'
    torch.save({'model': Bomb(mark)}, tmp_path / 'torch.pth')
    (tmp_path / 'pickle.safetensors').write_bytes(pickle.dumps(Bomb(mark)))
    (tmp_path / 'huge.safetensors').write_bytes((2**60).to_bytes(8, 'little') + b'{}')
    (tmp_path / 'empty.safetensors').touch()
    (tmp_path / 'folder.safetensors').mkdir()
    return {path.name: path for path in tmp_path.iterdir()} | {'was_run': mark}


def test_only_safetensors_are_read(strange):
    mark = strange.pop('was_run')
    for path in strange.values():
        with pytest.raises((ValueError, OSError)) as error:
            load(path)
        assert '\n' not in str(error.value)
    assert not mark.exists()


def test_the_node_reads_and_never_writes(ros_domain_id, tmp_path, strange):
    """Whatever paths it is given, in a process that reports what it asks the system for."""
    mark = strange.pop('was_run')
    config = load_config(ModelConfig, TINY)
    good = tmp_path / 'tiny.safetensors'
    save(good, build_model(config), config)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*')}
    program, log = ('-c', WATCHED), tmp_path.parent / f'{tmp_path.name}.log'
    with NodeProcess(log, {'checkpoint': str(good)}, program=program) as node:
        with Peer(ros_domain_id) as peer:
            peer.listen('depth/image')
            peer.ready()
            drive(
                peer, image_message(picture(48, 64), sec=1), info_message(64, 48), ['depth/image']
            )
            for path in (*strange.values(), Path('/dev/zero'), Path('/etc/passwd'), tmp_path):
                assert peer.set(checkpoint=str(path)).successful
                answer = peer.call(Trigger, 'grin_depth/reload', Trigger.Request())
                assert not answer.success and str(good) in answer.message, 'it stays in use'
            image = image_message(picture(48, 64), sec=2)
            drive(peer, image, info_message(64, 48), ['depth/image'])
        assert node.stop() == 0
    assert 'AUDIT' not in node.text and 'Traceback' not in node.text
    assert not mark.exists()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*')} == before
