# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A DepthGen checkpoint wherever a GRIN one goes: files, scores, completion, node and demo."""

from __future__ import annotations

from dataclasses import replace
import json
import os
from pathlib import Path
import subprocess
import sys

from bags import info, png, START, write
import cv2
import numpy as np
import pytest
import torch

from grin_ros import cli
from grin_ros.camera import Camera
from grin_ros.checkpoint import build_model, DepthGenConfig, save
from grin_ros.config import load as load_config
from grin_ros.training.sample import Sample
from grin_ros.training.sample_writer import SampleSetWriter

TINY = Path(__file__).resolve().parents[1] / 'config' / 'depthgen_tiny.yaml'
SIZE = (64, 96)
DEPTH = 0.1 + 0.6 * 9.9  # metres; x_0 = 0.2 is 60 % of the way from -1 to 1, in linear depth
TIMEOUT = 300.0


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    """A network that answers x_0 = 0.2 whatever it sees, which is a depth that we know."""
    config = replace(load_config(DepthGenConfig, TINY), target='x_0', steps=2)
    model = build_model(config)
    torch.nn.init.constant_(model.last.bias, 0.2)
    path = tmp_path_factory.mktemp('weights') / 'depthgen.safetensors'
    save(path, model, config)
    return path


@pytest.fixture(scope='module')
def plane(tmp_path_factory) -> Path:
    """A sample set whose depth is 5 m everywhere."""
    folder = tmp_path_factory.mktemp('sets') / 'plane'
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    with SampleSetWriter(
        folder, source='test', licence='CC0', depth_kind='synthetic', domain='indoor',
        min_depth=0.5, max_depth=10.0,
    ) as writer:  # fmt: skip
        writer.add(Sample(image, np.full(SIZE, 5, np.float32), Camera.default(SIZE), 'a'), 1000)
    return folder


def test_grin_predict(checkpoint, plane, tmp_path):
    options = ('--checkpoint', checkpoint, '--cloud', '--samples', 2, '-o', tmp_path)
    assert cli.main(['predict', *map(str, (plane / 'frames.json', *options))]) == 0
    depth = np.load(tmp_path / 'a.npy')
    assert depth.shape == SIZE
    np.testing.assert_allclose(depth, DEPTH, rtol=1e-3)
    assert (tmp_path / 'a.ply').is_file() and (tmp_path / 'a.preview.jpg').is_file()


def test_grin_eval(checkpoint, plane, tmp_path, capsys):
    out = tmp_path / 'scores.json'
    options = ('--checkpoint', checkpoint, '--json', out)
    assert cli.main(['eval', *map(str, (plane, *options))]) == 0
    (report,) = json.loads(out.read_text())['sets']
    assert report['metrics']['abs_rel'] == pytest.approx(DEPTH / 5 - 1, rel=1e-3)
    assert report['scaled']['abs_rel'] == pytest.approx(0, abs=1e-4)
    assert cli.main(['info', str(checkpoint)]) == 0
    assert 'M U-Net' in capsys.readouterr().out
    card = tmp_path / 'card.md'
    assert cli.main(['card', str(checkpoint), '--eval', str(out), '-o', str(card)]) == 0
    assert 'DepthGen' in card.read_text() and 'GRIN (' not in card.read_text()


@pytest.mark.parametrize('weight', [0, 1])
def test_grin_complete(checkpoint, plane, tmp_path, weight):
    known = np.zeros(SIZE, np.uint16)
    known[:, :40] = 3 * 256
    cv2.imwrite(str(tmp_path / 'known.png'), known)
    options = ('--known', tmp_path / 'known.png', '--weight', weight, '--checkpoint', checkpoint)
    arguments = (plane / 'a.jpg', *options, '--no-intrinsics', '-o', tmp_path)
    assert cli.main(['complete', *map(str, arguments)]) == 0
    depth = np.load(tmp_path / 'a.npy')
    np.testing.assert_allclose(depth[:, :40], 3, rtol=1e-4)
    # Far from what is known a constant denoiser says what it always says.
    np.testing.assert_allclose(depth[:, 45:], 3 if weight else DEPTH, rtol=1e-3)


def test_the_demo_and_so_the_node(checkpoint, tmp_path):
    pytest.importorskip('rclpy')
    picture = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    messages = [('/eye/camera_info', info(START, 60, SIZE))]
    messages += [('/eye/image/compressed', png(START + k * 10**8, picture)) for k in range(4)]
    bag, out = write(tmp_path / 'walk', messages), tmp_path / 'demo'
    program = 'import sys; from grin_ros.cli import main; sys.exit(main())'
    options = ('--bag', bag, '--checkpoint', checkpoint, '--rate', 20, '--count', 10)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(('GRIN_', 'FASTRTPS'))}
    done = subprocess.run(
        [sys.executable, '-c', program, 'demo', '-o', str(out), *map(str, options)],
        env=environment, capture_output=True, text=True, timeout=TIMEOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads((out / 'report.json').read_text())
    assert report['frames_out'] >= 10 and report['steps'] == 2
    assert report['checkpoint'] == str(checkpoint)
    for key in ('min', 'median', 'max'):
        assert report['depth'][key] == pytest.approx(DEPTH, rel=1e-3)
