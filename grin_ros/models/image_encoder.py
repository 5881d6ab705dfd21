# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Image encoders: image to multi-scale feature maps (GRIN sec. 4.2).

`resnet` is trained from scratch, as the paper claims suffices; `hiera` is SAM 2's trunk (Hiera-
Tiny, Apache-2.0), the nearest relative of what the authors used in their next paper;
`efficientnet_lite0` and `resnet50` were trained on ImageNet (`imagenet.py`). All but the first
may be frozen. A frozen encoder's maps can be computed once and kept: `GRIN.condition` takes maps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from grin_ros.models.hiera import Hiera
from grin_ros.models.imagenet import EfficientNetLite0, ResNet50

KINDS = ('resnet', 'hiera', 'efficientnet_lite0', 'resnet50')


@dataclass(frozen=True)
class EncoderConfig:
    """Which encoder makes the feature maps."""

    kind: str = 'resnet'  # of KINDS
    width: int = 64  # channels of the first residual stage (resnet)
    blocks: tuple[int, ...] = (2, 2, 2, 2)  # residual blocks per stage (resnet: ResNet-18)
    stages: int = 3  # stages of the trunk that are kept (hiera)
    frozen: bool = False  # no gradient into the encoder
    beside: tuple[str, ...] = ()  # of KINDS: encoders whose coarse maps join those of `kind`

    def __post_init__(self):
        for kind in self.kinds:
            if kind not in KINDS:
                raise ValueError(f"encoder.kind is '{kind}'; choose one of {', '.join(KINDS)}")
            if self.kinds.count(kind) > 1:
                raise ValueError(f'encoder.beside names {kind} again; leave it out')
        if not 3 <= self.stages <= 4:
            raise ValueError(f'encoder.stages is {self.stages}; Hiera keeps 3 or 4')

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of all encoders that look at the image."""
        return (self.kind, *self.beside)

    @property
    def coarsely_stored(self) -> tuple[str, ...]:
        """
        Where the tensors are that may be stored in 8 bits: prefixes within the encoder's state.

        Rounding costs ResNet-50 and Hiera some percent of their maps, EfficientNet-Lite0, whose
        layers are thin, up to 21 % of its own; it stays in 16 bits, which are 3 MB more.
        """
        if not self.beside:
            return () if self.kind == 'efficientnet_lite0' else ('',)
        return tuple(
            f'parts.{i}.' for i, kind in enumerate(self.kinds) if kind != 'efficientnet_lite0'
        )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with group norm and a shortcut: (B, C, H, W) -> (B, C', H', W')."""

    def __init__(self, channels: int, out: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.norm1 = nn.GroupNorm(8, out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm2 = nn.GroupNorm(8, out)
        self.shortcut = None
        if stride != 1 or channels != out:
            self.shortcut = nn.Conv2d(channels, out, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the block."""
        shortcut = x if self.shortcut is None else self.shortcut(x)
        x = F.relu(self.norm1(self.conv1(x)))
        return F.relu(shortcut + self.norm2(self.conv2(x)))


class ResNet(nn.Module):
    """
    Residual encoder, trained from scratch; group norm, so that batches may be small.

    Gives the stem at stride 2 (sharp edges) and the stages at strides 4 to 32.
    """

    def __init__(self, width: int, blocks: tuple[int, ...]):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.GroupNorm(8, width), nn.ReLU()
        )
        self.stages = nn.ModuleList()
        self.channels, self.strides = [width], [2]
        channels = width
        for i, count in enumerate(blocks):
            out = width * 2**i
            layers = [ResidualBlock(channels if j == 0 else out, out, 2 if j == 0 else 1)
                      for j in range(count)]  # fmt: skip
            self.stages.append(nn.Sequential(*layers))
            self.channels.append(out)
            self.strides.append(4 * 2**i)
            channels = out

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps, fine to coarse, of an image (B, 3, H, W) in [0, 1]."""
        maps = [self.stem(2 * image - 1)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps


class Coarse(nn.Module):
    """The maps of an encoder at STRIDE and coarser: what is seen, not where its edges are."""

    STRIDE = 16

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder
        self.first = next(i for i, s in enumerate(encoder.strides) if s >= self.STRIDE)
        self.strides = tuple(encoder.strides[self.first :])
        self.channels = tuple(encoder.channels[self.first :])

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps, fine to coarse, of an image (B, 3, H, W) in [0, 1]."""
        return self.encoder(image)[self.first :]


class Joined(nn.Module):
    """
    Encoders that look at the same image; maps of equal stride are joined along the channels.

    Which features tell depth nobody knows beforehand, and a frozen encoder learns none: two small
    ones tell more than either (docs/encoders.md).

    parts: the encoders, in the order of their channels
    """

    def __init__(self, parts: Sequence[nn.Module]):
        super().__init__()
        self.parts = nn.ModuleList(parts)
        channels = {}
        for part in parts:
            for stride, count in zip(part.strides, part.channels, strict=True):
                channels[stride] = channels.get(stride, 0) + count
        self.strides = tuple(sorted(channels))
        self.channels = tuple(channels[stride] for stride in self.strides)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Feature maps, fine to coarse, of an image (B, 3, H, W) in [0, 1]."""
        return self.join([part(image) for part in self.parts], partial(torch.cat, dim=1))

    def join(self, maps: Sequence[Sequence], cat: Callable[[list], object]) -> list:
        """
        Join what is given for each map of each part, by stride.

        cat: joins a list of them, in the order of the parts
        """
        return [
            cat([
                m for part, found in zip(self.parts, maps, strict=True)
                for s, m in zip(part.strides, found, strict=True) if s == stride
            ])
            for stride in self.strides
        ]  # fmt: skip


def by_kind(encoder: nn.Module, config: EncoderConfig) -> dict[str, nn.Module]:
    """Give the encoder of each kind within one that was built for a configuration."""
    if not config.beside:
        return {config.kind: encoder}
    first, *others = encoder.parts
    parts = (first, *(part.encoder for part in others))
    return dict(zip(config.kinds, parts, strict=True))


def build_encoder(config: EncoderConfig) -> nn.Module:
    """Build the encoder; it has `channels` and `strides`, one of each per map."""
    encoder = _build(config, config.kind)
    if config.beside:
        encoder = Joined([encoder, *(Coarse(_build(config, kind)) for kind in config.beside)])
    return encoder.requires_grad_(not config.frozen)


def _build(config: EncoderConfig, kind: str) -> nn.Module:
    if kind == 'hiera':
        return Hiera(config.stages)
    if kind == 'efficientnet_lite0':
        return EfficientNetLite0()
    if kind == 'resnet50':
        return ResNet50()
    return ResNet(config.width, config.blocks)
