# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The recipe of the default weights, in the smallest miniature, interrupted and resumed."""

from __future__ import annotations

import json
import os
from pathlib import Path
import signal

import numpy as np
import pytest
import torch

from grin_ros import cli
from grin_ros.checkpoint import load, ModelConfig, read_metadata, save
from grin_ros.config import from_dict, load_yaml
from grin_ros.info import manifest
from grin_ros.training.initial import initial_model
from grin_ros.training.weights import Recipe, WeightsConfig

STAGE = """\
model: {preset}
sources:
  - {{set: "${{GRIN_TEST_DATA}}/train/hololens", size: [64, 96]}}
  - {{set: anywhere/room, size: [64, 96], weight: {weight}, variants: 3}}
  - {{set: anywhere/house, size: [64, 96]}}
{more}steps: {steps}
batch: 2
pixels: 32
save_every: 2
"""
WHOLE = """\
render:
  room: {domain: room, seed: 10, count: 40, size: [64, 96]}
  house: {world: small_house, seed: 10, count: 40, size: [64, 96]}
  apart: {domain: room, seed: 500, count: 4, size: [64, 96]}
stages: [one.yaml, two.yaml]
average: [1, 1]
calibrate: [apart]
frames: 4
samples: 2
sets: sets
output: run
facts: {licence: Apache-2.0}
"""


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A recipe of two stages that names data and assets that are not at hand."""
    for name in ('GRIN_TEST_DATA', 'GRIN_ASSETS'):
        monkeypatch.delenv(name, raising=False)
    torch.manual_seed(0)
    preset = tmp_path / 'tiny.yaml'
    text = Path('config/grin_tiny.yaml').read_text()
    preset.write_text(text)
    (tmp_path / 'one.yaml').write_text(
        STAGE.format(preset='tiny.yaml', weight=1, steps=30, more='')
    )
    (tmp_path / 'two.yaml').write_text(
        STAGE.format(preset='tiny.yaml', weight=2, steps=10, more='initial: elsewhere\n')
    )
    (tmp_path / 'weights.yaml').write_text(WHOLE)
    return tmp_path / 'weights.yaml'


def test_a_miniature_is_the_whole_recipe(recipe, capsys):
    argv = ['weights', str(recipe), '--steps', '4', '--device', 'cpu']
    assert cli.main(argv) == 0
    output = recipe.parent / 'run_4'
    result = output / 'grin.safetensors'
    assert str(result) in capsys.readouterr().out
    _, config, metadata = load(result)
    first, second = manifest(metadata)
    assert (first['step'], second['step']) == (3, 1)
    for stage in (first, second):
        room = stage['sources']
        assert [s['name'] for s in room] == ['room']  # the others are not at hand
        assert 'seeds 10 to 17' in room[0]['source']
        assert room[0]['variants'] == 1
    assert metadata['licence'] == 'Apache-2.0'
    about = metadata['calibration']
    assert [s['name'] for s in about['sets']] == ['apart']
    assert 'seeds 500 to 503' in about['sets'][0]['source']
    assert config.uncertainty.floor > 0
    assert config.uncertainty.alone > 0
    # Training went on from the first stage, not from nothing.
    before, _, _ = load(output / 'stage_1' / 'last.safetensors')
    after, _, _ = load(output / 'stage_2' / 'last.safetensors')
    moved = [float((a - b).abs().max()) for a, b in zip(before.parameters(), after.parameters())]
    assert 0 < max(moved) < 0.05
    mean = load(output / 'average.safetensors')[0].parameters()
    for a, b, between in zip(before.parameters(), after.parameters(), mean):
        torch.testing.assert_close(between, (a + b) / 2, rtol=1e-3, atol=1e-5)
    assert not (recipe.parent / 'run').exists()
    # What is done stays done.
    times = {path: path.stat().st_mtime_ns for path in output.rglob('*.*') if path.is_file()}
    assert cli.main(argv) == 0
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_a_stopped_recipe_goes_on(recipe, monkeypatch):
    """Rendering is not repeated, and training continues at the step that was saved."""
    stopped = Recipe(recipe, 8)
    stopped.render()
    rendered = (stopped.sets / 'room' / 'frames.json').stat().st_mtime_ns
    from grin_ros.training.trainer import Trainer

    trainer = Trainer(stopped.stages[0], 'cpu')
    while trainer.step < 2:
        trainer.train_step(trainer.batches[trainer.step])
    trainer.save()
    taken, take = [], Trainer.train_step
    monkeypatch.setattr(
        Trainer, 'train_step', lambda self, b: (taken.append(self.step), take(self, b))[1]
    )
    again = Recipe(recipe, 8)
    again.render()
    assert (again.sets / 'room' / 'frames.json').stat().st_mtime_ns == rendered
    assert again.train('cpu') == 0
    assert taken == [2, 3, 4, 5, 0, 1]  # six steps of the first stage, two of the second


@pytest.mark.parametrize('before, after', [('seed: 10', 'seed: 11'), ('size: [', 'size: [1')])
def test_pictures_of_another_recipe_are_not_taken_for_its_own(recipe, capsys, before, after):
    Recipe(recipe, 4).render()
    assert recipe.read_text().count(before) >= 1
    recipe.write_text(recipe.read_text().replace(before, after, 1))
    assert cli.main(['weights', str(recipe), '--steps', '4', '--device', 'cpu']) == 2
    told = capsys.readouterr().err
    assert 'seeds 10 to 17' in told and 'move it away' in told


def test_a_signal_in_the_last_step_of_a_stage_stops_the_recipe(recipe, monkeypatch):
    from grin_ros.training.trainer import Trainer

    small, taken, take = Recipe(recipe, 8), [], Trainer.train_step

    def told(self, batches):
        loss = take(self, batches)
        taken.append(self.step)
        if taken == [1, 2, 3, 4, 5, 6]:
            os.kill(os.getpid(), signal.SIGTERM)
        return loss

    monkeypatch.setattr(Trainer, 'train_step', told)
    small.render()
    assert small.train('cpu') == signal.SIGTERM
    assert taken == [1, 2, 3, 4, 5, 6]  # of six: the second stage does not begin
    assert small.train('cpu') == 0
    assert taken[6:] == [1, 2]


def test_a_checkpoint_serves_as_encoder(recipe):
    """A frozen trunk is taken from a checkpoint of ours."""
    small = {
        'network': {
            'encoder': {'kind': 'hiera', 'stages': 3, 'frozen': True}, 'interface_dim': 32,
            'latent_dim': 32, 'latents': 4, 'blocks': 1, 'layers': 1, 'heads': 2, 'rw_heads': 2,
            'feature_dim': 16, 'neck_layers': [0, 1],
        },
        'pixels': 6144,
    }  # fmt: skip
    (recipe.parent / 'tiny.yaml').write_text(json.dumps(small))
    one = recipe.parent / 'one.yaml'
    one.write_text(one.read_text() + 'encoder_weights: trunk.safetensors\n')
    config = from_dict(ModelConfig, small, 'test')
    from grin_ros.checkpoint import build_model

    trunk = build_model(config)
    save(recipe.parent / 'trunk.safetensors', trunk, config, half=True)
    made = Recipe(recipe, 4)
    made.render()
    assert made.train('cpu') == 0
    model, _, _ = load(made.output / 'stage_2' / 'last.safetensors')
    for a, b in zip(trunk.encoder.parameters(), model.encoder.parameters(), strict=True):
        np.testing.assert_allclose(a.detach(), b, atol=2e-3)


def test_assets_add_their_worlds(recipe, monkeypatch, tmp_path):
    assert Recipe(recipe).rendered() == ['room', 'apart']
    monkeypatch.setenv('GRIN_ASSETS', str(tmp_path))
    whole = Recipe(recipe)
    assert whole.rendered() == ['room', 'house', 'apart']
    assert [Path(s.set).name for s in whole.stages[0].sources] == ['room', 'house']
    assert whole.stages[0].steps == 30
    assert whole.stages[0].sources[0].variants == 3
    assert [whole.count(name) for name in whole.rendered()] == [40, 40, 4]
    assert whole.stages[0].sources[0].set == str(tmp_path / 'sets' / 'room')


def test_a_recipe_that_cannot_work_is_refused(recipe, capsys):
    recipe.write_text(WHOLE.replace('calibrate: [apart]', 'calibrate: [attic]'))
    assert cli.main(['weights', str(recipe)]) == 2
    assert 'attic' in capsys.readouterr().err
    recipe.write_text(WHOLE)
    assert cli.main(['weights', str(recipe), '--steps', '0']) == 2


def test_the_shipped_recipe_holds_together(monkeypatch, tmp_path):
    """Every set of a stage is rendered or named by a variable, and none is calibrated on."""
    for name in ('GRIN_TEST_DATA', 'GRIN_ASSETS'):
        monkeypatch.setenv(name, str(tmp_path))
    whole = Recipe('config/weights.yaml')
    rendered = from_dict(WeightsConfig, load_yaml('config/weights.yaml'), 'weights').render
    for stage in whole.stages:
        for source in stage.sources:
            folder = Path(source.set)
            assert folder.parent == whole.sets or tmp_path in folder.parents
            assert folder.name not in whole.config.calibrate
        initial_model(stage)  # with an encoder that is at hand
    seeds = [(r.domain or r.world, r.seed + i) for r in rendered.values() for i in range(r.count)]
    assert len(set(seeds)) == len(seeds)
    assert read_metadata('weights/grin_small.safetensors')
