# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The head that tells how wrong depth may be: it learns that, and leaves depth alone."""

from __future__ import annotations

from dataclasses import replace
import math

import numpy as np
from painted_planes import recipe, TINY, write_planes
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.checkpoint import load, ModelConfig
from grin_ros.models.grin import GRIN
from grin_ros.pipeline import DepthPipeline
from grin_ros.training.config import OptimiserConfig
from grin_ros.training.objective import laplace_loss
from grin_ros.training.trainer import Trainer
from grin_ros.uncertainty import UncertaintyConfig

pytestmark = pytest.mark.usefixtures('one_thread')

WITH_HEAD = replace(TINY, network=replace(TINY.network, error_head=True))


@pytest.fixture(scope='module')
def planes(tmp_path_factory):
    return write_planes(tmp_path_factory.mktemp('planes'))


def test_the_likelihood_is_highest_where_the_mean_error_is_expected():
    error = torch.rand(1000, dtype=torch.float64)
    mean = error.mean().log()
    around = torch.linspace(-1, 1, 41, dtype=torch.float64) + mean
    losses = torch.stack([laplace_loss(error, x.expand(1000)).mean() for x in around])
    assert losses.argmin() == 20
    # The density exp(-e / b) / (2 b) itself.
    density = (-error / mean.exp()).exp() / (2 * mean.exp())
    expected = -density.log().mean() - math.log(2)
    torch.testing.assert_close(losses[20], expected)


def test_depth_is_answered_as_without_the_head():
    torch.manual_seed(0)
    bare = GRIN(TINY.network).eval()
    model = GRIN(WITH_HEAD.network).eval()
    missing, unexpected = model.load_state_dict(bare.state_dict(), strict=False)
    assert (missing, unexpected) == (['out_error.weight', 'out_error.bias'], [])
    model.out_error.weight.data.normal_()
    image, camera = torch.rand(1, 3, 64, 96), Camera.stack([Camera.default((64, 96))])
    uv = torch.rand(1, 20, 2) * 60
    x_t, gamma = torch.randn(1, 20, 1), torch.tensor([0.3])
    with torch.no_grad():
        expected, _ = bare(x_t, gamma, bare.encode(image, camera, uv))
        found, _ = model(x_t, gamma, model.encode(image, camera, uv))
    torch.testing.assert_close(found[..., :1], expected)
    assert found.shape == (1, 20, 2) and found[..., 1].std() > 1e-3


def test_the_head_does_not_pull_at_depth(planes, tmp_path):
    """What it is taught is no reason for depth to change, or depth would be predictably wrong."""
    found = {}
    for name, model in (('bare', TINY), ('head', WITH_HEAD)):
        trainer = Trainer(recipe(planes, tmp_path / name, model=model, loss='relative'))
        weights = load_bare(trainer.model)
        loss, _ = trainer.gradients(trainer.batches[0])
        found[name] = loss, trainer.model.out.weight.grad, trainer.model.out.bias.grad, weights
    assert found['head'][0] != found['bare'][0]
    for bare, head in zip(found['bare'][1:3], found['head'][1:3], strict=True):
        torch.testing.assert_close(head, bare)


def load_bare(model):
    """Give a network the same weights whatever heads it has."""
    generator = torch.Generator().manual_seed(0)
    for name, p in model.named_parameters():
        if not name.startswith('out_error'):
            p.data.normal_(0, 0.05, generator=generator)


def test_it_learns_how_large_errors_are(planes, tmp_path):
    optimiser = OptimiserConfig(lr=4e-3, warmup=5)
    config = recipe(
        planes, tmp_path, model=WITH_HEAD, steps=200, batch=6, optimiser=optimiser, ema=0.9,
        loss='relative', shape=0.5,
    )  # fmt: skip
    trainer = Trainer(config)
    trainer.run()
    model, config, _ = load(tmp_path / 'last.safetensors')
    told = replace(config, uncertainty=UncertaintyConfig(head_alone=1.0))
    pipeline = DepthPipeline(model, told)
    errors, expected = [], []
    source = trainer.batches.sources[0]
    for i in range(24):  # of views such as it was trained on, good and spoilt ones
        view = source.view(i % source.count, (7, i))
        out = pipeline.infer(view.image, view.camera, stride=4)
        errors.append(np.abs(np.log(out.depth / view.depth)).mean())
        expected.append((out.std / out.depth).mean())
    assert np.mean(errors) / 2 < np.mean(expected) < 2 * np.mean(errors)


def test_a_run_may_start_from_weights_without_the_head(planes, tmp_path):
    Trainer(recipe(planes, tmp_path / 'start', steps=1)).run()
    start = str(tmp_path / 'start' / 'last.safetensors')
    config = recipe(planes, tmp_path, model=WITH_HEAD, initial=start)
    trainer = Trainer(config)
    loaded, _, _ = load(start)
    weights = trainer.model.state_dict()
    for name, value in loaded.state_dict().items():
        torch.testing.assert_close(weights[name], value)
    assert weights['out_error.bias'].exp().item() == pytest.approx(0.2)
    trainer.run()
    back = recipe(planes, tmp_path / 'back', initial=str(tmp_path / 'last.safetensors'))
    with pytest.raises(ValueError, match='another network'):
        Trainer(back)


@pytest.mark.parametrize(
    'changes', [{'target': 'v'}, {'depth': replace(TINY.depth, kind='linear')}]
)
def test_an_error_of_ln_depth_needs_depth(changes):
    with pytest.raises(ValueError, match='error_head needs'):
        replace(WITH_HEAD, **changes)
    assert not ModelConfig().error_head
