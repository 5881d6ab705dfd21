# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The weights that a training run starts from."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file
import torch

from grin_ros.checkpoint import build_model, load
from grin_ros.models.grin import GRIN

from .config import TrainConfig


def initial_model(config: TrainConfig) -> GRIN:
    """Build the model with a seeded initialisation, or the weights that the recipe names."""
    torch.manual_seed(config.seed)
    model = build_model(config.model)
    if config.initial:
        loaded, found, _ = load(config.initial)
        if found.network != config.model.network:
            raise ValueError(
                f'{config.initial} holds another network than the recipe describes; leave `model` '
                'out of the recipe to take over the one of the checkpoint'
            )
        model.load_state_dict(loaded.state_dict())
    elif config.encoder_weights:
        if config.model.network.encoder.kind != 'hiera':
            raise ValueError('encoder_weights are for encoder.kind hiera; leave them out')
        path = Path(config.encoder_weights)
        if not path.is_file():
            raise FileNotFoundError(f'there is no file {path} of encoder_weights')
        # Those of SAM 2, or of a checkpoint of ours, whose trunk is `encoder`.
        weights = load_file(path).items()
        model.encoder.load_sam2({name.removeprefix('encoder.'): w for name, w in weights})
    elif config.model.network.encoder.frozen:
        raise ValueError('a frozen encoder needs encoder_weights or an initial checkpoint')
    return model
