# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The processes of a training run: one, or as many as `torchrun` starts, on any machines."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta

from accelerate import PartialState
from accelerate.utils import reduce
import torch

WAIT = timedelta(hours=4)  # for the first process to encode images or to validate


class Processes:
    """
    This process among its siblings.

    device: as asked for; a GPU becomes the one of this process where there are several
    rank, world: its number, and how many there are
    """

    def __init__(self, device: str | torch.device = 'cpu'):
        self.device = torch.device(device)
        if self.device.type == 'cuda' and not torch.cuda.is_available():
            raise ValueError("device 'cuda' was asked for, but torch sees no GPU; use 'cpu'")
        self._state = PartialState(cpu=self.device.type == 'cpu', timeout=WAIT)
        self.rank, self.world = self._state.process_index, self._state.num_processes
        if self.world > 1 and self.device.type == 'cuda':
            self.device = self._state.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and speaks."""
        return self.rank == 0

    def one_first(self) -> AbstractContextManager:
        """Let one process of each machine go first, so that the others find its files."""
        return self._state.local_main_process_first()

    def wait(self) -> None:
        """Wait until all processes are here."""
        self._state.wait_for_everyone()

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Add up a tensor over all processes."""
        return reduce(values, 'sum') if self.world > 1 else values

    def sum_gradients(
        self, parameters: list[torch.nn.Parameter], values: list[float]
    ) -> list[float]:
        """
        Add up the gradients, in place, and a few numbers over all processes.

        In one exchange after the passes: their number and their graph may differ between
        processes, which DistributedDataParallel's hooks do not bear. A parameter that no process
        used is left without gradient.

        returns: the sums of the values
        """
        if self.world == 1:
            return values
        used = [float(p.grad is not None) for p in parameters]
        numbers = torch.tensor([*values, *used], device=self.device)
        flat = torch.cat(
            [numbers]
            + [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters]
        )
        flat = reduce(flat, 'sum')
        numbers, *sums = flat.split([len(numbers)] + [p.numel() for p in parameters])
        numbers = numbers.tolist()
        for p, gradient, count in zip(parameters, sums, numbers[len(values) :], strict=True):
            p.grad = gradient.view_as(p) if count else None
        return numbers[: len(values)]
