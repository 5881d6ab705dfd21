# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Whether the predicted standard deviation knows where the depth is wrong, and by how much.

Order: rank correlation with the error, and sparsification: pixels are taken away, the least
certain first, and the error of those left should fall as if the worst had been taken (Ilg et al.
1802.07095). Size: how many pixels lie inside the intervals that are to hold 50 and 90 % of them.

Everything is computed per frame on the pixels that were answered, relative to depth: the error is
|prediction - truth| / truth, the uncertainty std / prediction. A set's figure is the mean over
its frames.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

REMOVED = np.arange(20) / 20  # shares of the pixels that sparsification takes away
INTERVALS = {'coverage_50': 0.6745, 'coverage_90': 1.6449}  # of a normal distribution, in std
FIGURES = (
    'rank_correlation', 'rank_scaled', 'rank_of_shape', 'rank_of_std', 'ause', 'ause_random',
    *INTERVALS,
)  # fmt: skip


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two vectors; 0 where one of them is constant."""
    a, b = (_ranks(x) - (len(x) - 1) / 2 for x in (a, b))
    norm = np.sqrt(np.sum(a * a) * np.sum(b * b))
    return float(np.sum(a * b) / norm) if norm > 0 else 0.0


def sparsification(error: np.ndarray, order: np.ndarray) -> np.ndarray:
    """
    Mean error of the pixels left after the shares REMOVED of highest `order` are taken away.

    error, order: (N,)
    returns: (20,), relative to the error of all pixels
    """
    left = np.cumsum(error[np.argsort(order, kind='stable')])
    counts = np.maximum(1, np.round((1 - REMOVED) * len(error)).astype(int))
    mean = left[counts - 1] / counts
    return mean / mean[0] if mean[0] > 0 else np.ones_like(mean)


def uncertainty_figures(
    depth: np.ndarray, std: np.ndarray, truth: np.ndarray, valid: np.ndarray
) -> dict:
    """
    Judge the uncertainty of one frame.

    depth, std, truth: (H, W), metres
    valid: (H, W) bool, where the truth counts and depth was answered; at least one pixel
    returns: rank_correlation, of std / depth with the relative error; rank_scaled, the same
        with the error that is left after median scaling, for one wrong scale of a whole frame
        hides what orders its pixels; rank_of_shape, of that error itself with the relative error,
        which an order would have that knew every error but the scale's; rank_of_std, of std in
        metres with the relative error;
        ause, the area between the sparsification curve and the oracle's; ause_random, what
        taking pixels away in random order has; coverage_50 and coverage_90; curve and oracle,
        (20,) lists over REMOVED
    """
    d, s, t = (x[valid].astype(np.float64) for x in (depth, std, truth))
    error, relative = np.abs(d - t) / t, s / d
    shape = np.abs(d * np.median(t / d) - t) / t  # what is left after median scaling
    curve, oracle = sparsification(error, relative), sparsification(error, error)
    return {
        'rank_correlation': rank_correlation(relative, error),
        'rank_scaled': rank_correlation(relative, shape),
        'rank_of_shape': rank_correlation(shape, error),
        'rank_of_std': rank_correlation(s, error),
        'ause': _area(curve - oracle),
        'ause_random': _area(1 - oracle),
        **{name: float(np.mean(np.abs(d - t) <= z * s)) for name, z in INTERVALS.items()},
        'curve': curve.tolist(),
        'oracle': oracle.tolist(),
    }


def mean_figures(frames: Sequence[dict]) -> dict:
    """Average what `uncertainty_figures` gave for the frames of a set, curves included."""
    return {
        name: np.mean([frame[name] for frame in frames], axis=0).tolist() for name in frames[0]
    }


def _ranks(x: np.ndarray) -> np.ndarray:
    """Ranks from 0, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def _area(y: np.ndarray) -> float:
    """Trapezoidal area over REMOVED."""
    return float(np.sum((y[1:] + y[:-1]) / 2) * REMOVED[1])
