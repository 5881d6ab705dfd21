# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The bench: its clockwork with a false clock, and one real run of the smallest network."""

from __future__ import annotations

import json

import pytest
import torch

from grin_ros import bench, cli, config
from grin_ros.checkpoint import build_model, ModelConfig
from grin_ros.pipeline import DepthPipeline

NETWORK = """
network:
  encoder: {kind: resnet, width: 8, blocks: [1, 1, 1, 1]}
  feature_dim: 16
  interface_dim: 16
  latent_dim: 16
  latents: 4
  blocks: 1
  layers: 1
  heads: 2
  rw_heads: 2
pixels: 2048
steps: 2
stride: 4
"""


def test_cases_take_turns_and_the_first_round_does_not_count(monkeypatch):
    clock, order = [0.0], []
    durations = {'a': iter([9, 0.010, 0.030, 0.020]), 'b': iter([9, 0.5, 0.1, 0.3])}
    monkeypatch.setattr(bench.time, 'perf_counter', lambda: clock[0])

    def case(name):
        def run():
            order.append(name)
            clock[0] += next(durations[name])

        return run

    waits = []
    found = bench.medians({n: case(n) for n in 'ab'}, 3, lambda: waits.append(len(order)))
    assert order == list('abababab')
    assert found == pytest.approx({'a': 20, 'b': 300})
    assert waits == [i for call in range(8) for i in (call, call + 1)], 'the clock ran too early'


@pytest.fixture
def network(tmp_path):
    path = tmp_path / 'network.yaml'
    path.write_text(NETWORK)
    return path


@pytest.fixture
def pipeline(network, one_thread):
    network = config.load(ModelConfig, network)
    return DepthPipeline(build_model(network), network)


def test_a_frame_is_encoded_once_or_before_every_step(pipeline, monkeypatch):
    frame = bench.Frame(pipeline, (64, 64))
    calls = []
    monkeypatch.setattr(frame, 'encode', lambda stride: calls.append('encode'))
    monkeypatch.setattr(frame, 'step', lambda stride, cond: calls.append('step'))
    frame.cached(8, 3)
    assert calls == ['encode', 'step', 'step', 'step']
    calls.clear()
    frame.uncached(8, 2)
    assert calls == ['encode', 'step', 'encode', 'step']


def test_what_is_timed_is_what_the_pipeline_asks_for(pipeline, monkeypatch):
    frame = bench.Frame(pipeline, (480, 640))
    asked = []
    encode = pipeline.model.encode
    monkeypatch.setattr(
        pipeline.model, 'encode', lambda *args: asked.append(args) or encode(*args)
    )
    pipeline.infer(frame.image, None, stride=4)
    (picture, camera, uv), *_ = asked
    assert picture.shape == frame.picture.shape and camera.size == frame.fitted
    assert torch.allclose(uv, frame.uv[4], atol=1e-4)
    assert [(s, frame.uv[s].shape[1]) for s in bench.STRIDES] == [
        (1, 32 * 64), (2, 16 * 32), (4, 8 * 16), (8, 4 * 8),
    ]  # fmt: skip


def test_command_prints_ratios_and_writes_json(tmp_path, capsys, network, one_thread):
    out = tmp_path / 'new' / 'bench.json'
    words = ['bench', '--config', str(network), '--size', '48', '64', '--rounds', '1']
    assert cli.main([*words, '--device', 'cpu', '--json', str(out)]) == 0
    printed = capsys.readouterr().out
    for word in ('queried pixels', 'denoising steps', 'ratio', 'step : encode', '2048'):
        assert word in printed
    data = json.loads(out.read_text())
    assert [row['stride'] for row in data['pixels']] == [1, 2, 4, 8]
    assert [row['steps'] for row in data['steps']] == [1, 2, 4, 10]
    assert all(value > 0 for row in data['pixels'] + data['steps'] for value in row.values())
    assert data['image'] == [48, 64] and data['device'] == 'cpu'


def test_a_missing_network_is_one_sentence(capsys):
    assert cli.main(['bench', '--config', 'none.yaml']) == 2
    assert 'none.yaml' in capsys.readouterr().err


@pytest.fixture
def node(monkeypatch):
    asked = []
    monkeypatch.setattr(bench.bench_node, 'run', lambda args: asked.append(args))
    return asked


def test_options_may_stand_before_node(node):
    assert cli.main(['bench', '--size', '48', '64', '--json', 'a.json', 'node']) == 0
    assert cli.main(['bench', 'node', '--size', '48', '64', '--json', 'a.json']) == 0
    assert cli.main(['bench', '--json', 'b.json', 'node', '--json', 'a.json']) == 0
    assert [tuple(args.size) for args in node] == [(48, 64), (48, 64), (480, 640)]
    assert [str(args.json) for args in node] == ['a.json'] * 3


@pytest.mark.parametrize(
    'words, says',
    [
        (['--checkpoint', 'a', 'node'], 'takes no --checkpoint'),
        (['--device', 'cuda:1', '--rounds', '9', 'node'], 'takes no --device and no --rounds'),
        (['--config', 'a', 'node'], 'takes no --config'),
        (['--config', 'a', '--checkpoint', 'b'], 'only one of them'),
    ],
)
def test_options_that_would_change_nothing_are_refused(node, capsys, words, says):
    assert cli.main(['bench', *words]) == 2
    assert says in capsys.readouterr().err and not node
