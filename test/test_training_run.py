# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whole runs: several processes, signals and kills, validation, TensorBoard, the command."""

from __future__ import annotations

from dataclasses import replace
import math
import os
from pathlib import Path
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
from painted_planes import recipe, ROOT, SIZE, TINY, write_planes
import pytest
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
import torch
from training_process import gradients

from grin_ros import cli
from grin_ros.checkpoint import read_metadata, save
from grin_ros.config import dump_yaml
from grin_ros.pipeline import DepthPipeline
from grin_ros.training import objective
from grin_ros.training.config import SourceConfig, StageConfig, TrainConfig, ValidationConfig
from grin_ros.training.recipe import load_recipe
from grin_ros.training.trainer import Trainer

PROCESS = str(Path(__file__).with_name('training_process.py'))


pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def planes(tmp_path_factory):
    return write_planes(tmp_path_factory.mktemp('planes'))


def write_recipe(path: Path, config: TrainConfig) -> str:
    path.write_text(dump_yaml(config))
    return str(path)


def command(*words: object) -> subprocess.CompletedProcess:
    environment = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)}
    return subprocess.run(
        [sys.executable, *map(str, words)], env=environment, cwd=ROOT, capture_output=True,
        text=True, timeout=300,
    )  # fmt: skip


TORCHRUN = ('-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2')


def test_two_processes_give_the_gradients_of_one(planes, tmp_path, monkeypatch):
    """As torchrun starts them, gloo on CPU; sizes and passes differ between the two."""
    sources = (
        SourceConfig(set=str(planes), size=SIZE, weight=3),
        SourceConfig(set=str(planes), size=(32, 64)),
    )
    model = replace(TINY, network=replace(TINY.network, neck_jitter=1.0))
    config = recipe(planes, tmp_path, model=model, sources=sources, batch=5, full_noise=0.4)
    path = write_recipe(tmp_path / 'recipe.yaml', config)
    passes = write_recipe(tmp_path / 'passes.yaml', replace(config, microbatch=2))
    done = command(*TORCHRUN, PROCESS, 'gradients', passes, tmp_path / 'two')
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(objective, 'autocast', objective.autocast)  # put back what this changes
    gradients(path, str(tmp_path / 'one'))
    one, two = load_file(tmp_path / 'one'), load_file(tmp_path / 'two')
    assert one.keys() == two.keys()
    largest = max(value.abs().max().item() for name, value in one.items() if 'loss' not in name)
    assert largest > 0.01
    for name, expected in one.items():
        torch.testing.assert_close(two[name], expected, rtol=1e-3, atol=1e-4 * largest)


@pytest.mark.slow
def test_the_command_in_two_processes_is_the_command_in_one(planes, tmp_path):
    """Both learn alike, with loaders of their own; one of them writes and speaks."""
    config = recipe(
        planes, tmp_path, workers=1, validation=ValidationConfig(holdout=0.25, every=3), batch=5
    )
    path = write_recipe(tmp_path / 'recipe.yaml', config)
    curves = {}
    for name, start in {'one': (), 'two': TORCHRUN}.items():
        words = (*start, '-m', 'grin_ros', 'train', path, '-o', tmp_path / name, '--device', 'cpu')
        done = command(*words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count('wrote ') == 1
        assert (tmp_path / name / 'best.safetensors').is_file()
        board = EventAccumulator(str(tmp_path / name / 'board')).Reload()
        curves[name] = [e.value for e in board.Scalars('train/loss')]
        assert read_metadata(tmp_path / name / 'last.safetensors')['step'] == 6
    assert len(curves['two']) == 6
    assert curves['two'][0] == pytest.approx(curves['one'][0], rel=1e-4)
    np.testing.assert_allclose(curves['two'], curves['one'], rtol=0.1)  # AdamW after bfloat16


def same_state(a: Path, b: Path) -> None:
    first, second = load_file(a / 'state.safetensors'), load_file(b / 'state.safetensors')
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    first, second = load_file(a / 'last.safetensors'), load_file(b / 'last.safetensors')
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_a_run_killed_while_it_saves_goes_on_bit_for_bit(planes, tmp_path):
    stages = (StageConfig(3), StageConfig(3, lr=1e-3))
    settings = {'stages': stages, 'save_every': 2, 'validation': ValidationConfig(holdout=0.25)}
    whole = Trainer(recipe(planes, tmp_path / 'whole', **settings))
    whole.run()
    config = recipe(planes, tmp_path / 'killed', **settings)
    path = write_recipe(tmp_path / 'recipe.yaml', config)
    done = command(PROCESS, 'die', path, 4)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (tmp_path / 'killed' / 'state.safetensors.partial').is_file()
    assert cli.main(['train', path, '--device', 'cpu', '--resume']) == 0
    same_state(tmp_path / 'whole', tmp_path / 'killed')
    best = [load_file(tmp_path / n / 'best.safetensors') for n in ('whole', 'killed')]
    assert all(torch.equal(value, best[1][name]) for name, value in best[0].items())


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_run_told_to_stop_saves_and_goes_on_bit_for_bit(planes, tmp_path, number, capsys):
    Trainer(recipe(planes, tmp_path / 'whole')).run()
    config = recipe(planes, tmp_path / 'stopped', save_every=100)
    path = write_recipe(tmp_path / 'recipe.yaml', config)
    train_step, before = Trainer.train_step, signal.getsignal(number)

    def told(self, batches):
        loss = train_step(self, batches)
        if self.step == 2:
            os.kill(os.getpid(), number)  # noticed after the next step, which ends as any other
        return loss

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, 'train_step', told)
        assert cli.main(['train', path, '--device', 'cpu']) == 128 + number
    assert 'go on with --resume' in capsys.readouterr().out
    assert signal.getsignal(number) == before
    assert cli.main(['train', path, '--device', 'cpu']) == 2
    assert 'holds a run already' in capsys.readouterr().err
    assert cli.main(['train', path, '--device', 'cpu', '--resume']) == 0
    same_state(tmp_path / 'whole', tmp_path / 'stopped')


@pytest.mark.parametrize('last', [5, 6])
def test_a_signal_in_a_last_step_is_no_failure_of_a_run_that_is_done(
    planes, tmp_path, last, monkeypatch, capsys
):
    """But whoever would begin another one next knows of it."""
    path = write_recipe(tmp_path / 'recipe.yaml', recipe(planes, tmp_path / 'run'))
    train_step, trainers = Trainer.train_step, []

    def told(self, batches):
        loss = train_step(self, batches)
        if self.step == last:
            os.kill(os.getpid(), signal.SIGTERM)
            trainers.append(self)
        return loss

    monkeypatch.setattr(Trainer, 'train_step', told)
    assert cli.main(['train', path, '--device', 'cpu']) == 0
    assert 'wrote' in capsys.readouterr().out
    [trainer] = trainers
    assert (trainer.step, trainer.stopped) == (6, signal.SIGTERM)


def test_the_board_has_curves_and_pictures(planes, tmp_path):
    validation = ValidationConfig(sets=(str(planes),), every=3, frames=2)
    config = recipe(planes, tmp_path, validation=validation)
    trainer = Trainer(config)
    losses = trainer.run()
    board = EventAccumulator(str(tmp_path / 'board')).Reload()
    np.testing.assert_allclose([e.value for e in board.Scalars('train/loss')], losses, rtol=1e-6)
    assert [e.step for e in board.Scalars('train/lr')] == [1, 2, 3, 4, 5, 6]
    pictures = {name: board.Images(name) for name in board.Tags()['images']}
    assert {name: [e.step for e in found] for name, found in pictures.items()} == {
        'views': [0], 'validation': [3, 6],
    }  # fmt: skip
    assert all(e.width > 200 and e.height > 100 for found in pictures.values() for e in found)


def test_a_run_that_is_never_finite_is_given_up(planes, tmp_path, monkeypatch):
    trainer = Trainer(recipe(planes, tmp_path, steps=200))
    with torch.no_grad():
        next(iter(trainer.model.parameters())).fill_(math.nan)
    monkeypatch.setattr('grin_ros.training.trainer.PATIENCE', 3)
    with pytest.raises(ValueError, match='not finite'):
        trainer.run()
    assert trainer.step == 3
    assert not (tmp_path / 'last.safetensors').exists()


def test_a_run_that_diverges_tells_how_to_go_on_and_so_it_does(planes, tmp_path, monkeypatch):
    config = recipe(planes, tmp_path / 'a', steps=200, save_every=2)
    trainer, train_step = Trainer(config), Trainer.train_step

    def diverging(self, batches):
        if self.step == 2:
            with torch.no_grad():
                next(iter(self.model.parameters())).fill_(math.nan)
        return train_step(self, batches)

    monkeypatch.setattr('grin_ros.training.trainer.PATIENCE', 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, 'train_step', diverging)
        with pytest.raises(ValueError, match='lower rate into another output') as told:
            trainer.run()
    initial = re.search('`initial: (.*)`', str(told.value))[1]
    rate = replace(config.optimiser, lr=config.optimiser.lr / 10)
    again = replace(config, steps=2, initial=initial, output=str(tmp_path / 'b'), optimiser=rate)
    assert np.isfinite(Trainer(again).run()).all()


def test_a_dry_run_tells_and_writes_nothing(planes, tmp_path, capsys):
    encoder = replace(TINY.network.encoder, frozen=True)
    model = replace(TINY, network=replace(TINY.network, encoder=encoder))
    save(tmp_path / 'start.safetensors', Trainer(recipe(planes, tmp_path)).model, TINY)
    shutil.copy(tmp_path / 'start.safetensors', tmp_path / 'frozen.safetensors')
    start = DepthPipeline.from_checkpoint(tmp_path / 'start.safetensors').model
    save(tmp_path / 'frozen.safetensors', start, model)
    config = recipe(
        planes, tmp_path / 'out', model=model, initial=str(tmp_path / 'frozen.safetensors'),
        sources=(
            SourceConfig(set=str(planes), size=SIZE, weight=3),
            SourceConfig(world='street', size=(32, 64)),
        ),
    )  # fmt: skip
    path = write_recipe(tmp_path / 'recipe.yaml', config)
    assert cli.main(['train', path, '--device', 'cpu', '--dry-run']) == 0
    told = capsys.readouterr().out
    for words in ('75.0 %', '25.0 %', 'street', 'outdoor', '64 pixels each', 'MiB', 'ms',
                  '264 views', 'all 6 steps'):  # fmt: skip
        assert words in told, told
    assert not (tmp_path / 'out').exists()


def test_the_command_line_replaces_sets_and_folders(planes, tmp_path):
    other = write_planes(tmp_path / 'other', count=3, domain='outdoor')
    config = recipe(planes, tmp_path / 'unused', steps=1)
    config = replace(config, sources=(SourceConfig(world='room', size=SIZE, variants=2),))
    path = write_recipe(tmp_path / 'recipe.yaml', config)
    words = ['--set', planes, '--set', other, '--val', other, '-o', tmp_path / 'out']
    assert cli.main(['train', path, '--device', 'cpu', *map(str, words)]) == 0
    metadata = read_metadata(tmp_path / 'out' / 'last.safetensors')
    assert [s['frames'] for s in metadata['sources']] == [8, 3]
    assert metadata['sources'][0]['variants'] == 2
    assert set(metadata['validation']) == {'other', 'mean'}


def test_a_recipe_without_model_takes_that_of_its_checkpoint(planes, tmp_path):
    Trainer(recipe(planes, tmp_path / 'start', steps=1)).run()
    text = f'initial: start/last.safetensors\nsources: [{{set: {planes}}}]\n'
    (tmp_path / 'recipe.yaml').write_text(text)
    config = load_recipe(tmp_path / 'recipe.yaml')
    assert config.model == TINY
    metadata = read_metadata(config.initial)
    assert metadata['sources'][0]['frames'] == 8


@pytest.mark.parametrize('path', sorted((ROOT / 'config').glob('*train*.yaml')) + [
    ROOT / 'config' / 'finetune.yaml'], ids=lambda p: p.stem)  # fmt: skip
def test_the_recipes_that_ship_are_read(path, monkeypatch):
    for name in ('GRIN_TEST_DATA', 'GRIN_SETS', 'SAM2_WEIGHTS'):
        monkeypatch.setenv(name, '/nowhere')
    config = load_recipe(path)
    assert config.sources
    assert config.stage_at(0)[2].lr > 0
