# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Accuracy and speed of a pipeline on sample sets.

The protocol. Pixels: ground truth inside [min_depth, max_depth] of the set, nothing else. The
prediction is taken as it is, neither scaled nor clamped; a pixel that the pipeline leaves unknown
counts as a prediction of the set's min_depth, so that leaving out the hard ones never pays, and
`coverage` says how many it answered. Every figure is computed per frame; a set's figure is the
mean over its frames, a domain's the mean over its sets. Frames of different sets are never
pooled, and sets of domain `other` are in no mean. `scaled` holds the same figures after each
frame's prediction is multiplied by median(truth / prediction) of the pixels it answered.

A ProtocolSet replaces the pixels by those of a published protocol (see docs/protocols.md) and
clamps predictions to its range, as all of these do; there a pixel left unknown, which is one that
the pipeline took for sky, counts as the end of the range.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
import time

import numpy as np

from grin_ros.pipeline import DepthPipeline

from .metrics import depth_metrics, median_scale, METRICS
from .protocols.protocol import ProtocolSet
from .sample import Sample, SampleSet
from .transforms import rectify
from .uncertainty import mean_figures, uncertainty_figures

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
    intrinsics: bool = True,
) -> dict:
    """
    Score a pipeline on one sample set, or on a data set under a published protocol.

    steps, samples, stride: as for `DepthPipeline.infer`
    limit: so many frames, spread evenly over the set; None = all
    on_frame: called with each frame's sample, predicted depth (H, W) in metres with NaN where
        unknown, and mask (H, W) of the pixels that count
    uncertainty: judge the predicted standard deviation as well
    intrinsics: tell the pipeline the camera; False = only the picture, as from the web
    returns: name, domain, frames, coverage, ms_per_frame (median of `infer`), metrics and scaled
        (each METRICS -> float), and what `uncertainty_figures` says, as uncertainty, if asked
        for; plain values, ready for JSON
    """
    plain, scaled, coverage, seconds, uncertain = [], [], [], [], []
    for i in spread_over(len(sample_set), limit):
        sample = rectify(sample_set[i])
        camera = sample.camera if intrinsics else None
        start = time.perf_counter()
        prediction = pipeline.infer(
            sample.image, camera, steps=steps, samples=samples, stride=stride
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
            if isinstance(sample_set, ProtocolSet):
                depth = np.where(answered, factor * prediction.depth, np.inf)
                depth = depth.clip(sample_set.min_depth, sample_set.max_depth)
            else:
                depth = np.where(answered, factor * prediction.depth, sample_set.min_depth)
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
