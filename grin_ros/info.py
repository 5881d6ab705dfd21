# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin info`: what a checkpoint is, and the manifest of what it was trained on.

A manifest is a list of stages, the first one first; each has its steps, hours, seed and sources,
and each source its frames, where they are from and on which terms.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from torch import nn

from grin_ros.checkpoint import default_checkpoint, load, ModelConfig
from grin_ros.config import to_dict

# Of a stage, in the metadata of the run that made it.
STAGE = ('step', 'hours', 'device', 'processes', 'sources', 'recipe', 'validation')


def manifest(metadata: dict) -> list[dict]:
    """
    Give the stages of training behind a checkpoint, the first one first.

    metadata: of the checkpoint; `grin train` describes its own run at the top and the runs before
        it as `earlier`, and a checkpoint put together by hand lists all of them as `stages`
    """
    listed = [metadata.get(name, []) for name in ('earlier', 'stages')]
    if not all(isinstance(stages, list) for stages in listed):
        raise ValueError("the checkpoint's manifest is broken: earlier and stages must be lists")
    stages = [*listed[0], *listed[1]]
    if 'sources' in metadata:
        stages.append({name: metadata[name] for name in STAGE if name in metadata})
    return stages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin info`."""
    parser.add_argument('checkpoint', nargs='?', help='a .safetensors (default: the shipped one)')
    parser.add_argument('--json', action='store_true', help='print everything as JSON instead')


def run(args: argparse.Namespace) -> int:
    """Print what a checkpoint is, and what it was trained on."""
    path = Path(args.checkpoint) if args.checkpoint else default_checkpoint()
    model, config, metadata = load(path)
    stages = manifest(metadata)
    if args.json:
        print(json.dumps({'config': to_dict(config), 'metadata': metadata, 'manifest': stages}))
        return 0
    table = Table('entry', 'value', title=str(path))
    table.add_row('size', f'{path.stat().st_size / 2**20:.1f} MiB')
    table.add_row('parameters', _parameters(model, config))
    hidden = {*STAGE, 'earlier', 'stages'}
    for name, value in (*to_dict(config).items(), *metadata.items()):
        if name not in hidden:
            table.add_row(name, value if isinstance(value, str) else json.dumps(value))
    console = Console(markup=False, emoji=False)  # paths and metadata may hold brackets
    console.print(table)
    if stages:
        console.print(_stage_table(stages), _source_table(stages))
        hours = sum(stage.get('hours', 0) for stage in stages)
        console.print(f'trained for {hours:.2f} h in {len(stages)} stages', highlight=False)
    return 0


def _parameters(model: nn.Module, config: ModelConfig) -> str:
    total = sum(p.numel() for p in model.parameters())
    if config.dense:
        return f'{total / 1e6:.2f} M U-Net'
    encoder = sum(p.numel() for p in model.encoder.parameters())
    return f'{encoder / 1e6:.2f} M encoder + {(total - encoder) / 1e6:.2f} M GRIN'


STAGE_COLUMNS = ('stage', 'steps', 'images a step', 'hours', 'seed', 'device', 'from')
SOURCE_COLUMNS = ('source', 'frames', 'stages', 'what', 'terms')


def stage_rows(stages: list[dict]) -> list[tuple[str, ...]]:
    """Give a row of STAGE_COLUMNS for each stage of a manifest; '' where it does not say."""
    rows = []
    for number, stage in enumerate(stages, 1):
        recipe = stage.get('recipe', {})
        hours = f'{stage["hours"]:.2f}' if 'hours' in stage else ''
        facts = (
            number, stage.get('step', ''), recipe.get('batch', ''), hours, recipe.get('seed', ''),
            stage.get('device', ''), Path(recipe.get('initial') or '').name,
        )  # fmt: skip
        rows.append(tuple(str(fact) for fact in facts))
    return rows


def source_rows(stages: list[dict]) -> list[tuple[str, ...]]:
    """Give a row of SOURCE_COLUMNS for each source, once, with the stages that drew from it."""
    drawn: dict[tuple, list[int]] = {}
    for number, stage in enumerate(stages, 1):
        for source in stage.get('sources', []):
            key = tuple(str(source[name]) for name in ('name', 'frames', 'source', 'licence'))
            drawn.setdefault(key, []).append(number)
    return [
        (name, frames, _ranges(sorted(set(numbers))), what, terms)
        for (name, frames, what, terms), numbers in drawn.items()
    ]


def _stage_table(stages: list[dict]) -> Table:
    table = Table(title='stages of training', title_justify='left')
    for name in STAGE_COLUMNS:
        table.add_column(name, justify='left' if name in ('device', 'from') else 'right')
    for row in stage_rows(stages):
        table.add_row(*row)
    return table


def _source_table(stages: list[dict]) -> Table:
    table = Table(title='what they learnt from', title_justify='left')
    table.add_column('source', no_wrap=True)
    table.add_column('frames', justify='right')
    table.add_column('stages')
    table.add_column('what and on which terms')
    for *row, what, terms in source_rows(stages):
        table.add_row(*row, f'{what}. {terms}')
    return table


def _ranges(numbers: list[int]) -> str:
    """Write 1, 2, 3, 5 as 1-3, 5."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ', '.join(f'{a}' if a == b else f'{a}-{b}' for a, b in runs)
