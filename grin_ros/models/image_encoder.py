# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Image encoders: image to multi-scale feature maps (GRIN sec. 4.2).

`resnet` is trained from scratch, as the paper claims suffices; `hiera` is SAM 2's trunk (Hiera-
Tiny, Apache-2.0), the nearest relative of what the authors used in their next paper;
`efficientnet_lite0` and `resnet50` were trained on ImageNet (`imagenet.py`). All but the first
may be frozen. A frozen encoder's maps can be computed once and kept: `GRIN.condition` takes maps.
"""

from __future__ import annotations

from dataclasses import dataclass

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

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"encoder.kind is '{self.kind}'; choose one of {', '.join(KINDS)}")
        if not 3 <= self.stages <= 4:
            raise ValueError(f'encoder.stages is {self.stages}; Hiera keeps 3 or 4')


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


def build_encoder(config: EncoderConfig) -> nn.Module:
    """Build the encoder; it has `channels` and `strides`, one of each per map."""
    if config.kind == 'hiera':
        encoder = Hiera(config.stages)
    elif config.kind == 'efficientnet_lite0':
        encoder = EfficientNetLite0()
    elif config.kind == 'resnet50':
        encoder = ResNet50()
    else:
        encoder = ResNet(config.width, config.blocks)
    return encoder.requires_grad_(not config.frozen)
