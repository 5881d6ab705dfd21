# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin calibrate`: fit what turns the spread over samples into a standard deviation.

Fitted on frames that training did not see but was allowed to, such as rendered ones with other
seeds; never on a validation set. The shape, floor against slope, is that of the highest Laplace
likelihood; then one temperature makes the interval of 90 % hold 90 % of the pixels. Every set
counts the same. Samples are given other views of the image from then on (`grin_ros.views`), for
those of a few-step model hardly differ by their noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
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
RATIOS = np.concatenate([[0.0], np.geomspace(0.05, 500, 60)])  # of slope to floor
SHARE, Z = 0.9, INTERVALS['coverage_90']


def collect(
    pipeline: DepthPipeline, sets: Sequence[SampleSet], *, frames: int, samples: int, seed: int = 0
) -> list[np.ndarray]:
    """
    Predict frames of each set and keep what a calibration needs to know of some pixels.

    frames: of each set, spread evenly over it
    returns: one array (2, N) for each set: spread and error, both relative to predicted depth
    """
    raw = replace(pipeline.config, uncertainty=UncertaintyConfig(views=_views(pipeline)))
    pipeline = DepthPipeline(pipeline.model, raw, pipeline.device)
    rng, found = np.random.default_rng(seed), []
    jobs = [(s, i) for s in sets for i in spread_over(len(s), frames)]
    kept: dict[Path, list[np.ndarray]] = {s.path: [] for s in sets}
    for sample_set, i in tqdm(jobs, 'calibrate', unit='frame', disable=None):
        sample = rectify(sample_set[i])
        prediction = pipeline.infer(sample.image, sample.camera, samples=samples)
        truth = sample.depth
        known = (truth >= sample_set.min_depth) & (truth <= sample_set.max_depth)
        rows, cols = np.nonzero(known & prediction.valid)
        pick = rng.permutation(len(rows))[:PIXELS]
        at = rows[pick], cols[pick]
        depth = prediction.depth[at]
        kept[sample_set.path].append(
            np.stack([prediction.std[at], np.abs(depth - truth[at])]) / depth
        )
    for sample_set in sets:
        pixels = np.concatenate(kept[sample_set.path], axis=1).astype(np.float64)
        if pixels.shape[1] == 0:
            raise ValueError(f'{sample_set.path}: no pixel has both truth and prediction')
        found.append(pixels)
    return found


def fit(sets: Sequence[np.ndarray]) -> UncertaintyConfig:
    """Fit the calibration; sets: as `collect` gives them."""
    spread, error = np.concatenate(sets, axis=1)
    weight = np.concatenate([np.full(s.shape[1], 1 / s.shape[1]) for s in sets])
    best, least = None, np.inf
    for ratio in RATIOS:
        shape = np.hypot(1, ratio * spread)
        temperature = _quantile(error / shape, weight, SHARE) / Z
        sigma = temperature * shape
        # Of a Laplace distribution with that deviation: depth errors have heavy tails.
        loss = np.sum(weight * (np.log(sigma) + np.sqrt(2) * error / sigma))
        if loss < least:
            least, best = loss, (temperature, temperature * ratio)
    floor, slope = best
    alone = _quantile(error, weight, SHARE) / Z
    floor, slope, alone = (float(f'{x:.4g}') for x in (floor, slope, alone))
    return UncertaintyConfig(floor, slope, alone)


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
    uncertainty = replace(fit(pixels), views=_views(pipeline))
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
    spread, error = pixels
    sigma = np.hypot(uncertainty.floor, uncertainty.slope * spread)
    return round(float(np.mean(error <= Z * sigma)), 3)
