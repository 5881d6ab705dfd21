# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""`grin scene` and its fillers: whole runs, our own networks, those of diffusers."""

from __future__ import annotations

from dataclasses import replace
import json
from pathlib import Path
import sys
from types import SimpleNamespace
from typing import ClassVar

import cv2
from diffusers.image_processor import VaeImageProcessor
import numpy as np
import pytest
import torch

from grin_ros import cli, pictures, scene_command
from grin_ros.camera import Camera
from grin_ros.checkpoint import build_model, DepthGenConfig, save
from grin_ros.config import load as load_config
from grin_ros.inpaint import open_diffusers, open_filler
from grin_ros.scene import path
from grin_ros.training.sample import SampleSet
from grin_ros.training.world.drive import around

SIZE = (64, 96)
CONFIG = Path(__file__).resolve().parents[1] / 'config'
POSES = path(np.array([0.4, 0.0, -0.2]), -8.0, 3)


@pytest.fixture(scope='module')
def weights(tmp_path_factory) -> dict[int, Path]:
    """DepthGen of pictures (3) and of depth (1) that always answers x_0 = 0.2."""
    tiny = replace(load_config(DepthGenConfig, CONFIG / 'depthgen_tiny.yaml'), steps=2)
    folder, paths = tmp_path_factory.mktemp('weights'), {}
    for channels in (1, 3):
        config = replace(tiny, target='x_0', network=replace(tiny.network, channels=channels))
        model = build_model(config)
        torch.nn.init.constant_(model.last.bias, 0.2)
        paths[channels] = folder / f'{channels}.safetensors'
        save(paths[channels], model, config)
    return paths


def test_our_own_filler_keeps_what_is_there(weights):
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    missing = np.zeros((50, 70), bool)
    missing[:, 40:] = True
    filled = open_filler(weights[3], 'cpu')(image, missing)
    assert np.array_equal(filled[~missing], image[~missing])
    np.testing.assert_allclose(filled[:, 45:], 1.2 * 127.5, atol=1)
    with pytest.raises(ValueError, match='grin pretrain'):
        open_filler(weights[1], 'cpu')


def test_grin_scene(weights, tmp_path, capsys):
    picture = around('room', 1, POSES[:1], (48, 64))[0].image
    pictures.write(tmp_path / 'room.png', picture)
    out = tmp_path / 'out'
    options = ('--checkpoint', weights[1], '--inpaint', weights[3], '--views', 2, '--fx', 40)
    assert cli.main(['scene', *map(str, (tmp_path / 'room.png', '-o', out, *options))]) == 0
    frames = SampleSet(out / 'frames')
    assert len(frames) == 3
    depth = 0.1 + 0.6 * 9.9
    np.testing.assert_allclose(frames[0].depth, depth, rtol=2e-3)
    np.testing.assert_allclose(frames.camera(0).fx, 40)
    assert np.array_equal(frames[0].image, picture)
    np.testing.assert_allclose(frames[2].pose[:3, 3], [0.4, 0, 0.2], atol=1e-6)
    header, _, body = (out / 'scene.ply').read_bytes().partition(b'end_header\n')
    points = np.frombuffer(body, [('xyz', '<f4', 3), ('rgb', 'u1', 3)])
    assert (
        f'element vertex {len(points)}'.encode() in header and len(points) > picture[..., 0].size
    )
    assert f'{len(points)} points of 3 views' in capsys.readouterr().out
    video = cv2.VideoCapture(str(out / 'scene.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) >= 30
    shown = video.read()[1][..., ::-1].astype(float)
    assert np.abs(shown - picture).mean() < 12  # the flight begins where the picture was taken


def test_a_folder_that_cannot_be_made_is_told_before_any_view_is(
    weights, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(scene_command.Scene, 'grow', lambda *_, **__: pytest.fail('too late'))
    pictures.write(tmp_path / 'room.png', np.zeros((48, 64, 3), np.uint8))
    words = (tmp_path / 'room.png', '-o', tmp_path / 'room.png' / 'out', '--no-intrinsics')
    assert cli.main(['scene', *map(str, words), '--checkpoint', str(weights[1])]) == 2
    assert 'room.png' in capsys.readouterr().err


@pytest.mark.parametrize(
    'arguments, words',
    [
        ([], 'either an image or --text'),
        (['a.png', '--text', 'a room'], 'either an image or --text'),
        (['none.png'], 'there is no image none.png'),
        (['frames.json', '--no-intrinsics'], 'frames.json names 2 images'),
        (
            ['room.png', '--no-intrinsics', '--inpaint', 'nowhere', '--device', 'hpu'],
            "device 'hpu' cannot be used",
        ),
        (['--text', 'a room'], '--t2i DIR'),
        (['--text', 'a room', '--t2i', 'nowhere'], 'nowhere holds no diffusers pipeline'),
        (
            ['room.png', '--no-intrinsics', '--inpaint', 'nowhere'],
            'nowhere holds no diffusers pipeline',
        ),
    ],
)
def test_mistakes_are_told_in_one_sentence(arguments, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures.write(tmp_path / 'room.png', np.zeros((48, 64, 3), np.uint8))
    frame = {'rgb': 'room.png', 'K': [40, 40, 32, 24], 'width': 64, 'height': 48}
    (tmp_path / 'frames.json').write_text(json.dumps({'frames': [frame, frame]}))
    assert cli.main(['scene', *arguments, '-o', 'out']) == 2
    said = capsys.readouterr().err
    assert words in said and len(said.splitlines()) == 1


def test_without_diffusers_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'diffusers', None)
    (tmp_path / 'model_index.json').write_text(json.dumps({}))
    with pytest.raises(ModuleNotFoundError, match='pip install diffusers'):
        open_diffusers(tmp_path, 'AutoPipelineForInpainting', 'cpu')


class Pipe:
    """What diffusers would load: paints everything in the length of the prompt."""

    calls: ClassVar[list] = []

    @classmethod
    def from_pretrained(cls, path, local_files_only):
        assert local_files_only  # nothing is ever downloaded
        return cls()

    def to(self, device):
        return self

    def __call__(
        self, prompt, generator, output_type, image=None, mask_image=None, height=48, width=64
    ):  # fmt: skip
        assert output_type == 'np'
        self.calls.append((prompt, image, mask_image))
        return SimpleNamespace(images=np.full((1, height, width, 3), len(prompt) / 255))


@pytest.fixture
def pipes(tmp_path, monkeypatch):
    """A folder that diffusers would read, and diffusers."""
    fake = SimpleNamespace(AutoPipelineForInpainting=Pipe, AutoPipelineForText2Image=Pipe)
    monkeypatch.setitem(sys.modules, 'diffusers', fake)
    monkeypatch.setattr(Pipe, 'calls', [])
    folder = tmp_path / 'pipe'
    folder.mkdir()
    (folder / 'model_index.json').write_text('{}')
    return folder


def test_a_pipeline_of_diffusers_fills_holes_only(pipes):
    image = np.random.default_rng(0).integers(100, 256, (50, 70, 3), np.uint8)
    missing = np.zeros((50, 70), bool)
    missing[10:20, 40:] = True
    filled = open_filler(pipes, 'cpu', 'a room')(image, missing)
    assert np.array_equal(filled[~missing], image[~missing]) and (filled[missing] == 6).all()
    ((prompt, shown, mask),) = Pipe.calls
    assert prompt == 'a room' and mask.mean() == pytest.approx(missing.mean(), rel=0.25)
    # As diffusers itself takes them in.
    options = {'do_normalize': False, 'do_binarize': True, 'do_convert_grayscale': True}
    assert VaeImageProcessor(**options).preprocess(mask).shape == (1, 1, 48, 72)
    taken = VaeImageProcessor().preprocess(shown)
    assert taken.shape == (1, 3, 48, 72) and -1 <= taken.min() < 0 < taken.max() <= 1


def test_a_scene_from_a_text(pipes, weights, tmp_path):
    arguments = ('--text', 'a green room', '--t2i', pipes, '--inpaint', pipes, '--views', 1)
    options = ('-o', tmp_path / 'o', '--checkpoint', weights[1])
    assert cli.main(['scene', *map(str, (*arguments, *options))]) == 0
    frames = SampleSet(tmp_path / 'o' / 'frames')
    assert (frames[0].image == 12).all() and (frames[1].image == 12).all()
    assert [prompt for prompt, *_ in Pipe.calls] == ['a green room'] * 2
    assert torch.equal(frames.camera(0).K, Camera.default((48, 64)).K)


def test_a_camera_may_be_unknown(weights, tmp_path):
    pictures.write(tmp_path / 'a.png', np.full((48, 64, 3), 100, np.uint8))
    arguments = (
        tmp_path / 'a.png',
        '-o',
        tmp_path / 'o',
        '--checkpoint',
        weights[1],
        '--views',
        1,
    )
    assert cli.main(['scene', *map(str, arguments), '--no-intrinsics']) == 0
    camera = SampleSet(tmp_path / 'o' / 'frames').camera(0)
    assert torch.equal(camera.K, Camera.default((48, 64)).K)


def test_a_big_picture_is_shrunk_with_its_camera(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(scene_command, 'PIXELS', 48 * 64 // 4)
    colours = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    pictures.write(tmp_path / 'a.png', colours.repeat(2, axis=0).repeat(2, axis=1))
    arguments = (tmp_path / 'a.png', '-o', tmp_path / 'o', '--checkpoint', weights[1])
    options = ('--views', 1, '--fx', 40, '--cx', 31.5)
    assert cli.main(['scene', *map(str, (*arguments, *options))]) == 0
    frames = SampleSet(tmp_path / 'o' / 'frames')
    assert np.array_equal(frames[0].image, colours)
    camera = frames.camera(0)
    assert camera.size == (24, 32) and float(camera.fx) == 20 and float(camera.cx) == 15.5
