# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pre-training on pictures: the four tasks, the folder they come from, and `grin pretrain`."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from grin_ros import cli
from grin_ros.checkpoint import DepthGenConfig, load
from grin_ros.config import dump_yaml, to_dict
from grin_ros.inpaint import hide
from grin_ros.models.unet import UNetConfig
from grin_ros.training.config import SourceConfig, TrainConfig
from grin_ros.training.image_folder import ImageFolder
from grin_ros.training.palette import PaletteBatches, spoil, TASKS
from grin_ros.training.source import Source

SIZE = (32, 64)
PICTURES = DepthGenConfig(
    network=UNetConfig(channels=3, dim=8, multipliers=(1, 2), blocks=(1, 1), heads=2),
    pixels=32 * 64, steps=2,
)  # fmt: skip


def picture(seed: int = 0, size=(80, 120)) -> np.ndarray:
    """A smooth picture in colours, as a JPEG keeps them."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('pictures')
    (folder / 'deep').mkdir()
    cv2.imwrite(str(folder / 'a.png'), picture(0))
    cv2.imwrite(str(folder / 'deep' / 'b.JPG'), picture(1, (64, 64)))
    cv2.imwrite(str(folder / 'a.depth.png'), np.full((80, 120), 9, np.uint16))
    cv2.imwrite(str(folder / 'a.sky.png'), np.zeros((80, 120), np.uint8))
    (folder / 'notes.txt').write_text('no picture')
    return folder


def recipe(folder, **changes) -> TrainConfig:
    defaults = {
        'model': PICTURES, 'sources': (SourceConfig(images=str(folder), size=SIZE),), 'steps': 3,
        'batch': 4, 'loss': 'l2', 'full_noise': 0.0, 'save_every': 3,
    }  # fmt: skip
    return TrainConfig(**{**defaults, **changes})


def test_colours_are_taken_and_brightness_stays():
    image = picture()
    shown, wanted = spoil(image, 'colourise', np.random.default_rng(0))
    assert (shown == shown[..., :1]).all() and wanted.all()
    luma = image @ np.array([0.299, 0.587, 0.114]) / 255  # ITU-R BT.601
    np.testing.assert_allclose(shown[..., 0], luma, atol=1 / 255)


def test_a_jpeg_is_worse_but_the_same_picture():
    image = picture()
    shown, wanted = spoil(image, 'jpeg', np.random.default_rng(0))
    assert wanted.all() and 0.003 < np.abs(shown - image / 255).mean() < 0.06


@pytest.mark.parametrize('task', ['inpaint', 'uncrop'])
def test_missing_pixels_are_noise_and_the_others_stay(task):
    image, seen = picture(), []
    for seed in range(40):
        shown, missing = spoil(image, task, np.random.default_rng(seed))
        assert np.array_equal(shown[~missing], image[~missing] / 255)
        assert 0.05 < missing.mean() < 0.75
        seen.append(2 * shown[missing] - 1)  # as the network sees it
        inner = missing[missing.shape[0] // 2, missing.shape[1] // 2]
        assert task == 'inpaint' or not inner or missing.mean() > 0.4
    seen = np.concatenate(seen)
    assert abs(seen.mean()) < 0.02 and seen.std() == pytest.approx(1, abs=0.02)


def test_uncropping_leaves_a_window():
    for seed in range(40):
        _, missing = spoil(picture(), 'uncrop', np.random.default_rng(seed))
        kept = np.argwhere(~missing)
        (top, left), (bottom, right) = kept.min(0), kept.max(0) + 1
        assert not missing[top:bottom, left:right].any()


def test_hiding_takes_what_is_missing_and_nothing_else():
    missing = np.zeros((4, 5), bool)
    missing[1, 2] = True
    image = np.full((4, 5, 3), 51, np.uint8)
    shown = hide(image, missing, np.random.default_rng(0))
    np.testing.assert_allclose(shown[~missing], 0.2)
    assert len(np.unique(shown[missing])) == 3


def test_an_unknown_task_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match='colourise, inpaint, uncrop, jpeg'):
        spoil(picture(), 'sharpen', np.random.default_rng(0))


def test_a_folder_gives_its_pictures_and_no_masks(folder):
    pictures = ImageFolder(folder)
    assert pictures.stems == ['a.png', 'deep/b.JPG'] and len(pictures) == 2
    sample = pictures[0]
    assert np.array_equal(sample.image[..., ::-1], picture(0)) and not sample.depth.any()
    assert tuple(sample.camera.size) == (80, 120)
    with pytest.raises(FileNotFoundError, match='name one with pictures'):
        ImageFolder(folder / 'nowhere')
    with pytest.raises(ValueError, match='holds no picture'):
        (folder / 'none').mkdir()
        ImageFolder(folder / 'none')


def test_batches_hold_all_tasks_and_what_to_restore(folder):
    config = recipe(folder, batch=40)
    batches = PaletteBatches(config, [Source(s, PICTURES.pixels) for s in config.sources])
    (batch,) = batches[0]
    assert batch.image.shape == batch.x_0.shape == batch.valid.shape == (40, 3, *SIZE)
    assert batch.x_0.min() >= -1 and batch.x_0.max() <= 1 and not batch.depth.any()
    assert batch.valid.any(1).flatten(1).any(1).all()  # every picture has something to do
    # Where a picture is not to be restored, it is shown as it is.
    rest = ~batch.valid
    torch.testing.assert_close((2 * batch.image - 1)[rest], batch.x_0[rest], atol=1e-5, rtol=0)
    partly = ~batch.valid.flatten(1).all(1)
    grey = (batch.image[:, 0] == batch.image[:, 1]).flatten(1).all(1)
    assert 8 < partly.sum() < 32 and 3 < grey.sum() < 20  # 2 and 1 of len(TASKS) tasks
    assert len(TASKS) == 4


def test_grin_pretrain_and_depth_from_its_weights(folder, tmp_path, capsys):
    path = tmp_path / 'recipe.yaml'
    data = {'model': to_dict(PICTURES), 'sources': [{'world': 'room', 'size': list(SIZE)}],
            'steps': 2, 'batch': 2, 'loss': 'l2', 'output': 'out'}  # fmt: skip
    path.write_text(dump_yaml(data))
    assert cli.main(['pretrain', str(path), '--images', str(folder), '--device', 'cpu']) == 0
    model, found, metadata = load(tmp_path / 'out' / 'last.safetensors')
    assert found == PICTURES and model.first.in_channels == 6
    assert [s['name'] for s in metadata['sources']] == [folder.name]
    depth = replace(PICTURES, network=replace(PICTURES.network, channels=1))
    path.write_text(
        dump_yaml({**data, 'model': to_dict(depth), 'initial': 'out/last.safetensors',
                   'loss': 'l1', 'output': 'depth', 'steps': 1})
    )  # fmt: skip
    assert cli.main(['train', str(path), '--device', 'cpu']) == 0
    assert load(tmp_path / 'depth' / 'last.safetensors')[0].first.in_channels == 4
    assert cli.main(['pretrain', str(path)]) == 2
    assert 'use `grin train`' in capsys.readouterr().err


def test_depth_needs_what_pictures_lack():
    with pytest.raises(ValueError, match='leave validation out'):
        recipe('x', validation=replace(TrainConfig().validation, holdout=0.1))
