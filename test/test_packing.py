# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Packed weights: bounds of the error, and that they come back under their names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
import pytest
import torch

from grin_ros.checkpoint import amend, build_model, load, ModelConfig, save
from grin_ros.models.grin import GRINConfig
from grin_ros.models.image_encoder import EncoderConfig
from grin_ros.packing import pack, unpack


@given(st.integers(0, 2**16), st.floats(-6, 6), st.sampled_from([(3, 5), (4, 3, 2, 2), (2, 1)]))
def test_a_packed_matrix_is_off_by_at_most_half_a_step_of_its_row(seed, exponent, shape):
    generator = torch.Generator().manual_seed(seed)
    value = 10**exponent * torch.randn(shape, generator=generator)
    value[0] *= 1e-3  # a row of its own size
    back = unpack(pack({'encoder.w': value}, 'encoder.'))['encoder.w']
    step = value.flatten(1).abs().amax(1) / 127
    assert ((back - value).flatten(1).abs() <= 0.5001 * step[:, None]).all()


def test_only_frozen_matrices_lose_bits():
    tensors = {
        'encoder.w': torch.randn(4, 4), 'encoder.bias': torch.randn(4).half().float(),
        'head.w': torch.randn(4, 4).half().float(), 'encoder.zero': torch.zeros(2, 3),
    }  # fmt: skip
    packed = pack(tensors, 'encoder.')
    assert packed['encoder.w'].dtype == torch.int8
    back = unpack(packed)
    assert back.keys() == tensors.keys()
    for name in ('encoder.bias', 'head.w', 'encoder.zero'):
        assert torch.equal(back[name], tensors[name])
    assert not torch.equal(back['encoder.w'], tensors['encoder.w'])


def test_packing_twice_changes_nothing_more():
    once = unpack(pack({'encoder.w': torch.randn(64, 64)}, 'encoder.'))
    torch.testing.assert_close(unpack(pack(once, 'encoder.')), once, rtol=1e-6, atol=0)


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match=r'encoder\.w holds values that are not finite'):
        pack({'encoder.w': torch.tensor([[1.0, torch.inf]])}, 'encoder.')


def test_a_matrix_that_lost_its_scales_is_missing():
    packed = pack({'encoder.w': torch.randn(3, 3), 'b': torch.ones(2)}, 'encoder.')
    del packed['encoder.w.scale']
    assert unpack(packed).keys() == {'b'}


@pytest.mark.parametrize('rows', [1, 2, 4])
def test_a_matrix_with_other_scales_is_missing(rows):
    packed = pack({'encoder.w': torch.randn(3, 3)}, 'encoder.')
    assert not unpack({**packed, 'encoder.w.scale': torch.ones(rows)})
    assert not unpack({**packed, 'encoder.w': torch.ones(3, dtype=torch.int8)})


def test_a_packed_checkpoint_is_small_and_answers_nearly_the_same(tmp_path):
    encoder = EncoderConfig(width=32, blocks=(1, 1, 1, 1), frozen=True)
    sizes = {'feature_dim': 16, 'interface_dim': 16, 'latent_dim': 16, 'latents': 4}
    config = ModelConfig(network=GRINConfig(encoder, **sizes))
    torch.manual_seed(0)
    model = build_model(config).eval()
    save(tmp_path / 'whole', model, config, half=True)
    amend(tmp_path / 'whole', tmp_path / 'packed', config, {'fact': 1}, packed=True)
    assert (tmp_path / 'packed').stat().st_size < 0.6 * (tmp_path / 'whole').stat().st_size
    back, found, metadata = load(tmp_path / 'packed')
    assert (found, metadata) == (config, {'fact': 1})
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        for new, old in zip(back.features(image), model.features(image), strict=True):
            assert 0 < (new - old).norm() / old.norm() < 0.03
