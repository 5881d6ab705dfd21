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
    """AdamW, LION or Muon over what is trained; decay on matrices only (GRIN sec. 5.2)."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {'params': [p for p in trainable if p.ndim > 1], 'weight_decay': config.weight_decay},
        {'params': [p for p in trainable if p.ndim <= 1], 'weight_decay': 0.0},
    ]
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
