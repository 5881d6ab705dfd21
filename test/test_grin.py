# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""GRIN and RIN: the properties that make queried pixels a set, and streaming an implementation."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch
from torch.nn import functional as F

from grin_ros.camera import Camera
from grin_ros.checkpoint import ModelConfig
from grin_ros.config import load
from grin_ros.models.embeddings import FourierRays, GammaEmbedding
from grin_ros.models.grin import GRIN, GRINConfig
from grin_ros.models.image_encoder import EncoderConfig
from grin_ros.models.layers import Attention
from grin_ros.models.rin import LatentInit
from grin_ros.models.unet import UNetConfig
from grin_ros.packing import pack

SIZE = (64, 96)
ENCODERS = {
    'resnet': EncoderConfig(width=8, blocks=(1, 1, 1, 1)),
    'hiera': EncoderConfig(kind='hiera'),
    'efficientnet_lite0': EncoderConfig(kind='efficientnet_lite0'),
}


def config(**changes) -> GRINConfig:
    """A network small enough to test: two blocks, eight latents."""
    sizes = {
        'encoder': ENCODERS['resnet'], 'feature_dim': 16, 'interface_dim': 24, 'latent_dim': 32,
        'latents': 8, 'blocks': 2, 'layers': 1, 'heads': 2, 'rw_heads': 2, 'ray_bands': 4,
    }  # fmt: skip
    return GRINConfig(**{**sizes, **changes})


def build(seed=0, **changes) -> GRIN:
    """A network in evaluation mode whose zero-initialised parts have been woken up."""
    torch.manual_seed(seed)
    model = GRIN(config(**changes)).eval()
    with torch.no_grad():
        for p in (model.out.weight, model.latents.norm.weight, model.latents.norm.bias):
            p.normal_(0, 0.2)
    return model


def scene(batch=2, pixels=37, seed=0):
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(batch, 3, *SIZE, generator=generator)
    K = [Camera.from_intrinsics(60 + 20 * i, 62, 47, 30, SIZE) for i in range(batch)]
    uv = torch.rand(batch, pixels, 2, generator=generator) * torch.tensor([95.0, 63.0])
    x_t = torch.randn(batch, pixels, 1, generator=generator)
    return image, Camera.stack(K), uv, x_t, torch.linspace(0.2, 0.8, batch)


@pytest.mark.parametrize('encoder', ENCODERS)
def test_permuting_the_pixels_permutes_the_answer(encoder):
    model = build(encoder=ENCODERS[encoder])
    image, camera, uv, x_t, gamma = scene()
    order = torch.randperm(uv.shape[1])
    with torch.no_grad():
        plain, _ = model(x_t, gamma, model.encode(image, camera, uv))
        cond = model.encode(image, camera, uv[:, order])
        permuted, _ = model(x_t[:, order], gamma, cond)
    torch.testing.assert_close(permuted, plain[:, order], rtol=1e-4, atol=1e-5)
    assert plain.std() > 1e-3  # an answer that ignores the pixel would pass as well


@pytest.mark.parametrize('chunk', [1, 5, 36, 37, 1000])
def test_the_answer_does_not_depend_on_the_chunk(chunk):
    model = build()
    image, camera, uv, x_t, gamma = scene()
    with torch.no_grad():
        cond = model.encode(image, camera, uv)
        whole, state = model(x_t, gamma, cond)
        cut, cut_state = model.with_chunk(chunk)(x_t, gamma, cond)
    torch.testing.assert_close(cut, whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(cut_state, state, rtol=1e-4, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
    st.integers(0, 2**16), st.floats(0.1, 30),
)  # fmt: skip
def test_attention_is_attention_in_one_piece_and_in_many(lengths, seed, spread):
    torch.manual_seed(seed)
    attention = Attention(16, 8, heads=2)
    x, context = torch.randn(2, 4, 16), torch.randn(2, sum(lengths), 8) * spread
    streamed = attention(x, map(attention.keys_values, context.split(lengths, dim=1)))
    q = attention.q_norm(attention.split(attention.to_q(x)))
    k, v = attention.keys_values(context)
    weights = torch.softmax(q @ k.transpose(-1, -2) / 4**0.5, dim=-1)
    expected = attention.to_out((weights @ v).transpose(1, 2).flatten(2))
    torch.testing.assert_close(streamed, expected, rtol=1e-4, atol=1e-5)


def test_cached_conditioning_is_what_the_tokens_give():
    model = build()
    image, camera, uv, x_t, gamma = scene()
    with torch.no_grad():
        cond = model.encode(image, camera, uv)
        cached, _ = model(x_t, gamma, cond)
        tokens = model.global_tokens(model.mix(model.features(image), camera), camera)
        for block, pair in zip(model.blocks, cond.tokens, strict=True):
            for kept, fresh in zip(pair, block.global_read.keys_values(tokens), strict=True):
                torch.testing.assert_close(kept, fresh)
        again, _ = model(x_t, gamma, model.encode(image, camera, uv))
    torch.testing.assert_close(cached, again)


def test_one_image_of_a_batch_is_that_image_alone():
    model = build()
    image, camera, uv, x_t, gamma = scene()
    with torch.no_grad():
        both = model.encode(image, camera, uv)
        alone = model.encode(image[1:], Camera(camera.K[1:], SIZE), uv[1:])
        expected, _ = model(x_t[1:], gamma[1:], alone)
        rows, _ = model(x_t[1:], gamma[1:], both.rows(torch.tensor([1])))
    torch.testing.assert_close(rows, expected, rtol=1e-4, atol=1e-5)


def test_pixels_inform_each_other_only_through_the_latents():
    model = build()
    image, camera, uv, x_t, gamma = scene()
    with torch.no_grad():
        cond = model.encode(image, camera, uv)
        before, _ = model(x_t, gamma, cond)
        x_t[:, 0] += 3.0
        after, _ = model(x_t, gamma, cond)
    assert (after[:, 1:] - before[:, 1:]).abs().max() > 1e-5


def test_the_answer_is_not_rounded_where_the_network_is():
    """bfloat16 knows 256 depths between two powers of 2: terraces."""
    model, (x_t, gamma) = build(error_head=True), (torch.randn(1, 2000, 1), torch.tensor([0.5]))
    uv = torch.rand(1, 2000, 2) * torch.tensor([SIZE[1], SIZE[0]])
    camera = Camera.stack([Camera.default(SIZE)])
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
        prediction, _ = model(x_t, gamma, model.encode(torch.rand(1, 3, *SIZE), camera, uv))
    assert prediction.dtype == torch.float32
    assert (prediction == prediction.bfloat16()).float().mean() < 0.1


@pytest.mark.parametrize('encoder', ENCODERS)
@pytest.mark.parametrize('ablation', [
    {}, {'local_conditioning': False}, {'global_conditioning': False}, {'geometry': False},
])  # fmt: skip
def test_gradient_reaches_every_parameter(encoder, ablation):
    model = build(encoder=ENCODERS[encoder], **ablation).train()
    image, camera, uv, x_t, gamma = scene()
    cond = model.encode(image, camera, uv)
    _, state = model(x_t, gamma, cond)
    prediction, _ = model(x_t, gamma, cond, state.detach())
    prediction.square().mean().backward()
    # The coarsest map of a network without its global tokens is still read at the pixels, but
    # without any local features only the maps at global_stride or coarser, and those above, are.
    unused = {
        name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().any()
    }
    if ablation == {'local_conditioning': False}:
        fine = [i for i, s in enumerate(model.encoder.strides) if s < model.config.global_stride]
        parts = ('norm', 'lateral', 'mix', 'context')
        allowed = tuple(f'neck.{part}.{i}.' for i in fine for part in parts)
        unused = {name for name in unused if not name.startswith(allowed)}
    assert not unused


def test_a_frozen_encoder_takes_no_gradient():
    model = build(encoder=replace(ENCODERS['resnet'], frozen=True)).train()
    image, camera, uv, x_t, gamma = scene()
    model(x_t, gamma, model.encode(image, camera, uv))[0].sum().backward()
    assert all(p.grad is None for p in model.encoder.parameters())
    assert model.neck.lateral[0].weight.grad is not None
    with torch.no_grad():
        assert not build().features(image)[0].requires_grad, 'nor one that is only asked'


def test_global_tokens_are_thinned_in_training_only():
    model = build()
    image, camera, uv, _, _ = scene()
    whole = model.encode(image, camera, uv).tokens[0][0].shape[2]
    assert whole == 4 * 6  # stride 16 of 64 x 96
    model.train()
    counts = {model.encode(image, camera, uv).tokens[0][0].shape[2] for _ in range(20)}
    assert len(counts) > 1
    assert all(whole // 2 <= count <= whole for count in counts)
    maps = [torch.randn(1, width, 4, 6) for width in model.neck.widths]
    one = Camera.stack([Camera.default(SIZE)])
    kept = [model.global_tokens(maps, one)[0] for _ in range(20)]
    every = model.eval().global_tokens(maps, one)[0]
    drawn = torch.stack([torch.cdist(every, some).amin(1) < 1e-4 for some in kept])
    share = drawn.float().mean(0)
    assert share.min() > 0.3 and share.max() < 1, 'each cell has its turn'


def test_local_features_are_bilinear_at_pixel_centres():
    model = build(geometry=False)
    camera = Camera.stack([Camera.from_intrinsics(60, 60, 47.5, 31.5, SIZE)])
    maps = [torch.zeros(1, 16, SIZE[0] // s, SIZE[1] // s) for s in model.neck.strides]
    ramp = (torch.arange(48) + 0.5) * 2 - 0.5  # u of the stride-2 cells' centres
    maps[0][0, 0] = ramp
    with torch.no_grad():
        model.local_feature.weight.zero_()
        model.local_feature.bias.zero_()
        model.local_feature.weight[0, 0] = 1.0
        for p in model.local_mlp.parameters():
            p.zero_()
        uv = torch.tensor([[[10.0, 5.0], [33.25, 60.0], [80.5, 31.0], [0.0, 0.0], [95.0, 63.0]]])
        local = model.local(maps, camera, uv)
    # At the border, of which no cell's centre is beyond, it is that of the last cell.
    torch.testing.assert_close(local[0, :, 0], uv[0, :, 0].clamp(ramp.min(), ramp.max()))


def test_rays_of_a_map_pass_through_the_middle_of_its_cells():
    _, camera, *_ = scene()
    model = build()
    encoded = model.coarse_rays(camera, torch.zeros(2, 1, 4, 6))
    torch.testing.assert_close(encoded, model.rays(camera.rays(camera.grid(16).flatten(0, 1))))


def test_self_conditioning_starts_as_the_plain_embedding():
    torch.manual_seed(0)
    init = LatentInit(8, 32, 2)
    previous = torch.randn(3, 8, 32)
    torch.testing.assert_close(init(3, previous), init(3, None))
    with torch.no_grad():  # what the perceptron has no say in is handed on
        init.norm.weight.fill_(1)
        for p in init.mlp.parameters():
            p.zero_()
        added = init(3, previous) - init(3, None)
    torch.testing.assert_close(added, F.layer_norm(previous, (32,)), atol=1e-4, rtol=1e-4)


def test_self_conditioning_uses_the_previous_latents():
    model = build()
    image, camera, uv, x_t, gamma = scene()
    with torch.no_grad():
        cond = model.encode(image, camera, uv)
        first, state = model(x_t, gamma, cond)
        second, _ = model(x_t, gamma, cond, state)
        zeroed, _ = model(x_t, gamma, cond, torch.zeros_like(state))
        model.blocks = torch.nn.ModuleList()
        _, untouched = model(x_t, gamma, cond)
        torch.testing.assert_close(untouched, model.latents(2, None))
    assert (second - first).abs().max() > 1e-4
    torch.testing.assert_close(zeroed, first)


def test_fourier_rays_are_the_published_features():
    rays = F.normalize(torch.randn(5, 3), dim=-1)
    encoded = FourierRays(16, 64)(rays)
    assert encoded.shape == (5, 99)  # ZeroDepth: 3 + 2 * 16 * 3
    torch.testing.assert_close(encoded[:, :3], rays)
    # Coordinate-major: 16 sines of x, then of y; the highest frequency is half of 64.
    torch.testing.assert_close(encoded[:, 3], torch.sin(torch.pi * rays[:, 0]))
    torch.testing.assert_close(encoded[:, 3 + 31], torch.sin(torch.pi * 32 * rays[:, 1]))
    torch.testing.assert_close(encoded[:, 3 + 48], torch.cos(torch.pi * rays[:, 0]))


def test_gamma_embedding_tells_noise_levels_apart():
    torch.manual_seed(0)
    embedded = GammaEmbedding(64)(torch.tensor([1e-9, 0.01, 0.5, 0.99, 1.0]))
    assert torch.isfinite(embedded).all()
    assert torch.pdist(embedded).min() > 1e-2


def test_the_robot_preset_keeps_its_promise():
    small = load(ModelConfig, 'config/grin_small.yaml')
    model = GRIN(small.network)
    total = sum(p.numel() for p in model.parameters())
    encoder = sum(p.numel() for p in model.encoder.parameters())
    assert total - encoder <= 20e6
    stored = pack(model.state_dict(), 'encoder.').values()
    assert sum(t.nbytes for t in stored) <= 45 * 2**20  # small enough to come with the package


def test_hopeless_configurations_are_refused():
    with pytest.raises(ValueError, match='local_conditioning and geometry'):
        config(local_conditioning=False, geometry=False)
    for name in ('heads', 'rw_heads', 'latents', 'blocks'):
        with pytest.raises(ValueError, match=f'{name} is 0; it must be at least 1'):
            config(**{name: 0})
    with pytest.raises(ValueError, match='multiple of 0 heads'):
        UNetConfig(heads=0)
    with pytest.raises(ValueError, match='global_stride is 64'):
        GRIN(config(global_stride=64))
    with pytest.raises(ValueError, match="'vit'; choose one of resnet, hiera, efficientnet"):
        EncoderConfig(kind='vit')
