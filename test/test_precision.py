# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What networks compute in, and weights that are kept in it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from grin_ros.camera import Camera
from grin_ros.checkpoint import AnyModelConfig, build_model, ModelConfig, save
from grin_ros.config import load
from grin_ros.models.image_encoder import EncoderConfig
from grin_ros.pipeline import DepthPipeline
from grin_ros.precision import autocast, lower_weights

GRIN_TINY = load(ModelConfig, 'config/grin_tiny.yaml')
DEPTHGEN_TINY = load(AnyModelConfig, 'config/depthgen_tiny.yaml')
SIZE = (64, 96)


@pytest.mark.parametrize(
    'capability, amd, fast',
    [((6, 1), None, False), ((7, 5), None, False), ((8, 7), None, True), ((6, 1), '6.2', True)],
)
def test_bfloat16_is_for_cards_that_compute_in_it(monkeypatch, capability, amd, fast):
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda device: capability)
    monkeypatch.setattr(torch.version, 'hip', amd)
    asked = []
    monkeypatch.setattr(torch, 'autocast', lambda kind, **options: asked.append((kind, options)))
    autocast('cuda:0')
    options = {'dtype': torch.bfloat16, 'enabled': fast, 'cache_enabled': False}
    assert asked == [('cuda', options)]


@pytest.mark.parametrize('known', [{}, {'avx512_bf16': False}, {'avx512_bf16': True}])
def test_bfloat16_is_for_processors_that_compute_in_it(monkeypatch, known):
    processor(monkeypatch, known)
    with autocast('cpu'):
        assert torch.is_autocast_enabled('cpu') == known.get('avx512_bf16', False)


def processor(monkeypatch, known: dict[str, bool]) -> None:
    """Pretend that the processor is another; any of them computes in bfloat16, if slowly."""
    monkeypatch.setattr(torch.cpu, 'get_capabilities', lambda: known, raising=False)


def answer(model, config: ModelConfig) -> torch.Tensor:
    """Encode a picture and denoise it once."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, *SIZE, generator=generator)
    uv = torch.rand(1, 50, 2, generator=generator) * torch.tensor([95.0, 63.0])
    shape = (1, 1, *SIZE) if config.dense else (1, 50, 1)
    x_t = torch.randn(shape, generator=generator)
    with torch.inference_mode(), autocast('cpu'):
        cond = model.encode(image, Camera.stack([Camera.default(SIZE)]), uv)
        return model(x_t, torch.tensor([0.3]), cond)[0]


def built(config: ModelConfig) -> nn.Module:
    """Build a network in which no weight is zero, as after training."""
    torch.manual_seed(0)
    model = build_model(config).eval()
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn_like(p)
    return model


@pytest.mark.parametrize(
    'config',
    [
        GRIN_TINY,
        replace(GRIN_TINY, network=replace(GRIN_TINY.network, error_head=True)),
        *(
            replace(GRIN_TINY, network=replace(GRIN_TINY.network, encoder=encoder))
            for encoder in (
                EncoderConfig('hiera', frozen=True),
                EncoderConfig('efficientnet_lite0', beside=('resnet50',), frozen=True),
            )
        ),
        DEPTHGEN_TINY,
    ],
    ids=['grin', 'error_head', 'hiera', 'joined', 'depthgen'],
)
def test_lowered_weights_answer_the_same_bit_by_bit(monkeypatch, config):
    processor(monkeypatch, {'avx512_bf16': True})
    model = built(config)
    before = answer(model, config)
    lower_weights(model, 'cpu')
    assert torch.equal(answer(model, config), before)
    layers = {n: m for n, m in model.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))}
    kept = {name for name, layer in layers.items() if layer.weight.dtype == torch.float32}
    assert kept == set(model.float32_layers) & set(layers) != set()


def test_a_checkpoint_is_lowered_where_that_is_quicker(monkeypatch, tmp_path):
    save(tmp_path / 'a.safetensors', built(GRIN_TINY), GRIN_TINY)
    for known, dtype in (({'avx512_bf16': True}, torch.bfloat16), ({}, torch.float32)):
        processor(monkeypatch, known)
        model = DepthPipeline.from_checkpoint(tmp_path / 'a.safetensors').model
        assert model.local_feature.weight.dtype == dtype
        assert model.out.weight.dtype == torch.float32


def test_training_and_inference_attend_alike():
    """Which kernel is the quicker one differs; in float32 they differ by rounding alone."""
    model = built(GRIN_TINY)
    attention = model.blocks[0].write
    x = torch.randn(2, 70, attention.to_q.in_features)
    z = torch.randn(2, 9, attention.to_kv.in_features)
    trained = attention(x, [attention.keys_values(z)])
    with torch.no_grad():
        torch.testing.assert_close(attention(x, [attention.keys_values(z)]), trained.detach())
