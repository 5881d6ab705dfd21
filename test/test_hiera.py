# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Hiera against the published description: window partition, pooling and SAM 2's weights."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.torch import load_file
import torch

from grin_ros.models.hiera import Hiera, HieraBlock, WindowAttention


def test_windows_see_only_themselves():
    torch.manual_seed(0)
    attention = WindowAttention(8, 8, heads=2, window=4, pool=False).eval()
    x = torch.randn(1, 8, 12, 8)
    with torch.no_grad():
        before = attention(x)
        x[0, 5, 9] += 1.0  # in the window of rows 4-7, columns 8-11
        changed = (attention(x) - before).abs().sum(-1)[0] > 1e-6
    expected = torch.zeros(8, 12, dtype=torch.bool)
    expected[4:8, 8:12] = True
    assert torch.equal(changed, expected)


@pytest.mark.parametrize('size', [(8, 12), (7, 10)])
def test_a_padded_window_is_attention_over_the_padded_map(size):
    """Zero padding takes part in the softmax, as in SAM 2: keys of zeros are the bias."""
    torch.manual_seed(0)
    attention = WindowAttention(8, 8, heads=1, window=16, pool=False).eval()
    x = torch.randn(1, *size, 8)
    with torch.no_grad():
        padded = torch.zeros(1, 16, 16, 8)
        padded[:, : size[0], : size[1]] = x
        q, k, v = attention.qkv(padded.flatten(1, 2)).chunk(3, dim=-1)
        full = attention.proj(torch.softmax(q @ k.mT / 8**0.5, -1) @ v).view(1, 16, 16, 8)
        torch.testing.assert_close(attention(x), full[:, : size[0], : size[1]])


def test_windows_are_those_of_sam_2():
    """Of sam2_hiera_t.yaml, where a block that pools has still the windows before it; 0 = all."""
    attention = [block.attn for block in Hiera(4).blocks]
    assert [one.window for one in attention] == [8, 8, 4, 4, 14, 0, 14, 0, 14, 0, 14, 7]
    assert [one.heads for one in attention] == [1, 2, 2, 4, 4, 4, 4, 4, 4, 4, 8, 8]
    assert [i for i, one in enumerate(attention) if one.pool] == [1, 3, 10]


def test_colours_are_in_deviations_of_imagenet():
    trunk, seen = Hiera(3), []
    trunk.patch_embed.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    red, green, blue = 0.485 + 0.229, 0.456 - 2 * 0.224, 0.406 + 0.5 * 0.225
    with torch.no_grad():
        trunk(torch.tensor([red, green, blue]).view(1, 3, 1, 1).expand(-1, -1, 32, 32))
    torch.testing.assert_close(seen[0][0, :, 5, 7], torch.tensor([1.0, -2.0, 0.5]))


def test_positions_are_a_bicubic_map_and_one_of_each_window():
    torch.manual_seed(0)
    trunk, seen = Hiera(3), []
    trunk.blocks[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        for p in (*trunk.patch_embed.parameters(), trunk.pos_embed, trunk.pos_embed_window):
            p.zero_() if p.ndim == 1 or p.shape[1] == 3 else p.normal_()
        trunk(torch.rand(1, 3, 64, 96))
        coarse, window = (
            p[0, :3].permute(1, 2, 0).numpy() for p in (trunk.pos_embed, trunk.pos_embed_window)
        )
    expected = cv2.resize(coarse, (24, 16), interpolation=cv2.INTER_CUBIC)
    expected += np.tile(window, (2, 3, 1))
    np.testing.assert_allclose(seen[0][0, ..., :3], expected, atol=1e-4)


def test_what_passes_by_attention_is_the_largest_of_four_normed_cells():
    torch.manual_seed(0)
    block = HieraBlock(8, 16, heads=1, window=4, pool=True).eval()
    x = 3 * torch.randn(1, 8, 12, 8) + 1
    with torch.no_grad():
        for p in (*block.attn.proj.parameters(), *block.mlp[2].parameters()):
            p.zero_()
        normed = (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True, correction=0)
        widened = normed @ block.proj.weight.T + block.proj.bias
        largest = widened.view(1, 4, 2, 6, 2, 16).amax((2, 4))
        torch.testing.assert_close(block(x), largest, atol=1e-5, rtol=1e-4)


def test_stages_have_their_strides_and_widths():
    trunk = Hiera(4).eval()
    with torch.no_grad():
        maps = trunk(torch.rand(1, 3, 64, 96))
    shapes = [tuple(m.shape[1:]) for m in maps]
    assert shapes == [(96, 16, 24), (192, 8, 12), (384, 4, 6), (768, 2, 3)]


def test_other_weights_are_refused():
    with pytest.raises(ValueError, match='not weights of a SAM 2 Hiera-Tiny trunk'):
        Hiera(3).load_sam2({'patch_embed.proj.weight': torch.zeros(96, 3, 7, 7)})


def test_sam2_weights_load_and_the_first_stages_do_not_need_the_last():
    data = os.environ.get('GRIN_TEST_DATA')
    path = Path(data).parent / 'weights' / 'sam2_hiera_tiny.safetensors' if data else None
    if path is None or not path.is_file():
        pytest.skip('needs the SAM 2 weights beside GRIN_TEST_DATA')
    state = load_file(path)
    three, four = Hiera(3).eval(), Hiera(4).eval()
    three.load_sam2(state)
    four.load_sam2(state)
    image = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for a, b in zip(three(image), four(image), strict=False):
            torch.testing.assert_close(a, b)
            assert 0.05 < a.std() < 50  # trained features, neither collapsed nor exploding
