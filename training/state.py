# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The state of a training run on disk: safetensors and JSON, nothing pickled, resumed exactly."""

from __future__ import annotations

from collections.abc import Sequence
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
import torch
from torch import nn

from grin_ros.config import from_dict, to_dict

from .config import TrainConfig
from .ema import EMA

# Neither where files lie nor how work is cut changes what a run computes.
_FREE = ('output', 'features', 'save_every', 'workers', 'microbatch', 'validation')


def save_state(
    path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, ema: EMA, **extra: Any
) -> None:
    """
    Write weights, average and the optimiser's moments; a reader never sees half of it.

    extra: JSON-able values, returned by `load_state`
    """
    tensors = {f'model/{n}': p for n, p in model.named_parameters() if p.requires_grad}
    tensors |= {f'buffer/{n}': b for n, b in model.named_buffers() if n in model.state_dict()}
    tensors |= {f'ema/{n}': p for n, p in ema.average.items()}
    names = {p: n for n, p in model.named_parameters()}
    for p, state in optimiser.state.items():
        tensors |= {f'optimiser/{key}/{names[p]}': value for key, value in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + '.partial')
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    header = json.dumps({**extra, 'ema_updates': ema.updates})
    save_file(tensors, partial, metadata={'state': header})
    with open(partial, 'rb') as file:
        os.fsync(file.fileno())  # else a power cut could leave a new name before old content
    os.replace(partial, path)


def essence(recipe: TrainConfig) -> dict[str, Any]:
    """Give what of a recipe changes the answer, ready for JSON; folders may have moved."""
    values = {k: v for k, v in to_dict(recipe).items() if k not in _FREE}
    values['sources'] = [
        {**source, **{n: Path(source[n]).name for n in ('set', 'textures', 'images')}}
        for source in values['sources']
    ]
    values['initial'] = Path(recipe.initial).name
    values['encoder_weights'] = {k: Path(w).name for k, w in recipe.encoder_weights.items()}
    return values | {'holdout': recipe.validation.holdout}


def differences(saved: dict[str, Any], config: TrainConfig) -> list[str]:
    """
    Name what a saved recipe has otherwise than this one, where it would change the answer.

    What is younger than the saved recipe had its default value.
    """
    before, now = essence(from_dict(TrainConfig, saved, 'the saved recipe')), essence(config)
    return [name for name in now if before[name] != now[name]]


def identity(sources: Sequence[dict], model: nn.Module) -> dict[str, Any]:
    """
    Name what a run learns from by its content, for names and folders may stay when it changes.

    sources: as the manifest describes them
    returns: ready for JSON: digests of the sample sets, and of the weights that stay as they are
    """
    weights = hashlib.sha256()
    for name, p in model.named_parameters():
        if not p.requires_grad:
            weights.update(name.encode())
            weights.update(p.detach().cpu().numpy().tobytes())
    sets = [source.get('digest', '') for source in sources]
    return {'sample set': sets, 'frozen encoder': weights.hexdigest()[:16]}


def load_state(
    path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, ema: EMA
) -> dict[str, Any]:
    """
    Restore what `save_state` wrote, in place.

    returns: the extra values
    raises: FileNotFoundError without a file, ValueError where it is of another network
    """
    if not path.is_file():
        raise FileNotFoundError(f'there is nothing to resume: {path} does not exist')
    with safe_open(path, framework='pt') as file:
        extra = json.loads(file.metadata()['state'])
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    trainable = {n for n, p in parameters.items() if p.requires_grad}
    if {n.split('/', 1)[1] for n in stored if n.startswith('model/')} != trainable:
        raise ValueError(f'{path} belongs to another network; use the same recipe to resume')
    with torch.no_grad():
        for key, value in stored.items():
            part, name = key.split('/', 1)
            if part == 'model':
                parameters[name].copy_(value)
            elif part == 'buffer':
                buffers[name].copy_(value)
            elif part == 'ema':
                ema.average[name].copy_(value)
            else:
                moment, name = name.split('/', 1)
                p = parameters[name]
                # The step count of AdamW stays where torch keeps it, on the CPU.
                optimiser.state[p][moment] = value if value.ndim == 0 else value.to(p.device)
    ema.updates = extra.pop('ema_updates')
    return extra
