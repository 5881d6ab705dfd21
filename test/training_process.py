# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
What the tests of training runs do in processes of their own.

gradients RECIPE OUT: losses of two steps, gradients of the first, in any number of processes
die RECIPE STEP: train, and be killed (SIGKILL) when half of that step's state is on disk
"""

from __future__ import annotations

from contextlib import nullcontext
import os
from pathlib import Path
import signal
import sys

from safetensors.torch import save_file
import torch

from grin_ros.training import objective, state
from grin_ros.training.recipe import load_recipe
from grin_ros.training.trainer import Trainer


def gradients(recipe: str, out: str) -> None:
    """
    Save what two steps leave.

    AdamW makes steps of one size of gradients that are zero but for rounding, so that only the
    first step's can be compared.
    """
    objective.autocast = lambda device: nullcontext()  # a sum in bfloat16 depends on its order
    trainer = Trainer(load_recipe(recipe))
    found = {}
    for step in range(2):
        loss = trainer.train_step(trainer.batches[step])
        found[f'{step}.loss'] = torch.tensor(loss)
        for name, p in trainer.model.named_parameters():
            if p.grad is not None and not step:
                found[name] = p.grad.clone()
    if trainer.processes.first:
        save_file(found, out)


def die(recipe: str, step: str) -> None:
    """Train until the state of that step is half written."""

    def half(tensors, path, metadata):
        save_file(tensors, path, metadata)
        if f'"step": {step},' in metadata['state']:
            content = Path(path).read_bytes()
            Path(path).write_bytes(content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)

    state.save_file = half
    Trainer(load_recipe(recipe)).run()


if __name__ == '__main__':
    torch.set_num_threads(1)
    {'gradients': gradients, 'die': die}[sys.argv[1]](*sys.argv[2:])
