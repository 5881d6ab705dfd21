# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The file for Nav2: our part is what the node takes, and both parts agree with each other."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy')

import rclpy

from grin_ros.ros.node_config import NodeConfig
from grin_ros.ros.parameters import declare_parameters

PATH = Path(__file__).resolve().parents[1] / 'config' / 'nav2_costmap.yaml'
FILE = yaml.safe_load(PATH.read_text())
OURS = FILE['/**/grin_depth']['ros__parameters']
LAYER = FILE['local_costmap']['local_costmap']['ros__parameters']['voxel_layer']


def test_our_part_is_a_configuration():
    assert OURS.keys() <= {item.name for item in fields(NodeConfig)}
    NodeConfig(**OURS)


def test_ros_reads_the_file_for_our_node_in_any_namespace(ros_domain_id):
    context = rclpy.Context()
    arguments = ['--ros-args', '--params-file', str(PATH)]
    rclpy.init(args=arguments, context=context, domain_id=ros_domain_id)
    try:
        node = rclpy.create_node('grin_depth', namespace='pipeline', context=context)
        config = declare_parameters(node)
        node.destroy_node()
    finally:
        context.try_shutdown()
    assert {name: getattr(config, name) for name in OURS} == OURS


def test_what_is_far_clears_and_never_marks():
    mark, clear = LAYER['grin_mark'], LAYER['grin_clear']
    assert mark['topic'] == clear['topic'] == '/pipeline/points'
    assert mark['marking'] and not mark['clearing'] and clear['clearing'] and not clear['marking']
    assert mark['obstacle_max_range'] <= OURS['cloud_max_range'] < OURS['invalid_depth']
    assert LAYER['z_resolution'] * LAYER['z_voxels'] >= mark['max_obstacle_height']
    assert set(LAYER['observation_sources'].split()) <= LAYER.keys()
