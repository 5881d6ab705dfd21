# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The launch file, run with stand-ins for launch and launch_ros, which PyPI does not have.

The stand-ins only record; what is recorded is then checked, and where the real packages exist the
file is loaded with them too.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
import signal
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
import yaml

from grin_ros.checkpoint import build_model, ModelConfig, save
from grin_ros.config import load as load_config

ROOT = Path(__file__).resolve().parents[1]
PROFILES = 'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'


class Action:
    """Keep what a launch action was made of."""

    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs

    def __getattr__(self, name):
        return self.kwargs[name]


class LaunchConfiguration:
    def __init__(self, name):
        self.name = name

    def perform(self, context):
        return context[self.name]


KINDS = ('DeclareLaunchArgument', 'ExecuteProcess', 'OpaqueFunction', 'SetEnvironmentVariable')


@pytest.fixture
def share(tmp_path) -> Path:
    """Lay share/grin_ros out as an installation does; test_packaging checks that it does."""
    for folder, source in (('config', 'config'), ('rviz', 'config'), ('launch', 'launch')):
        (tmp_path / folder).symlink_to(ROOT / source)
    return tmp_path


def load_launch_file():
    path = ROOT / 'launch' / 'depth.launch.py'
    spec = importlib.util.spec_from_file_location('depth_launch', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def launch_file(monkeypatch, share):
    def stand_in(name, **attributes):
        module = ModuleType(name)
        module.__dict__.update(attributes)
        monkeypatch.setitem(sys.modules, name, module)

    stand_in('ament_index_python')
    stand_in('ament_index_python.packages', get_package_share_directory=lambda _: str(share))
    stand_in('launch', LaunchDescription=list)
    stand_in('launch.actions', **{kind: type(kind, (Action,), {}) for kind in KINDS})
    stand_in('launch.substitutions', LaunchConfiguration=LaunchConfiguration)
    stand_in('launch_ros')
    stand_in('launch_ros.actions', Node=type('Node', (Action,), {}))
    return load_launch_file()


def start(launch_file, **given) -> list[Action]:
    """Do what launch does: take the defaults, replace what was given, call the function."""
    *declared, function = launch_file.generate_launch_description()
    values = {argument.args[0]: argument.default_value for argument in declared}
    unknown = given.keys() - values.keys()
    assert not unknown, f'no such launch argument: {unknown}'
    return function.function(values | given)


def of_kind(actions, kind):
    return [action for action in actions if type(action).__name__ == kind]


def test_arguments_are_declared_with_a_description(launch_file):
    *declared, _ = launch_file.generate_launch_description()
    names = {argument.args[0] for argument in declared}
    assert names >= {
        'image', 'camera_info', 'namespace', 'params_file', 'checkpoint', 'device', 'rviz', 'bag',
        'use_sim_time', 'log_level',
    }  # fmt: skip
    assert all(argument.description for argument in declared)
    assert all(isinstance(argument.default_value, str) for argument in declared)


def test_by_default_only_the_node_starts(launch_file, share):
    (node,) = of_kind(start(launch_file), 'Node')
    assert (node.package, node.executable, node.name) == ('grin_ros', 'depth_node', 'grin_depth')
    assert node.namespace == ''
    assert node.parameters == [str(share / 'config' / 'depth_node.yaml')]  # and its use_sim_time
    assert Path(node.parameters[0]).is_file()
    assert not of_kind(start(launch_file), 'ExecuteProcess')


def test_topics_namespace_and_parameters_reach_the_node(launch_file, tmp_path):
    mine = tmp_path / 'mine.yaml'
    mine.touch()
    actions = start(
        launch_file,
        image='/front/image_raw',
        camera_info='/front/camera_info',
        image_transport='compressed',
        namespace='front',
        params_file=str(mine),
        checkpoint='best.safetensors',
        device='cuda:1',
        use_sim_time='True',
        log_level='debug',
    )
    (node,) = of_kind(actions, 'Node')
    assert dict(node.remappings) == {
        'image': '/front/image_raw',
        'camera_info': '/front/camera_info',
    }
    assert node.namespace == 'front'
    assert node.parameters[0] == str(mine)
    assert node.parameters[1] == {
        'use_sim_time': True,
        'checkpoint': 'best.safetensors',
        'device': 'cuda:1',
        'image_transport': 'compressed',
    }
    assert node.ros_arguments == ['--log-level', 'debug']


def test_without_its_parameter_file_nothing_starts(launch_file):
    with pytest.raises(ValueError, match=r'~/mine\.yaml, and there is no such file'):
        start(launch_file, params_file='~/mine.yaml')


def test_several_cameras_share_one_node(launch_file):
    actions = start(
        launch_file, cameras='front, left', image='image_raw', namespace='robot', rviz='true'
    )
    node, rviz = of_kind(actions, 'Node')
    assert dict(node.remappings) == {
        'front/image': 'front/image_raw',
        'front/camera_info': 'front/camera_info',
        'left/image': 'left/image_raw',
        'left/camera_info': 'left/camera_info',
    }
    assert node.parameters[1] == {'cameras': 'front, left'} and rviz.parameters == []
    assert (node.namespace, rviz.namespace) == ('robot', 'robot/front')


def test_an_absolute_name_is_one_topic_for_all_cameras(launch_file):
    lidar, info = '/velodyne_points', '/rig/camera_info'
    given = {'cameras': 'front,left', 'points_prompt': lidar}
    (node,) = of_kind(start(launch_file, **given, image='raw', camera_info=info), 'Node')
    assert dict(node.remappings) == {
        'front/image': 'front/raw',
        'front/camera_info': info,
        'front/points_prompt': lidar,
        'left/image': 'left/raw',
        'left/camera_info': info,
        'left/points_prompt': lidar,
    }
    with pytest.raises(ValueError, match=r'image is /raw, which is one topic.*image_raw'):
        start(launch_file, **given, image='/raw')
    (node,) = of_kind(start(launch_file, cameras='front', image='/raw'), 'Node')
    assert dict(node.remappings) == {'front/image': '/raw', 'front/camera_info': '/camera_info'}


@pytest.mark.parametrize(
    ('image', 'expected'),
    [
        ('image', 'camera_info'),
        ('/camera/image_raw', '/camera/camera_info'),
        ('/a/b/image_rect', '/a/b/camera_info'),
        ('/image', '/camera_info'),
    ],
)
def test_camera_info_is_looked_for_beside_the_image(launch_file, image, expected):
    (node,) = of_kind(start(launch_file, image=image), 'Node')
    assert dict(node.remappings) == {'image': image, 'camera_info': expected}


def test_a_cloud_becomes_the_prompt(launch_file):
    (node,) = of_kind(start(launch_file, points_prompt='/velodyne_points'), 'Node')
    assert dict(node.remappings)['points_prompt'] == '/velodyne_points'


def test_life_of_the_process(launch_file):
    (node,) = of_kind(start(launch_file), 'Node')
    assert node.respawn is False
    (node,) = of_kind(start(launch_file, respawn='true', autostart='False'), 'Node')
    assert node.respawn is True and node.respawn_delay > 1
    assert node.parameters[1]['autostart'] is False


def test_the_profile_is_set_first_unless_the_user_has_one(launch_file, share, monkeypatch):
    for name in PROFILES:
        monkeypatch.delenv(name, raising=False)
    profile = str(share / 'config' / 'fastdds.xml')
    assert [action.args for action in start(launch_file)[:-1]] == [(n, profile) for n in PROFILES]
    for mine, other in (PROFILES, PROFILES[::-1]):  # whichever of the two this Fast DDS reads
        with monkeypatch.context() as patch:
            patch.setenv(mine, 'mine.xml')
            (action,) = of_kind(start(launch_file), 'SetEnvironmentVariable')
            assert action.args == (other, 'mine.xml')
            patch.setenv(other, 'theirs.xml')
            assert not of_kind(start(launch_file), 'SetEnvironmentVariable')


def test_a_bag_is_played_with_its_clock(launch_file):
    actions = start(launch_file, bag='drive')
    (play,) = of_kind(actions, 'ExecuteProcess')
    assert play.cmd == ['ros2', 'bag', 'play', 'drive', '--clock']
    (node,) = of_kind(actions, 'Node')
    assert node.parameters[1]['use_sim_time'] is True
    (node,) = of_kind(start(launch_file, bag='drive', use_sim_time='false'), 'Node')
    assert node.parameters[1]['use_sim_time'] is False
    node, rviz = of_kind(start(launch_file, use_sim_time='true', rviz='true'), 'Node')
    assert node.parameters[1] == {'use_sim_time': True} == rviz.parameters[0]


def test_rviz_shows_the_nodes_topics_in_the_asked_frame(launch_file):
    actions = start(launch_file, rviz='true', namespace='front', fixed_frame='base_link')
    _, rviz = of_kind(actions, 'Node')
    assert (rviz.package, rviz.executable, rviz.namespace) == ('rviz2', 'rviz2', 'front')
    _, view, flag, frame = rviz.arguments
    assert (flag, frame) == ('-f', 'base_link')
    manager = yaml.safe_load(Path(view).read_text())['Visualization Manager']
    shown = {d['Topic']['Value']: d for d in manager['Displays'] if 'Topic' in d}
    # Relative names, so that they follow the namespace.
    assert shown.keys() == {'points', 'depth/image', 'depth/preview'}
    assert shown['points']['Color Transformer'] == 'RGB8'
    assert all(d['Topic']['Reliability Policy'] == 'Reliable' for d in shown.values())
    assert manager['Global Options']['Fixed Frame']


def test_the_node_works_as_launched(launch_file, tmp_path, ros_domain_id):
    """The values of the launch file on a real node with a real, if untrained, model."""
    pytest.importorskip('rclpy')
    from ros_peer import image_message, info_message, Peer

    weights = tmp_path / 'tiny.safetensors'
    config = load_config(ModelConfig, ROOT / 'config' / 'grin_tiny.yaml')
    save(weights, build_model(config), config)
    actions = start(
        launch_file,
        image='/camera/image',
        camera_info='/camera/info',
        namespace='front',
        checkpoint=str(weights),
        device='cpu',
    )
    (node,) = of_kind(actions, 'Node')
    given = [f'{name}:={json.dumps(value)}' for name, value in node.parameters[1].items()]
    renames = {'__node': node.name, '__ns': f'/{node.namespace}', **dict(node.remappings)}
    words = ['--params-file', node.parameters[0], *node.ros_arguments]
    words += [word for pair in given for word in ('-p', pair)]
    words += [word for pair in renames.items() for word in ('-r', ':='.join(pair))]
    command = [sys.executable, '-m', 'grin_ros.ros.depth_node', '--ros-args', *words]
    image = image_message(np.full((48, 64, 3), 128, np.uint8), sec=7, frame='optical')

    def sent(peer):
        peer.send('/camera/info', info_message(64, 48))
        peer.send('/camera/image', image)
        peer.pause(0.1)
        return peer.got['front/points']

    with subprocess.Popen(command) as process, Peer(ros_domain_id) as peer:
        try:
            peer.listen('front/points')
            cloud = peer.wait(lambda: sent(peer))[0]
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(20)
    assert code == 0
    assert (cloud.header.stamp, cloud.header.frame_id) == (image.header.stamp, 'optical')
    assert (cloud.height, cloud.width) == (48, 64)
