# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Optimisers, their rate and the average of the weights, against closed forms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from painted_planes import recipe, write_planes
import pytest
import torch

from grin_ros.training.config import OptimiserConfig
from grin_ros.training.ema import EMA
from grin_ros.training.lion import Lion
from grin_ros.training.optimiser import build_optimiser, learning_rate
from grin_ros.training.trainer import Trainer


def test_lion_takes_the_published_step():
    p = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimiser = Lion([p], lr=0.1, betas=(0.9, 0.99), weight_decay=0.5)
    p.grad = torch.tensor([0.3, -0.1])
    optimiser.step()
    torch.testing.assert_close(p.data, torch.tensor([1 * 0.95 - 0.1, -2 * 0.95 + 0.1]))
    p.grad = torch.tensor([-0.003, 0.0])
    # Momentum is now (0.003, -0.001); 0.9 m + 0.1 g = (0.0024, -0.0009): signs stay.
    before = p.data.clone()
    optimiser.step()
    torch.testing.assert_close(p.data, before * 0.95 - 0.1 * torch.tensor([1.0, -1.0]))


def test_decay_is_on_matrices_only(tmp_path):
    planes = write_planes(tmp_path / 'planes', 2)
    trainer = Trainer(recipe(planes, tmp_path))
    groups = build_optimiser(trainer.model, OptimiserConfig()).param_groups
    decayed, free = (
        {p for g in groups for p in g['params'] if (g['weight_decay'] == 0.0) is without}
        for without in (False, True)
    )
    assert {g['weight_decay'] for g in groups} == {1e-2, 0.0}
    assert decayed == {p for p in trainer.trainable if p.ndim > 1}
    assert free == set(trainer.trainable) - decayed


@pytest.mark.parametrize('kind', ['adamw', 'lion', 'muon'])
def test_an_encoder_is_trained_at_its_share_of_the_rate(tmp_path, kind):
    """The first step of each is the rate itself, whatever the gradient, where nothing decays."""
    planes = write_planes(tmp_path / 'planes', 2)
    optimiser = OptimiserConfig(kind=kind, lr=1e-3, warmup=1, encoder=0.125)
    trainer = Trainer(recipe(planes, tmp_path, optimiser=optimiser))
    vectors = {n: p for n, p in trainer.model.named_parameters() if p.ndim <= 1}
    before = {n: p.detach().clone() for n, p in vectors.items()}
    trainer.train_step(trainer.batches[0])
    seen = set()
    for name, p in vectors.items():
        if p.grad is None or p.grad.abs().max() < 1e-4:
            continue  # Adam's eps counts
        inside = name.startswith('encoder.')
        furthest = (p.detach() - before[name]).abs().max().item()
        assert furthest == pytest.approx(1e-3 * (0.125 if inside else 1), rel=1e-3), name
        seen.add(inside)
    assert seen == {False, True}


@pytest.mark.parametrize('share', [0.0, -0.1, 1.5, float('nan')])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match=r'optimiser\.encoder'):
        OptimiserConfig(encoder=share)


def test_learning_rate_warms_up_and_falls():
    config = OptimiserConfig(lr=1.0, final_lr=0.1, warmup=10)
    rates = [learning_rate(i, 100, config) for i in range(101)]
    np.testing.assert_allclose(rates[:10], np.arange(1, 11) / 10)
    assert rates[100] == pytest.approx(0.1)
    assert all(a >= b for a, b in pairwise(rates[9:]))


def test_ema_is_the_weighted_mean_of_the_weights():
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(1.0)
    ema = EMA(layer, 0.5)
    expected = 1.0
    for value in (2.0, 4.0, -1.0):
        layer.weight.data.fill_(value)
        ema.update(layer)
        decay = min(0.5, (1 + ema.updates) / (10 + ema.updates))
        expected = decay * expected + (1 - decay) * value
    ema.swap(layer)
    assert layer.weight.item() == pytest.approx(expected)
    ema.swap(layer)
    assert layer.weight.item() == -1.0
