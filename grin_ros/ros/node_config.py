# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Every parameter of the node: default, meaning, when it takes effect, and what it may be."""

from __future__ import annotations

from dataclasses import dataclass, fields
import re

from grin_ros.depth import DepthConfig
from grin_ros.distortion import Distortion
from grin_ros.ros.cloud_parameters import CloudParameters
from grin_ros.ros.parameter import CONFIGURE, RELOAD, START
from grin_ros.ros.parameter import parameter as _parameter
from grin_ros.ros.prompt_parameters import PromptParameters

_NAME = re.compile('[A-Za-z][A-Za-z0-9_]*')


@dataclass(frozen=True)
class NodeConfig(PromptParameters, CloudParameters):
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
        'camera_info', 'camera_info: frames wait for a usable CameraInfo; parameters: fx, fy, cx, '
        'cy and distortion count; none: the camera is unknown, fx = cx = width / 2 and '
        'fy = cy = height / 2.', choices=('camera_info', 'parameters', 'none'),
    )  # fmt: skip
    fx: float = _parameter(
        0.0, 'Focal length of the image as it comes, for intrinsics: parameters [px].',
        low=0.0, high=1e5,
    )  # fmt: skip
    fy: float = _parameter(
        0.0, 'Vertical focal length, for intrinsics: parameters [px]; 0 = fx.', low=0.0, high=1e5
    )
    cx: float = _parameter(
        0.0, 'Column of the optical axis, for intrinsics: parameters [px]; 0 = the middle.',
        low=0.0, high=1e5,
    )  # fmt: skip
    cy: float = _parameter(
        0.0, 'Row of the optical axis, for intrinsics: parameters [px]; 0 = the middle.',
        low=0.0, high=1e5,
    )  # fmt: skip
    distortion_model: str = _parameter(
        'plumb_bob', 'Meaning of distortion, for intrinsics: parameters.',
        choices=('plumb_bob', 'rational_polynomial', 'equidistant'),
    )  # fmt: skip
    distortion: tuple[float, ...] = _parameter(
        (0.0,), 'Coefficients k1, k2, p1, p2, k3 ... (equidistant: k1 to k4), for intrinsics: '
        'parameters; the missing ones are zero.',
    )  # fmt: skip
    rectify: str = _parameter(
        'auto', 'always: the images are raw, K and D count and the node takes the distortion out; '
        'never: they are rectified already, P counts; auto: as never where the last part of the '
        'name of the image topic has the word rect, as image_rect_color, else as always.',
        choices=('auto', 'always', 'never'),
    )  # fmt: skip
    max_info_age: float = _parameter(
        0.0, 'Frames whose stamp is farther than this from their CameraInfo are refused [s]; 0 '
        'takes any, as for a CameraInfo that is sent once.', low=0.0, high=1e6,
    )  # fmt: skip
    min_depth: float = _parameter(
        DepthConfig().min, 'Nearer depth is published as unknown [m].', low=0.0, high=1e4
    )
    max_depth: float = _parameter(
        DepthConfig().max, 'Farther depth is published as unknown [m].', low=0.0, high=1e4
    )
    max_relative_std: float = _parameter(
        0.0, 'Depth whose std / depth is above this is published as unknown; 0 keeps all; needs '
        'samples >= 2 where the checkpoint has no calibrated error_head.', low=0.0, high=10.0,
    )  # fmt: skip
    image_transport: str = _parameter(
        'raw', 'raw: subscribe image; compressed: subscribe image/compressed.', CONFIGURE,
        choices=('raw', 'compressed'),
    )  # fmt: skip
    max_age: float = _parameter(
        0.0, 'Images that are older than this when their turn comes are refused [s]; 0 takes any.',
        low=0.0, high=1e6,
    )  # fmt: skip
    warn_silence: float = _parameter(
        2.0, 'Without an image for so long, the diagnostics of the input warn [s].',
        low=0.1, high=1e6,
    )  # fmt: skip
    error_silence: float = _parameter(
        10.0, 'Without an image for so long, the diagnostics of the input are an error [s].',
        low=0.1, high=1e6,
    )  # fmt: skip
    warn_stamp_offset: float = _parameter(
        5.0, 'Stamps farther than this from the clock of the node make the diagnostics of the '
        'input warn [s].', low=0.01, high=1e6,
    )  # fmt: skip
    warn_latency: float = _parameter(
        2.0, 'A median time from stamp to publication above this makes the diagnostics of the '
        'output warn [s].', low=0.001, high=1e6,
    )  # fmt: skip
    error_latency: float = _parameter(
        10.0, 'A median time from stamp to publication above this makes the diagnostics of the '
        'output an error [s].', low=0.001, high=1e6,
    )  # fmt: skip
    cameras: str = _parameter(
        '', 'Names of cameras that share the model, separated by commas: front,left has the '
        'topics front/image, front/depth/image, left/image and so on; empty: one camera, without '
        'a prefix.', CONFIGURE,
    )  # fmt: skip
    batch_window: float = _parameter(
        0.01, 'With several cameras: how long an image waits for those of the others, to be '
        'worked on together [s].', CONFIGURE, low=0.0, high=1.0,
    )  # fmt: skip
    autostart: bool = _parameter(
        True, 'Configure and activate at start; false waits for lifecycle transitions.', START
    )

    def __post_init__(self):
        # ROS hands arrays over as such.
        for name in ('distortion', 'prompt_extrinsic'):
            object.__setattr__(self, name, tuple(getattr(self, name)))
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
        self.check_cloud()
        self.check_prompt()
        Distortion(self.distortion_model, self.distortion)  # raises what is wrong with them
        if self.intrinsics == 'parameters' and not self.fx:
            raise ValueError('intrinsics is parameters and fx is 0: set fx at the same time')
        for name in ('silence', 'latency'):
            if getattr(self, f'warn_{name}') > getattr(self, f'error_{name}'):
                raise ValueError(f'warn_{name} is above error_{name}: set both if need be')
        names = self.camera_names
        if self.cameras and not (all(map(_NAME.fullmatch, names)) and len({*names}) == len(names)):
            raise ValueError(
                f'cameras is {self.cameras!r}: give different names of letters, digits and _, '
                f'separated by commas'
            )
        if self.min_depth >= self.max_depth:
            raise ValueError(
                f'min_depth {self.min_depth} is not below max_depth {self.max_depth}: set both '
                f'at once if need be'
            )

    @property
    def camera_names(self) -> tuple[str, ...]:
        """Prefixes of the topics, one per camera; a single empty one without `cameras`."""
        return tuple(name.strip() for name in self.cameras.split(','))
