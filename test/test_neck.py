# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The neck: where context, rays and random shifts go, and that standardising is batch-free."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from grin_ros.camera import Camera
from grin_ros.models.embeddings import FourierRays
from grin_ros.models.neck import absorb_counts, Neck, Standardise

SIZE = (64, 96)


def no_rays(x):
    raise AssertionError('a neck without rays asked for them')


def maps_of(strides, channels=4):
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(1, channels, SIZE[0] // s, SIZE[1] // s, generator=generator) for s in strides
    ]


def test_context_flows_from_coarse_to_fine_and_never_back():
    torch.manual_seed(0)
    strides = (4, 8, 16, 32)
    neck = Neck((4,) * 4, strides, 32, (1, 1), 2, 0).eval()
    maps = maps_of(strides)
    with torch.no_grad():
        before = neck(maps, no_rays)
        for changed in range(4):
            others = [x + (i == changed) for i, x in enumerate(maps)]
            after = neck(others, no_rays)
            moved = [bool((a - b).abs().max() > 1e-4) for a, b in zip(after, before, strict=True)]
            assert moved == [i <= changed for i in range(3)]
    assert [tuple(x.shape[1:]) for x in before] == [(32, 16, 24), (32, 8, 12), (32, 4, 6)]


def test_finer_maps_are_half_as_wide():
    neck = Neck((4,) * 5, (2, 4, 8, 16, 32), 192, (1, 1), 8, 0)
    assert neck.widths == (32, 48, 96, 192)


def test_attention_sees_the_whole_picture():
    """A change in one corner of the map at stride 16 is felt in the other; without, it is not."""
    maps = [torch.randn(1, 4, 24, 24)]
    corner = [maps[0].clone()]
    corner[0][..., 0, 0] += 3
    for count, felt in ((1, True), (0, False)):
        torch.manual_seed(0)
        neck = Neck((4,), (16,), 16, (0, count), 2, 0).eval()
        neck.mix[0] = nn.Sequential(neck.mix[0][0].spatial)  # its norm would see all of the map
        with torch.no_grad():
            moved = (neck(corner, no_rays)[0] - neck(maps, no_rays)[0]).abs()
        assert bool(moved[..., -1, -1].max() > 1e-6) is felt


def test_rays_are_those_of_each_coarse_map():
    """With all else silenced, what comes out is the ray layer's answer to the resized camera."""
    torch.manual_seed(0)
    rays = FourierRays(4)
    neck = Neck((4, 4), (8, 16), 8, (0, 0), 2, rays.dim).eval()
    camera = Camera.stack([Camera.from_intrinsics(70, 65, 40, 30, SIZE)])
    neck.mix[1] = nn.Identity()
    with torch.no_grad():
        neck.lateral[1].weight.zero_()
        neck.lateral[1].bias.zero_()

        def encoded(x):
            return rays(camera.resize(tuple(x.shape[-2:])).rays().flatten(-2).transpose(-1, -2))

        out = neck(maps_of((8, 16)), encoded)[1]
        fx, cx, fy, cy = 70 / 16, (40 + 0.5) / 16 - 0.5, 65 / 16, (30 + 0.5) / 16 - 0.5
        ray = torch.tensor([(2 - cx) / fx, (3 - cy) / fy, 1.0])
        expected = neck.ray['1'](rays((ray / ray.norm())[None]))[0]
    torch.testing.assert_close(out[0, :, 3, 2], expected, rtol=1e-4, atol=1e-4)


def test_jitter_shifts_whole_channels_of_an_image_and_only_in_training():
    neck = Neck((6, 6), (8, 16), 6, (0, 0), 2, 0, jitter=2.0)
    neck.mix[1] = nn.Identity()
    with torch.no_grad():
        for conv in neck.lateral:  # the identity, so that the shift can be seen
            conv.weight.copy_(torch.eye(6)[:, :, None, None])
            conv.bias.zero_()
    maps = [torch.zeros(3, 6, 8, 8), torch.randn(3, 6, 4, 4)]
    neck.norm = nn.ModuleList(nn.Identity() for _ in maps)
    calm = neck.eval()(maps, no_rays)[1]
    shift = neck.train()(maps, no_rays)[1] - calm
    torch.testing.assert_close(shift, shift[:, :, :1, :1].expand_as(shift))
    assert shift.std(0).min() > 0.01
    assert torch.equal(neck.eval()(maps, no_rays)[1], calm)


def test_channels_are_standardised_by_running_figures_alone():
    torch.manual_seed(0)
    scale, shift = torch.tensor([0.1, 3.0, 1.0]), torch.tensor([5.0, -40.0, 0.0])

    def draw():
        return torch.randn(4, 3, 8, 8) * scale[:, None, None] + shift[:, None, None]

    layer = Standardise(3)
    for _ in range(50):
        layer(draw()[:1])
        layer(draw())
        absorb_counts([layer], lambda counted: counted)
    layer.eval()
    out = layer(torch.cat([draw() for _ in range(50)]))
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(3), atol=0.05, rtol=0)
    torch.testing.assert_close(out.std((0, 2, 3)), torch.ones(3), atol=0.05, rtol=0)
    # What sets a batch apart from the average must survive, unlike in batch norm.
    brighter = layer.train()(draw() + scale[:, None, None])
    assert (brighter.mean((0, 2, 3)) > 0.8).all()


def test_standardising_does_not_depend_on_how_a_step_is_cut():
    """One pass, or several of different size, or a sum over processes."""
    torch.manual_seed(0)
    x = 3 * torch.randn(6, 2, 4, 4) + torch.tensor([-70.0, 5.0])[:, None, None]
    whole, cut = Standardise(2), Standardise(2)
    whole(x)
    cut(x[:1])
    cut(x[1:])
    for layer in (whole, cut):
        absorb_counts([layer], lambda counted: counted)
    torch.testing.assert_close(cut.mean, x.mean((0, 2, 3)))
    torch.testing.assert_close(cut.var, x.var((0, 2, 3), correction=0))
    torch.testing.assert_close(cut.var, whole.var)
    whole(torch.full_like(x, float('nan')))
    absorb_counts([whole], lambda counted: counted)
    torch.testing.assert_close(cut.var, whole.var)


def test_running_figures_follow_what_changes_later():
    """A mean over all steps at first, and over about the last hundred in the long run."""
    layer = Standardise(1)
    for number in range(600):
        mean = 10.0 * (number >= 500)
        layer.absorb(torch.tensor([[1.0], [mean], [1 + mean**2]], dtype=torch.float64))
    assert layer.mean.item() == pytest.approx(10 * (1 - 0.99**100), rel=1e-4)
