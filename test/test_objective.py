# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The loss of a recipe against sums by hand, for a network whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from painted_planes import recipe, SIZE, TINY
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.training.dataset import Batch
from grin_ros.training.objective import ERROR_SHARE, Objective
from grin_ros.training.shape import shape_error

MODEL = replace(TINY, target='x_0')
COUNT, PIXELS = 3, 40


class Answers(torch.nn.Module):
    """Answers this depth, and this expected error of its logarithm."""

    def __init__(self, objective, depth, error=0.2):
        super().__init__()
        x_0 = objective.transform.encode(depth)
        self.answer = torch.cat([x_0, torch.full_like(x_0, error).log()], dim=-1)

    def features(self, image):
        return []

    def condition(self, maps, camera, uv, seeds):
        return None

    def forward(self, x_t, gamma, cond, state=None):
        return self.answer, torch.zeros(len(x_t), 2, 4)


@pytest.fixture
def batch() -> Batch:
    """Three images, of which one has half of its labels and one has none."""
    generator = torch.Generator().manual_seed(0)
    shape = (COUNT, PIXELS, 1)
    depth = 1 + 9 * torch.rand(shape, generator=generator)
    depth[1, ::2] = depth[2] = 0
    return Batch(
        torch.zeros(COUNT, 3, *SIZE), None, Camera.stack([Camera.default(SIZE)] * COUNT),
        60 * torch.rand(COUNT, PIXELS, 2, generator=generator), depth,
        torch.full((COUNT,), 0.5), torch.zeros(shape), torch.zeros(COUNT, dtype=torch.bool),
        [0] * COUNT,
    )  # fmt: skip


def objective(**changes) -> Objective:
    return Objective(recipe('planes', 'out', **{'model': MODEL, 'batch': COUNT} | changes))


def loss(ours, batch, depth):
    return ours(Answers(ours, depth), batch).item()


def answered(batch):
    generator = torch.Generator().manual_seed(1)
    return 1 + 9 * torch.rand(batch.depth.shape, generator=generator)


def means(batch, error) -> float:
    """Mean over images, 0 for one without labels, of the mean over the labels of each."""
    known = batch.depth > 0
    return sum(float(e[k].mean()) for e, k in zip(error, known) if k.any()) / COUNT


def test_an_image_counts_as_one_of_the_batch_whatever_is_labelled_in_it(batch):
    depth = answered(batch)
    error = (depth - batch.depth).abs() / batch.depth
    assert loss(objective(loss='relative'), batch, depth) == pytest.approx(means(batch, error))


@pytest.mark.parametrize('norm', ['relative', 'l1'])
def test_shape_is_weighed_in_the_unit_of_the_loss_beside_it(batch, norm):
    depth = answered(batch)
    without, with_it = (loss(objective(loss=norm, shape=s), batch, depth) for s in (0.0, 2.0))
    known = batch.depth > 0
    errors = torch.where(known, depth.log() - batch.depth.where(known, depth).log(), 0)
    unit = 1.0 if norm == 'relative' else 2 / np.log(MODEL.depth.max / MODEL.depth.min)
    expected = 2 * unit * float(shape_error(errors, known, batch.uv).sum()) / COUNT
    assert expected > 0.01
    assert with_it - without == pytest.approx(expected, rel=1e-3)


def test_expected_errors_are_judged_at_labels_alone(batch):
    depth = answered(batch)
    networks = (replace(MODEL.network, error_head=head) for head in (False, True))
    without, with_it = (
        loss(objective(model=replace(MODEL, network=n)), batch, depth) for n in networks
    )
    error = (depth.log() - batch.depth.log()).abs()
    surprise = means(batch, error / 0.2 + np.log(0.2))  # Laplace, of mean 0.2
    assert with_it - without == pytest.approx(ERROR_SHARE * surprise, rel=1e-3)
