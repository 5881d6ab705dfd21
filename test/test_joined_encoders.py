# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Encoders beside each other: their maps, their weights, their caches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
import torch

from grin_ros.checkpoint import amend, build_model, load, ModelConfig, save
from grin_ros.models.grin import GRINConfig
from grin_ros.models.image_encoder import build_encoder, by_kind, EncoderConfig
from grin_ros.training import features
from grin_ros.training.config import SourceConfig, TrainConfig
from grin_ros.training.features import FeatureCache, images
from grin_ros.training.initial import initial_model
from grin_ros.training.recipe import load_recipe
from grin_ros.training.source import Source

JOINED = EncoderConfig(kind='efficientnet_lite0', beside=('resnet50',), frozen=True)
SIZES = {
    'feature_dim': 32, 'interface_dim': 32, 'latent_dim': 32, 'latents': 8, 'heads': 4,
}  # fmt: skip
IMAGE = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope='module')
def shipped(tmp_path_factory) -> Path:
    """A checkpoint with two encoders, random ones."""
    torch.manual_seed(3)
    config = ModelConfig(network=GRINConfig(JOINED, **SIZES), pixels=6144)
    path = tmp_path_factory.mktemp('joined') / 'shipped.safetensors'
    save(path, build_model(config), config)
    return path


def test_maps_are_those_of_each_encoder_one_after_the_other():
    torch.manual_seed(0)
    encoder = build_encoder(JOINED)
    parts = by_kind(encoder, JOINED)
    fine, coarse = parts['efficientnet_lite0'](IMAGE), parts['resnet50'](IMAGE)
    assert encoder.strides == (4, 8, 16, 32)
    for i, found in enumerate(encoder(IMAGE)):
        # Of the one beside, only what strides 16 pixels and more.
        wanted = torch.cat([fine[i], coarse[i]], dim=1) if i >= 2 else fine[i]
        torch.testing.assert_close(found, wanted)
        assert found.shape[1] == encoder.channels[i]
    assert not any(p.requires_grad for p in encoder.parameters())


def test_one_encoder_is_found_by_its_kind_as_well():
    config = EncoderConfig(kind='efficientnet_lite0')
    encoder = build_encoder(config)
    assert by_kind(encoder, config) == {'efficientnet_lite0': encoder}


@pytest.mark.parametrize(
    ('beside', 'reason'),
    [(('vgg',), "is 'vgg'; choose one of"), (('hiera',), 'names hiera again; leave it out')],
)
def test_what_cannot_stand_beside_another_is_refused(beside, reason):
    with pytest.raises(ValueError, match=reason):
        EncoderConfig(kind='hiera', beside=beside)


def test_a_cache_holds_the_maps_of_the_joined_encoder(tmp_path, monkeypatch):
    torch.manual_seed(1)
    model = build_model(ModelConfig(network=GRINConfig(JOINED, **SIZES))).eval()
    source = Source(SourceConfig(world='room', count=2, variants=2, size=(64, 96)), 6144)
    cache = FeatureCache.open(tmp_path, source, model, torch.device('cpu'), 0)
    views = [source.view(i // 2, (0, i)) for i in range(4)]
    with torch.inference_mode():
        wanted = model.features(images(views))
    for kept, maps in zip(cache.maps, wanted, strict=True):
        assert len(kept) == 4
        for row, alone in zip(kept, maps, strict=True):  # encoded in bfloat16
            assert (torch.from_numpy(row) - alone).norm() < 0.02 * alone.norm()
    for depth, view in zip(cache.depth, views, strict=True):
        np.testing.assert_allclose(depth, view.depth, rtol=1e-3)
    # One encoder alone finds its maps there, and fills nothing.
    folders = sorted(tmp_path.iterdir())
    assert len(folders) == 3  # of each encoder's maps, and of depth and K
    alone = build_model(ModelConfig(network=GRINConfig(replace(JOINED, beside=()), **SIZES)))
    alone.encoder.load_state_dict(
        by_kind(model.encoder, JOINED)['efficientnet_lite0'].state_dict()
    )
    again = FeatureCache.open(tmp_path, source, alone, torch.device('cpu'), 0)
    np.testing.assert_array_equal(again.maps[2][1], cache.maps[2][1][:112])
    assert sorted(tmp_path.iterdir()) == folders
    # Views that another version made are not taken for those of this one.
    features._views.cache_clear()
    monkeypatch.setattr('grin_ros.training.appearance.smooth', lambda image, rng: image)
    FeatureCache.open(tmp_path, source, alone, torch.device('cpu'), 0)
    assert len(list(tmp_path.iterdir())) == 5
    features._views.cache_clear()


def test_a_checkpoint_serves_any_encoder_that_it_holds(shipped):
    torch.manual_seed(9)
    both = initial_model(
        TrainConfig(ModelConfig(network=GRINConfig(JOINED, **SIZES)), encoder_weights=str(shipped))
    )
    one = EncoderConfig(kind='resnet50', frozen=True)
    single = initial_model(
        TrainConfig(
            ModelConfig(network=GRINConfig(one, **SIZES)),
            encoder_weights={'resnet50': str(shipped)},
        )
    )
    torch.manual_seed(3)
    wanted = build_model(ModelConfig(network=GRINConfig(JOINED, **SIZES))).encoder
    for a, b in zip(wanted(IMAGE), both.encoder(IMAGE), strict=True):
        torch.testing.assert_close(a, b)
    torch.testing.assert_close(single.encoder(IMAGE)[2], wanted(IMAGE)[2][:, 112:])


def test_only_encoders_that_bear_it_are_stored_in_8_bits(shipped, tmp_path):
    path = tmp_path / 'packed.safetensors'
    amend(shipped, path, load(shipped)[1], {}, packed=True)
    stored = {name: value.dtype for name, value in load_file(path).items()}
    assert stored['encoder.parts.0.stem.weight'] == torch.float16
    assert stored['encoder.parts.1.encoder.stem.weight'] == torch.int8
    before, after = (load(p)[0].encoder(IMAGE) for p in (shipped, path))
    for a, b in zip(before, after, strict=True):
        assert (a - b).norm() < 0.05 * a.norm()


def test_an_encoder_that_a_checkpoint_lacks_is_refused(shipped):
    hiera = EncoderConfig(kind='hiera', frozen=True)
    config = TrainConfig(
        ModelConfig(network=GRINConfig(hiera, **SIZES)), encoder_weights=str(shipped)
    )
    with pytest.raises(ValueError, match='hiera: its encoder is efficientnet_lite0 and resnet50'):
        initial_model(config)


def test_weights_of_every_frozen_encoder_are_asked_for(shipped):
    model = ModelConfig(network=GRINConfig(JOINED, **SIZES))
    config = TrainConfig(model, encoder_weights={'resnet50': str(shipped)})
    with pytest.raises(ValueError, match='encoder efficientnet_lite0 needs encoder_weights'):
        initial_model(config)
    with pytest.raises(ValueError, match='names hiera; the encoder is efficientnet_lite0'):
        TrainConfig(model, encoder_weights={'hiera': str(shipped)})


def test_a_recipe_may_take_the_encoders_of_the_shipped_weights(tmp_path):
    path = tmp_path / 'recipe.yaml'
    path.write_text(
        'model: {network: {encoder: {kind: efficientnet_lite0, beside: [resnet50]}}}\n'
        'sources: [{world: room}]\nencoder_weights: {resnet50: r/model.json}\n'
    )
    assert load_recipe(path).encoder_weights == {'resnet50': str(tmp_path / 'r' / 'model.json')}
    path.write_text(path.read_text().replace('{resnet50: r/model.json}', 'shipped'))
    weights = load_recipe(path).encoder_weights
    assert list(weights) == ['efficientnet_lite0', 'resnet50']
    assert {Path(w).name for w in weights.values()} == {'grin_small.safetensors'}
