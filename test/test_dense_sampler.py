# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whole maps through the pipeline, by a denoiser that is ideal for a world of two depth maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from grin_ros.checkpoint import DepthGenConfig
from grin_ros.dense_sampler import sample_map
from grin_ros.depth import DepthConfig, DepthTransform
from grin_ros.models.unet import UNet, UNetConfig
from grin_ros.pipeline import DepthPipeline
from grin_ros.prompt import Prompt
from grin_ros.video import Video

SIZE = (32, 64)
CONFIG = DepthGenConfig(
    network=UNetConfig(dim=8, multipliers=(1,), blocks=(1,), heads=1),
    depth=DepthConfig('linear', 0.1, 10.0), pixels=32 * 64, steps=32,
)  # fmt: skip
IMAGE = np.zeros((*SIZE, 3), np.uint8)
ROWS = torch.linspace(2, 6, SIZE[0])[:, None].expand(SIZE)
# A pane of glass and what is behind it: the left halves tell them apart only a little.
GLASS, BEHIND = (ROWS + offset for offset in (0.0, 3.0))


class TwoMaps(nn.Module):
    """The ideal denoiser E[eps | x_t], where x_0 is one of two maps with equal probability."""

    def __init__(self):
        super().__init__()
        transform = DepthTransform(CONFIG.depth)
        self.maps = torch.stack([transform.encode(m) for m in (GLASS, BEHIND)])
        self.seen = []

    def encode(self, image, camera, uv=None):
        self.seen.append(tuple(image.shape))
        return image

    def forward(self, x_t, gamma, cond, state=None):
        root, rest = gamma[0].double().sqrt(), (1 - gamma[0].double()).sqrt()
        distance = (x_t.double() - root * self.maps).square().sum((-2, -1)) / (2 * rest**2)
        share = torch.softmax(-distance.flatten(), dim=0)
        x_0 = (share[:, None, None] * self.maps).sum(0)
        return ((x_t - root * x_0) / rest).float(), None


def pipeline(**changes) -> DepthPipeline:
    return DepthPipeline(TwoMaps(), replace(CONFIG, **changes))


@pytest.mark.parametrize('sampler', ['ddpm', 'ddim'])
def test_every_sample_is_one_of_the_maps_and_both_come(sampler):
    ours, found = pipeline(sampler=sampler), []
    for seed in range(12):
        depth = ours.infer(IMAGE, None, seed=seed).depth
        errors = [np.abs(depth - m.numpy()).max() for m in (GLASS, BEHIND)]
        assert min(errors) < 0.02
        found.append(int(np.argmin(errors)))
    assert set(found) == {0, 1}


def test_samples_are_averaged_and_their_spread_is_told():
    ours = pipeline()
    prediction = ours.infer(IMAGE, None, samples=4)
    glass = np.abs(prediction.depth - ROWS.numpy()).mean() / 3  # as a share of the way behind
    assert min(abs(glass - k / 4) for k in range(5)) < 0.01
    share = round(glass * 4) / 4
    np.testing.assert_allclose(prediction.std, 3 * np.sqrt(share * (1 - share)), atol=0.02)


@pytest.mark.parametrize('truth', [GLASS, BEHIND])
@pytest.mark.parametrize('weight', [0.0, 1.0])
def test_known_pixels_stay_and_the_rest_is_recovered(truth, weight):
    known = np.zeros(SIZE, np.float32)
    known[:, : SIZE[1] // 2] = truth[:, : SIZE[1] // 2]
    for seed in range(3):
        prompt = Prompt.from_map(known, weight=weight)
        depth = pipeline().infer(IMAGE, None, prompt=prompt, seed=seed).depth
        np.testing.assert_allclose(depth[known > 0], known[known > 0], atol=1e-5)
        np.testing.assert_allclose(depth, truth, atol=0.02)


def test_a_seed_decides_whatever_the_company():
    ours = pipeline()
    alone = ours.infer(IMAGE, None, seed=3).depth
    together = ours.infer_batch([IMAGE, IMAGE], [None, None], seed=3)
    assert all(np.array_equal(p.depth, alone) for p in together)


def test_queried_pixels_are_read_off_the_map():
    ours = pipeline()
    whole = ours.infer(IMAGE, None, seed=1)
    uv = np.array([[0, 0], [63, 31], [10.5, 7.25]], np.float32)
    asked = ours.infer(IMAGE, None, seed=1, uv=uv).depth
    between = 0.75 * whole.depth[7, 10] + 0.25 * whole.depth[8, 10]
    expected = [whole.depth[0, 0], whole.depth[31, 63], between]
    np.testing.assert_allclose(asked, expected, atol=1e-4)
    coarse = ours.infer(IMAGE, None, seed=1, stride=4, full_size=False)
    assert coarse.depth.shape == (8, 16)
    assert ours.model.seen[-1] == (1, 3, *SIZE)


def test_a_map_is_read_as_an_image_is():
    x = torch.arange(12.0).view(1, 1, 3, 4)
    uv = torch.tensor([[[1.0, 2.0], [0.5, 0.0], [-3.0, 1.0]]])
    torch.testing.assert_close(sample_map(x, uv), torch.tensor([[9.0, 0.5, 4.0]]))


def test_a_warm_start_follows_the_last_frame():
    ours, video = pipeline(), Video(start=0.3)
    first = [ours.infer(IMAGE, None, seed=s).depth for s in range(6)]
    assert len({round(float(d.mean())) for d in first}) == 2  # afresh, both come
    for stamp in range(6):
        video.follow(IMAGE, stamp * 0.1)
        depth = ours.infer(IMAGE, None, seed=stamp, video=video).depth
        np.testing.assert_allclose(depth, first[0], atol=0.02)


def test_weights_of_pictures_are_refused():
    network = replace(CONFIG.network, channels=3)
    with pytest.raises(ValueError, match='knows no depth'):
        DepthPipeline(UNet(network), replace(CONFIG, network=network))
