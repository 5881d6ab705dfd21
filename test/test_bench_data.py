# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command `grin bench data`, on a small bag."""

from __future__ import annotations

import json

import cv2
import rig
import torch

from grin_ros import cli
from grin_ros.training import bench_data


def test_the_ratio_is_to_plain_reading_and_decoding(tmp_path, monkeypatch, capsys):
    """A clock that ticks by a known time per case gives known figures."""
    bag = tmp_path / 'bag'
    rig.write(bag, rig.Rig(encode=rig.jpeg).messages())
    threads = cv2.getNumThreads(), torch.get_num_threads()
    ticks = iter(t for i in range(6) for t in (100 * i, 100 * i + (5, 50, 16)[i % 3]))
    monkeypatch.setattr(bench_data.time, 'process_time', lambda: next(ticks))
    out = tmp_path / 'out.json'
    words = ['bench', 'data', str(bag), '--rounds', '2', '--json', str(out)]
    assert cli.main(words) == 0
    report = json.loads(out.read_text())
    assert [round(row['ratio'], 3) for row in report.values()] == [1.0, 0.1, 0.5]
    assert 'sample set to training batches' in capsys.readouterr().out
    assert (cv2.getNumThreads(), torch.get_num_threads()) == threads
    assert cli.main(['bench', 'data', str(tmp_path / 'nothing')]) == 2
    assert 'no such bag' in capsys.readouterr().err
