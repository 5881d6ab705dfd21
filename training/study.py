# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""`grin study`: the tables of the pages in docs/, measured again."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from . import (
    study_depthgen,
    study_modes,
    study_prompt,
    study_scene,
    study_sets,
    study_video,
)

STUDIES = {
    'prompt': study_prompt, 'video': study_video, 'depthgen': study_depthgen,
    'modes': study_modes, 'scene': study_scene, 'sets': study_sets,
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the studies."""
    studies = parser.add_subparsers(metavar='study', required=True)
    for name, study in STUDIES.items():
        one = studies.add_parser(name, help=study.SUMMARY, description=study.SUMMARY)
        study.add_arguments(one)
        one.add_argument('--json', type=Path, metavar='OUT', help='write the figures there')
        one.set_defaults(measure=study.measure)


def run(args: argparse.Namespace) -> int:
    """Measure, print the table, write the figures."""
    title, rows = args.measure(args)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=title, title_justify='left', box=None, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, justify='left' if not name else 'right', no_wrap=True)
    for row in rows:
        table.add_row(*(_text(row.get(name, '')) for name in columns))
    console = Console()
    console.width = max(
        console.width, console.measure(table, options=console.options.update_width(1000)).maximum
    )
    console.print(table)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        checkpoint = getattr(args, 'checkpoint', None) or 'shipped'
        figures = {'title': title, 'checkpoint': checkpoint, 'rows': rows}
        args.json.write_text(json.dumps(figures, indent=1) + '\n')
    return 0


def _text(value) -> str:
    return f'{value:.3f}' if isinstance(value, float) else str(value)
