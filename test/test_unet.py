# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The Efficient U-Net: shapes, gradients, sizes, and the conversion from pictures to depth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from grin_ros.checkpoint import build_model, DepthGenConfig
from grin_ros.config import load
from grin_ros.models.unet import depth_weights, Residual, UNet, UNetConfig

CONFIG = Path(__file__).resolve().parents[1] / 'config'
TINY = load(DepthGenConfig, CONFIG / 'depthgen_tiny.yaml')


def network(channels: int = 1) -> UNet:
    """A network whose output layer is not zero, as it is in the beginning."""
    torch.manual_seed(0)
    model = UNet(replace(TINY.network, channels=channels)).eval()
    for weights in (model.last.weight, model.last.bias):
        torch.nn.init.normal_(weights, std=0.1)
    return model


def test_the_answer_is_not_rounded_where_the_network_is():
    """bfloat16 knows 256 depths between two powers of 2: terraces."""
    model, x_t = network(), torch.randn(1, 1, 64, 64)
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        answer, _ = model(x_t, torch.tensor([0.5]), torch.rand(1, 3, 64, 64))
    assert answer.dtype == torch.float32
    assert (answer == answer.bfloat16()).float().mean() < 0.1


@pytest.mark.parametrize('channels', [1, 3])
def test_it_answers_in_the_shape_that_it_is_asked_in(channels):
    model = network(channels)
    x_t = torch.randn(2, channels, 16, 40)
    cond = model.encode(torch.rand(2, 3, 16, 40))
    prediction, state = model(x_t, torch.tensor([0.1, 0.9]), cond)
    assert prediction.shape == x_t.shape and state is None
    assert model.first.in_channels == channels + 3


def test_every_weight_has_a_gradient_and_noise_image_and_level_all_matter():
    model = network()
    x_t = torch.randn(1, 1, 16, 16, requires_grad=True)
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    gamma = torch.tensor([0.4], requires_grad=True)
    model(x_t, gamma, model.encode(image))[0].square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    assert all(x.grad.abs().sum() > 0 for x in (x_t, image, gamma))


def test_a_pixel_is_seen_from_everywhere_and_images_do_not_mix():
    model = network()
    cond = model.encode(torch.rand(2, 3, 32, 32))
    x_t = torch.randn(2, 1, 32, 32, requires_grad=True)
    prediction, _ = model(x_t, torch.full((2,), 0.5), cond)
    (seen,) = torch.autograd.grad(prediction[0, 0, 0, 0], x_t)
    assert seen[0, 0, -1, -1] != 0  # attention spans the map
    assert not seen[1].any()


def test_a_level_that_says_nothing_leaves_a_plain_residual_block():
    torch.manual_seed(0)
    block = Residual(8, 16, 4)
    torch.nn.init.zeros_(block.level.weight)
    torch.nn.init.zeros_(block.level.bias)
    x, silu = torch.randn(2, 8, 6, 6), torch.nn.SiLU()
    plain = torch.nn.Sequential(block.norm_1, silu, block.conv_1, block.norm_2, silu, block.conv_2)
    torch.testing.assert_close(block(x, torch.randn(2, 4)), block.shortcut(x) + plain(x))


def test_pictures_come_as_from_minus_one_to_one():
    grey = torch.tensor([0.0, 0.25, 1.0])[:, None, None, None].expand(-1, 3, 16, 24)
    given = network().encode(grey)
    assert given.shape == grey.shape and given[:, 0, 0, 0].tolist() == [-1, -0.5, 1]


def test_it_starts_with_zero():
    model = UNet(TINY.network)
    x_t = torch.randn(1, 1, 8, 8)
    assert not model(x_t, torch.ones(1), torch.zeros(1, 3, 8, 8))[0].any()


def test_converted_weights_answer_as_the_others_do_about_a_grey_picture():
    pictures, depth = network(3), network(1)
    depth.load_state_dict(depth_weights(pictures.state_dict()))
    changed = [
        name
        for name, value in pictures.state_dict().items()
        if not torch.equal(value, depth.state_dict()[name])
    ]
    assert changed == ['first.weight', 'last.weight', 'last.bias']
    x_t, gamma, cond = torch.randn(2, 1, 16, 24), torch.rand(2), torch.randn(2, 3, 16, 24)
    expected = pictures(x_t.expand(-1, 3, -1, -1), gamma, cond)[0].mean(1, keepdim=True)
    torch.testing.assert_close(depth(x_t, gamma, cond)[0], expected, atol=1e-5, rtol=1e-4)


def test_weights_of_depth_are_not_converted_again():
    with pytest.raises(ValueError, match='4 channels in and 1 out'):
        depth_weights(network(1).state_dict())


def test_sizes_and_where_their_weights_are():
    counts = {}
    for size in ('tiny', 'small', 'paper'):
        with torch.device('meta'):
            model = build_model(load(DepthGenConfig, CONFIG / f'depthgen_{size}.yaml'))
        counts[size] = sum(p.numel() for p in model.parameters())
        levels = [sum(p.numel() for p in part.parameters()) for part in model.down]
        assert levels == sorted(levels)
        assert levels[-1] > 0.5 * sum(levels)  # efficient: most of it works at low resolution
    assert counts['tiny'] < 1e6 < counts['small'] < 1e8 < 3e8 < counts['paper'] < 1e9


@pytest.mark.parametrize(
    'wrong, words',
    [
        ({'channels': 2}, 'channels is 2'),
        ({'blocks': (1, 2)}, '4 multipliers do not fit 2 blocks'),
        ({'dim': 12}, 'multiple of 8'),
        ({'heads': 7}, 'not a multiple of 7 heads'),
    ],
)
def test_impossible_sizes_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        UNetConfig(**wrong)


def test_a_picture_that_does_not_halve_is_refused():
    with pytest.raises(ValueError, match='multiples of 8'):
        network().encode(torch.rand(1, 3, 20, 24))
