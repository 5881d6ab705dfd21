# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Recurrent Interface Network blocks (arXiv 2212.11972, sec. 3; own implementation).

A small set of latent tokens reads from many interface tokens, is processed by self-attention and
writes back, so that most of the computation does not grow with the number of interface tokens.
Interface tokens come in chunks of bounded size; what a token receives does not depend on them.
"""

from __future__ import annotations

import torch
from torch import nn

from grin_ros.models.layers import Attention, FeedForward, KeyValue, SelfAttention


class RINBlock(nn.Module):
    """
    One read-process-write block.

    Read-only tokens (GRIN's global conditioning) have a read of their own, the official code's
    decoupled read: in one softmax with the interface their share would depend on how many pixels
    are queried, which differs by a factor of a hundred between training and a full image.
    """

    def __init__(
        self, interface: int, latent: int, layers: int, heads: int, rw_heads: int, ratio: int,
        interface_ratio: int, read_only: bool,
    ):  # fmt: skip
        super().__init__()
        self.read_norm = nn.LayerNorm(latent, eps=1e-6)
        self.read = Attention(latent, interface, rw_heads)
        if read_only:
            self.global_norm = nn.LayerNorm(latent, eps=1e-6)
            self.global_read = Attention(latent, interface, rw_heads)
        self.read_mlp_norm = nn.LayerNorm(latent, eps=1e-6)
        self.read_mlp = FeedForward(latent, ratio)
        self.process = nn.ModuleList(SelfAttention(latent, heads, ratio) for _ in range(layers))
        self.write_norm = nn.LayerNorm(interface, eps=1e-6)
        self.write = Attention(interface, latent, rw_heads)
        self.write_mlp_norm = nn.LayerNorm(interface, eps=1e-6)
        self.write_mlp = FeedForward(interface, interface_ratio)

    def forward(
        self, x: list[torch.Tensor], z: torch.Tensor, tokens: KeyValue | None
    ) -> tuple[list[torch.Tensor], torch.Tensor]:
        """
        Read, process, write.

        x: chunks of interface tokens, each (B, n, interface)
        z: latents (B, L, latent)
        tokens: keys and values of the read-only tokens for `global_read`, or None
        returns: updated x and z
        """
        if tokens is not None:
            z = z + self.global_read(self.global_norm(z), [tokens])
        z = z + self.read(self.read_norm(z), (self.read.keys_values(chunk) for chunk in x))
        z = z + self.read_mlp(self.read_mlp_norm(z))
        for layer in self.process:
            z = layer(z)
        latents = self.write.keys_values(z)
        return [self.write_back(chunk, latents) for chunk in x], z

    def write_back(self, x: torch.Tensor, latents: KeyValue) -> torch.Tensor:
        """Write latents to one chunk of interface tokens (B, n, interface)."""
        x = x + self.write(self.write_norm(x), [latents])
        return x + self.write_mlp(self.write_mlp_norm(x))


class LatentInit(nn.Module):
    """
    Learned latents with latent self-conditioning (RIN sec. 3.3).

    z = embedding + LN(z_prev + MLP(z_prev)); the norm's gain and bias start at zero, so training
    starts from the plain embedding. Zeroed z_prev of a sample means: no previous latents.
    """

    def __init__(self, count: int, dim: int, ratio: int):
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(count, dim) * 0.02)
        self.mlp = FeedForward(dim, ratio)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        nn.init.zeros_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)

    def forward(self, batch: int, previous: torch.Tensor | None) -> torch.Tensor:
        """Latents (B, L, dim); previous: (B, L, dim) of the last step, or None for the first."""
        z = self.embedding.expand(batch, -1, -1)
        if previous is None:
            previous = torch.zeros_like(z)
        return z + self.norm(previous + self.mlp(previous))
