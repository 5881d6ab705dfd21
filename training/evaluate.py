# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Accuracy and speed of a pipeline on sample sets, and the command `grin eval`.

The protocol. Pixels: ground truth inside [min_depth, max_depth] of the set, nothing else. The
prediction is taken as it is, neither scaled nor clamped; a pixel that the pipeline leaves unknown
counts as a prediction of the set's min_depth, so that leaving out the hard ones never pays, and
`coverage` says how many it answered. Every figure is computed per frame; a set's figure is the
mean over its frames, a domain's the mean over its sets. Frames of different sets are never
pooled, and sets of domain `other` are in no mean. `scaled` holds the same figures after each
frame's prediction is multiplied by median(truth / prediction) of the pixels it answered.

`--protocol` replaces the pixels by those of a published protocol (see docs/protocols.md) and
clamps predictions to its range, as all of these do.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
import json
from pathlib import Path
import time

import cv2
import numpy as np
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
from .manifest import digest, trained_on
from .metrics import depth_metrics, median_scale, METRICS
from .protocols import load_protocol, PROTOCOLS
from .protocols.protocol import ProtocolSet
from .sample import DOMAINS, Sample, SampleSet
from .uncertainty import mean_figures, uncertainty_figures
from .uncertainty_plot import draw_curves, figures_table

FRAMES_SHOWN = 2  # of each set, in the contact sheet

OnFrame = Callable[[Sample, np.ndarray, np.ndarray], None]


def evaluate(
    pipeline: DepthPipeline,
    sample_set: SampleSet | ProtocolSet,
    *,
    steps: int | None = None,
    samples: int = 1,
    stride: int | None = None,
    limit: int | None = None,
    on_frame: OnFrame | None = None,
    uncertainty: bool = False,
) -> dict:
    """
    Score a pipeline on one sample set, or on a data set under a published protocol.

    steps, samples, stride: as for `DepthPipeline.infer`
    limit: so many frames, spread evenly over the set; None = all
    on_frame: called with each frame's sample, predicted depth (H, W) in metres with NaN where
        unknown, and mask (H, W) of the pixels that count
    uncertainty: judge the predicted standard deviation as well
    returns: name, domain, frames, coverage, ms_per_frame (median of `infer`), metrics and scaled
        (each METRICS -> float), and what `uncertainty_figures` says, as uncertainty, if asked
        for; plain values, ready for JSON
    """
    plain, scaled, coverage, seconds, uncertain = [], [], [], [], []
    for i in spread_over(len(sample_set), limit):
        sample = rectified(sample_set[i])
        start = time.perf_counter()
        prediction = pipeline.infer(
            sample.image, sample.camera, steps=steps, samples=samples, stride=stride
        )
        seconds.append(time.perf_counter() - start)
        valid = _counted(sample_set, sample.depth)
        if on_frame:
            on_frame(sample, prediction.depth, valid)
        if not valid.any():
            continue
        answered = valid & np.isfinite(prediction.depth) & (prediction.depth > 0)
        scale = median_scale(prediction.depth, sample.depth, answered) if answered.any() else 1.0
        for figures, factor in ((plain, 1.0), (scaled, scale)):
            depth = np.where(answered, factor * prediction.depth, sample_set.min_depth)
            if isinstance(sample_set, ProtocolSet):
                depth = depth.clip(sample_set.min_depth, sample_set.max_depth)
            figures.append(depth_metrics(depth, sample.depth, valid))
        coverage.append(answered.sum() / valid.sum())
        if uncertainty and answered.any():
            uncertain.append(
                uncertainty_figures(prediction.depth, prediction.std, sample.depth, answered)
            )
    if not plain:
        raise ValueError(
            f'{sample_set.path}: none of the {len(seconds)} frames has ground truth inside '
            f'[{sample_set.min_depth:g}, {sample_set.max_depth:g}] m; check depth_scale and range'
        )
    return {
        'name': sample_set.name,
        'domain': sample_set.domain,
        'frames': len(plain),
        'coverage': float(np.mean(coverage)),
        'ms_per_frame': 1000 * float(np.median(seconds)),
        'metrics': _mean(plain),
        'scaled': _mean(scaled),
        **({'uncertainty': mean_figures(uncertain)} if uncertain else {}),
    }


def domain_means(reports: Sequence[dict]) -> dict[str, dict]:
    """
    Average what `evaluate` returned over the sets of each domain, every set counting once.

    returns: domain (indoor, outdoor) -> number of sets, and the means of metrics and of scaled
    """
    means = {}
    for domain in ('indoor', 'outdoor'):
        members = [report for report in reports if report['domain'] == domain]
        if members:
            means[domain] = {
                'sets': len(members),
                'metrics': _mean([report['metrics'] for report in members]),
                'scaled': _mean([report['scaled'] for report in members]),
            }
    return means


def _counted(sample_set: SampleSet | ProtocolSet, depth: np.ndarray) -> np.ndarray:
    """Tell which ground truth counts: (H, W), bool."""
    if isinstance(sample_set, ProtocolSet):
        return sample_set.counted(depth)
    return (depth >= sample_set.min_depth) & (depth <= sample_set.max_depth)


def spread_over(count: int, limit: int | None) -> list[int]:
    """Return at most `limit` indices below count, the first and the last among them."""
    chosen = count if limit is None else min(limit, count)
    return [int(i) for i in np.linspace(0, count - 1, chosen).round()]


def _mean(figures: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([frame[name] for frame in figures])) for name in METRICS}


def rectified(sample: Sample) -> Sample:
    """Remove the lens distortion; depth along the optical axis stays what it is."""
    if sample.camera.distortion is None:
        return sample
    camera, *maps = sample.camera.rectification()
    image = cv2.remap(sample.image, *maps, cv2.INTER_LINEAR)
    depth = cv2.remap(sample.depth, *maps, cv2.INTER_NEAREST)  # no depth between two surfaces
    return Sample(image, depth, camera, sample.stem, sample.stamp)


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
    seen = trained_on(pipeline.checkpoint)
    for one in sets:
        if isinstance(one, SampleSet) and digest(one) in seen:
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
        'limit': args.limit,
        'protocol': args.protocol,
        'sets': list(reports),
        'domains': domain_means(reports),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + '\n')
