# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Protocols as the command runs them, and what it refuses."""

from __future__ import annotations

import json

from protocol_files import Answer, kitti
import pytest

from grin_ros.cli import main
from grin_ros.training.evaluation import evaluate
from grin_ros.training.protocols import load_protocol, PROTOCOLS
from grin_ros.training.protocols.protocol import numbers


def test_numbers():
    assert numbers('3 8-10 20-40/10') == [3, 8, 9, 10, 20, 30, 40]


def test_the_command_says_how_much_of_the_protocol_was_there(tmp_path, capsys, monkeypatch):
    kitti(tmp_path / 'kitti')
    monkeypatch.setattr('grin_ros.training.evaluate.load_pipeline', lambda args: Answer(30))
    words = ['eval', '--protocol', 'kitti_eigen', str(tmp_path / 'kitti')]
    assert main([*words, '--json', str(tmp_path / 'out.json')]) == 0
    assert '1 of the 652 frames' in capsys.readouterr().out
    found = json.loads((tmp_path / 'out.json').read_text())
    assert found['protocol'] == 'kitti_eigen'
    assert found['sets'][0]['metrics']['abs_rel'] == pytest.approx(0.5)
    assert (tmp_path / 'out.png').is_file()


@pytest.mark.parametrize('answer', [80.0, 1e4, float('nan')])
def test_what_is_taken_for_sky_counts_as_the_end_of_the_range(tmp_path, answer):
    kitti(tmp_path)  # 20 m everywhere, judged up to 80 m
    (found,) = load_protocol('kitti_eigen', tmp_path)
    assert evaluate(Answer(answer), found)['metrics']['abs_rel'] == pytest.approx(3)


@pytest.mark.parametrize('name', PROTOCOLS)
def test_an_empty_folder_is_refused_in_one_sentence(name, tmp_path, capsys):
    assert main(['eval', '--protocol', name, str(tmp_path)]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith('grin: ') and error.count('\n') == 0
    assert str(tmp_path) in error
    assert main(['eval', '--protocol', name, str(tmp_path / 'nowhere')]) == 2
    assert 'no such folder' in capsys.readouterr().err


def test_a_missing_or_broken_file_is_named(tmp_path):
    kitti(tmp_path)
    (found,) = load_protocol('kitti_eigen', tmp_path)
    image = next(tmp_path.rglob('image_02/data/0000000022.png'))
    image.write_bytes(b'no png')
    with pytest.raises(ValueError, match=r'0000000022\.png cannot be decoded'):
        found[0]
    image.unlink()
    with pytest.raises(FileNotFoundError, match=r'0000000022\.png is missing'):
        found[0]
    with pytest.raises(ValueError, match='kitti_eigen, nyu, ddad'):
        load_protocol('cityscapes', tmp_path)
