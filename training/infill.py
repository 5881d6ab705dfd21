# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Depth maps without holes, for a denoiser of whole maps (DepthGen sec. 3.2).

Sampling starts from noise without holes, so training must not show it any: where nothing was
measured, the nearest measured pixel stands in before the noise is added. The loss knows better.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from .sample import Sample
from .sky import find_sky

SKY = 1e6  # metres; farther than anything, and so kept apart from what was measured


def mark_sky(sample: Sample, outdoor: bool, synthetic: bool) -> Sample:
    """
    Give the sky its depth, SKY.

    It is where the sample says so; in rendered pictures, which have no other holes, where there
    is no depth; and in other pictures from outdoors where it looks like sky.
    """
    sky = sample.sky
    if sky is None and synthetic:
        sky = sample.depth <= 0
    elif sky is None and outdoor:
        sky = find_sky(sample.image, sample.depth)
    if sky is not None:
        sample.depth = np.where(sky & (sample.depth <= 0), SKY, sample.depth).astype(np.float32)
    return sample


def infill(depth: np.ndarray, farthest: float) -> np.ndarray:
    """
    Fill every hole with the value of the nearest pixel that has one (exact Euclidean distance).

    depth: (H, W), metres, 0 unknown, SKY for the sky
    farthest: metres, the largest modelled depth; of the sky, and of all if nothing is known
    returns: (H, W) float32, metres, positive
    """
    depth = np.minimum(depth, farthest).astype(np.float32)
    unknown = ~(depth > 0)
    if unknown.all():
        return np.full(depth.shape, farthest, np.float32)
    if unknown.any():
        rows, columns = distance_transform_edt(
            unknown, return_distances=False, return_indices=True
        )
        depth = depth[rows, columns]
    return depth
