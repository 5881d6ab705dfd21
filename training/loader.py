# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Batches of the steps to come, loaded while the network computes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import torch
from torch.utils.data import DataLoader

from .dataset import Batch, Batches


def load_ahead(
    batches: Batches, start: int, stop: int, workers: int = 0, pin: bool = False
) -> Iterator[list[Batch]]:
    """
    Yield the batches of the steps from start up to stop, in order.

    workers: processes that load whole steps, or 0 for one thread, which suits cached features
    pin: into page-locked memory, for a GPU
    """
    if workers:
        loader = DataLoader(
            batches, batch_size=None, sampler=range(start, stop), num_workers=workers,
            collate_fn=_as_it_is, worker_init_fn=_start_worker, pin_memory=pin,
        )  # fmt: skip
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)  # OpenCV waits for ever for threads that a fork left behind
        loading = iter(loader)
        cv2.setNumThreads(threads)
        yield from loading
        return
    # Where training computes on a CPU, alone: OpenMP keeps helpers for every thread that computes
    # with some, and with more than cores those of training sleep in between, a fifth of a step.
    threads = torch.get_num_threads()
    own = threads if pin else 1
    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(own,)) as thread:
        following = thread.submit(batches.__getitem__, start)
        for step in range(start, stop):
            ready = following.result()
            if step == start:
                torch.set_num_threads(threads)  # else threads yet to come would be alone as well
            if step + 1 < stop:
                following = thread.submit(batches.__getitem__, step + 1)
            yield [batch.pin_memory() for batch in ready] if pin else ready


def _as_it_is(batches: list[Batch]) -> list[Batch]:
    return batches


def _start_worker(worker: int) -> None:
    cv2.setNumThreads(1)
