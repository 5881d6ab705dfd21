# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Textures: sampled as they should be, and taken from a folder."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from grin_ros.training.world import render
from grin_ros.training.world.texture import SIZE, texture_bank, TextureBank

pytestmark = pytest.mark.usefixtures('one_thread')  # many small operations


def test_textures_interpolate_wrap_and_average():
    bank = texture_bank('cpu', None)
    image = bank.texels[2, : SIZE * SIZE].view(SIZE, SIZE, 3)
    sample = lambda u, v, footprint: bank.sample(
        torch.tensor([2]), torch.tensor([u]), torch.tensor([v]), torch.tensor([footprint])
    )[:, 0]
    centre = (5 + 0.5) / SIZE, (9 + 0.5) / SIZE
    torch.testing.assert_close(sample(*centre, 0.0), image[9, 5])
    torch.testing.assert_close(
        sample(centre[0] + 3, centre[1] - 2, 0.0), image[9, 5], atol=1e-4, rtol=0
    )
    between = sample(6 / SIZE, centre[1], 0.0)
    torch.testing.assert_close(between, (image[9, 5] + image[9, 6]) / 2, atol=1e-5, rtol=0)
    torch.testing.assert_close(sample(0.3, 0.4, 50.0), image.mean((0, 1)), atol=1e-4, rtol=0)


def test_a_folder_of_textures_appears_in_the_pictures(tmp_path):
    magenta = np.zeros((16, 16, 3), np.uint8)
    magenta[:] = (200, 20, 200)
    for kind in ('wall', 'floor', 'wood', 'tiles', 'concrete', 'ceiling'):
        cv2.imwrite(str(tmp_path / f'{kind}__test.png'), magenta)

    def share(textures):
        images = np.stack(
            [
                render('room', seed, (32, 40), textures=textures).image.astype(int)
                for seed in range(10)
            ]
        )
        return (np.minimum(images[..., 0], images[..., 2]) > images[..., 1] + 90).mean()

    assert share(tmp_path) > share(None) + 0.02


def test_refusals_say_what_to_do(tmp_path):
    with pytest.raises(ValueError, match='room, corridor, street'):
        render('garden', 0)
    with pytest.raises(FileNotFoundError, match='folder of images'):
        TextureBank('cpu', tmp_path)
    (tmp_path / 'wall__broken.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match='not a readable image'):
        TextureBank('cpu', tmp_path)
