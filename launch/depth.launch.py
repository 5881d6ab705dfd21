# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Start the depth node on a camera or several, with RViz and a bag in their place if asked for.

    ros2 launch grin_ros depth.launch.py image:=/camera/image_raw
    ros2 launch grin_ros depth.launch.py cameras:=front,left,right image:=image_raw
"""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

SHARE = Path(get_package_share_directory('grin_ros'))
# Fast DDS 2 (Humble, Jazzy) reads the first, Fast DDS 3 the second.
PROFILES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
RESPAWN_DELAY = 3.0  # seconds; a node that cannot start shall not keep the robot busy

# name: (default, description)
ARGUMENTS = {
    'image': (
        'image',
        'topic of the camera image; with several cameras: below the name of each, without a / in '
        'front',
    ),
    'camera_info': (
        '',
        'topic of its intrinsics; empty: camera_info beside the image; with cameras: below the '
        'name of each, or one for all if it begins with /',
    ),
    'points_prompt': (
        '',
        'topic of a PointCloud2 for the parameter prompt; empty: points_prompt; with cameras: '
        'below the name of each, or one for all if it begins with /',
    ),
    'cameras': (
        '',
        'names of cameras that share the model: front,left,right; empty: what params_file says, '
        'but the topics of cameras that stand only there keep their names',
    ),
    'image_transport': ('', 'raw or compressed; empty: what params_file says'),
    'namespace': ('', 'namespace of the node and of what it publishes'),
    'params_file': (str(SHARE / 'config' / 'depth_node.yaml'), 'parameters of the node'),
    'checkpoint': ('', 'weights file; empty: what params_file says'),
    'device': ('', 'cpu, cuda, cuda:1, ...; empty: what params_file says'),
    'autostart': ('', 'false waits for lifecycle transitions; empty: what params_file says'),
    'respawn': ('false', 'true starts the node again if it ever dies'),
    'rviz': ('false', 'true starts RViz with cloud, depth and preview'),
    'fixed_frame': ('camera_optical_frame', 'frame of RViz: frame_id of the image, or any in tf'),
    'bag': ('', 'bag to play instead of a live camera'),
    'use_sim_time': (
        '',
        'true or false, for node and RViz; empty: true if a bag is played, else what params_file '
        'says',
    ),
    'log_level': ('info', 'debug, info, warn or error'),
}


def generate_launch_description() -> LaunchDescription:
    """List the arguments, then everything that depends on their values."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=_start)])


def _start(context) -> list:
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    folder, slash, _ = value['image'].rpartition('/')
    value['camera_info'] = value['camera_info'] or f'{folder}{slash}camera_info'
    sim_time = value['use_sim_time'] or ('true' if value['bag'] else '')
    clock = {'use_sim_time': sim_time.lower() == 'true'} if sim_time else {}
    optional = ('cameras', 'checkpoint', 'device', 'image_transport')
    overrides = {name: value[name] for name in optional if value[name]}
    if value['autostart']:
        overrides['autostart'] = value['autostart'].lower() == 'true'
    prefixes = [f'{name.strip()}/' for name in value['cameras'].split(',') if name.strip()]
    if len(prefixes) > 1 and value['image'].startswith('/'):
        raise ValueError(
            f'image is {value["image"]}, which is one topic, and cameras names several: give its '
            f'name below that of each camera, such as image_raw'
        )
    if not Path(value['params_file']).is_file():  # launch would go on with the defaults
        raise ValueError(
            f'params_file is {value["params_file"]}, and there is no such file: give its whole '
            f'path, without ~'
        )
    actions = []
    # Before any process: Fast DDS loses images that do not fit into its default segment.
    chosen = [os.environ[name] for name in PROFILES if name in os.environ]
    profile = chosen[0] if chosen else str(SHARE / 'config' / 'fastdds.xml')
    missing = [name for name in PROFILES if name not in os.environ]
    actions += [SetEnvironmentVariable(name, profile) for name in missing]
    actions.append(
        Node(
            package='grin_ros',
            executable='depth_node',
            name='grin_depth',
            namespace=value['namespace'],
            parameters=[value['params_file'], *filter(None, [clock | overrides])],
            remappings=[
                (prefix + topic, _below(prefix, value[topic]))
                for prefix in prefixes or ['']
                for topic in ('image', 'camera_info', 'points_prompt')
                if value[topic]
            ],
            ros_arguments=['--log-level', value['log_level']],
            respawn=value['respawn'].lower() == 'true',
            respawn_delay=RESPAWN_DELAY,
            output='screen',
        )
    )
    if value['rviz'].lower() == 'true':
        view = str(SHARE / 'rviz' / 'depth.rviz')
        actions.append(
            Node(
                package='rviz2',
                executable='rviz2',
                name='grin_rviz',
                namespace='/'.join(filter(None, [value['namespace'], *prefixes[:1]])).rstrip('/'),
                arguments=['-d', view, '-f', value['fixed_frame']],
                parameters=[clock] if clock else [],
            )
        )
    if value['bag']:
        actions.append(
            ExecuteProcess(cmd=['ros2', 'bag', 'play', value['bag'], '--clock'], output='screen')
        )
    return actions


def _below(prefix: str, topic: str) -> str:
    return topic if topic.startswith('/') else prefix + topic
