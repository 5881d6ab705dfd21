# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The page that `grin ablate` writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch

from .sample import SampleSet

PAGE = """\
# {about}

Written by `grin ablate`. One thing of a recipe is changed at a time; every
line has the same budget: {steps} steps of {batch} images with {pixels} labelled pixels, {encoder},
on {device}, {hours:.2f} h in sum. The budget is small, so the lines compare with each other and
with nothing else. Seeds: {seeds}; {spread}.

Trained on {sources}.
Scored on {frames} frames each of {sets}, no scaling; means over sets.
AbsRel after 2 and after 10 denoising steps. `longer lens` shows the middle {zoom:.0%} of the
images of {focal}, enlarged, with its own intrinsics: metric depth must stay, so the drift between
the two pictures, median over the pixels, should be 0 %.

{table}
"""

LATENCY = """
## What they cost

{size} pixels, {steps} steps, every {stride}th pixel asked for; all lines in turn on {device},
{threads} threads, medians of {rounds} rounds.

{table}
"""

COLUMNS: dict[str, Callable[[dict], float | None]] = {
    'indoor AbsRel, 2': lambda s: _domain(s, '2', 'indoor', 'metrics', 'abs_rel'),
    '10': lambda s: _domain(s, '10', 'indoor', 'metrics', 'abs_rel'),
    'delta1, 10': lambda s: _domain(s, '10', 'indoor', 'metrics', 'delta1'),
    'scaled, 10': lambda s: _domain(s, '10', 'indoor', 'scaled', 'abs_rel'),
    'outdoor AbsRel, 2': lambda s: _domain(s, '2', 'outdoor', 'metrics', 'abs_rel'),
    'outdoor, 10': lambda s: _domain(s, '10', 'outdoor', 'metrics', 'abs_rel'),
    'longer lens, drift': lambda s: s['focal'].get('drift'),
    'longer lens, AbsRel': lambda s: s['focal'].get('middle'),
}


def table(scores: dict[str, list[dict]], config, recipe, device: str, zoom: float) -> str:
    """
    Write the page.

    scores: name of a line -> what `score` gave, one for each seed
    config: AblationConfig
    recipe: TrainConfig of the unchanged line
    zoom: share of an image that the longer lens shows
    """
    rows = [
        [name, *(_cell([get(run) for run in runs]) for get in COLUMNS.values())]
        for name, runs in scores.items()
    ]
    hours = sum(run['hours'] for runs in scores.values() for run in runs)
    encoder = recipe.model.network.encoder
    seeds = config.seeds[: max(map(len, scores.values()))]
    spread = '± is half the range over them, and a difference within it says nothing'
    if len(seeds) == 1:
        spread = 'one only, so small differences say nothing'
    return PAGE.format(
        about=config.about.rstrip(),
        steps=config.steps, batch=recipe.batch, pixels=recipe.pixels, device=device, hours=hours,
        encoder=f'{" and ".join(encoder.kinds)} {"frozen" if encoder.frozen else "trained"}',
        seeds=', '.join(map(str, seeds)), spread=spread,
        sources=', '.join(_source(s) for s in recipe.sources),
        frames=config.frames, sets=', '.join(Path(name).name for name in config.sets),
        zoom=zoom, focal=', '.join(Path(name).name for name in config.focal),
        table=_markdown(COLUMNS, rows),
    )  # fmt: skip


def latencies(figures: dict[str, dict[str, float]], model, device: str, rounds: int) -> str:
    """
    Write the section about cost.

    figures: name of a line -> what `Ablation.latency` gave
    model: ModelConfig of the unchanged line
    """
    rows = [
        [name, f'{f["parameters"] / 1e6:.1f} M', f'{f["encoder"]:.0f}', f'{f["infer"]:.0f}']
        for name, f in figures.items()
    ]
    return LATENCY.format(
        size=model.pixels, steps=model.steps, stride=model.stride, rounds=rounds,
        device=device, threads=torch.get_num_threads(),
        table=_markdown(['encoder', 'encoder, ms', 'frame, ms'], rows),
    )  # fmt: skip


def _markdown(columns: Iterable[str], rows: list[list[str]]) -> str:
    head = ['', *columns]
    lines = [head, ['---'] + ['---:'] * (len(head) - 1), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _source(source) -> str:
    """Name a source and tell how many pictures it has."""
    if not source.set:
        return source.world
    return f'{Path(source.set).name} ({len(SampleSet(source.set))})'


def _domain(scores: dict, steps: str, domain: str, kind: str, name: str) -> float | None:
    means = scores[steps]['domains']
    return means[domain][kind][name] if domain in means else None


def _cell(values: list[float | None]) -> str:
    if any(value is None for value in values):
        return '-'
    mean = f'{np.mean(values):.3f}'
    return mean if len(values) == 1 else f'{mean} ± {np.ptp(values) / 2:.3f}'
