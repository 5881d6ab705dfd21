# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The neck: an encoder's maps with context and rays mixed in, as conditioning (GRIN sec. 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import nn
from torch.nn import functional as F

from grin_ros.models.layers import SelfAttention


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
    Mix context and rays into an encoder's maps, from coarse to fine.

    Maps are standardised per channel (a frozen trunk's channels have means many deviations away
    from zero, which slows learning several times). Maps at stride 16 and coarser get the rays of
    the resized intrinsics and self-attention over the whole picture, so that what is where, and
    through which lens, is known before pixels are asked for; finer ones take that in and are
    sharpened by convolutions, half as wide at every finer stride. This is the part on top of an
    encoder, which may be frozen, that learns what depth looks like; the diffusion after it
    learns from its features, pixel by pixel.

    channels, strides: of the encoder's maps, fine to coarse
    dim: width at stride 16 and coarser
    layers: attention layers on the map coarser than stride 16, if there is one, and on that one
    heads: of attention
    ray_dim: width of the encoded rays, 0 = no rays
    jitter: largest random shift, in deviations, of every channel of an image in training. What
        makes pictures of one camera or one renderer alike sits in the channels' means; without
        this they give away which data set, and so which distances, an image comes from.
    """

    STRIDE = 16  # of the coarsest map that comes out
    NARROWEST = 32  # channels, unless `dim` is less
    BLOCKS = MappingProxyType({4: 1, 8: 2, 16: 1})  # convolution blocks at each stride

    def __init__(
        self, channels: Sequence[int], strides: Sequence[int], dim: int,
        layers: tuple[int, int], heads: int, ray_dim: int, jitter: float = 0.0,
    ):  # fmt: skip
        super().__init__()
        self.jitter = jitter
        widths = [min(dim, max(self.NARROWEST, dim * stride // self.STRIDE)) for stride in strides]
        self.strides = tuple(s for s in strides if s <= self.STRIDE)
        self.widths = tuple(widths[: len(self.strides)])
        self.norm = nn.ModuleList(Standardise(c) for c in channels)
        self.lateral = nn.ModuleList(
            nn.Conv2d(c, w, 1) for c, w in zip(channels, widths, strict=True)
        )
        self.context = nn.ModuleList(
            nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths)
        )
        self.ray, self.attention = nn.ModuleDict(), nn.ModuleDict()
        self.mix = nn.ModuleList()
        for i, (stride, width) in enumerate(zip(strides, widths, strict=True)):
            if stride >= self.STRIDE:
                if ray_dim:
                    self.ray[str(i)] = nn.Linear(ray_dim, width)
                count = layers[stride == self.STRIDE]
                self.attention[str(i)] = nn.Sequential(
                    *(SelfAttention(width, heads, 4) for _ in range(count))
                )
            blocks = (ConvBlock(width) for _ in range(self.BLOCKS.get(stride, 0)))
            self.mix.append(nn.Sequential(*blocks))

    def forward(
        self, maps: list[torch.Tensor], rays: Callable[[torch.Tensor], torch.Tensor],
        seeds: list[int] | None = None,
    ) -> list[torch.Tensor]:  # fmt: skip
        """
        Map (B, C_s, H_s, W_s) of every scale s, fine to coarse, to (B, width_s, H_s, W_s).

        rays: gives the encoded rays (B, h * w, ray_dim) of a map (B, C, h, w)
        seeds: of each image's random shift, so that it does not depend on the others in its
            batch; None = any
        returns: maps of the strides in `strides`, with the channels in `widths`
        """
        # Channels last, or the wide convolutions of each channel take twice as long on a CPU.
        maps = [x.contiguous(memory_format=torch.channels_last) for x in maps]
        maps = [norm(x) for norm, x in zip(self.norm, maps, strict=True)]
        if self.training and self.jitter:
            maps = self._shifted(maps, seeds)
        maps = [conv(x) for conv, x in zip(self.lateral, maps, strict=True)]
        for i in reversed(range(len(maps))):
            x, level = maps[i], str(i)
            if i + 1 < len(maps):
                above = self.context[i](maps[i + 1])
                x = x + F.interpolate(above, size=x.shape[-2:], mode='bilinear')
            if level in self.attention:
                tokens = x.flatten(2).transpose(1, 2)
                if level in self.ray:
                    tokens = tokens + self.ray[level](rays(x))
                x = self.attention[level](tokens).transpose(1, 2).unflatten(2, x.shape[-2:])
            maps[i] = self.mix[i](x)
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
