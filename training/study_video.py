# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
`grin study video`: flicker and accuracy on rendered drives, with and without a warm start.

Flicker is what the depth of static pixels does by itself from frame to frame: the mean of
|change of log prediction - change of log truth| over pixels whose true depth changes by less than
2 %. It is 0 for the truth and for any error that stays where it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import math

import numpy as np
from tqdm import tqdm

from grin_ros.options import (
    add_inference_arguments,
    add_pipeline_arguments,
    at_least_one,
    inference_options,
    load_pipeline,
)
from grin_ros.video import Video

from .metrics import depth_metrics
from .sample import Sample
from .world.drive import drive

SUMMARY = 'flicker and accuracy on rendered drives, with and without a warm start'
STATIC = 0.02  # change of log depth
PERIOD = 0.1  # seconds between frames
# domain, seed, size, metres between frames
DRIVES = (('room', 2, (384, 480), 0.05), ('corridor', 5, (384, 480), 0.1),
          ('street', 4, (240, 768), 0.2))  # fmt: skip
ARMS = {
    'each frame by itself': None,
    'warm start': {'start': 0.5},
    'warm start, hold 0.5': {'start': 0.5, 'hold': 0.5},
    'warm start, hold 0.8': {'start': 0.5, 'hold': 0.8},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin study video`."""
    parser.add_argument(
        '--frames', type=at_least_one, default=8, metavar='N', help='of each drive (8)'
    )
    add_pipeline_arguments(parser)
    add_inference_arguments(parser)


def measure(args: argparse.Namespace) -> tuple[str, list[dict]]:
    """Return a title and the rows of the table."""
    pipeline, options = load_pipeline(args), inference_options(args)
    steps = options['steps'] or pipeline.steps
    drives = {}
    for domain, seed, size, stride in DRIVES:
        frames = drive(domain, seed, args.frames, size, stride=stride)
        bar = tqdm(frames, f'render {domain}', args.frames, disable=None, leave=False)
        drives[domain] = list(bar)
    rows = []
    for name, arm in ARMS.items():
        warm = math.ceil(steps * arm['start']) if arm else steps
        rows.append({'': name, 'steps per frame': warm})
        for domain, samples in drives.items():
            video, depths = arm and Video(**arm), []
            for index, sample in enumerate(tqdm(samples, name, disable=None, leave=False)):
                if video:
                    video.follow(sample.image, index * PERIOD)
                depths.append(
                    pipeline.infer(sample.image, sample.camera, video=video, **options).depth
                )
            errors = [
                depth_metrics(depth, one.depth, (one.depth > 0) & np.isfinite(depth))['abs_rel']
                for depth, one in zip(depths, samples)
            ]
            rows[-1][f'{domain} flicker'] = flicker(depths, samples)
            rows[-1][f'{domain} abs_rel'] = float(np.mean(errors))
    return f'{args.frames} frames each of rendered drives at {1 / PERIOD:g} Hz', rows


def flicker(depths: Sequence[np.ndarray], samples: Sequence[Sample]) -> float:
    """
    Return the mean change of log depth that the scene does not explain.

    depths: (H, W) each, metres, of successive frames
    samples: of the same frames, with the true depth
    """
    changes = []
    for before, now, was, truth in zip(depths, depths[1:], samples, samples[1:]):
        known = (was.depth > 0) & (truth.depth > 0) & np.isfinite(before) & np.isfinite(now)
        true = np.log(truth.depth[known] / was.depth[known])
        seen = np.log(now[known] / before[known])
        changes.append(np.abs(seen - true)[np.abs(true) < STATIC])
    changes = np.concatenate(changes) if changes else np.zeros(0)
    if not len(changes):
        raise ValueError('no pixel is static in two frames: take more frames, or slower ones')
    return float(changes.mean())
