# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The parameters of a NodeConfig on a node: declared, described, changed together or refused."""

from __future__ import annotations

from dataclasses import fields, replace

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from grin_ros.ros.node_config import NodeConfig
from grin_ros.ros.parameter import CONFIGURE, START


def declare_parameters(node) -> NodeConfig:
    """Declare the parameters of a node and return what the user set them to."""
    values = {}
    for item in fields(NodeConfig):
        facts = item.metadata
        descriptor = ParameterDescriptor(
            description=facts['text'],
            additional_constraints=' '.join(
                [f'Takes effect {facts["when"]}.']
                + [f'One of: {", ".join(facts["choices"])}.'] * bool(facts['choices'])
            ),
            read_only=facts['when'] == START,
        )
        if facts['low'] is not None:
            integer = isinstance(item.default, int)
            span = IntegerRange if integer else FloatingPointRange
            name = 'integer_range' if integer else 'floating_point_range'
            setattr(descriptor, name, [span(from_value=facts['low'], to_value=facts['high'])])
        values[item.name] = node.declare_parameter(item.name, item.default, descriptor).value
    return NodeConfig(**values)


def revise(config: NodeConfig, changes: dict, configured: bool) -> NodeConfig:
    """
    Return the configuration after a change, or raise a ValueError that says why not.

    changes: name -> value; names that are not ours (use_sim_time, for one) are left out
    configured: the node has its model and subscriptions, so that only live parameters can change
    """
    ours = {item.name: item.metadata['when'] for item in fields(NodeConfig)}
    revised = replace(config, **{name: changes[name] for name in changes if name in ours})
    fixed = [
        name
        for name, when in ours.items()
        if when == CONFIGURE and getattr(revised, name) != getattr(config, name)
    ]
    if fixed and configured:
        raise ValueError(
            f'{fixed[0]} takes effect when the node is configured: deactivate and clean up '
            f'the node, set it, and configure again'
        )
    return revised
