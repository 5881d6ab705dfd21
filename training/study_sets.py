# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""`grin study sets`: how far away things in sample sets are, how they look, through what lens."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grin_ros import pictures
from grin_ros.options import at_least_one

from . import charts
from .evaluation import spread_over
from .sample import Sample, SampleSet

SUMMARY = 'depths, lenses and pictures of sample sets'
SHARES = (1, 5, 25, 50, 75, 95, 99)  # per cent of the known pixels that are nearer
EDGES = np.geomspace(0.1, 250.0, 60)  # metres, of the histogram
TILE = (90, 112)  # pixels
ACROSS = 8  # tiles


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin study sets`."""
    parser.add_argument('sets', nargs='+', type=Path, metavar='SET')
    parser.add_argument('--count', type=at_least_one, default=64, metavar='N',
                        help='frames of each, spread over it (64)')  # fmt: skip
    parser.add_argument('--sheets', type=Path, metavar='DIR', help='draw the frames of each set')
    parser.add_argument('--chart', type=Path, metavar='SVG', help='draw the histograms of depth')


def measure(args: argparse.Namespace) -> tuple[str, list[dict]]:
    """Return a title and the rows of the table."""
    rows, histograms = [], []
    for path in args.sets:
        found = SampleSet(path)
        chosen = spread_over(len(found), args.count)
        samples = [found[i] for i in tqdm(chosen, found.name, disable=None, leave=False)]
        known = [sample.depth[sample.depth > 0] for sample in samples]
        rows.append({'': found.name, 'frames': len(found), **_figures(samples, known)})
        # Frames count alike, however many of their pixels were measured.
        shares = [np.histogram(depth, EDGES)[0] / max(depth.size, 1) for depth in known]
        histograms.append((found.name, np.mean(shares, axis=0)))
        if args.sheets:
            pictures.write(args.sheets / f'{found.name}.jpg', sheet(samples))
    if args.chart:
        args.chart.parent.mkdir(parents=True, exist_ok=True)
        panels = [
            charts.bars(EDGES, 100 * shares, f'{name}: metres (height: % of the pixels)', log=True)
            for name, shares in histograms
        ]
        args.chart.write_text(charts.stacked(panels))
    return f'Metres below which so many per cent of the pixels lie, {args.count} frames each', rows


def _figures(samples: list[Sample], known: list[np.ndarray]) -> dict:
    below = np.percentile(np.concatenate(known), SHARES)
    angles = [_hfov(sample) for sample in samples]
    share = np.mean([depth.size / sample.depth.size for depth, sample in zip(known, samples)])
    return {
        'known': f'{100 * share:.0f} %',
        **{f'{share} %': f'{depth:.3g}' for share, depth in zip(SHARES, below, strict=True)},
        'hfov': f'{min(angles):.0f} to {max(angles):.0f}°',
    }


def _hfov(sample: Sample) -> float:
    return math.degrees(2 * math.atan(sample.image.shape[1] / 2 / float(sample.camera.fx)))


def sheet(samples: list[Sample]) -> np.ndarray:
    """Draw all images, ACROSS to a row; returns (H, W, 3) uint8, RGB."""
    tiles = [pictures.fit(sample.image, TILE) for sample in samples]
    tiles += [np.full((*TILE, 3), pictures.PAPER, np.uint8)] * (-len(tiles) % ACROSS)
    rows = [np.hstack(tiles[i : i + ACROSS]) for i in range(0, len(tiles), ACROSS)]
    return np.vstack(rows)
