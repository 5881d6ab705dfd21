# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Trunk of SAM 2's image encoder, Hiera (arXiv 2306.00989, 2408.00714), written for inference.

Kept here, in few lines, because the library that has it would bring a hundred megabytes to a
robot. Only the first stages that are asked for are built: the last one, at stride 32, holds half
of the parameters of Hiera-Tiny.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class WindowAttention(nn.Module):
    """Self-attention inside windows (0 = everywhere), with pooled queries at a stage's start."""

    def __init__(self, dim: int, dim_out: int, heads: int, window: int, pool: bool):
        super().__init__()
        self.heads, self.window, self.pool = heads, window, pool
        self.qkv = nn.Linear(dim, 3 * dim_out)
        self.proj = nn.Linear(dim_out, dim_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend over (B, H, W, dim); returns (B, H', W', dim_out), half the size if pooled."""
        b, h, w, c = x.shape
        wh, ww = (self.window, self.window) if self.window else (h, w)
        ph, pw = -h % wh, -w % ww
        x = F.pad(x, (0, 0, 0, pw, 0, ph))
        rows, cols = (h + ph) // wh, (w + pw) // ww
        x = x.view(b, rows, wh, cols, ww, c).transpose(2, 3).reshape(-1, wh, ww, c)
        q, k, v = self.qkv(x).chunk(3, dim=-1)  # (B', wh, ww, dim_out)
        if self.pool:
            q = _max_pool(q)
            wh, ww, h, w = wh // 2, ww // 2, h // 2, w // 2
        q, k, v = (
            t.flatten(1, 2).unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v)
        )
        x = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = self.proj(x).view(b, rows, cols, wh, ww, -1).transpose(2, 3)
        return x.reshape(b, rows * wh, cols * ww, -1)[:, :h, :w]


def _max_pool(x: torch.Tensor) -> torch.Tensor:
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


class HieraBlock(nn.Module):
    """Pre-norm attention and feed-forward block; widens and pools at the start of a stage."""

    def __init__(self, dim: int, dim_out: int, heads: int, window: int, pool: bool):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = WindowAttention(dim, dim_out, heads, window, pool)
        self.norm2 = nn.LayerNorm(dim_out, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(dim_out, 4 * dim_out), nn.GELU(), nn.Linear(4 * dim_out, dim_out)
        )
        self.proj = nn.Linear(dim, dim_out) if dim != dim_out else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, H, W, dim) to (B, H', W', dim_out)."""
        normed = self.norm1(x)
        shortcut = x if self.proj is None else _max_pool(self.proj(normed))
        x = shortcut + self.attn(normed)
        return x + self.mlp(self.norm2(x))


class Hiera(nn.Module):
    """
    The first `stages` stages of Hiera-Tiny as in SAM 2.

    Input is an image (B, 3, H, W) in [0, 1], H and W multiples of 32; the ImageNet mean and
    deviation are taken off inside. Output is one map per stage, (B, C, H / s, W / s).
    """

    DEPTHS = (1, 2, 7, 2)
    WINDOWS = (8, 4, 14, 7)
    GLOBAL_BLOCKS = (5, 7, 9)
    strides = (4, 8, 16, 32)
    channels = (96, 192, 384, 768)

    def __init__(self, stages: int = 3):
        super().__init__()
        self.strides, self.channels = self.strides[:stages], self.channels[:stages]
        self.register_buffer('mean', torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), False)
        self.register_buffer('std', torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1), False)
        self.patch_embed = nn.Conv2d(3, 96, 7, stride=4, padding=3)
        self.pos_embed = nn.Parameter(torch.zeros(1, 96, 7, 7))
        self.pos_embed_window = nn.Parameter(torch.zeros(1, 96, 8, 8))
        self.blocks = nn.ModuleList()
        self.ends = []
        dim, heads = 96, 1
        for stage in range(stages):
            for i in range(self.DEPTHS[stage]):
                first = stage > 0 and i == 0
                # The block that pools still uses the windows of the stage before.
                window = self.WINDOWS[stage - 1] if first else self.WINDOWS[stage]
                window = 0 if len(self.blocks) in self.GLOBAL_BLOCKS else window
                dim_out = 2 * dim if first else dim
                heads = 2 * heads if first else heads
                self.blocks.append(HieraBlock(dim, dim_out, heads, window, first))
                dim = dim_out
            self.ends.append(len(self.blocks) - 1)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """Return the feature maps of all stages, fine to coarse."""
        x = self.patch_embed((image - self.mean) / self.std)
        h, w = x.shape[-2:]
        position = F.interpolate(self.pos_embed, size=(h, w), mode='bicubic')
        window = self.pos_embed_window.tile(1, 1, h // 8 + 1, w // 8 + 1)[..., :h, :w]
        x = (x + position + window).permute(0, 2, 3, 1)
        maps = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.ends:
                maps.append(x.permute(0, 3, 1, 2).contiguous())
        return maps

    def load_sam2(self, state: dict[str, torch.Tensor]) -> None:
        """
        Take the trunk's weights from a SAM 2 state dict.

        state: tensors named as in SAM 2 with `image_encoder.trunk.` removed; those of stages
            that this trunk does not have, and of the neck, are left out
        raises: ValueError where a needed tensor is absent
        """
        own = self.state_dict()
        renamed = {
            name.replace('patch_embed.proj.', 'patch_embed.')
            .replace('mlp.layers.0.', 'mlp.0.')
            .replace('mlp.layers.1.', 'mlp.2.'): value
            for name, value in state.items()
        }
        missing = sorted(own.keys() - renamed.keys())
        if missing:
            raise ValueError(
                f'these are not weights of a SAM 2 Hiera-Tiny trunk: {missing[0]} and '
                f'{len(missing) - 1} more tensors are absent'
            )
        self.load_state_dict({name: renamed[name].float() for name in own})
