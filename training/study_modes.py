# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
`grin study modes`: which depths the samples of DepthGen give to glass and mirrors.

A small DepthGen is trained on rendered rooms with panes, each shown with either depth, as sensors
would label them. Then many samples are drawn of each picture, and none is averaged away: the
table counts those that say the pane and those that say what is beyond it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm import tqdm

from grin_ros import pictures
from grin_ros.checkpoint import DepthGenConfig
from grin_ros.depth import DepthConfig
from grin_ros.models.unet import UNetConfig
from grin_ros.options import at_least_one
from grin_ros.pipeline import DepthPipeline

from .config import OptimiserConfig, SourceConfig, TrainConfig
from .sample import Sample
from .sample_writer import SampleSetWriter
from .task import settle
from .trainer import Trainer
from .world.pane import Pane, pane, TINT

SUMMARY = 'both depths of glass and mirrors, in the samples of a DepthGen trained for it'
DEPTH = 0.1, 10.0  # metres
SIZE = 32, 64
UNSEEN = 1000  # seed of the first room that is not trained on
WITHIN = 0.2  # of a depth's value: a sample says it
BINS = 40
MODEL = DepthGenConfig(
    network=UNetConfig(dim=16, multipliers=(1, 2, 4), blocks=(1, 1, 2), heads=4),
    depth=DepthConfig('linear', *DEPTH), target='x_0', pixels=SIZE[0] * SIZE[1], steps=16,
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin study modes`."""
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='DIR', help='of runs')
    parser.add_argument('--rooms', type=at_least_one, default=6, metavar='N', help='(6)')
    parser.add_argument('--steps', type=at_least_one, default=400, metavar='N', help='(400)')
    parser.add_argument('--samples', type=at_least_one, default=32, metavar='N', help='(32)')
    parser.add_argument('--sheet', type=Path, metavar='PNG', help='draw one room of each kind')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu', metavar='D'
    )


def _seen_in(kind: str, seed: int) -> Iterator[Pane]:
    """Build room after room, without those whose camera has something before the pane."""
    return (one for s in count(seed) if (one := pane(kind, s, SIZE)).where.any())


def measure(args: argparse.Namespace) -> tuple[str, list[dict]]:
    """Return a title and the rows of the table."""
    first = {'trained on': 0, 'unseen': UNSEEN}
    panes = {
        (kind, when): list(islice(_seen_in(kind, seed), args.rooms))
        for kind in TINT
        for when, seed in first.items()
    }
    seen = [one for (_, when), many in panes.items() if when == 'trained on' for one in many]
    pipeline = trained(args, seen)
    rows, sheet = [], []
    for (kind, when), many in panes.items():
        shares = []
        for index, one in enumerate(tqdm(many, f'{kind}, {when}', disable=None)):
            samples = drawn(pipeline, one.sample, args.samples)
            shares.append(said(samples, one))
            if not index:
                sheet.append(draw(samples, one))
        mean = np.mean(shares, axis=0)
        rows.append({
            '': kind, 'rooms': when, 'the pane': float(mean[0]), 'beyond': float(mean[1]),
            'neither': float(mean[2]), 'pixels that say both': float(mean[3]),
        })  # fmt: skip
    if args.sheet:
        pictures.write(args.sheet, np.vstack(sheet))
    return (
        f'{args.rooms} rooms of each kind, {args.steps} steps, {args.samples} samples; share of '
        f'the samples of pane pixels within {WITHIN:.0%} of a depth'
    ), rows


def trained(args: argparse.Namespace, panes: list[Pane]) -> DepthPipeline:
    """Train on panes, with either depth, or go on, unless that was done before."""
    settle(args.output, {'rooms': args.rooms, 'steps': args.steps})
    folder, run = args.output / 'panes', args.output / 'run'
    path, state = run / 'last.safetensors', run / 'state.safetensors'
    if not (folder / 'frames.json').is_file():
        with SampleSetWriter(
            folder, source='procedural rooms with panes', licence='Apache-2.0, as grin_ros',
            depth_kind='synthetic', domain='indoor', min_depth=DEPTH[0], max_depth=DEPTH[1],
        ) as writer:  # fmt: skip
            for one in panes:
                for name, depth in (('pane', one.sample.depth), ('beyond', one.beyond)):
                    stem = f'{one.sample.stem}_{name}'
                    writer.add(Sample(one.sample.image, depth, one.sample.camera, stem), 1000)
    if state.is_file() or not path.is_file():
        config = TrainConfig(
            model=MODEL, sources=(SourceConfig(set=str(folder), size=SIZE, augment='flip'),),
            steps=args.steps, batch=8, full_noise=0.0, ema=0.97, save_every=args.steps,
            optimiser=OptimiserConfig(lr=2e-3, final_lr=1e-5, warmup=min(20, args.steps // 4)),
            output=str(run),
        )  # fmt: skip
        trainer = Trainer(config, args.device)
        if state.is_file():
            trainer.resume()
        trainer.run()
        if trainer.stopped:
            raise KeyboardInterrupt
        state.unlink()
    return DepthPipeline.from_checkpoint(path, args.device)


def drawn(pipeline: DepthPipeline, sample: Sample, count: int) -> np.ndarray:
    """Draw samples of the depth of a picture: (count, H, W), metres."""
    maps = [pipeline.infer(sample.image, sample.camera, seed=n).depth for n in range(count)]
    return np.nan_to_num(np.stack(maps), nan=DEPTH[1])


def said(samples: np.ndarray, one: Pane) -> tuple[float, float, float, float]:
    """
    Count what the samples say of the pixels of a pane.

    samples: (S, H, W), metres
    returns: shares of the samples that say the pane, what is beyond, and neither; and the share
        of the pixels for which some say the one and some the other
    """
    # Where the two are nearly the same, nobody can tell which was meant.
    where = one.where & (one.beyond > 1.5 * one.sample.depth) & (one.beyond < DEPTH[1])
    truths = one.sample.depth[where], one.beyond[where]
    near, far = (np.abs(samples[:, where] / truth - 1) < WITHIN for truth in truths)
    both = near.any(0) & far.any(0)
    return near.mean(), far.mean(), (~near & ~far).mean(), both.mean()


def draw(samples: np.ndarray, one: Pane) -> np.ndarray:
    """Draw picture, both depths, mean and spread of the samples, and all samples of one pixel."""
    low, high = pictures.depth_range(one.sample.depth, one.beyond)
    mean, spread = samples.mean(0), samples.std(0)
    maps = [pictures.colorize(d, low, high) for d in (one.sample.depth, one.beyond, mean)]
    grey = (255 * (spread / max(spread.max(), 1e-6))).astype(np.uint8)
    tiles = [one.sample.image, *maps, np.repeat(grey[..., None], 3, 2)]
    rows, columns = np.nonzero(one.where)
    middle = np.argmin(np.hypot(rows - rows.mean(), columns - columns.mean()))
    v, u = rows[middle], columns[middle]
    size = 4 * SIZE[0], 4 * SIZE[1]
    tiles = [cv2.resize(x, size[::-1], interpolation=cv2.INTER_NEAREST) for x in tiles]
    cv2.drawMarker(tiles[0], (4 * int(u) + 2, 4 * int(v) + 2), (255, 0, 0), cv2.MARKER_CROSS, 12)
    names = ('picture', 'the pane', 'beyond it', 'mean of samples', 'spread of samples')
    tiles = [pictures.label(tile, name) for tile, name in zip(tiles, names, strict=True)]
    truths = one.sample.depth[v, u], one.beyond[v, u]
    chart = pictures.label(_histogram(samples[:, v, u], truths, size), 'samples at the cross')
    return np.hstack([*tiles, chart])


def _histogram(
    values: np.ndarray, truths: tuple[float, float], size: tuple[int, int]
) -> np.ndarray:  # fmt: skip
    """Draw how often each depth was sampled; lines mark the two true ones."""
    height, width = size
    chart = np.full((height, width, 3), 255, np.uint8)
    top = 1.3 * max(*values, *truths)
    counts, _ = np.histogram(values, BINS, (0, top))
    for i, number in enumerate(counts):
        left, right = i * width // BINS, (i + 1) * width // BINS - 2
        bar = int(0.75 * height * number / counts.max())
        if bar:
            cv2.rectangle(chart, (left, height - 1 - bar), (right, height - 1), (42, 111, 187), -1)
    for truth in truths:
        x = int(truth / top * width)
        cv2.line(chart, (x, height // 5), (x, height - 1), (209, 73, 91), 2)
        cv2.putText(chart, f'{truth:.1f} m', (x + 3, height // 5 + 10), 0, 0.4, (209, 73, 91), 1)
    return chart
