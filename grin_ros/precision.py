# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The precision that networks compute in: bfloat16 where hardware has it, float32 elsewhere."""

from __future__ import annotations

import torch
from torch import nn

from grin_ros.models import Denoiser


def compute_dtype(device: torch.device | str) -> torch.dtype:
    """Return bfloat16 where a device computes in it, else float32."""
    device = torch.device(device)
    fast = False
    if device.type == 'cuda':  # older cards only emulate it
        amd = torch.version.hip is not None
        fast = amd or torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == 'cpu' and hasattr(torch.cpu, 'get_capabilities'):
        fast = torch.cpu.get_capabilities().get('avx512_bf16', False)
    return torch.bfloat16 if fast else torch.float32


def autocast(device: torch.device | str) -> torch.autocast:
    """Run in bfloat16 where the hardware computes in it, else in float32."""
    kind, fast = torch.device(device).type, compute_dtype(device) == torch.bfloat16
    # In older torch (pytorch#165068) weights cached by a pass without gradient get none later on.
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=fast, cache_enabled=False)


def lower_weights(model: Denoiser, device: torch.device | str) -> None:
    """
    Keep the weights of linear layers and convolutions in what `autocast` makes of them.

    Else it makes that of all of them in every pass, for a tenth of a frame's time; the answer is
    the same, bit by bit. Such a model runs within `autocast` only, and is none to train or save.

    model: on the device
    """
    dtype = compute_dtype(device)
    for name, layer in model.named_modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)) and name not in model.float32_layers:
            layer.to(dtype)
