# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Means of checkpoints, against the mean by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from grin_ros import cli
from grin_ros.checkpoint import build_model, load, ModelConfig, save
from grin_ros.config import from_dict, load_yaml
from grin_ros.info import manifest
from grin_ros.training.average import average
from grin_ros.uncertainty import UncertaintyConfig

FILES = 'a.safetensors', 'b.safetensors'


@pytest.fixture
def config():
    return from_dict(ModelConfig, load_yaml(Path('config/grin_tiny.yaml')), 'tiny')


def make(path, config, seed, **metadata):
    torch.manual_seed(seed)
    save(path, build_model(config), config, half=True, **metadata)
    return path


def test_the_mean_by_hand_and_the_stages_of_all(tmp_path, config, capsys):
    first = make(tmp_path / 'a.safetensors', config, 0, step=5, sources=[{'name': 'x'}])
    earlier = [{'step': 5, 'sources': [{'name': 'x'}]}]
    more = {'step': 7, 'sources': [{'name': 'y'}], 'earlier': earlier, 'licence': 'ours'}
    calibrated = replace(config, uncertainty=UncertaintyConfig(floor=0.2))
    second = make(tmp_path / 'b.safetensors', calibrated, 1, calibration={'sets': []}, **more)
    out = tmp_path / 'mean.safetensors'
    assert cli.main(['average', f'{first}:1', f'{second}:3', '-o', str(out)]) == 0
    a, b = (load(path)[0].state_dict() for path in (first, second))
    mean, found, metadata = load(out)
    for name, value in mean.state_dict().items():
        torch.testing.assert_close(value, 0.25 * a[name] + 0.75 * b[name], rtol=1e-3, atol=1e-4)
    assert found == config and metadata['licence'] == 'ours'  # neither calibrated any more
    assert 'calibration' not in metadata
    assert [stage['step'] for stage in manifest(metadata)] == [5, 7]
    assert metadata['average'] == '0.25 a.safetensors + 0.75 b.safetensors'


def test_what_is_equal_stays_bit_for_bit(tmp_path, config):
    path = make(tmp_path / 'a.safetensors', config, 0)
    average([path] * 3, [0.3, 0.3, 0.4], tmp_path / 'b.safetensors')
    same = load(tmp_path / 'b.safetensors')[0].state_dict()
    assert all(
        torch.equal(value, same[name]) for name, value in load(path)[0].state_dict().items()
    )


def test_the_mean_of_a_mean_says_its_own_parts(tmp_path, config):
    first, second = (make(tmp_path / name, config, seed) for seed, name in enumerate(FILES))
    mean, again = tmp_path / 'mean.safetensors', tmp_path / 'again.safetensors'
    average([first, second], [1, 1], mean)
    average([second, mean], [1, 1], again)
    weights = [load(path)[0].state_dict() for path in (first, second)]
    found, _, metadata = load(again)
    for name, value in found.state_dict().items():
        a, b = (w[name] for w in weights)
        torch.testing.assert_close(value, 0.25 * a + 0.75 * b, rtol=1e-3, atol=1e-4)
    assert metadata['average'] == '0.50 b.safetensors + 0.50 mean.safetensors'


def test_whether_an_encoder_was_trained_is_the_last_ones(tmp_path, config):
    encoder = replace(config.network.encoder, frozen=True)
    still = replace(config, network=replace(config.network, encoder=encoder))
    trained, frozen = (
        make(tmp_path / name, kind, seed)
        for seed, (name, kind) in enumerate(zip(FILES, (config, still), strict=True))
    )
    average([trained, frozen], [1, 1], tmp_path / 'c.safetensors')
    assert load(tmp_path / 'c.safetensors')[1] == still
    average([frozen, trained], [1, 1], tmp_path / 'c.safetensors')
    assert load(tmp_path / 'c.safetensors')[1] == config


def test_mistakes_are_one_sentence(tmp_path, config, capsys):
    path = make(tmp_path / 'a.safetensors', config, 0)
    other = replace(config, network=replace(config.network, latents=config.network.latents * 2))
    wrong = make(tmp_path / 'b.safetensors', other, 0)
    depth = replace(config.depth, max=config.depth.max / 2)
    nearer = make(tmp_path / 'n.safetensors', replace(config, depth=depth), 0)
    v = make(tmp_path / 'v.safetensors', replace(config, target='v'), 0)
    for words, sentence in (
        ([str(path), str(wrong)], 'another network'),
        ([str(path), str(nearer)], 'another depth'),
        ([str(path), str(v)], 'another target'),
        ([f'{path}:much'], 'much is not a share'),
        ([f'{path}:0'], 'shares above 0'),
        ([f'{path}:nan', str(path)], 'shares above 0'),
        ([str(path), f'{path}:nan'], 'shares above 0'),
        ([f'{path}:inf', str(path)], 'shares above 0'),
    ):
        assert cli.main(['average', *words, '-o', str(tmp_path / 'c.safetensors')]) == 2
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / 'c.safetensors').exists()
