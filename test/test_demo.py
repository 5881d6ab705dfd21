# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The whole demo, as a user starts it: two processes over DDS, with a tiny network."""

from __future__ import annotations

from dataclasses import replace
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from bags import info, png, START, write
import cv2
import numpy as np
import pytest
import torch

from grin_ros.checkpoint import build_model, ModelConfig, save
from grin_ros.cli import main
from grin_ros.config import load as load_config
from grin_ros.depth import DepthConfig

ROOT = Path(__file__).resolve().parents[1]
SIZE = (48, 64)
TIMEOUT = 120.0
DTYPE = [('xyz', '<f4', 3), ('rgb', 'u1', 3)]


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    """A network that answers x_0 = 0.2 whatever it sees, which is a depth that we know."""
    config = load_config(ModelConfig, ROOT / 'config' / 'grin_tiny.yaml')
    config = replace(config, target='x_0', depth=DepthConfig('log', 0.1, 200.0))
    model = build_model(config)
    torch.nn.init.zeros_(model.out.weight)
    torch.nn.init.constant_(model.out.bias, 0.2)
    path = tmp_path_factory.mktemp('weights') / 'tiny.safetensors'
    save(path, model, config)
    return path


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    messages = [('/eye/camera_info', info(START, 60, SIZE))]
    messages += [('/eye/image/compressed', png(START + k * 10**8, image(k))) for k in range(4)]
    return write(tmp_path_factory.mktemp('recordings') / 'walk', messages)


def image(k: int) -> np.ndarray:
    """A picture that tells its number, and its left from its right."""
    picture = np.full((*SIZE, 3), 40 * k, np.uint8)
    picture[:, : SIZE[1] // 2, 0] = 255
    return picture


def start(out: Path, *arguments) -> subprocess.Popen:
    program = 'import sys; from grin_ros.cli import main; sys.exit(main())'
    environment = {k: v for k, v in os.environ.items() if not k.startswith(('GRIN_', 'FASTRTPS'))}
    return subprocess.Popen(
        [sys.executable, '-c', program, 'demo', '-o', str(out), *map(str, arguments)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def processes(word) -> list[int]:
    """Every living process whose command line or environment has the word."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            said = (folder / 'cmdline').read_bytes() + (folder / 'environ').read_bytes()
        except OSError:
            continue
        if str(word).encode() in said:
            found.append(int(folder.name))
    return found


def test_report_and_pictures(tmp_path, checkpoint, bag):
    out = tmp_path / 'demo'
    arguments = ('--bag', bag, '--checkpoint', checkpoint, '--steps', 1, '--rate', 20)
    process = start(out, *arguments, '--count', 12)
    said, error = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, error
    assert str(out) in said

    report = json.loads((out / 'report.json').read_text())
    assert report['frames_in'] >= 12 and report['frames_out'] >= 10
    assert report['dropped'] == report['frames_in'] - report['frames_out']
    assert 0 < report['latency_ms']['p50'] <= report['latency_ms']['p99'] < 60_000
    assert (report['device'], report['steps']) in (('cpu', 1), ('cuda', 1))
    assert report['checkpoint'] == str(checkpoint)
    assert report['source'] == 'bag walk'
    known = 0.1 * 2000**0.6  # 0.2 is 60 % of the way from -1 to 1, in log depth
    for key in ('min', 'median', 'max'):
        assert report['depth'][key] == pytest.approx(known, rel=1e-3)

    _, _, body = (out / 'cloud.ply').read_bytes().partition(b'end_header\n')
    cloud = np.frombuffer(body, DTYPE).reshape(SIZE)
    np.testing.assert_allclose(cloud['xyz'][..., 2], known, rtol=1e-3)
    right = (np.arange(SIZE[1]) - 4) / 60 * known  # cx = 4 and fx = 60 of the bag's CameraInfo
    np.testing.assert_allclose(cloud['xyz'][20, :, 0], right, rtol=1e-3, atol=1e-3)
    number = cloud['rgb'][0, -1, 0] // 40
    np.testing.assert_array_equal(cloud['rgb'], image(number))
    for name in ('depth', 'overlay', 'view'):
        picture = cv2.imread(str(out / f'{name}.png'))
        assert picture is not None and picture.std() > 5, name
    assert not processes(out) and not processes(bag)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_process(tmp_path, checkpoint, bag, number):
    process = start(tmp_path / 'demo', '--bag', bag, '--checkpoint', checkpoint)
    log, end = tmp_path / 'demo' / 'node.log', time.monotonic() + TIMEOUT
    # While the node loads: the moment at which a process is slowest to hear a signal.
    while not log.exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    while len(processes(checkpoint)) < 2 or len(processes(bag)) < 2:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert 'Traceback' not in error
    assert not processes(checkpoint) and not processes(bag)


def test_a_node_that_cannot_work_is_quoted(tmp_path, bag):
    process = start(tmp_path, '--bag', bag, '--checkpoint', tmp_path / 'none.safetensors')
    _, error = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert error.splitlines()[-1].startswith('grin: the node cannot work: ')
    assert 'none.safetensors' in error
    assert not processes(bag)


def test_a_camera_that_dies_is_quoted(tmp_path, checkpoint):
    process = start(tmp_path, '--bag', ROOT / 'config', '--checkpoint', checkpoint)
    _, error = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert error.splitlines()[-1].startswith('grin: the camera ended with exit code 2: grin: ')
    assert not processes(checkpoint)


@pytest.mark.parametrize(
    'arguments, sentence',
    [
        (('--count', 9), '--count 9 is too few'),
        (('--bag', 'nowhere'), 'nowhere: no such bag'),
        (('--rate', 0), '--rate 0 is not a positive number'),
        (('--steps', -1), '--steps -1'),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, monkeypatch, capsys, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(['demo', *map(str, arguments)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f'grin: {sentence}') and error.count('\n') == 1
    assert not list(tmp_path.iterdir())


def test_view_without_rerun_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'rerun', None)
    monkeypatch.delitem(sys.modules, 'grin_ros.live_view', raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(['demo', '--view']) == 2
    assert 'pip install rerun-sdk' in capsys.readouterr().err


def test_where_the_frames_come_from(tmp_path, monkeypatch):
    from grin_ros.demo import _source

    for name in ('GRIN_DEMO_BAG', 'GRIN_TEST_DATA'):
        monkeypatch.delenv(name, raising=False)
    assert _source(None) == (['--world', 'street', '--seed', '4'], 'rendered street')
    monkeypatch.setenv('GRIN_TEST_DATA', str(tmp_path))
    assert _source(None) == (['--world', 'street', '--seed', '4'], 'rendered street')
    real = tmp_path / 'bags' / 'kitti_drive'
    real.mkdir(parents=True)
    assert _source(None) == ([str(real)], 'bag kitti_drive')
    mine, given = tmp_path / 'mine', tmp_path / 'given.mcap'
    mine.touch()
    given.touch()
    monkeypatch.setenv('GRIN_DEMO_BAG', str(mine))
    assert _source(None) == ([str(mine)], 'bag mine')
    assert _source(str(given)) == ([str(given)], 'bag given.mcap')
