# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Errors of a depth prediction against ground truth: masked, shape-blind, for arrays or tensors.

The usual set since Eigen et al. 2014, in float64 so that the size of an image costs no digits.
`silog` follows the KITTI benchmark: 100 times the standard deviation of the log ratio.
"""

from __future__ import annotations

import numpy as np
import torch

METRICS = (
    'abs_rel',
    'sq_rel',
    'rmse',
    'rmse_log',
    'silog',
    'log10',
    'delta1',
    'delta2',
    'delta3',
)


def depth_metrics(prediction, truth, valid, scaled: bool = False) -> dict[str, float]:
    """
    Compare depths where `valid`.

    prediction, truth: any one shape, metres; finite and positive where valid
    valid: the same shape, bool
    scaled: multiply the prediction by `median_scale` first
    returns: METRICS -> abs_rel, sq_rel [m], rmse [m], rmse_log [ln], silog [100 ln], log10, and
        delta1..3, the share of pixels within a factor of 1.25, 1.25^2, 1.25^3
    """
    p, t = _pairs(prediction, truth, valid)
    if scaled:
        p = p * np.median(t / p)
    error = p - t
    log_ratio = np.log(p / t)
    ratio = np.maximum(p / t, t / p)
    return {
        'abs_rel': float(np.mean(np.abs(error) / t)),
        'sq_rel': float(np.mean(error**2 / t)),
        'rmse': float(np.sqrt(np.mean(error**2))),
        'rmse_log': float(np.sqrt(np.mean(log_ratio**2))),
        'silog': float(100 * np.std(log_ratio)),
        'log10': float(np.mean(np.abs(log_ratio)) / np.log(10)),
        'delta1': float(np.mean(ratio < 1.25)),
        'delta2': float(np.mean(ratio < 1.25**2)),
        'delta3': float(np.mean(ratio < 1.25**3)),
    }


def median_scale(prediction, truth, valid) -> float:
    """
    Return the factor median(truth / prediction) over the valid pixels.

    prediction, truth, valid: as for `depth_metrics`
    """
    p, t = _pairs(prediction, truth, valid)
    return float(np.median(t / p))


def _pairs(prediction, truth, valid) -> tuple[np.ndarray, np.ndarray]:
    """Return the valid pixels of both, float64, or say why they cannot be compared."""
    p, t, valid = _array(prediction), _array(truth), _array(valid).astype(bool)
    if not p.shape == t.shape == valid.shape:
        raise ValueError(
            f'prediction {p.shape}, truth {t.shape} and valid {valid.shape} differ in shape; '
            'bring them to the same pixels first'
        )
    p, t = p[valid].astype(np.float64), t[valid].astype(np.float64)
    if p.size == 0:
        raise ValueError('no pixel is valid, so there is nothing to compare; skip this image')
    for name, depth in (('prediction', p), ('truth', t)):
        if not (np.isfinite(depth).all() and (depth > 0).all()):
            raise ValueError(
                f'the {name} is not a positive finite depth at '
                f'{np.sum(~(np.isfinite(depth) & (depth > 0)))} valid pixels; '
                'fill them or take them out of `valid`'
            )
    return p, t


def _array(x) -> np.ndarray:
    if isinstance(x, torch.Tensor):
        x = x.detach().cpu()
        x = x.float() if x.dtype == torch.bfloat16 else x  # NumPy has no bfloat16
        return x.numpy()
    return np.asarray(x)
