# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command `grin eval`: score a checkpoint on sample sets, or under published protocols."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from grin_ros import pictures
from grin_ros.options import (
    add_inference_arguments,
    add_pipeline_arguments,
    at_least_one,
    inference_options,
    load_pipeline,
)
from grin_ros.pipeline import DepthPipeline

from .contact_sheet import ContactSheet
from .evaluation import domain_means, evaluate, spread_over
from .manifest import trained_on
from .metrics import METRICS
from .protocols import load_protocol, PROTOCOLS
from .protocols.protocol import ProtocolSet
from .sample import DOMAINS, SampleSet
from .uncertainty_plot import draw_curves, figures_table

FRAMES_SHOWN = 2  # of each set, in the contact sheet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin eval`."""
    parser.add_argument('sets', nargs='+', metavar='SET', help='folder with a frames.json')
    parser.add_argument(
        '--protocol',
        choices=PROTOCOLS,
        metavar='NAME',
        help=f'SET is the root of an original data set: {", ".join(PROTOCOLS)}',
    )
    add_pipeline_arguments(parser)
    add_inference_arguments(parser)
    parser.add_argument(
        '--no-intrinsics',
        dest='intrinsics',
        action='store_false',
        help='do not tell the model the camera: fx = cx = W/2, fy = cy = H/2',
    )
    parser.add_argument(
        '--limit', type=at_least_one, metavar='N', help='frames per set, spread evenly over it'
    )
    parser.add_argument('--json', type=Path, metavar='OUT', help='write all figures there')
    parser.add_argument(
        '--uncertainty',
        action='store_true',
        help='judge std too: rank correlation, sparsification (and a picture of it), coverage',
    )
    parser.add_argument(
        '--sheet',
        type=Path,
        metavar='OUT.png',
        help='contact sheet; default: beside --json, else out/eval.png',
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate every set, print the tables, write the figures and the contact sheet."""
    # All are checked before any is computed.
    if args.protocol:
        sets = [one for path in args.sets for one in load_protocol(args.protocol, path)]
    else:
        sets = [SampleSet(path) for path in args.sets]
    sheet_path = args.sheet or (
        args.json.with_suffix('.png') if args.json else Path('out/eval.png')
    )
    pipeline = load_pipeline(args)
    sheet, reports = ContactSheet(), []
    frames = sum(len(spread_over(len(s), args.limit)) for s in sets)
    with tqdm(total=frames, unit='frame', disable=None) as bar:
        for sample_set in sets:
            bar.set_description(sample_set.name)
            shown = {sample_set.stems[i] for i in spread_over(len(sample_set), FRAMES_SHOWN)}

            def on_frame(sample, depth, valid, name=sample_set.name, shown=shown):
                if sample.stem in shown:
                    sheet.add(name, sample, depth, valid)
                bar.update()

            reports.append(
                evaluate(
                    pipeline,
                    sample_set,
                    **inference_options(args),
                    limit=args.limit,
                    on_frame=on_frame,
                    uncertainty=args.uncertainty,
                    intrinsics=args.intrinsics,
                )
            )
    console = Console()
    wide = console.options.update_width(1000)
    for key, title in (('metrics', 'metric depth'), ('scaled', 'after median scaling')):
        table = _table(reports, key, title)
        # Wider than a narrow terminal or a log rather than with cut figures.
        console.width = max(console.width, console.measure(table, options=wide).maximum)
        console.print(table)
    if args.uncertainty:
        judged = {r['name']: r['uncertainty'] for r in reports if 'uncertainty' in r}
        console.print(figures_table(judged))
        curves_path = sheet_path.with_name(f'{sheet_path.stem}_uncertainty.png')
        pictures.write(curves_path, draw_curves(judged))
        console.print(f'sparsification: {curves_path}', soft_wrap=True, highlight=False)
    for one, report in zip(sets, reports, strict=True):
        if isinstance(one, ProtocolSet) and report['frames'] < one.expected:
            console.print(
                f'{one.name}: {report["frames"]} of the {one.expected} frames of the protocol, '
                'so these figures do not compare with published ones',
                soft_wrap=True,
                highlight=False,
            )
    for one in sets:
        if isinstance(one, SampleSet) and trained_on(pipeline.checkpoint, one):
            console.print(
                f'{one.name}: these weights were trained on this set, so its figures say little',
                soft_wrap=True,
                highlight=False,
            )
    sheet.write(sheet_path)
    console.print(f'contact sheet: {sheet_path}', soft_wrap=True, highlight=False)
    if args.json:
        _write_json(args.json, pipeline, args, reports)
    return 0


def _table(reports: Sequence[dict], key: str, title: str) -> Table:
    table = Table(title=title, title_justify='left', box=None, padding=(0, 2, 0, 0))
    for name in ('set', 'domain'):
        table.add_column(name, no_wrap=True)
    for name in (*METRICS, 'coverage', 'frames', 'ms'):
        table.add_column(name, justify='right', no_wrap=True)
    for report in sorted(reports, key=lambda r: DOMAINS.index(r['domain'])):
        table.add_row(
            report['name'],
            report['domain'],
            *(f'{report[key][name]:.3f}' for name in METRICS),
            f'{report["coverage"]:.3f}',
            str(report['frames']),
            f'{report["ms_per_frame"]:.0f}',
        )
    for domain, mean in domain_means(reports).items():
        figures = (f'{mean[key][name]:.3f}' for name in METRICS)
        table.add_row(f'mean of {mean["sets"]}', domain, *figures, style='bold')
    return table


def _write_json(path: Path, pipeline: DepthPipeline, args, reports: Sequence[dict]) -> None:
    data = {
        'checkpoint': str(pipeline.checkpoint),
        'device': str(pipeline.device),
        'steps': args.steps or pipeline.steps,
        'samples': args.samples,
        'stride': args.stride or pipeline.config.stride,
        'intrinsics': args.intrinsics,
        'limit': args.limit,
        'protocol': args.protocol,
        'sets': list(reports),
        'domains': domain_means(reports),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + '\n')
