# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Exponential moving average of a model's weights."""

from __future__ import annotations

import torch
from torch import nn


class EMA:
    """
    Keeps `average = decay average + (1 - decay) weights` of all trainable parameters.

    Early on the decay is (1 + n) / (10 + n), so that the first weights are soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.decay, self.updates = decay, 0
        self.average = {
            name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad
        }

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after one optimiser step."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, p in model.named_parameters():
            if name in self.average:
                self.average[name].lerp_(p, 1 - decay)

    @torch.no_grad()
    def swap(self, model: nn.Module) -> None:
        """Exchange the model's weights with the average; call again to change back."""
        for name, p in model.named_parameters():
            if name in self.average:
                kept = p.detach().clone()
                p.copy_(self.average[name])
                self.average[name] = kept
