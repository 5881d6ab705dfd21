# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Image encoders: image to multi-scale feature maps, brought to one width (GRIN sec. 4.2, 4.3).

`resnet` is trained from scratch, as the paper claims suffices; `hiera` is SAM 2's trunk (Hiera-
Tiny, Apache-2.0), the nearest relative of what the authors used in their next paper, and may be
frozen. A frozen encoder's maps can be computed once and kept: `GRIN.condition` takes maps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from grin_ros.models.hiera import Hiera


@dataclass(frozen=True)
class EncoderConfig:
    """Which encoder makes the feature maps."""

    kind: str = 'resnet'  # resnet | hiera
    width: int = 64  # channels of the first residual stage (resnet)
    blocks: tuple[int, ...] = (2, 2, 2, 2)  # residual blocks per stage (resnet: ResNet-18)
    stages: int = 3  # stages of the trunk that are kept (hiera)
    frozen: bool = False  # no gradient into the encoder

    def __post_init__(self):
        if self.kind not in ('resnet', 'hiera'):
            raise ValueError(f"encoder.kind is '{self.kind}'; choose resnet or hiera")
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
    else:
        encoder = ResNet(config.width, config.blocks)
    return encoder.requires_grad_(not config.frozen)


class Standardise(nn.Module):
    """
    Take off each channel's running mean and divide by its running deviation.

    Unlike batch norm it uses the running figures in training as well, so that a batch of streets
    is not made to look like a batch of rooms, and evaluation sees what training saw. A forward
    pass in training only counts; `absorb` takes the counts of a whole step in, from whichever
    passes and processes they came, so that the step does not depend on how it was cut.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.register_buffer('mean', torch.zeros(channels))
        self.register_buffer('var', torch.ones(channels))
        self.register_buffer('updates', torch.zeros(()))
        self.register_buffer('counted', self._nothing(), persistent=False)

    def _nothing(self) -> torch.Tensor:
        return torch.zeros(3, len(self.mean), dtype=torch.float64, device=self.mean.device)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, C, H, W) to the same shape, about zero mean and unit variance per channel."""
        if self.training:
            with torch.no_grad():
                var, mean = (
                    v.double() for v in torch.var_mean(x.float(), (0, 2, 3), correction=0)
                )
                moments = torch.stack([torch.ones_like(mean), mean, var + mean.square()])
                self.counted += x[:, 0].numel() * moments
        scale = (self.var + 1e-5).rsqrt()
        return (x - self.mean[:, None, None]) * scale[:, None, None]

    @torch.no_grad()
    def absorb(self, counted: torch.Tensor) -> None:
        """
        Move the running figures towards those of a step, and count from zero again.

        counted: (3, C) float64: number, sum and sum of squares of the values, of all processes
        """
        number, mean, square = counted
        mean, square = mean / number, square / number
        # A step that is not finite is skipped; nothing of it may stay in here.
        good = torch.isfinite(square).all()
        self.updates += good
        weight = (1 / self.updates.clamp(min=1)).clamp(min=0.01)
        for kept, new in ((self.mean, mean), (self.var, square - mean.square())):
            kept.copy_(torch.where(good, torch.lerp(kept, new.to(kept), weight), kept))
        self.counted = self._nothing()


def absorb_counts(
    layers: Sequence[Standardise], add_up: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    """
    Let every layer take in what it has counted since the last time.

    add_up: sums a tensor over all processes
    """
    if not layers:
        return
    counted = add_up(torch.cat([layer.counted for layer in layers], dim=1))
    parts = counted.split([layer.counted.shape[1] for layer in layers], dim=1)
    for layer, part in zip(layers, parts, strict=True):
        layer.absorb(part)


class ConvBlock(nn.Module):
    """Depth-wise 7x7 convolution and feed-forward with a shortcut (ConvNeXt, 2201.03545)."""

    def __init__(self, dim: int):
        super().__init__()
        self.spatial = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.GroupNorm(1, dim)
        self.mlp = nn.Sequential(nn.Conv2d(dim, 3 * dim, 1), nn.GELU(), nn.Conv2d(3 * dim, dim, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, dim, H, W) to the same shape."""
        return x + self.mlp(self.norm(self.spatial(x)))


class Neck(nn.Module):
    """
    Bring maps of all scales to one width and let coarse context flow into the fine ones.

    Maps are standardised per channel (a frozen trunk's channels have means many deviations away
    from zero, which slows learning several times) and brought to one width. Those coarser than
    stride 16 are added to the map at stride 16, where context is mixed: `blocks` convolution
    blocks there, one on each finer map but the finest, which holds most of the pixels and would
    cost more than all others. This is the shallow, always trained part on top of an encoder that
    may be frozen.

    jitter: largest random shift, in deviations, of every channel of an image in training. What
        makes pictures of one camera or one renderer alike sits in the channels' means; without
        this they give away which data set, and so which distances, an image comes from.
    """

    STRIDE = 16  # of the coarsest map that comes out

    def __init__(
        self, channels: tuple[int, ...], strides: tuple[int, ...], dim: int, blocks: int,
        jitter: float = 0.0,
    ):  # fmt: skip
        super().__init__()
        self.jitter = jitter
        self.strides = tuple(s for s in strides if s <= self.STRIDE)
        self.norm = nn.ModuleList(Standardise(c) for c in channels)
        self.lateral = nn.ModuleList(nn.Conv2d(c, dim, 1) for c in channels)
        counts = [1] * (len(self.strides) - 2) + [blocks]
        self.mix = nn.ModuleList(
            nn.Sequential(*(ConvBlock(dim) for _ in range(n))) for n in counts
        )

    def forward(
        self, maps: list[torch.Tensor], geometry: torch.Tensor | None = None,
        seeds: list[int] | None = None,
    ) -> list[torch.Tensor]:  # fmt: skip
        """
        Map (B, C_s, H_s, W_s) of every scale s, fine to coarse, to (B, dim, H_s, W_s).

        geometry: (B, dim, H / 16, W / 16), added to the coarsest map that comes out, or None
        seeds: of each image's random shift, so that it does not depend on the others in its
            batch; None = any
        returns: maps of the strides in `strides`
        """
        maps = [norm(x) for norm, x in zip(self.norm, maps, strict=True)]
        if self.training and self.jitter:
            maps = self._shifted(maps, seeds)
        maps = [conv(x) for conv, x in zip(self.lateral, maps, strict=True)]
        for i in reversed(range(len(maps))):
            if i + 1 < len(maps):
                above = F.interpolate(maps[i + 1], size=maps[i].shape[-2:], mode='bilinear')
                maps[i] = maps[i] + above
            if i == len(self.strides) - 1 and geometry is not None:
                maps[i] = maps[i] + geometry
            if 0 < i < len(self.strides):
                maps[i] = self.mix[i - 1](maps[i])
        return maps[: len(self.strides)]

    def _shifted(self, maps: list[torch.Tensor], seeds: list[int] | None) -> list[torch.Tensor]:
        """Shift every channel of every image."""
        shifts = []
        for seed in seeds or torch.randint(2**31, (len(maps[0]),)).tolist():
            generator = torch.Generator().manual_seed(seed)
            share = self.jitter * torch.rand((), generator=generator)
            widths = [x.shape[1] for x in maps]
            shifts.append((share * torch.randn(sum(widths), generator=generator)).split(widths))
        return [
            x + torch.stack(shift)[:, :, None, None].to(x)
            for x, shift in zip(maps, zip(*shifts, strict=True), strict=True)
        ]
