# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The bench of the node: what it prints, and one real run with few frames."""

from __future__ import annotations

import json

import pytest

pytest.importorskip('rclpy')

from grin_ros import bench_node, cli

PAIR = {'node': 3.0, 'relay': 2.0, 'ratio': 1.5}
TIMES = {'node': {'p50': 31.25, 'p99': 40.0}, 'relay': {'p50': 25.0, 'p99': 30.0}, 'ratio': 1.25}
REPORT = {
    'image': [480, 640],
    'frames': 7,
    'load': 0.5,
    'cores': 2,
    'latency': {'lost': {}, 'published': TIMES, 'arrived': TIMES},
    'throughput': PAIR,
    'cpu': PAIR,
    'slow': {'model_ms': 200, 'rate': 30, 'sent': 300, 'answered': 49, 'last_answered': True,
             'p50': 290.0, 'p99': 380.0, 'max': 390.0, 'bound': 1.95},
    'commands': {'set_parameters': {'p50': 4.0, 'max': 7.0}},
}  # fmt: skip


def test_command_prints_ratios_and_writes_json(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(bench_node, 'isolate', lambda: None)
    monkeypatch.setattr(bench_node, 'bench', lambda *given: asked.append(given) or REPORT)
    out = tmp_path / 'new' / 'node.json'
    assert cli.main(['bench', 'node', '--size', '48', '64', '--json', str(out)]) == 0
    assert asked == [((48, 64), 100, 30, 200, 10)]
    printed = capsys.readouterr().out
    for word in (
        '31.2',
        '25.0',
        '1.25',
        'frames/s',
        '1.50',
        '49',
        '1.95 inferences',
        'at most 7 ms',
    ):
        assert word in printed
    assert json.loads(out.read_text()) == REPORT


def test_a_process_that_dies_is_one_sentence(monkeypatch, capsys):
    def bench(*_):
        raise RuntimeError('the relay ended with exit code 1')

    monkeypatch.setattr(bench_node, 'isolate', lambda: None)
    monkeypatch.setattr(bench_node, 'bench', bench)
    assert cli.main(['bench', 'node']) == 1
    assert capsys.readouterr().err == 'grin: the relay ended with exit code 1\n'


@pytest.mark.slow
def test_node_and_relay_are_timed(ros_domain_id, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    report = bench_node.bench((48, 64), 20, 20, 150, 4)
    latency, slow = report['latency'], report['slow']
    assert latency['lost'] == {'node': 0, 'relay': 0}
    for part in ('published', 'arrived'):
        assert 0 < latency[part]['relay']['p50'] < latency[part]['node']['p50'] < 2000
        assert latency[part]['node']['p50'] <= latency[part]['node']['p99']
    for name in ('node', 'relay'):
        assert latency['published'][name]['p50'] < latency['arrived'][name]['p50']
        assert report['throughput'][name] > 1
    assert slow['sent'] == 80 and slow['answered'] < 30 and slow['last_answered']
    for times in report['commands'].values():
        assert 0 < times['p50'] <= times['max'] < 5000
    assert 150 <= slow['p50'] <= slow['p99'] <= slow['max'] < 2 * 150 + 300
