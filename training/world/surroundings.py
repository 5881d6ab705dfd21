# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Few rays per pixel that show no grain: neighbours look different ways, and share what they see.

Every pixel of a small square tries another one of directions that are spread evenly. The mean
over any such square is that over all of them, the same everywhere on a plain surface.
"""

from __future__ import annotations

import numpy as np

_FLAT = 0.004  # how far pixels of one surface are off each other's plane, in their distance
_ALIKE = 3.8  # squared length of the sum of two unit normals that are 25 degrees apart
_NEAR = 0.03  # how far pixels beside an edge that is no gap are from each other, in their distance
_TAPS = ((1, -1), (1, 1), (2, -1), (2, 1))  # pixels beside one in a row or a column


class Surroundings:
    """
    Which pixels of a picture show the same surface as those one and two beside them.

    point, flat: (H * W, 3), metres and unit normals; depth: (H * W,), metres; size: (H, W)
    """

    def __init__(self, point, flat, depth, size):
        self.size = size
        planes = [np.ascontiguousarray(array.T).reshape(3, *size) for array in (point, flat)]
        far = np.where(np.isfinite(depth), depth, 0).reshape(size).astype(np.float32)
        self._taps = [_taps(*planes, far, axis) for axis in (0, 1)]

    def mean4(self, values) -> np.ndarray:
        """Average over squares of 4 x 4 pixels, within surfaces; values: (H * W,)."""
        for taps in self._taps:
            values = self._mean(values, 1.0, taps[:3])
        return values

    def mean8(self, values) -> np.ndarray:
        """Average over squares of 8 x 8 pixels, within surfaces; values: (H * W,)."""
        # The 8 pixels in a row are the four around each of the two that are two beside.
        values = self.mean4(values)
        for taps in self._taps:
            values = self._mean(values, 1e-3, taps[2:])
        return values

    def _mean(self, values, own, taps):
        values = values.reshape(self.size)
        total, weight = values * np.float32(own), np.full(self.size, own, np.float32)
        for to, of, share in taps:
            total[to] += share * values[of]
            weight[to] += share
        return (total / weight).ravel()


def _taps(point, flat, far, axis) -> list:
    """Return which pixels get how much from which others in a row or a column."""
    pairs = {}
    for step in (1, 2):
        before, after = _cut(axis, step)
        apart, normal = point[after] - point[before], flat[after] + flat[before]
        alike = np.einsum('ijk,ijk->jk', normal, normal) > _ALIKE
        off = np.abs(np.einsum('ijk,ijk->jk', normal, apart))
        near = np.einsum('ijk,ijk->jk', apart, apart) < (_NEAR * far[before]) ** 2
        pairs[step] = alike & (off < 2 * _FLAT * far[before]), near
    found, alone = [], np.ones(far.shape, bool)
    for step, side in _TAPS:
        to, of = _cut(axis, step)[::side]
        alone[to] &= ~pairs[step][0]
        found.append((to, of, *pairs[step]))
    # The rounded edge of a box is a line of pixels that are like none beside them.
    return [
        (to, of, (same | (near & alone[to])).astype(np.float32)) for to, of, same, near in found
    ]


def _cut(axis, step):
    """Return what selects the first and the second pixel of every pair that far apart."""
    before, after = [slice(None)] * 2, [slice(None)] * 2
    before[axis], after[axis] = slice(None, -step), slice(step, None)
    return (..., *before), (..., *after)


def scatter(rng, side: int, size) -> np.ndarray:
    """
    Give every pixel a direction, such that those of any square are spread over all the sphere.

    side: of the squares, pixels, a power of two; size: (H, W)
    returns: (H * W, 3) float32, unit vectors
    """
    count = side * side
    height = 1 - (2 * np.arange(count) + 1) / count
    angle = np.pi * (3 - 5**0.5) * np.arange(count)  # a spiral in steps of the golden angle
    wide = np.sqrt(1 - height**2)
    spiral = np.stack([wide * np.cos(angle), wide * np.sin(angle), height], axis=1)
    turned = spiral @ np.linalg.qr(rng.standard_normal((3, 3)))[0]
    order = np.zeros((1, 1), int)
    while len(order) < side:  # parts of a square, as edges leave them, are spread evenly as well
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    table = turned.astype(np.float32)[order]
    repeats = [-(-length // side) for length in size]
    return np.tile(table, (*repeats, 1))[: size[0], : size[1]].reshape(-1, 3)
