# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Muon (K. Jordan 2024; arXiv 2502.16982): momentum with its singular values made alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import nn

SMALLEST = 64  # side of a matrix from which on making singular values alike pays


class Muon:
    """
    torch's Muon for the matrices inside of a network, its AdamW for all else, at one rate.

    Matrices are the weights of linear layers with both sides at least 64; updates have the size of
    AdamW's (arXiv 2502.16982, eq. 4), so that rates of recipes stay as they are.

    model: whose trainable parameters are meant
    raises: ValueError with a torch that has no Muon
    """

    MOMENTUM = 0.95

    def __init__(self, model: nn.Module, groups: Iterable[dict], lr: float, betas):
        if not hasattr(torch.optim, 'Muon'):
            raise ValueError(
                f'optimiser.kind muon needs torch 2.9 or later, this is {torch.__version__}; '
                'choose adamw'
            )
        inner = {
            m.weight
            for m in model.modules()
            if isinstance(m, nn.Linear) and min(m.weight.shape) >= SMALLEST
        }
        groups = list(groups)
        matrices = [{**g, 'params': [p for p in g['params'] if p in inner]} for g in groups]
        others = [{**g, 'params': [p for p in g['params'] if p not in inner]} for g in groups]
        self._parts = [torch.optim.AdamW([g for g in others if g['params']], lr=lr, betas=betas)]
        matrices = [g for g in matrices if g['params']]
        if matrices:
            self._parts.append(
                torch.optim.Muon(
                    matrices, lr=lr, momentum=self.MOMENTUM, adjust_lr_fn='match_rms_adamw'
                )
            )
        self.state: defaultdict = defaultdict(dict)
        for part in self._parts:
            part.state = self.state
        self.param_groups = [group for part in self._parts for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for part in self._parts:
            part.zero_grad(set_to_none)

    def step(self) -> None:
        """Update all parameters that have a gradient."""
        for part in self._parts:
            part.step()
