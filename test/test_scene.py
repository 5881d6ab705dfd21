# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Scenes from one image: geometry against rendered truth, holes, fillers, and `grin scene`."""

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
from grin_ros.inpaint import fill_smoothly, open_diffusers, open_filler
from grin_ros.pipeline import Prediction
from grin_ros.scene import path, Scene, View
from grin_ros.training.sample import SampleSet
from grin_ros.training.study_scene import arms
from grin_ros.training.world.drive import around

SIZE = (64, 96)
CONFIG = Path(__file__).resolve().parents[1] / 'config'
POSES = path(np.array([0.4, 0.0, -0.2]), -8.0, 3)


@pytest.fixture(scope='module')
def truth():
    return around('room', 4, POSES, SIZE)  # open to all sides; the thresholds are of such a room


class Oracle:
    """Answers the rendered depth of the view whose prompt it is given."""

    def __init__(self, truth):
        self.truth, self.prompts = iter(truth), []

    def infer(self, image, camera, prompt, **options):
        self.prompts.append(prompt)
        depth = next(self.truth).depth
        return Prediction(depth, 0 * depth, depth > 0, camera)


def grown(truth, oracle=None, fill=fill_smoothly):
    """The scene of the first sample, grown to the places of the others by exact depth."""
    scene = Scene(truth[0].camera)
    scene.add(View(truth[0].image, truth[0].depth, POSES[0]))
    oracle = oracle or Oracle(truth[1:])
    return scene, [scene.grow(one.pose, oracle, fill) for one in truth[1:]]


def test_a_path_begins_at_the_camera_and_turns_to_the_right():
    poses = path(np.array([1.0, 0.0, 2.0]), 90.0, 3)
    np.testing.assert_allclose(poses[0], np.eye(4))
    np.testing.assert_allclose(poses[1][:3, 3], [0.5, 0, 1])
    np.testing.assert_allclose(poses[2][:3, :3] @ [0, 0, 1], [1, 0, 0], atol=1e-12)


def test_what_the_first_camera_sees_is_drawn_back_exactly(truth):
    scene = Scene(truth[0].camera)
    seen = truth[0].depth > 0
    assert scene.add(View(truth[0].image, truth[0].depth, POSES[0])) == seen.sum()
    view = scene.look(POSES[0])
    # Pits of a pixel or two between nearer things are taken for gaps.
    same = np.abs(view.depth / truth[0].depth - 1)[seen] < 1e-5
    assert same.mean() > 0.97 and np.array_equal(
        view.image[seen][same], truth[0].image[seen][same]
    )


def test_from_elsewhere_the_cloud_lies_where_the_room_does(truth):
    scene, _ = grown(truth[:1])
    for one in truth[1:]:
        view = scene.look(one.pose)
        both = (view.depth > 0) & (one.depth > 0)
        ratio = view.depth[both] / one.depth[both]
        # But for a pixel's width along the edges of things.
        assert (np.abs(ratio - 1) < 0.05).mean() > 0.93
        assert 0.03 < (view.depth <= 0).mean() < 0.6  # and it leaves holes


def test_holes_are_asked_for_given_all_that_is_known(truth):
    oracle = Oracle(truth[1:])
    scene = Scene(truth[0].camera)
    scene.add(View(truth[0].image, truth[0].depth, POSES[0]))
    seen = scene.look(truth[1].pose)
    view = scene.grow(truth[1].pose, oracle, fill_smoothly, weight=0.5)
    (prompt,) = oracle.prompts
    assert len(prompt) == (seen.depth > 0).sum() and prompt.weight == 0.5
    known = seen.depth > 0
    assert np.array_equal(view.depth[known], seen.depth[known])
    np.testing.assert_allclose(view.depth[~known], truth[1].depth[~known])
    assert np.array_equal(view.image[known], seen.image[known])
    # Another look at the same place leaves next to nothing to fill.
    assert (scene.look(truth[1].pose).depth <= 0).mean() < 0.02


def test_nothing_is_put_before_what_an_earlier_view_saw(truth):
    scene = Scene(truth[0].camera)
    scene.add(View(truth[0].image, truth[0].depth, POSES[0]))
    fog = np.full(SIZE, 0.3, np.float32)
    assert scene.add(View(truth[0].image, fog, POSES[0])) == 0
    # To the side of what the first camera sees, nobody can tell.
    away = path(np.zeros(3), 170.0, 2)[1]
    assert scene.add(View(truth[0].image, fog, away)) == fog.size


def test_filled_surfaces_are_nearer_to_the_truth_than_none(truth):
    made = arms(truth, truth[0].depth, POSES, Oracle(truth[1:]), fill_smoothly, {})
    errors = {name: distances.mean() for name, (distances, _) in made.items()}
    assert errors['filled by the model'] < 0.02 < errors['nearest pixel'] < errors['not filled']


def test_the_plain_filler_changes_holes_only():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    image[:, 10:] = 90
    missing = np.zeros((20, 30), bool)
    missing[8:12, 18:22] = True
    spoilt = np.where(missing[..., None], 0, image).astype(np.uint8)
    filled = open_filler(None, 'cpu')(spoilt, missing)
    assert np.array_equal(filled[~missing], image[~missing])
    np.testing.assert_allclose(filled[missing], 90, atol=4)


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
