# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The trainer: it learns, resumes exactly, and every ablation of the paper trains."""

from __future__ import annotations

from dataclasses import replace
import math

import numpy as np
from painted_planes import recipe, SIZE, tilted, TINY, write_planes
import pytest
import torch
from torch import nn

from grin_ros.camera import Camera
from grin_ros.checkpoint import build_model, load, save
from grin_ros.pipeline import DepthPipeline
from grin_ros.training.config import OptimiserConfig, SourceConfig
from grin_ros.training.labels import draw_labels
from grin_ros.training.recipe import load_recipe
from grin_ros.training.state import identity
from grin_ros.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def planes(tmp_path_factory):
    return write_planes(tmp_path_factory.mktemp('planes'))


def test_training_learns_metric_depth(planes, tmp_path):
    optimiser = OptimiserConfig(lr=4e-3, warmup=5)
    config = recipe(planes, tmp_path, steps=120, batch=6, optimiser=optimiser, ema=0.9)
    losses = Trainer(config).run()
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])
    pipeline = DepthPipeline.from_checkpoint(tmp_path / 'last.safetensors')
    unseen = tilted(100)
    out = pipeline.infer(unseen.image, unseen.camera, stride=4)
    error = np.abs(out.depth - unseen.depth) / unseen.depth
    constant = np.abs(np.median(unseen.depth) - unseen.depth) / unseen.depth
    assert error.mean() < 0.8 * constant.mean()


@pytest.mark.parametrize('kind', ['adamw', 'lion', 'muon'])
def test_a_resumed_run_is_the_unbroken_run(planes, tmp_path, kind):
    optimiser = OptimiserConfig(kind=kind, lr=1e-3, warmup=2)
    whole = Trainer(recipe(planes, tmp_path / 'whole', optimiser=optimiser))
    whole.run()
    config = recipe(planes, tmp_path / 'parts', optimiser=optimiser)
    first = Trainer(config)
    while first.step < 3:
        first.train_step(first.batches[first.step])
    first.save()
    second = Trainer(config)
    second.resume()
    assert second.step == 3
    second.run()
    a, _, _ = load(tmp_path / 'whole' / 'last.safetensors')
    b, _, _ = load(tmp_path / 'parts' / 'last.safetensors')
    for (name, p), q in zip(a.named_parameters(), b.parameters(), strict=True):
        assert torch.equal(p, q), name


def test_latents_that_are_carried_over_leave_every_weight_its_gradient(
    planes, tmp_path, monkeypatch
):
    """In bfloat16 too, and with every release of torch: the first pass has no gradient."""
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: {'avx512_bf16': True})
    network = replace(TINY.network, self_condition=1.0)
    trainer = Trainer(
        recipe(planes, tmp_path, model=replace(TINY, network=network), full_noise=0.0)
    )
    (batch,) = trainer.batches[0]
    assert batch.carry.all()
    trainer.gradients([batch])
    assert not [n for n, p in trainer.model.named_parameters() if p.grad is None]


def test_resume_refuses_another_recipe_and_an_empty_folder(planes, tmp_path):
    trainer = Trainer(recipe(planes, tmp_path, steps=2))
    with pytest.raises(FileNotFoundError, match='nothing to resume'):
        trainer.resume()
    trainer.run()
    with pytest.raises(ValueError, match='another batch'):
        Trainer(recipe(planes, tmp_path, steps=2, batch=2)).resume()
    # Another set may have the name of the old one, and a checkpoint of weights that stay.
    other = write_planes(tmp_path / 'other' / planes.name, count=5)
    with pytest.raises(ValueError, match='another sample set;'):
        Trainer(recipe(other, tmp_path, steps=2)).resume()
    changed = Trainer(recipe(planes, tmp_path, steps=2))
    changed.identity = identity(changed.batches.manifest(), nn.Linear(2, 2).requires_grad_(False))
    with pytest.raises(ValueError, match='another frozen encoder;'):
        changed.resume()
    Trainer(recipe(planes, tmp_path, steps=2)).resume()


ABLATIONS = {
    'no local': {'network': replace(TINY.network, local_conditioning=False)},
    'no global': {'network': replace(TINY.network, global_conditioning=False)},
    'no geometry': {'network': replace(TINY.network, geometry=False)},
    'no self-conditioning': {'network': replace(TINY.network, self_condition=0.0)},
    'log10': {'depth': replace(TINY.depth, kind='log10')},
    'ln': {'depth': replace(TINY.depth, kind='ln')},
    'linear': {'depth': replace(TINY.depth, kind='linear')},
    'eps': {'target': 'eps'},
    'v': {'target': 'v'},
}


@pytest.mark.parametrize('name', ABLATIONS)
def test_every_ablation_trains(planes, tmp_path, name):
    model = replace(TINY, **ABLATIONS[name])
    trainer = Trainer(recipe(planes, tmp_path, model=model, steps=30, pixels=32))

    first = trainer.batches[0][0]

    def noisy(step):
        """Return always the same pixels, with the noise of another step."""
        other = trainer.batches[step][0]
        return replace(first, t=other.t, eps=other.eps, carry=other.carry)

    @torch.no_grad()
    def mean_loss():
        trainer.model.eval()
        losses = [trainer.objective(trainer.model, noisy(100 + i)) for i in range(8)]
        return torch.stack(losses).mean().item()

    before = mean_loss()
    for step in range(25):
        assert math.isfinite(trainer.train_step([noisy(step)]))
    assert mean_loss() < before


def test_only_measured_pixels_are_drawn(planes, tmp_path):
    trainer = Trainer(recipe(planes, tmp_path))
    depth = np.zeros(SIZE, np.float32)
    depth[10, 20], depth[40, 70] = 2.0, 5.0
    depth[30, 30], depth[31, 31] = 0.05, 300.0  # out of the range of the network
    camera = Camera.stack([Camera.default(SIZE)] * 2)
    rng = np.random.default_rng(0)
    drawn = [draw_labels(d, 64, rng, (0.1, 200.0)) for d in (depth, np.zeros_like(depth))]
    uv, labels = (torch.from_numpy(np.stack(x)) for x in zip(*drawn, strict=True))
    batch = replace(trainer.batches[0][0], camera=camera, uv=uv, depth=labels)
    names = ('image', 't', 'eps', 'carry', 'seeds')
    batch = replace(batch, **{name: getattr(batch, name)[:2] for name in names})
    found = {(*uv, d) for uv, d in zip(batch.uv[0].tolist(), batch.depth[0, :, 0].tolist())}
    assert {tuple(map(float, f)) for f in found} == {(20.0, 10.0, 2.0), (70.0, 40.0, 5.0)}
    assert not batch.depth[1].any()
    assert math.isfinite(trainer.train_step([batch]))


def test_a_gradient_that_is_not_finite_skips_the_step(planes, tmp_path):
    trainer = Trainer(recipe(planes, tmp_path))
    batch = trainer.batches[0][0]
    batch.image[0] = math.nan
    before = [p.detach().clone() for p in trainer.model.parameters()]
    assert math.isnan(trainer.train_step([batch]))
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.model.parameters(), strict=True))
    assert math.isfinite(trainer.train_step(trainer.batches[1]))


def test_cached_features_are_the_encoders(planes, tmp_path):
    model = replace(
        TINY, network=replace(TINY.network, encoder=replace(TINY.network.encoder, frozen=True))
    )
    start = Trainer(recipe(planes, tmp_path / 'start', steps=1))
    start.run()
    save(tmp_path / 'frozen.safetensors', start.model, model)
    trainer = Trainer(
        recipe(planes, tmp_path, model=model, initial=str(tmp_path / 'frozen.safetensors'))
    )
    source, cache = trainer.batches.sources[0], trainer.batches.caches[0]
    view = source.view(3, (0, 3))
    picture = torch.from_numpy(view.image).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        maps = trainer.model.features(picture)
    for kept, fresh in zip(cache.maps, maps, strict=True):
        error = np.abs(kept[3].astype(np.float32) - fresh[0].numpy()).max()
        assert error < 0.05 * fresh.abs().max()  # bf16 and f16 on the way
    np.testing.assert_allclose(cache.depth[3], view.depth, rtol=1e-3)
    assert math.isfinite(trainer.train_step(trainer.batches[0]))


def test_an_encoder_that_was_frozen_can_be_trained_on(planes, tmp_path):
    network = replace(TINY.network, encoder=replace(TINY.network.encoder, frozen=True))
    frozen = tmp_path / 'frozen.safetensors'
    torch.manual_seed(1)
    save(frozen, build_model(TINY), replace(TINY, network=network))
    trainer = Trainer(recipe(planes, tmp_path / 'out', steps=1, initial=str(frozen)))
    before, after = load(frozen)[0].state_dict(), trainer.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    trainer.run()
    moved = [
        name for name, value in trainer.model.state_dict().items()
        if name.startswith('encoder.') and not torch.equal(value, before[name])
    ]  # fmt: skip
    assert moved
    assert not load(tmp_path / 'out' / 'last.safetensors')[1].frozen


def test_recipes_are_strict_and_relative_to_their_file(tmp_path, monkeypatch):
    (tmp_path / 'preset.yaml').write_text('steps: 7\n')
    text = 'model: preset.yaml\nsources: [{set: "${SETS}/a", weight: 2}]\noutput: runs\n'
    (tmp_path / 'recipe.yaml').write_text(text)
    monkeypatch.setenv('SETS', 'data')
    config = load_recipe(tmp_path / 'recipe.yaml')
    assert config.model.steps == 7
    assert config.sources[0].set == str(tmp_path / 'data' / 'a')
    assert config.output == str(tmp_path / 'runs')
    # A preset may be changed at any depth.
    preset = 'network: {blocks: 2, encoder: {kind: resnet50, frozen: true}}\n'
    (tmp_path / 'preset.yaml').write_text(preset)
    changed = '{preset: preset.yaml, steps: 3, network: {encoder: {kind: hiera}}}'
    (tmp_path / 'recipe.yaml').write_text(text.replace('preset.yaml', changed))
    model = load_recipe(tmp_path / 'recipe.yaml').model
    assert (model.steps, model.network.blocks) == (3, 2)
    assert (model.network.encoder.kind, model.network.encoder.frozen) == ('hiera', True)
    (tmp_path / 'recipe.yaml').write_text(text)
    monkeypatch.delenv('SETS')
    with pytest.raises(ValueError, match='environment variable'):
        load_recipe(tmp_path / 'recipe.yaml')
    (tmp_path / 'recipe.yaml').write_text('sources: [{world: room}]\nstepz: 3\n')
    with pytest.raises(ValueError, match='stepz'):
        load_recipe(tmp_path / 'recipe.yaml')
    with pytest.raises(ValueError, match='either `set` or `world`'):
        SourceConfig()
