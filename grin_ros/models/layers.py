# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Attention and feed-forward layers of the Recurrent Interface Network (arXiv 2212.11972)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn import functional as F

KeyValue = tuple[torch.Tensor, torch.Tensor]


class Attention(nn.Module):
    """
    Multi-head attention from queries of width `dim` to a context of width `context_dim`.

    The inner width is the smaller of the two, as in the official RIN code. Queries and keys are
    normalised per head (QK-norm), which keeps the logits bounded in bf16. Keys and values are made
    apart from the attention itself so that a caller can cache or stream them.
    """

    def __init__(self, dim: int, context_dim: int, heads: int):
        super().__init__()
        inner = min(dim, context_dim)
        if inner % heads:
            raise ValueError(f'attention width {inner} is not a multiple of {heads} heads')
        self.heads = heads
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_kv = nn.Linear(context_dim, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, dim)
        self.q_norm = nn.LayerNorm(inner // heads, eps=1e-6, bias=False)
        self.k_norm = nn.LayerNorm(inner // heads, eps=1e-6, bias=False)

    def split(self, x: torch.Tensor) -> torch.Tensor:
        """Split heads: (B, N, inner) -> (B, heads, N, inner / heads)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def keys_values(self, context: torch.Tensor) -> KeyValue:
        """Keys and values (B, heads, N, inner / heads) of a context (B, N, context_dim)."""
        k, v = map(self.split, self.to_kv(context).chunk(2, dim=-1))
        return self.k_norm(k).to(v.dtype), v

    def forward(self, x: torch.Tensor, keys_values: Iterable[KeyValue]) -> torch.Tensor:
        """
        Attend to the union of all given keys and values.

        x: (B, M, dim)
        keys_values: one or more pairs; the result does not depend on how the context was cut
        returns: (B, M, dim)
        """
        q = self.split(self.to_q(x))
        q = self.q_norm(q).to(q.dtype)
        pairs = iter(keys_values)
        first = next(pairs)
        second = next(pairs, None)
        if second is None:
            out = _attention(q, *first)
        else:
            out = _streamed_attention(q, _chain(first, second, pairs))
        return self.to_out(out.transpose(1, 2).flatten(2))


def _attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Softmax attention; plain products on a CPU in training, where the fused kernel is slow."""
    if q.device.type != 'cpu' or not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(q, k, v)
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    return logits.softmax(-1).to(v.dtype) @ v


def _chain(first: KeyValue, second: KeyValue, rest: Iterable[KeyValue]) -> Iterable[KeyValue]:
    yield first
    yield second
    yield from rest


def _streamed_attention(q: torch.Tensor, keys_values: Iterable[KeyValue]) -> torch.Tensor:
    """Softmax attention over chunks of the context with a running maximum, in float32."""
    scale = q.shape[-1] ** -0.5
    top = total = out = None
    for k, v in keys_values:
        logits = (q @ k.transpose(-1, -2)).float() * scale  # (B, heads, M, n)
        peak = logits.amax(-1, keepdim=True)
        if top is not None:
            peak = torch.maximum(peak, top)
        weights = (logits - peak).exp()
        part = (weights.to(v.dtype) @ v).float()
        if top is None:
            total, out = weights.sum(-1, keepdim=True), part
        else:
            decay = (top - peak).exp()
            total = total * decay + weights.sum(-1, keepdim=True)
            out = out * decay + part
        top = peak
    return (out / total).to(q.dtype)


class FeedForward(nn.Sequential):
    """Two-layer perceptron with GELU, `ratio` times wider inside; (..., dim) -> (..., dim)."""

    def __init__(self, dim: int, ratio: int):
        super().__init__(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))


class SelfAttention(nn.Module):
    """Pre-norm self-attention and feed-forward over tokens (B, L, dim)."""

    def __init__(self, dim: int, heads: int, ratio: int):
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.attention = Attention(dim, dim, heads)
        self.mlp_norm = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = FeedForward(dim, ratio)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Update tokens (B, L, dim)."""
        normed = self.norm(z)
        z = z + self.attention(normed, [self.attention.keys_values(normed)])
        return z + self.mlp(self.mlp_norm(z))
