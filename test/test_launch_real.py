# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The launch file with the real launch, where there is one."""

from __future__ import annotations

import os
from pathlib import Path
import signal
import subprocess
import sys

import numpy as np
from painted_planes import ROOT
import pytest

from grin_ros.checkpoint import build_model, ModelConfig, save
from grin_ros.config import load as load_config

PROFILES = 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'
SERVICE = """
import sys
from launch import LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
arguments = [tuple(word.split(':=')) for word in sys.argv[2:]]
source = PythonLaunchDescriptionSource(sys.argv[1])
service = LaunchService(noninteractive=True)
service.include_launch_description(IncludeLaunchDescription(source, launch_arguments=arguments))
sys.exit(service.run())
"""


def test_with_the_real_launch(tmp_path, monkeypatch, ros_domain_id):
    """Two cameras by the launch file itself: both are answered, and Ctrl-C is a good end."""
    pytest.importorskip('launch', reason='launch comes with a ROS distribution only')
    pytest.importorskip('launch_ros', reason='launch_ros comes with a ROS distribution only')
    pytest.importorskip('rclpy', reason='a machine for training has no ROS')
    from ros_peer import drive, image_message, info_message, Peer

    prefixes = [sys.prefix, *os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)]
    if not any((Path(prefix) / 'lib' / 'grin_ros' / 'depth_node').exists() for prefix in prefixes):
        pytest.skip('grin_ros is in no ament prefix: `make venv`, or source a workspace')
    monkeypatch.setenv('AMENT_PREFIX_PATH', os.pathsep.join(filter(None, prefixes)))
    for name in PROFILES:
        monkeypatch.delenv(name, raising=False)
    weights = tmp_path / 'tiny.safetensors'
    config = load_config(ModelConfig, ROOT / 'config' / 'grin_tiny.yaml')
    save(weights, build_model(config), config)
    words = ['cameras:=front,left', 'image:=image_raw', f'checkpoint:={weights}', 'device:=cpu']
    file = str(ROOT / 'launch' / 'depth.launch.py')
    command = [sys.executable, '-c', SERVICE, file, *words, 'namespace:=robot']
    with subprocess.Popen(command, start_new_session=True) as process, Peer(ros_domain_id) as peer:
        try:
            for number, name in enumerate(('front', 'left')):
                image = image_message(np.full((48, 64, 3), 128, np.uint8), sec=number + 1)
                topic = f'robot/{name}/points'
                peer.listen(topic)
                (cloud,) = drive(
                    peer, image, info_message(64, 48), [topic],
                    f'robot/{name}/image_raw', f'robot/{name}/camera_info',
                ).values()  # fmt: skip
                assert (cloud.height, cloud.width) == (48, 64)
            node = _children(process.pid, 'depth_node')
            environment = Path(f'/proc/{node}/environ').read_text()
            assert all(f'{name}=' in environment for name in PROFILES)
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(30)
    assert code == 0
    assert not Path(f'/proc/{node}').exists()


def _children(parent: int, name: str) -> int:
    """Return the process id of the child of that name."""
    for folder in Path('/proc').iterdir():
        if folder.name.isdigit():
            status = (folder / 'stat').read_text().rsplit(')', 1)[1].split()
            if int(status[1]) == parent and name in (folder / 'cmdline').read_text():
                return int(folder.name)
    raise AssertionError(f'no {name} among the children')
