# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The Efficient U-Net of DepthGen (arXiv 2302.14816), a denoiser of whole maps (B, 1, H, W).

The noisy map and the image enter together, and what is predicted is as large as the map. As in
Imagen (2205.11487, app. B): most blocks work at low resolution, resolution falls before and rises
after a level's convolutions, and skip connections are scaled by 1 / sqrt(2).
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import torch
from torch import nn
from torch.nn import functional as F

from grin_ros.camera import Camera
from grin_ros.models.embeddings import GammaEmbedding
from grin_ros.models.layers import Attention, FeedForward

SKIP = 1 / math.sqrt(2)
IMAGE = 3  # channels of the condition
GROUPS = 8  # of group normalisation


@dataclass(frozen=True)
class UNetConfig:
    """Sizes of the network; one multiplier and one number of blocks for each level."""

    channels: int = 1  # of what is denoised: 1 depth, 3 a picture (pre-training)
    dim: int = 64  # width of the first level
    multipliers: tuple[int, ...] = (1, 2, 4, 8)  # widths of the levels in units of dim
    blocks: tuple[int, ...] = (1, 2, 4, 4)  # residual blocks of the levels, down and again up
    heads: int = 8  # of attention, at the lowest level

    def __post_init__(self):
        if self.channels not in (1, 3):
            raise ValueError(f'channels is {self.channels}; it must be 1 (depth) or 3 (a picture)')
        if len(self.multipliers) != len(self.blocks) or not self.blocks:
            raise ValueError(
                f'{len(self.multipliers)} multipliers do not fit {len(self.blocks)} blocks; '
                'give one of each per level'
            )
        if self.dim % GROUPS or min(self.dim, *self.blocks, *self.multipliers) < 1:
            raise ValueError(
                f'dim must be a multiple of {GROUPS}, blocks and multipliers positive: {self}'
            )
        if self.heads < 1 or self.dim * self.multipliers[-1] % self.heads:
            raise ValueError(
                f'the lowest width {self.dim * self.multipliers[-1]} is not a multiple of '
                f'{self.heads} heads'
            )

    @property
    def stride(self) -> int:
        """Pixels per cell of the lowest level; the sides of a map are multiples of it."""
        return 2 ** len(self.blocks)


class UNet(nn.Module):
    """The denoiser of DepthGen; see `grin_ros.models.Denoiser` for the contract."""

    float32_layers = ('last',)

    def __init__(self, config: UNetConfig):
        super().__init__()
        self.config = config
        dim, embedding = config.dim, 4 * config.dim
        widths = [dim * m for m in config.multipliers]
        self.gamma = GammaEmbedding(embedding)
        self.first = nn.Conv2d(config.channels + IMAGE, dim, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for finer, width, count in zip([dim, *widths], widths, config.blocks):
            lowest = len(self.down) + 1 == len(widths)
            self.down.append(Down(finer, width, count, embedding))
            self.up.append(Up(width, finer, count, embedding, skip=not lowest))
        self.attention = SelfAttention(widths[-1], config.heads)
        self.norm = nn.GroupNorm(GROUPS, 2 * dim)
        self.last = nn.Conv2d(2 * dim, config.channels, 3, padding=1)
        # The answer starts as the mean of noise.
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def encode(
        self, image: torch.Tensor, camera: Camera | None = None, uv: torch.Tensor | None = None
    ) -> torch.Tensor:
        """
        Give the image as the network wants it; there is nothing to compute ahead.

        image: (B, 3, H, W) in [0, 1]
        camera, uv: not used; DepthGen learns the focal length of its training, and knows no pixels
        returns: (B, 3, H, W) in [-1, 1]
        """
        height, width = image.shape[-2:]
        if height % self.config.stride or width % self.config.stride:
            raise ValueError(
                f'an image of {width}x{height} pixels does not fit this U-Net; its sides must be '
                f'multiples of {self.config.stride}'
            )
        return 2 * image - 1

    def forward(
        self, x_t: torch.Tensor, gamma: torch.Tensor, cond: torch.Tensor, state: None = None
    ) -> tuple[torch.Tensor, None]:
        """
        Predict the target for every pixel; see `Denoiser.forward`.

        x_t: (B, channels, H, W)
        gamma: (B,)
        cond: (B, 3, H, W), from `encode`
        returns: as x_t, and no state
        """
        embedding = F.silu(self.gamma(gamma))
        x = self.first(torch.cat([x_t, cond], dim=1))
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x, embedding)
        x = self.attention(x)
        for up in reversed(self.up):
            x = up(x, embedding)
            x = torch.cat([x, SKIP * skips.pop()], dim=1)
        # Whatever the network computes in: bfloat16 knows 256 depths between two powers of 2,
        # which are terraces in a point cloud.
        with torch.autocast(x.device.type, enabled=False):
            return self.last(F.silu(self.norm(x.float()))), None


class Down(nn.Module):
    """One level on the way down: half the resolution first, then residual blocks."""

    def __init__(self, finer: int, width: int, count: int, embedding: int):
        super().__init__()
        self.shrink = nn.Conv2d(finer, width, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(Residual(width, width, embedding) for _ in range(count))

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """Map (B, finer, H, W) to (B, width, H / 2, W / 2)."""
        x = self.shrink(x)
        for block in self.blocks:
            x = block(x, embedding)
        return x


class Up(nn.Module):
    """One level on the way up: residual blocks first, then twice the resolution."""

    def __init__(self, width: int, finer: int, count: int, embedding: int, skip: bool):
        super().__init__()
        inner = [2 * width if skip else width] + [width] * (count - 1)
        self.blocks = nn.ModuleList(Residual(n, width, embedding) for n in inner)
        self.grow = nn.Conv2d(width, finer, 3, padding=1)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """Map (B, width or twice that with a skip, H, W) to (B, finer, 2 H, 2 W)."""
        for block in self.blocks:
            x = block(x, embedding)
        return self.grow(F.interpolate(x, scale_factor=2.0, mode='nearest'))


class Residual(nn.Module):
    """Two convolutions with a shortcut; the noise level scales and shifts between them."""

    def __init__(self, dim: int, width: int, embedding: int):
        super().__init__()
        self.norm_1, self.norm_2 = nn.GroupNorm(GROUPS, dim), nn.GroupNorm(GROUPS, width)
        self.conv_1 = nn.Conv2d(dim, width, 3, padding=1)
        self.conv_2 = nn.Conv2d(width, width, 3, padding=1)
        self.level = nn.Linear(embedding, 2 * width)
        self.shortcut = nn.Identity() if dim == width else nn.Conv2d(dim, width, 1)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """Map (B, dim, H, W) to (B, width, H, W); embedding: (B, E)."""
        scale, shift = self.level(embedding)[..., None, None].chunk(2, dim=1)
        y = self.conv_1(F.silu(self.norm_1(x)))
        y = self.conv_2(F.silu(self.norm_2(y) * (1 + scale) + shift))
        return self.shortcut(x) + y


class SelfAttention(nn.Module):
    """Attention between all cells of a map, and a feed-forward layer."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, width, heads)
        self.feed_forward = FeedForward(width, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, width, H, W) to the same shape."""
        y = x.flatten(2).transpose(1, 2)
        z = self.norm_1(y)
        y = y + self.attention(z, [self.attention.keys_values(z)])
        y = y + self.feed_forward(self.norm_2(y))
        return y.transpose(1, 2).unflatten(2, x.shape[-2:])


def depth_weights(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """
    Turn the weights of a denoiser of pictures (6 channels in, 3 out) into depth's (4 in, 1 out).

    Only the first and the last layer change: depth enters as a grey picture would, in all three
    channels, and the mean of the three predictions comes out.

    weights: of a `UNet` with channels = 3
    returns: those of a `UNet` with channels = 1
    """
    first, last = weights['first.weight'], weights['last.weight']
    if first.shape[1] != 2 * IMAGE or len(last) != IMAGE:
        raise ValueError(
            f'weights with {first.shape[1]} channels in and {len(last)} out are no pre-trained '
            'ones; they have 6 and 3'
        )
    noisy, image = first.split(IMAGE, dim=1)
    return {
        **weights,
        'first.weight': torch.cat([noisy.sum(1, keepdim=True), image], dim=1),
        'last.weight': last.mean(0, keepdim=True),
        'last.bias': weights['last.bias'].mean(0, keepdim=True),
    }
