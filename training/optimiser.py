# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The optimiser of a recipe, and its learning rate over time."""

from __future__ import annotations

import math

import torch
from torch import nn

from .config import OptimiserConfig, StageConfig
from .lion import Lion
from .muon import Muon


def build_optimiser(model: nn.Module, config: OptimiserConfig) -> torch.optim.Optimizer | Muon:
    """
    AdamW, LION or Muon over what is trained; decay on matrices only (GRIN sec. 5.2).

    Groups have a `share` of the rate: an encoder that knows real pictures already is to forget
    little of them while the network on top of it learns.
    """
    groups = []
    for inside, share in ((False, 1.0), (True, config.encoder)):
        found = [
            p for name, p in model.named_parameters()
            if p.requires_grad and name.startswith('encoder.') == inside
        ]  # fmt: skip
        for decay, params in (
            (config.weight_decay, [p for p in found if p.ndim > 1]),
            (0.0, [p for p in found if p.ndim <= 1]),
        ):
            if params:
                groups.append({'params': params, 'weight_decay': decay, 'share': share})
    if config.kind == 'muon':
        return Muon(model, groups, config.lr, config.betas)
    kind = torch.optim.AdamW if config.kind == 'adamw' else Lion
    return kind(groups, lr=config.lr, betas=config.betas)


def learning_rate(step: int, steps: int, config: OptimiserConfig | StageConfig) -> float:
    """Linear warm-up, then a cosine from lr to final_lr at the last step."""
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    progress = (step - config.warmup) / max(1, steps - config.warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return config.final_lr + (config.lr - config.final_lr) * cosine
