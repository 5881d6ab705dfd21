# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The state of a training run on disk: safetensors and JSON, nothing pickled, resumed exactly."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
import torch
from torch import nn

from .ema import EMA


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
    os.replace(partial, path)


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
