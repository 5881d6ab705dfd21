# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node's parameters: what can be set, what is refused and with which reason, the manual."""

from __future__ import annotations

from array import array
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest
import yaml

rclpy = pytest.importorskip('rclpy')

from rclpy.exceptions import ParameterException  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402

from grin_ros.depth import DepthConfig  # noqa: E402
from grin_ros.ros.node_config import NodeConfig  # noqa: E402
from grin_ros.ros.parameters import declare_parameters, revise  # noqa: E402

MANUAL = Path(__file__).resolve().parents[1] / 'config' / 'depth_node.yaml'


@pytest.fixture
def make_node(ros_domain_id):
    """Return a function: parameters of the command line -> a bare node."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain_id)
    nodes = []

    def make(**values):
        given = [Parameter(name, value=value) for name, value in values.items()]
        node = rclpy.create_node(f'bare{len(nodes)}', context=context, parameter_overrides=given)
        nodes.append(node)
        return node

    yield make
    for node in nodes:
        node.destroy_node()
    context.try_shutdown()


def test_manual_states_every_parameter_and_its_default():
    text = MANUAL.read_text()
    values = yaml.safe_load(text)['/**']['ros__parameters']
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    assert values == asdict(NodeConfig())
    for name in values:
        line = next(line for line in text.splitlines() if line.strip().startswith(f'{name}:'))
        assert '# ' in line, f'{name} has no explanation'


def test_depth_limits_are_those_of_the_library():
    config = NodeConfig()
    assert (config.min_depth, config.max_depth) == (DepthConfig().min, DepthConfig().max)


def test_declared_with_description_and_range(make_node):
    node = make_node(samples=4, max_relative_std=0.2)
    config = declare_parameters(node)
    assert config == NodeConfig(samples=4, max_relative_std=0.2)
    for item in fields(NodeConfig):
        descriptor = node.describe_parameter(item.name)
        assert len(descriptor.description) > 20
        assert 'Takes effect' in descriptor.additional_constraints
    assert node.describe_parameter('samples').integer_range[0].from_value == 1
    assert node.describe_parameter('max_depth').floating_point_range[0].from_value == 0.0
    assert 'raw, compressed' in node.describe_parameter('image_transport').additional_constraints
    assert node.describe_parameter('autostart').read_only
    assert not node.describe_parameter('steps').read_only


@pytest.mark.parametrize(
    'values', [{'samples': 0}, {'steps': -1}, {'max_depth': -1.0}, {'steps': 'many'}]
)
def test_ros_refuses_what_is_out_of_range(make_node, values):
    with pytest.raises(ParameterException, match=next(iter(values))):
        declare_parameters(make_node(**values))


@pytest.mark.parametrize(
    ('values', 'reason'),
    [
        ({'intrinsics': 'guess'}, 'intrinsics.*camera_info, parameters, none'),
        ({'intrinsics': 'parameters'}, 'fx is 0: set fx at the same time'),
        ({'distortion': (float('nan'),)}, 'coefficients must be finite'),
        ({'distortion': (0.1,) * 15}, 'at most 14 coefficients'),
        ({'cameras': 'front,'}, 'give different names'),
        ({'cameras': 'front, front'}, 'give different names'),
        ({'cameras': 'front/left'}, 'give different names'),
        ({'warn_latency': 20.0}, 'warn_latency is above error_latency'),
        ({'image_transport': 'theora'}, 'image_transport.*raw, compressed'),
        ({'min_depth': 5.0, 'max_depth': 5.0}, 'min_depth 5.0 is not below max_depth 5.0'),
        ({'stride': 65}, r'stride is 65: it must be within \[0, 64\]'),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(values, reason):
    with pytest.raises(ValueError, match=reason):
        NodeConfig(**values)


def test_live_parameters_change_together():
    config = revise(NodeConfig(), {'min_depth': 300.0, 'max_depth': 400.0}, configured=True)
    assert (config.min_depth, config.max_depth) == (300.0, 400.0)
    with pytest.raises(ValueError, match='is not below max_depth 200'):
        revise(config, {'max_depth': 200.0}, configured=True)


@pytest.mark.parametrize(
    'change',
    [{'device': 'cpu'}, {'image_transport': 'compressed'}],
)
def test_the_others_wait_for_the_next_configuration(change):
    (name, value), *_ = change.items()
    with pytest.raises(ValueError, match=f'{name} takes effect when the node is configured'):
        revise(NodeConfig(), change, configured=True)
    assert getattr(revise(NodeConfig(), change, configured=False), name) == value


def test_the_checkpoint_can_be_named_before_a_reload():
    config = revise(NodeConfig(), {'checkpoint': 'a.safetensors'}, configured=True)
    assert config.checkpoint == 'a.safetensors'


def test_names_of_cameras():
    assert NodeConfig().camera_names == ('',)
    assert NodeConfig(cameras='front, left').camera_names == ('front', 'left')


def test_foreign_parameters_and_repetitions_are_let_through():
    config = NodeConfig()
    assert revise(config, {'use_sim_time': True, 'device': 'auto'}, configured=True) == config


@pytest.mark.parametrize('kind', [list, lambda values: array('d', values)])
def test_the_present_value_in_another_container_is_no_change(kind):
    config = NodeConfig(prompt_extrinsic=(1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0))
    changes = {'prompt_extrinsic': kind(config.prompt_extrinsic), 'steps': 2}
    assert revise(config, changes, configured=True) == replace(config, steps=2)
    with pytest.raises(ValueError, match='prompt_extrinsic takes effect when'):
        revise(config, changes | {'prompt_extrinsic': kind([0.0])}, configured=True)
