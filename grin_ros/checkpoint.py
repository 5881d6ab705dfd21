# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Checkpoints: safetensors with the resolved configuration in the metadata, loaded strictly.

A checkpoint is the only thing that training hands to the node. Nothing in it is ever unpickled.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
import json
import os
from pathlib import Path
import sys
from typing import Any, ClassVar, Literal

from safetensors import safe_open, SafetensorError
from safetensors.torch import save_file
import torch

from grin_ros.config import from_dict, to_dict
from grin_ros.depth import DepthConfig
from grin_ros.diffusion.schedule import ScheduleConfig, TARGETS
from grin_ros.models import Denoiser
from grin_ros.models.grin import GRIN, GRINConfig
from grin_ros.models.unet import UNet, UNetConfig
from grin_ros.packing import pack, unpack
from grin_ros.uncertainty import UncertaintyConfig

DEFAULT_NAME = 'grin_small.safetensors'


@dataclass(frozen=True)
class ModelConfig:
    """Everything that turns an image and a camera into metric depth: network and algebra."""

    dense: ClassVar[bool] = False  # whether whole maps are denoised, not single pixels

    kind: Literal['grin'] = 'grin'
    network: GRINConfig = field(default_factory=GRINConfig)
    depth: DepthConfig = field(default_factory=DepthConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    uncertainty: UncertaintyConfig = field(default_factory=UncertaintyConfig)
    target: str = 'x_0'  # what the network predicts: eps | x_0 | v
    pixels: int = 81920  # the image is fitted to about so many pixels before it is encoded
    steps: int = 4  # denoising steps by default
    stride: int = 4  # every stride-th pixel of the fitted image is queried by default

    def __post_init__(self):
        if self.target not in TARGETS:
            raise ValueError(f"target is '{self.target}'; choose {', '.join(TARGETS)}")
        for name in ('pixels', 'steps', 'stride'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} is {getattr(self, name)}; it must be at least 1')
        if self.error_head and (self.target != 'x_0' or self.depth.kind == 'linear'):
            raise ValueError('error_head needs target x_0 and a logarithm of depth; leave it out')

    @property
    def error_head(self) -> bool:
        """Whether the network tells, beside depth, how wrong it may be."""
        return not self.dense and self.network.error_head

    @property
    def frozen(self) -> bool:
        """Whether a part of the network, its encoder, is never trained."""
        return self.network.encoder.frozen

    @property
    def architecture(self) -> GRINConfig:
        """The network that weights fit, whether or not its encoder is trained."""
        return replace(self.network, encoder=replace(self.network.encoder, frozen=False))


@dataclass(frozen=True)
class DepthGenConfig(ModelConfig):
    """
    The same of DepthGen, whose network denoises whole depth maps (arXiv 2302.14816).

    Several samples are averaged. With network.channels = 3 it is the model of pictures that
    `grin pretrain` makes, and knows no depth yet.
    """

    dense: ClassVar[bool] = True

    kind: Literal['depthgen'] = 'depthgen'
    network: UNetConfig = field(default_factory=UNetConfig)
    depth: DepthConfig = field(default_factory=lambda: DepthConfig('linear', 0.1, 10.0))
    schedule: ScheduleConfig = field(default_factory=lambda: ScheduleConfig('cosine'))
    target: str = 'eps'
    pixels: int = 76800  # 240 x 320
    steps: int = 128
    stride: int = 1
    sampler: Literal['ddpm', 'ddim'] = 'ddpm'  # ancestral | deterministic

    @property
    def frozen(self) -> bool:
        """Whether a part of the network is never trained."""
        return False

    @property
    def architecture(self) -> UNetConfig:
        """The network that weights fit."""
        return self.network


# What a checkpoint or a recipe may describe; `kind` says which.
AnyModelConfig = ModelConfig | DepthGenConfig


def build_model(config: ModelConfig) -> Denoiser:
    """Build the network of a configuration, with fresh weights."""
    return UNet(config.network) if config.dense else GRIN(config.network)


def save(
    path: str | Path, model: Denoiser, config: ModelConfig, half: bool = False, **metadata: Any
) -> None:
    """
    Write a checkpoint; a reader never sees half of it.

    half: store float16, which loads as float32 again
    metadata: JSON-able facts of the training, shown by `grin info`
    """
    dtype = torch.float16 if half else torch.float32
    tensors = {name: value.to(dtype).contiguous() for name, value in model.state_dict().items()}
    _write(Path(path), tensors, config, metadata)


def amend(
    path: str | Path, output: str | Path, config: ModelConfig, metadata: dict[str, Any],
    packed: bool = False,
) -> None:  # fmt: skip
    """
    Write a checkpoint's weights with another configuration and metadata.

    packed: in few bytes (see `packing`), for a file to ship; else untouched
    """
    _, tensors = _read(Path(path))
    if packed:
        places = config.network.encoder.coarsely_stored if config.frozen else ()
        tensors = pack(unpack(tensors), tuple(f'encoder.{place}' for place in places))
    _write(Path(output), tensors, config, metadata)


def _write(path: Path, tensors: dict, config: ModelConfig, metadata: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {'config': json.dumps(to_dict(config)), 'metadata': json.dumps(metadata)}
    partial = path.with_name(path.name + '.partial')
    save_file(tensors, partial, metadata=header)
    os.replace(partial, path)


def load(
    path: str | Path, device: str | torch.device = 'cpu'
) -> tuple[Denoiser, ModelConfig, dict]:
    """
    Read a checkpoint written by `save`.

    returns: the model in evaluation mode on the device, its configuration and its metadata
    raises: FileNotFoundError, or ValueError saying what does not fit
    """
    header, tensors = _read(Path(path))
    described = _part(path, header, 'config')
    try:
        config = from_dict(AnyModelConfig, described, f'checkpoint {path}')
    except ValueError as error:
        raise ValueError(
            f'{str(error).rstrip(".")}; another version of grin_ros wrote it: train it again with '
            'this one, or leave it out to take the shipped weights'
        ) from error
    model = build_model(config)
    expected = model.state_dict()
    tensors = unpack(tensors)
    missing = sorted(expected.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - expected.keys())
    wrong = [n for n, t in tensors.items() if n in expected and t.shape != expected[n].shape]
    if missing or unexpected or wrong:
        raise ValueError(
            f'checkpoint {path} does not fit its own configuration: {len(missing)} tensors '
            f'missing {missing[:2]}, {len(unexpected)} unexpected {unexpected[:2]}, '
            f'{len(wrong)} of another shape {wrong[:2]}; train or download it again'
        )
    model.load_state_dict(tensors)
    model.to(device).eval().requires_grad_(False)
    return model, config, _part(path, header, 'metadata')


def read_metadata(path: str | Path) -> dict:
    """Read the metadata alone, without the weights; raises as `load`."""
    return _part(path, _read(Path(path), weights=False)[0], 'metadata')


def _part(path: str | Path, header: dict[str, str], name: str) -> dict:
    try:
        part = json.loads(header.get(name, '{}'))
    except (ValueError, RecursionError):
        part = None
    if not isinstance(part, dict):
        raise ValueError(
            f'checkpoint {path} has a broken {name} entry; train or download it again'
        )
    return part


def _read(path: Path, weights: bool = True) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Header and tensors of a safetensors file that holds a configuration."""
    if not path.is_file():
        raise FileNotFoundError(f'there is no checkpoint {path}; give the path of a .safetensors')
    try:
        with safe_open(path, framework='pt') as file:
            header = file.metadata() or {}
            names = file.keys() if weights else ()
            tensors = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ValueError(f'{path} is not a readable safetensors file ({error})') from None
    if 'config' not in header:
        raise ValueError(
            f'{path} holds no grin_ros configuration; make checkpoints with `grin train`'
        )
    return header, tensors


def default_checkpoint() -> Path:
    """
    Path of the weights that ship with the package: source tree, else an installed share/.

    raises: FileNotFoundError naming the places that were looked at
    """
    here = Path(__file__).resolve()
    prefixes = [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    prefixes += [Path(sys.prefix), *here.parents[3:6]]
    folders = [here.parents[1] / 'weights']
    folders += [prefix / 'share' / 'grin_ros' / 'weights' for prefix in prefixes]
    for folder in folders:
        if (folder / DEFAULT_NAME).is_file():
            return folder / DEFAULT_NAME
    raise FileNotFoundError(
        f'the default weights {DEFAULT_NAME} are in none of {", ".join(map(str, folders))}; '
        'give a checkpoint'
    )
