# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The weights that a training run starts from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from grin_ros.checkpoint import build_model, load, ModelConfig
from grin_ros.models import Denoiser
from grin_ros.models.image_encoder import by_kind
from grin_ros.models.unet import depth_weights

from .config import TrainConfig
from .published import load_published


def initial_model(config: TrainConfig) -> Denoiser:
    """Build the model with a seeded initialisation, or the weights that the recipe names."""
    torch.manual_seed(config.seed)
    model = build_model(config.model)
    if config.initial:
        loaded, found, _ = load(config.initial)
        weights = loaded.state_dict()
        if _pretrained_for(found, config.model):
            weights = depth_weights(weights)
        elif _without_error_head(found, config.model):
            fresh = {n: w for n, w in model.state_dict().items() if n.startswith('out_error.')}
            weights |= fresh
        elif found.architecture != config.model.architecture:
            raise ValueError(
                f'{config.initial} holds another network than the recipe describes; leave `model` '
                'out of the recipe to take over the one of the checkpoint'
            )
        model.load_state_dict(weights)
    elif config.encoder_weights:
        for kind, encoder in by_kind(model.encoder, config.model.network.encoder).items():
            if kind in config.encoder_weights:
                load_published(encoder, kind, Path(config.encoder_weights[kind]))
            elif config.model.frozen:
                raise ValueError(f'the frozen encoder {kind} needs encoder_weights, too')
    elif config.model.frozen:
        raise ValueError('a frozen encoder needs encoder_weights or an initial checkpoint')
    return model


def _pretrained_for(found: ModelConfig, wanted: ModelConfig) -> bool:
    """Tell whether a checkpoint is the model of pictures whose weights fit this one of depth."""
    if not (found.dense and wanted.dense) or found.network.channels == 1:
        return False
    return replace(found.network, channels=1) == wanted.network


def _without_error_head(found: ModelConfig, wanted: ModelConfig) -> bool:
    """Tell whether a checkpoint lacks only the head of the error, which then starts anew."""
    if not wanted.error_head or found.dense:
        return False
    with_head = replace(found.architecture, error_head=True)
    return with_head == wanted.architecture != found.architecture
