# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Random views of a sample: image, depth and camera change together."""

from __future__ import annotations

import cv2
import numpy as np

from grin_ros.rectifier import Rectifier

from .appearance import photograph
from .sample import Sample

DENSE = 0.5  # share of pixels with a depth from which a map counts as dense


def rectify(sample: Sample) -> Sample:
    """Remove the lens distortion; what the lens did not see has no depth, the rest keeps its."""
    if sample.camera.distortion is None:
        return sample
    straighten = Rectifier()
    image, camera, seen = straighten(sample.image, sample.camera)

    def move(labels):  # no depth between two surfaces
        moved, *_ = straighten(labels, sample.camera, interpolation=cv2.INTER_NEAREST)
        return np.where(seen, moved, 0)

    sky = sample.sky
    if sky is not None:
        sky = move(sky.astype(np.uint8)) > 0
    return Sample(image, move(sample.depth), camera, sample.stem, sample.stamp, sky=sky)


def fit(sample: Sample, size: tuple[int, int]) -> Sample:
    """Resize a sample to (height, width); no depth is ever made up between two others."""
    height, width = size
    shape = sample.image.shape[:2]
    if shape == (height, width):
        return sample
    # The mean of whole blocks first, then the rest: far quicker than cv2's INTER_AREA alone, and
    # as free of aliases. What does not fill a block is cut off, from depth and camera as well.
    block = max(1, min(shape[0] // height, shape[1] // width))
    sample = _cut(sample, 0, 0, *(n // block * block for n in shape))
    image, depth = sample.image, sample.depth
    if block > 1:
        image = cv2.resize(image, None, fx=1 / block, fy=1 / block, interpolation=cv2.INTER_AREA)
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    if cv2.countNonZero(depth) < DENSE * depth.size:
        depth = _move_points(depth, size)
    else:
        # cv2's INTER_NEAREST takes floor(i * scale), half a pixel off the pixel-centre convention.
        depth = cv2.resize(depth, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return Sample(image, depth, sample.camera.resize(size), sample.stem, sample.stamp)


def _move_points(depth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a sparse map; each point goes to the pixel that it falls into, the nearest wins."""
    found = cv2.findNonZero((depth > 0).view(np.uint8))
    if found is None:
        return np.zeros(size, np.float32)
    cols, rows = found[:, 0].T
    scale = np.divide(size, depth.shape)
    target = ((rows + 0.5) * scale[0]).astype(int) * size[1]
    target += ((cols + 0.5) * scale[1]).astype(int)
    moved = np.full(size[0] * size[1], np.inf, np.float32)
    np.minimum.at(moved, target, depth[rows, cols])
    moved[np.isinf(moved)] = 0
    return moved.reshape(size)


def random_crop(sample: Sample, aspect: float, rng: np.random.Generator) -> Sample:
    """
    Cut a window of the given aspect (width / height, varied by 15 %) and of random size.

    A smaller window is a longer focal length: metric depth stays, and K says what happened.
    """
    height, width = sample.image.shape[:2]
    aspect = aspect * rng.uniform(0.87, 1.15)
    full = (min(height, width / aspect), min(width, height * aspect))
    scale = rng.uniform(0.55, 1.0) if rng.random() < 0.7 else 1.0
    h, w = (max(8, int(side * scale)) for side in full)
    top = int(rng.integers(0, height - h + 1)) if h < height else 0
    left = int(rng.integers(0, width - w + 1)) if w < width else 0
    h, w = min(h, height), min(w, width)
    return _cut(sample, top, left, h, w)


def _cut(sample: Sample, top: int, left: int, height: int, width: int) -> Sample:
    window = (slice(top, top + height), slice(left, left + width))
    camera = sample.camera.crop(top, left, height, width)
    return Sample(sample.image[window], sample.depth[window], camera, sample.stem, sample.stamp)


def rescale(sample: Sample, size: tuple[int, int], rng: np.random.Generator) -> Sample:
    """
    Fit a sample into (height, width), rescale it by 0.5 to 1.5, then crop or pad (GRIN sec. 5.1).

    Both sides are scaled alike. Borders are black and have no depth.
    """
    shape = sample.image.shape[:2]
    scale = min(size[0] / shape[0], size[1] / shape[1]) * rng.uniform(0.5, 1.5)
    cut = [min(n, max(8, round(limit / scale))) for n, limit in zip(shape, size, strict=True)]
    inside = tuple(
        min(limit, max(8, round(n * scale))) for n, limit in zip(cut, size, strict=True)
    )
    top, left = (int(rng.integers(n - c + 1)) for n, c in zip(shape, cut, strict=True))
    sample = fit(_cut(sample, top, left, *cut), inside)
    top, left = (int(rng.integers(n - i + 1)) for n, i in zip(size, inside, strict=True))
    border = (top, size[0] - inside[0] - top, left, size[1] - inside[1] - left)
    image, depth = (
        cv2.copyMakeBorder(x, *border, cv2.BORDER_CONSTANT) for x in (sample.image, sample.depth)
    )
    return Sample(image, depth, sample.camera.pad(*border), sample.stem, sample.stamp)


def flip(sample: Sample) -> Sample:
    """Mirror a sample left to right."""
    image, depth = (cv2.flip(x, 1) for x in (sample.image, sample.depth))
    return Sample(image, depth, sample.camera.flip(), sample.stem, sample.stamp)


def augment(
    sample: Sample, size: tuple[int, int], rng: np.random.Generator, kind: str = 'window'
) -> Sample:
    """
    Random view of a sample at (height, width), mirrored half of the time, in other colours.

    kind: window (a part of the picture, stretched a little), rescale, or flip, which does nothing
        but mirror
    """
    if kind == 'flip':
        sample = fit(sample, size)
    elif kind == 'window':
        sample = fit(random_crop(sample, size[1] / size[0], rng), size)
    else:
        sample = rescale(sample, size, rng)
    if rng.random() < 0.5:
        sample = flip(sample)
    if kind != 'flip':
        sample.image = photograph(sample.image, rng)
    return sample
