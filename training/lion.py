# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""LION (arXiv 2302.06675), the optimiser that GRIN was trained with."""

from __future__ import annotations

import torch


class Lion(torch.optim.Optimizer):
    """
    Sign of an interpolated momentum, with decoupled weight decay.

    u = sign(b1 m + (1 - b1) g);  p = p - lr (u + wd p);  m = b2 m + (1 - b2) g
    """

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {'lr': lr, 'betas': betas, 'weight_decay': weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        """Update all parameters that have a gradient."""
        for group in self.param_groups:
            b1, b2 = group['betas']
            for p in group['params']:
                if p.grad is None:
                    continue
                if not self.state[p]:
                    self.state[p]['exp_avg'] = torch.zeros_like(p)
                momentum = self.state[p]['exp_avg']
                update = torch.lerp(p.grad, momentum, b1).sign_()
                p.mul_(1 - group['lr'] * group['weight_decay']).add_(update, alpha=-group['lr'])
                momentum.lerp_(p.grad, 1 - b2)
