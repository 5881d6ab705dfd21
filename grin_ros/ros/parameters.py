# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node's parameters: one dataclass, from which they are declared, described and checked."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from grin_ros.depth import DepthConfig

LIVE, RELOAD = 'at once', 'when the service reload is called'
CONFIGURE, START = 'when the node is configured', 'when the process starts'


def _parameter(default, text: str, when: str = LIVE, low=None, high=None, choices=()):
    """Declare a field with what a user needs to know of it; low and high are both allowed."""
    facts = {'text': text, 'when': when, 'low': low, 'high': high, 'choices': choices}
    return field(default=default, metadata=facts)


@dataclass(frozen=True)
class NodeConfig:
    """Every parameter of the node; config/depth_node.yaml is the manual."""

    checkpoint: str = _parameter(
        '', 'Path of a .safetensors; empty takes the weights that ship with grin_ros.', RELOAD
    )
    device: str = _parameter(
        'auto', 'Where to compute: auto (a GPU if there is one, else the CPU), cpu, cuda, cuda:1 '
        'and so on; a device that is named and absent is an error.', CONFIGURE,
    )  # fmt: skip
    steps: int = _parameter(
        0, 'Denoising steps per frame; 0 takes the default of the checkpoint.', low=0, high=1000
    )
    samples: int = _parameter(
        1, 'Independent samples per frame: depth is their median, std their spread.',
        low=1, high=64,
    )  # fmt: skip
    stride: int = _parameter(
        0, 'Ask the model for every stride-th pixel of the image that it works on; the cost falls '
        'with its square; 0 takes the default of the checkpoint.', low=0, high=64,
    )  # fmt: skip
    full_size: bool = _parameter(
        True, 'Publish at the size of the image; false publishes the grid of queried pixels, '
        'which makes a small cloud.',
    )  # fmt: skip
    seed: int = _parameter(
        0, 'Seed of the noise: the same image gives the same depth.', low=0, high=2**31 - 1
    )
    intrinsics: str = _parameter(
        'camera_info', 'camera_info: frames wait for a usable CameraInfo; none: the camera is '
        'unknown, fx = cx = width / 2 and fy = cy = height / 2.', choices=('camera_info', 'none'),
    )  # fmt: skip
    rectified: bool = _parameter(
        False, 'The images are free of lens distortion already (image_rect): use P of the '
        'CameraInfo; false uses K and D, and rectifies.',
    )  # fmt: skip
    min_depth: float = _parameter(
        DepthConfig().min, 'Nearer depth is published as unknown [m].', low=0.0, high=1e4
    )
    max_depth: float = _parameter(
        DepthConfig().max, 'Farther depth is published as unknown [m].', low=0.0, high=1e4
    )
    max_relative_std: float = _parameter(
        0.0, 'Depth whose std / depth is above this is published as unknown; 0 keeps all; needs '
        'samples >= 2.', low=0.0, high=10.0,
    )  # fmt: skip
    image_transport: str = _parameter(
        'raw', 'raw: subscribe image; compressed: subscribe image/compressed.', CONFIGURE,
        choices=('raw', 'compressed'),
    )  # fmt: skip
    autostart: bool = _parameter(
        True, 'Configure and activate at start; false waits for lifecycle transitions.', START
    )

    def __post_init__(self):
        for item in fields(self):
            value, facts = getattr(self, item.name), item.metadata
            if facts['choices'] and value not in facts['choices']:
                raise ValueError(
                    f'{item.name} is {value!r}: choose one of {", ".join(facts["choices"])}'
                )
            if facts['low'] is not None and not facts['low'] <= value <= facts['high']:
                raise ValueError(
                    f'{item.name} is {value}: it must be within [{facts["low"]}, {facts["high"]}]'
                )
        if self.min_depth >= self.max_depth:
            raise ValueError(
                f'min_depth {self.min_depth} is not below max_depth {self.max_depth}: set both '
                f'at once if need be'
            )
        if self.max_relative_std > 0 and self.samples < 2:
            raise ValueError(
                'max_relative_std has no effect with one sample: set samples to 2 or more, or '
                'max_relative_std to 0'
            )


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
    changes = {
        name: value
        for name, value in changes.items()
        if name in ours and value != getattr(config, name)
    }
    fixed = [name for name in changes if ours[name] == CONFIGURE and configured]
    if fixed:
        raise ValueError(
            f'{fixed[0]} takes effect when the node is configured: deactivate and clean up '
            f'the node, set it, and configure again'
        )
    return replace(config, **changes)
