# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a recipe would do: one batch is loaded, a few steps are taken, nothing is written."""

from __future__ import annotations

from dataclasses import replace
import resource
import statistics
import sys
import time

from rich.console import Console
from rich.table import Table
import torch

from grin_ros.precision import autocast

from .dataset import Batch
from .trainer import Trainer

STEPS = 3  # timed, after one that is not


def dry_run(trainer: Trainer) -> dict:
    """
    Print the make-up of the first batch, memory, and the time of a step.

    trainer: fresh, and without cached features
    returns: the figures; seconds and bytes; `encoding` is of what a run keeps, `step` has the rest
    """
    cuda = trainer.device.type == 'cuda'
    begin = time.perf_counter()
    batches = trainer.batches[0]
    loading = time.perf_counter() - begin
    console = Console()
    if trainer.processes.first:
        console.print(_make_up(trainer))
    encoding, batches = _encoded(trainer, batches)
    fresh = sum(trainer.batches.sources[i].config.variants == 0 for i in _drawn(trainer))
    fresh /= trainer.config.batch
    times = []
    for _ in range(STEPS + 1):
        begin = time.perf_counter()
        trainer.train_step(batches)
        times.append(time.perf_counter() - begin)
    # Linux counts in kibibytes, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1, 1024)[sys.platform == 'linux']
    figures = {
        'loading': loading,
        'encoding': (1 - fresh) * encoding,
        'step': statistics.median(times[1:]) + fresh * encoding,
        'memory': torch.cuda.max_memory_allocated() if cuda else peak,
        'weights': sum(p.numel() for p in trainer.trainable),
    }
    if trainer.processes.first:
        for line in [_content(trainer, batches), *_sentences(trainer, figures)]:
            console.print(line, highlight=False, soft_wrap=True)
    return figures


def _encoded(trainer: Trainer, batches: list[Batch]) -> tuple[float, list[Batch]]:
    """Encode once what a run would find in its cache: seconds, and the batches with maps."""
    if not trainer.config.model.frozen:
        return 0.0, batches
    begin, encoded = time.perf_counter(), []
    for batch in batches:
        with torch.no_grad(), autocast(trainer.device):
            maps = trainer.model.features(batch.image.to(trainer.device))
        encoded.append(replace(batch, image=None, maps=[m.float() for m in maps]))
    return time.perf_counter() - begin, encoded


def _drawn(trainer: Trainer) -> list[int]:
    """Give the sources of the first batch's images."""
    return trainer.batches.sources_of(0).tolist()


def _make_up(trainer: Trainer) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ('source', 'domain', 'kind', 'frames', 'size', 'share', 'in batch 0'):
        table.add_column(name, justify='left' if name in ('source', 'domain', 'kind') else 'right')
    chosen = _drawn(trainer)
    shares = trainer.batches.mixtures[0].shares
    for i, source in enumerate(trainer.batches.sources):
        table.add_row(
            source.name, source.domain, 'synthetic' if source.synthetic else 'real',
            str(source.count), f'{source.size[0]}x{source.size[1]}', f'{100 * shares[i]:.1f} %',
            str(chosen.count(i)),
        )  # fmt: skip
    return table


def _content(trainer: Trainer, batches: list[Batch]) -> str:
    config = trainer.config
    images = sum(len(batch.depth) for batch in batches)
    empty = sum(int((~(batch.depth > 0).flatten(1).any(1)).sum()) for batch in batches)
    known = torch.cat([batch.depth[batch.depth > 0] for batch in batches])
    spread = 'no depth at all'
    if len(known):
        low, middle, high = known.quantile(torch.tensor([0.05, 0.5, 0.95])).tolist()
        spread = f'depth {low:.1f} to {high:.1f} m (5 to 95 %), median {middle:.1f} m'
    return (
        f'batch: {config.batch} images over {trainer.processes.world} process(es), here {images} '
        f'in {len(batches)} passes; {config.pixels} pixels each, {spread}; {empty} images '
        'without any label'
    )


def _sentences(trainer: Trainer, figures: dict) -> list[str]:
    config, mib = trainer.config, 2**20
    where = trainer.device.type if trainer.device.type == 'cpu' else torch.cuda.get_device_name()
    lines = [
        f'memory: {figures["memory"] / mib:.0f} MiB at its peak on {where}; '
        f'{figures["weights"] / 1e6:.1f} M weights are trained',
        f'a step: {1000 * figures["step"]:.0f} ms, while the next batch is loaded in '
        f'{1000 * figures["loading"]:.0f} ms',
    ]
    total = config.steps * figures['step']
    if figures['encoding']:
        sources = trainer.batches.sources
        count = sum(source.count * source.config.variants for source in sources)
        drawn = _drawn(trainer)
        kept = sum(sources[i].config.variants > 0 for i in drawn)
        once = figures['encoding'] / kept + figures['loading'] / len(drawn)
        once *= count * trainer.processes.world
        lines.append(f'before: {count} views are encoded once, in about {_duration(once)}')
        total += once
    lines.append(f'all {config.steps} steps: about {_duration(total)}, and validation')
    return lines


def _duration(seconds: float) -> str:
    return f'{seconds:.0f} s' if seconds < 120 else f'{seconds / 60:.0f} min'
