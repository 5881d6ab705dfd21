# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The manifest: every stage behind a checkpoint, and whether a set is among what it saw."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from grin_ros import cli
from grin_ros.camera import Camera
from grin_ros.checkpoint import amend, build_model, load, ModelConfig, read_metadata, save
from grin_ros.config import load as load_config
from grin_ros.info import manifest
from grin_ros.training.config import SourceConfig, TrainConfig
from grin_ros.training.manifest import trained_on
from grin_ros.training.sample import Sample, SampleSet
from grin_ros.training.sample_writer import SampleSetWriter
from grin_ros.training.trainer import Trainer

TINY = load_config(ModelConfig, 'config/grin_tiny.yaml')
SIZE = (32, 32)


def write_set(folder, seed, source='test, seeds 0 to 2', stamps=(None, None, None)):
    rng = np.random.default_rng(seed)
    about = {'source': source, 'licence': 'CC0', 'depth_kind': 'synthetic',
             'domain': 'indoor', 'min_depth': 0.3, 'max_depth': 20.0}  # fmt: skip
    with SampleSetWriter(folder, **about) as writer:
        for i in range(3):
            image = rng.integers(0, 255, (*SIZE, 3), np.uint8)
            depth = np.full(SIZE, 1.0 + i, np.float32)
            camera = Camera.default(SIZE)
            writer.add(Sample(image, depth, camera, f'{seed}_{i}', stamp=stamps[i]))
    return folder


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory):
    """Two stages: on set `a`, then on set `b` and a rendered world, from the first."""
    folder = tmp_path_factory.mktemp('manifest')
    small = {'model': TINY, 'steps': 1, 'batch': 2, 'pixels': 16}
    for number, sources in enumerate(
        ((SourceConfig(set=str(write_set(folder / 'a', 0)), size=SIZE, variants=2),),
         (SourceConfig(set=str(write_set(folder / 'b', 1)), size=SIZE, weight=3.0),
          SourceConfig(world='room', count=2, size=SIZE))),
        1,
    ):  # fmt: skip
        initial = str(folder / '1' / 'last.safetensors') if number > 1 else ''
        output = str(folder / str(number))
        recipe = TrainConfig(sources=sources, output=output, initial=initial, seed=number, **small)
        Trainer(recipe).run()
    return folder


def test_a_checkpoint_knows_every_stage_behind_it(checkpoints):
    first, second = manifest(read_metadata(checkpoints / '2' / 'last.safetensors'))
    assert [s['name'] for s in first['sources']] == ['a']
    assert [s['name'] for s in second['sources']] == ['b', 'room']
    assert first['sources'][0]['frames'] == 3
    assert first['sources'][0]['variants'] == 2
    assert first['sources'][0]['source'] == 'test, seeds 0 to 2'
    assert first['sources'][0]['licence'] == 'CC0'
    assert 'seeds 0 to 1' in second['sources'][1]['source']
    assert (first['recipe']['seed'], second['recipe']['seed']) == (1, 2)
    assert first['step'] == 1
    assert first['hours'] >= 0
    assert str(checkpoints) not in json.dumps([first, second])  # no folder of this machine


def test_a_set_is_recognised_wherever_it_lies(checkpoints, tmp_path):
    path = checkpoints / '2' / 'last.safetensors'
    copy = SampleSet(shutil.copytree(checkpoints / 'a', tmp_path / 'elsewhere'))
    assert trained_on(path, copy)  # of the first stage
    assert not trained_on(path, SampleSet(write_set(tmp_path / 'c', 2)))
    assert not trained_on(path, SampleSet(write_set(tmp_path / 'd', 0, 'another camera')))
    assert not trained_on(None, copy) and not trained_on(tmp_path / 'none.safetensors', copy)


def test_a_stretch_of_a_recording_is_recognised_by_its_time(tmp_path):
    """Frames of every extraction are numbered from 0, so that stems say nothing."""
    trained = write_set(tmp_path / 'a', 0, 'drive', stamps=(10, 20, 30))
    recipe = TrainConfig(
        sources=(SourceConfig(set=str(trained), size=SIZE),), model=TINY, steps=1, batch=2,
        pixels=16, output=str(tmp_path / 'run'),
    )  # fmt: skip
    Trainer(recipe).run()
    path = tmp_path / 'run' / 'last.safetensors'
    cases = [((10, 20, 30), 'drive', True), ((5, 15, 50), 'drive', True)]
    cases += [((30, 40, 50), 'drive', True), ((31, 40, 50), 'drive', False)]
    cases += [((10, 20, 30), 'another drive', False)]
    for number, (stamps, source, seen) in enumerate(cases):
        samples = SampleSet(write_set(tmp_path / str(number), 0, source, stamps=stamps))
        assert trained_on(path, samples) == seen, (stamps, source)


def test_eval_says_what_was_trained_on(checkpoints, tmp_path, capsys):
    write_set(tmp_path / 'c', 2)
    argv = ['eval', str(checkpoints / 'b'), str(tmp_path / 'c'), '--device', 'cpu']
    argv += ['--checkpoint', str(checkpoints / '2' / 'last.safetensors')]
    assert cli.main([*argv, '--sheet', str(tmp_path / 'sheet.png')]) == 0
    out = capsys.readouterr().out
    assert 'b: these weights were trained on this set' in out
    assert 'c: these weights' not in out


def rows_of(printed: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split('│')[1:-1]] for line in printed.splitlines()]


def test_info_prints_the_manifest(checkpoints, capsys, monkeypatch):
    path = str(checkpoints / '2' / 'last.safetensors')
    monkeypatch.setenv('COLUMNS', '200')
    assert cli.main(['info', path]) == 0
    out = capsys.readouterr().out
    stages = [row[:3] for row in rows_of(out) if len(row) == 7]
    assert stages == [['1', '1', '2'], ['2', '1', '2']]
    sources = {row[0]: row[1:] for row in rows_of(out) if len(row) == 4}
    assert sources['a'] == ['3', '1', 'test, seeds 0 to 2. CC0']
    assert sources['room'][1] == '2'
    assert 'procedural world room of grin_ros, seeds 0 to 1. Apache-2.0' in out
    assert 'h in 2 stages' in out
    assert cli.main(['info', path, '--json']) == 0
    told = json.loads(capsys.readouterr().out)
    assert [len(stage['sources']) for stage in told['manifest']] == [1, 2]
    assert told['config']['depth']['max'] == 200


def test_info_lists_a_source_once_however_many_stages_drew_from_it(
    checkpoints, tmp_path, capsys, monkeypatch
):
    path = checkpoints / '2' / 'last.safetensors'
    _, config, metadata = load(path)
    first, second = manifest(metadata)
    stages = [first, first, second, first, second, first]
    amend(path, tmp_path / 'many.safetensors', config, {'stages': stages})
    monkeypatch.setenv('COLUMNS', '200')
    assert cli.main(['info', str(tmp_path / 'many.safetensors')]) == 0
    rows = [row for row in rows_of(capsys.readouterr().out) if len(row) == 4]
    assert [(row[0], row[2]) for row in rows] == [
        ('a', '1-2, 4, 6'),
        ('b', '3, 5'),
        ('room', '3, 5'),
    ]


def test_amending_leaves_the_weights_alone(checkpoints, tmp_path):
    path = checkpoints / '1' / 'last.safetensors'
    model, config, metadata = load(path)
    amend(path, tmp_path / 'new.safetensors', config, {**metadata, 'note': 'amended'})
    other, same, told = load(tmp_path / 'new.safetensors')
    assert told == {**metadata, 'note': 'amended'}
    assert same == config
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert a.equal(b)


def test_brackets_in_paths_and_facts_are_printed_as_they_are(tmp_path, capsys):
    path = tmp_path / '[' / 'v2]' / 'x.safetensors'
    save(path, build_model(TINY), TINY, note='[/red] and [bold]')
    assert cli.main(['info', str(path)]) == 0
    assert '[/red] and [bold]' in capsys.readouterr().out


@pytest.mark.parametrize('broken', [{'earlier': None}, {'stages': 5}])
def test_a_broken_manifest_is_one_sentence(checkpoints, tmp_path, capsys, broken):
    path = checkpoints / '2' / 'last.safetensors'
    amend(path, tmp_path / 'b.safetensors', load(path)[1], broken)
    assert cli.main(['info', str(tmp_path / 'b.safetensors')]) == 2
    assert 'manifest is broken' in capsys.readouterr().err
