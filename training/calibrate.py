# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin calibrate`: fit what turns spread and expected error into a standard deviation.

Fitted on frames that training did not see but was allowed to, such as rendered ones with other
seeds; never on a validation set. The shape, floor against spread against what the network expects,
is that of the highest Laplace likelihood; then one temperature makes the interval of 90 % hold
90 % of the pixels. Every set counts the same. Samples are given other views of the image from then
on (`grin_ros.views`), for those of a few-step model hardly differ by their noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from grin_ros.checkpoint import amend, load
from grin_ros.options import add_pipeline_arguments, at_least_one
from grin_ros.pipeline import DepthPipeline
from grin_ros.uncertainty import UncertaintyConfig

from .evaluation import spread_over
from .sample import SampleSet
from .transforms import rectify
from .uncertainty import INTERVALS

PIXELS = 2000  # drawn from each frame
RATIOS = np.concatenate([[0.0], np.geomspace(0.05, 500, 24)])  # to the floor
SHARE, Z = 0.9, INTERVALS['coverage_90']


@dataclass(frozen=True)
class _Listener(UncertaintyConfig):
    """Leaves the spread as it is, and keeps what it was told of the last frame."""

    heard: dict = field(default_factory=dict)

    def std(self, spread, depth, samples, expected=None):
        self.heard['spread'] = spread.numpy()
        self.heard['expected'] = torch.zeros(1) if expected is None else expected
        return spread


def collect(
    pipeline: DepthPipeline, sets: Sequence[SampleSet], *, frames: int, samples: int, seed: int = 0
) -> list[np.ndarray]:
    """
    Predict frames of each set and keep what a calibration needs to know of some pixels.

    frames: of each set, spread evenly over it
    returns: one array (3, N) for each set: spread, expected error (0 without a head) and error,
        all relative to predicted depth
    """
    listener = _Listener(views=_views(pipeline))
    config = replace(pipeline.config, uncertainty=listener)
    pipeline = DepthPipeline(pipeline.model, config, pipeline.device)
    rng, found = np.random.default_rng(seed), []
    jobs = [(s, i) for s in sets for i in spread_over(len(s), frames)]
    kept: dict[Path, list[np.ndarray]] = {s.path: [] for s in sets}
    for sample_set, i in tqdm(jobs, f'calibrate, samples: {samples}', unit='frame', disable=None):
        sample = rectify(sample_set[i])
        prediction = pipeline.infer(sample.image, sample.camera, samples=samples)
        truth = sample.depth
        known = (truth >= sample_set.min_depth) & (truth <= sample_set.max_depth)
        rows, cols = np.nonzero(known & prediction.valid)
        pick = rng.permutation(len(rows))[:PIXELS]
        at = rows[pick], cols[pick]
        depth = prediction.depth[at]
        expected = listener.heard['expected'].expand(truth.shape).numpy()[at]
        spread = listener.heard['spread'][at] / depth
        kept[sample_set.path].append(np.stack([spread, expected, np.abs(1 - truth[at] / depth)]))
    for sample_set in sets:
        pixels = np.concatenate(kept[sample_set.path], axis=1).astype(np.float64)
        if pixels.shape[1] == 0:
            raise ValueError(f'{sample_set.path}: no pixel has both truth and prediction')
        found.append(pixels)
    return found


def fit(sets: Sequence[np.ndarray]) -> tuple[float, float, float]:
    """
    Fit floor, temperature of the spread, and temperature of the expected error.

    sets: as `collect` gives them
    """
    spread, expected, error = np.concatenate(sets, axis=1)
    weight = np.concatenate([np.full(s.shape[1], 1 / s.shape[1]) for s in sets])
    best, least = None, np.inf
    of_spread, of_head = (RATIOS if told.any() else RATIOS[:1] for told in (spread, expected))
    for slope, head in product(of_spread, of_head):
        shape = np.sqrt(1 + (slope * spread) ** 2 + (head * expected) ** 2)
        temperature = _quantile(error / shape, weight, SHARE) / Z
        sigma = temperature * shape
        # Of a Laplace distribution with that deviation: depth errors have heavy tails.
        loss = np.sum(weight * (np.log(sigma) + np.sqrt(2) * error / sigma))
        if loss < least:
            least, best = loss, (temperature, temperature * slope, temperature * head)
    return tuple(float(f'{x:.4g}') for x in best)


def _views(pipeline: DepthPipeline) -> bool:
    """Tell whether samples get other views: not where whole maps are denoised, mirrored too."""
    return not pipeline.config.dense


def _quantile(values: np.ndarray, weight: np.ndarray, share: float) -> float:
    """Weighted quantile, kept above zero."""
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    i = min(np.searchsorted(total, share * total[-1]), len(order) - 1)
    return max(1e-4, float(values[order][i]))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin calibrate`."""
    parser.add_argument('sets', nargs='+', metavar='SET', help='not trained on, not validated on')
    add_pipeline_arguments(parser)
    parser.add_argument(
        '--frames', type=at_least_one, default=24, metavar='N', help='of each set (%(default)s)'
    )
    parser.add_argument(
        '--samples', type=at_least_one, default=4, metavar='N', help='per frame (%(default)s)'
    )
    parser.add_argument('-o', '--output', type=Path, help='checkpoint to write; default: in place')


def run(args: argparse.Namespace) -> int:
    """Fit the calibration and write it into the checkpoint."""
    sets = [SampleSet(path) for path in args.sets]
    if args.samples < 2:
        raise ValueError('--samples is 1; a spread needs at least 2')
    pipeline = DepthPipeline.from_checkpoint(args.checkpoint, args.device)
    output = args.output or pipeline.checkpoint
    calibrated = calibrate(
        pipeline.checkpoint, output, sets, pipeline, frames=args.frames, samples=args.samples
    )
    print(f'wrote {output}: std = {calibrated}')
    return 0


def calibrate(
    checkpoint: Path, output: Path, sets: Sequence[SampleSet], pipeline: DepthPipeline, *,
    frames: int, samples: int,
) -> UncertaintyConfig:  # fmt: skip
    """Fit on the sets, and write the checkpoint with the result and its origin to output."""
    pixels = collect(pipeline, sets, frames=frames, samples=samples)
    floor, slope, head = fit(pixels)
    alone, _, head_alone = fit(collect(pipeline, sets, frames=frames, samples=1))
    uncertainty = UncertaintyConfig(floor, slope, head, alone, head_alone, _views(pipeline))
    _, config, metadata = load(checkpoint)
    about = {
        'samples': samples, 'steps': pipeline.steps,
        'sets': [
            {'name': s.name, 'frames': min(frames, len(s)), 'source': s.source,
             'covered_90': _covered(uncertainty, p)}
            for s, p in zip(sets, pixels, strict=True)
        ],
    }  # fmt: skip
    config = replace(config, uncertainty=uncertainty)
    amend(checkpoint, output, config, {**metadata, 'calibration': about})
    return uncertainty


def _covered(uncertainty: UncertaintyConfig, pixels: np.ndarray) -> float:
    spread, expected, error = map(torch.from_numpy, pixels)
    sigma = uncertainty.std(spread, torch.ones_like(spread), 2, expected)
    return round((error <= Z * sigma).double().mean().item(), 3)
