# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""ImageNet encoders against the published layout, computed layer by layer from its tensors."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from safetensors.torch import save_file
import torch
from torch.nn import functional as F

from grin_ros.checkpoint import ModelConfig
from grin_ros.models.grin import GRINConfig
from grin_ros.models.hiera import Hiera
from grin_ros.models.image_encoder import build_encoder, EncoderConfig
from grin_ros.models.imagenet import EfficientNetLite0, ResNet50, SameConv
from grin_ros.training.config import TrainConfig
from grin_ros.training.initial import initial_model
from grin_ros.training.published import fold, load_published

IMAGE = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


def norm(channels, rng):
    """Gamma, beta, mean and variance."""
    beta, mean = rng.normal(0, 0.1, (2, channels))
    return rng.uniform(0.8, 1.2, channels), beta, mean, rng.uniform(0.5, 1.5, channels)


def tensors(values):
    return {k: torch.from_numpy(np.asarray(v, np.float32)) for k, v in values.items()}


def lite0_state():
    """Random tensors named as in efficientnet-lite-pytorch; channels from the paper's table 1."""
    rng, state = np.random.default_rng(0), {}

    def add(conv, bn, out, channels, kernel):
        fan = channels * kernel**2
        state[f'{conv}.weight'] = rng.normal(0, (2 / fan) ** 0.5, (out, channels, kernel, kernel))
        names = ('weight', 'bias', 'running_mean', 'running_var')
        state.update(zip((f'{bn}.{name}' for name in names), norm(out, rng)))

    add('_conv_stem', '_bn0', 32, 3, 3)
    channels, i = 32, 0
    kernels, outs, repeats = (
        (3, 3, 5, 3, 5, 5, 3),
        (16, 24, 40, 80, 112, 192, 320),
        (1, 2, 2, 3, 3, 4, 1),
    )
    for kernel, out, count in zip(kernels, outs, repeats):
        for _ in range(count):
            inner, block = channels * (6 if i else 1), f'_blocks.{i}.'
            if i:
                add(f'{block}_expand_conv', f'{block}_bn0', inner, channels, 1)
            add(f'{block}_depthwise_conv', f'{block}_bn1', inner, 1, kernel)
            add(f'{block}_project_conv', f'{block}_bn2', out, inner, 1)
            channels, i = out, i + 1
    add('_conv_head', '_bn1', 1280, 320, 1)
    return tensors(state | {'_fc.bias': np.zeros(1000)})


def lite0_maps(state, image):
    """The network with its batch norms, from the tensors alone."""

    def apply(x, conv, bn, stride=1):
        weight = state[f'{conv}.weight']
        k = weight.shape[-1]
        # `same` of an even size: with stride 2 one pixel less before than after.
        before, after = ((k - 2) // 2, (k - 1) // 2) if stride == 2 else (k // 2, k // 2)
        x = F.pad(x, (before, after, before, after))
        x = F.conv2d(x, weight, stride=stride, groups=x.shape[1] // weight.shape[1])
        figures = (state[f'{bn}.{n}'] for n in ('running_mean', 'running_var', 'weight', 'bias'))
        return F.batch_norm(x, *figures, eps=1e-3)

    x = F.relu6(apply((image * 255 - 127) / 128, '_conv_stem', '_bn0', 2))
    maps = {}
    for i in range(16):
        block, before = f'_blocks.{i}.', x
        if i:
            x = F.relu6(apply(x, f'{block}_expand_conv', f'{block}_bn0'))
        stride = 2 if i in (1, 3, 5, 11) else 1
        x = F.relu6(apply(x, f'{block}_depthwise_conv', f'{block}_bn1', stride))
        x = apply(x, f'{block}_project_conv', f'{block}_bn2')
        if x.shape == before.shape:
            x = x + before
        maps[x.shape[-1]] = x  # the last one of each size
    return list(maps.values())[1:]


def resnet50_state():
    """Random tensors named as by Keras, kernels (k, k, in, out)."""
    rng, state = np.random.default_rng(0), {}

    def add(name, kernel, channels, out):
        shape = (kernel, kernel, channels, out)
        state[f'{name}/kernel'] = rng.normal(0, (1 / (kernel**2 * channels)) ** 0.5, shape)
        state[f'{name}/bias'] = rng.normal(0, 0.1, out)
        bn = 'bn_conv1' if name == 'conv1' else name.replace('res', 'bn')
        names = ('gamma', 'beta', 'moving_mean', 'moving_variance')
        state.update(zip((f'{bn}/{n}' for n in names), norm(out, rng)))

    add('conv1', 7, 3, 64)
    channels = 64
    for stage, letters in enumerate(('abc', 'abcd', 'abcdef', 'abc'), 2):
        width = 2 ** (stage + 4)
        for letter in letters:
            block = f'res{stage}{letter}_branch'
            add(f'{block}2a', 1, channels, width)
            add(f'{block}2b', 3, width, width)
            add(f'{block}2c', 1, width, 4 * width)
            if letter == 'a':
                add(f'{block}1', 1, channels, 4 * width)
            channels = 4 * width
    return tensors(state)


def resnet50_maps(state, image):
    def apply(x, name, stride=1):
        kernel = state[f'{name}/kernel'].permute(3, 2, 0, 1)
        x = F.conv2d(x, kernel, state[f'{name}/bias'], stride, kernel.shape[-1] // 2)
        bn = 'bn_conv1' if name == 'conv1' else name.replace('res', 'bn')
        figures = (state[f'{bn}/{n}'] for n in ('moving_mean', 'moving_variance', 'gamma', 'beta'))
        return F.batch_norm(x, *figures, eps=1e-3)

    mean = torch.tensor([103.939, 116.779, 123.68])[:, None, None]
    x = F.relu(apply(image[:, [2, 1, 0]] * 255 - mean, 'conv1', 2))
    x, maps = F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2), []
    for stage, letters in enumerate(('abc', 'abcd', 'abcdef', 'abc'), 2):
        for letter in letters:
            block, stride = f'res{stage}{letter}_branch', 2 if stage > 2 and letter == 'a' else 1
            y = F.relu(apply(x, f'{block}2a', stride))
            y = apply(F.relu(apply(y, f'{block}2b')), f'{block}2c')
            x = F.relu(y + (apply(x, f'{block}1', stride) if letter == 'a' else x))
        maps.append(x)
    return maps


def write_tfjs(folder, state):
    """Write model.json and two shards, cut in the middle of a tensor."""
    data = b''.join(value.numpy().astype('<f4').tobytes() for value in state.values())
    weights = [{'name': k, 'shape': list(v.shape), 'dtype': 'float32'} for k, v in state.items()]
    cut = len(data) // 2 + 3
    (folder / 'one.bin').write_bytes(data[:cut])
    (folder / 'two.bin').write_bytes(data[cut:])
    path = folder / 'model.json'
    manifest = [{'paths': ['one.bin', 'two.bin'], 'weights': weights}]
    path.write_text(json.dumps({'weightsManifest': manifest}))
    return path


def assert_equal_maps(encoder, expected):
    with torch.no_grad():
        maps = encoder.eval()(IMAGE)
    assert [m.shape[1] for m in maps] == list(encoder.channels)
    assert [IMAGE.shape[-1] // m.shape[-1] for m in maps] == list(encoder.strides)
    for one, other in zip(maps, expected, strict=True):
        assert other.std() > 0.01
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * other.abs().max().item())


def test_efficientnet_lite0_is_the_published_network(tmp_path):
    state, encoder = lite0_state(), EfficientNetLite0()
    torch.save(state, tmp_path / 'lite.pth')
    load_published(encoder, 'efficientnet_lite0', tmp_path / 'lite.pth')
    assert_equal_maps(encoder, lite0_maps(state, IMAGE))


def test_resnet50_is_the_published_network(tmp_path):
    state, encoder = resnet50_state(), ResNet50()
    load_published(encoder, 'resnet50', write_tfjs(tmp_path, state))
    assert_equal_maps(encoder, resnet50_maps(state, IMAGE))


@settings(deadline=None, max_examples=30)
@given(st.integers(5, 20), st.sampled_from([3, 5]), st.sampled_from([1, 2]), st.integers(0, 9))
def test_same_padding_is_tensorflows(size, kernel, stride, seed):
    """Tensors of one column; each output is a sum around its place, with zeros beyond the edge."""
    conv = SameConv(1, 1, kernel, stride)
    x = torch.randn(1, 1, size, 1, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        out = conv(x)[0, 0, :, 0]
    count = (size + stride - 1) // stride
    assert len(out) == count
    # What hangs over at the end is what hangs over at the start, or one more.
    needed = (count - 1) * stride + kernel
    start = -((needed - size) // 2)
    # A column of width 1 meets the middle of the kernel, whatever the stride.
    column = conv.weight[0, 0, :, (kernel - 1) // 2].tolist()
    for i, value in enumerate(out.tolist()):
        places = range(start + i * stride, start + i * stride + kernel)
        total = sum(w * x[0, 0, p, 0].item() for w, p in zip(column, places) if 0 <= p < size)
        assert value == pytest.approx(total + conv.bias.item(), abs=1e-5)


def test_folding_is_batch_norm():
    rng = np.random.default_rng(1)
    conv, bn = torch.nn.Conv2d(5, 7, 3), torch.nn.BatchNorm2d(7, eps=1e-3)
    values = [torch.from_numpy(v).float() for v in norm(7, rng)]
    for own, value in zip((bn.weight.data, bn.bias.data, bn.running_mean, bn.running_var), values):
        own.copy_(value)
    x = torch.randn(2, 5, 9, 9)
    weight, bias = fold(conv.weight, *values, bias=conv.bias)
    torch.testing.assert_close(F.conv2d(x, weight, bias), bn.eval()(conv(x)), rtol=1e-4, atol=1e-5)


def test_a_recipe_takes_an_encoder_of_any_kind(tmp_path):
    state = lite0_state()
    path = tmp_path / 'lite.pth'
    torch.save(state, path)
    encoder = EncoderConfig(kind='efficientnet_lite0', frozen=True)
    sizes = {'feature_dim': 32, 'interface_dim': 32, 'latent_dim': 32, 'latents': 8, 'heads': 4}
    config = TrainConfig(
        model=ModelConfig(network=GRINConfig(encoder, **sizes)), encoder_weights=str(path)
    )
    model = initial_model(config)
    assert_equal_maps(model.encoder, lite0_maps(state, IMAGE))
    assert not any(p.requires_grad for p in model.encoder.parameters())


def test_other_files_are_refused_in_one_sentence(tmp_path):
    path = tmp_path / 'lite.pth'
    encoder = build_encoder(EncoderConfig(kind='efficientnet_lite0'))
    with pytest.raises(FileNotFoundError, match=r'no file .*lite\.pth of encoder_weights'):
        load_published(encoder, 'efficientnet_lite0', path)
    path.write_bytes(b'not a pickle')
    with pytest.raises(ValueError, match='holds no weights of efficientnet_lite0') as caught:
        load_published(encoder, 'efficientnet_lite0', path)
    assert '\n' not in str(caught.value)
    torch.save({'_blocks.0._bn0.weight': torch.ones(3)}, path)
    with pytest.raises(ValueError, match='holds no weights of efficientnet_lite0'):
        load_published(encoder, 'efficientnet_lite0', path)
    shrunk = lite0_state()
    shrunk['_blocks.3._project_conv.weight'] = torch.zeros(9, 144, 1, 1)
    torch.save(shrunk, path)
    with pytest.raises(ValueError, match='holds no weights of efficientnet_lite0'):
        load_published(encoder, 'efficientnet_lite0', path)
    (tmp_path / 'model.json').write_text('{"weightsManifest": []}')
    with pytest.raises(ValueError, match='holds no weights of resnet50'):
        load_published(ResNet50(), 'resnet50', tmp_path / 'model.json')
    save_file({'a': torch.zeros(1)}, tmp_path / 'a.safetensors')
    with pytest.raises(ValueError, match=r'a\.safetensors .* not weights of a SAM 2'):
        load_published(Hiera(3), 'hiera', tmp_path / 'a.safetensors')
    with pytest.raises(ValueError, match=r'lite\.pth holds no weights of hiera'):
        load_published(Hiera(3), 'hiera', path)
    with pytest.raises(ValueError, match=r'encoder\.kind resnet has no published weights'):
        load_published(encoder, 'resnet', path)
