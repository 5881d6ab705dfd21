# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Muon against the singular value decomposition, and AdamW beside it against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from grin_ros.training.muon import Muon

pytestmark = pytest.mark.skipif(not hasattr(torch.optim, 'Muon'), reason='torch before 2.9')


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(96, 128), nn.GELU(), nn.Linear(128, 64), nn.Linear(64, 1))


def groups(model, decay=0.0):
    return [
        {'params': [p for p in model.parameters() if p.ndim > 1], 'weight_decay': decay},
        {'params': [p for p in model.parameters() if p.ndim <= 1], 'weight_decay': 0.0},
    ]


def test_a_matrix_moves_by_its_gradient_with_all_singular_values_alike():
    model = network()
    optimiser = Muon(model, groups(model), 0.1, (0.9, 0.99))
    weight = model[0].weight
    before, gradient = weight.detach().clone(), torch.randn_like(weight)
    for p in model.parameters():
        p.grad = gradient.clone() if p is weight else torch.zeros_like(p)
    optimiser.step()
    moved = (before - weight.detach()) / 0.1
    u, _, v = torch.linalg.svd(gradient, full_matrices=False)
    in_its_axes = u.T @ moved @ v.T
    values = in_its_axes.diagonal() / (0.2 * 128**0.5)  # AdamW's size, arXiv 2502.16982 eq. 4
    assert values.min() > 0.4
    assert values.max() < 1.4
    off = in_its_axes - in_its_axes.diagonal().diag()
    assert off.abs().max() < 0.25 * in_its_axes.diagonal().min()


def test_everything_else_is_moved_as_by_adamw():
    ours, theirs = network(), network()
    muon = Muon(ours, groups(ours, 0.1), 0.01, (0.9, 0.99))
    adamw = torch.optim.AdamW(groups(theirs, 0.1), lr=0.01, betas=(0.9, 0.99))
    for step in range(3):
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.manual_seed(step)
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        muon.step()
        adamw.step()
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(p, q) is (name not in ('0.weight', '2.weight')), name


def test_a_rate_set_from_outside_reaches_both():
    model = network()
    optimiser = Muon(model, groups(model), 0.1, (0.9, 0.99))
    before = [p.detach().clone() for p in model.parameters()]
    for group in optimiser.param_groups:
        group['lr'] = 0.0
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    optimiser.step()
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))


def test_a_torch_without_it_is_told(monkeypatch):
    monkeypatch.delattr(torch.optim, 'Muon')
    model = network()
    with pytest.raises(ValueError, match='choose adamw'):
        Muon(model, groups(model), 0.1, (0.9, 0.99))
