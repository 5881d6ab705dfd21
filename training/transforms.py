# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Random views of a sample: image, depth and camera change together."""

from __future__ import annotations

import cv2
import numpy as np

from .sample import Sample


def fit(sample: Sample, size: tuple[int, int]) -> Sample:
    """Resize a sample to (height, width); depth by nearest neighbour, since holes stay holes."""
    height, width = size
    if sample.image.shape[:2] == (height, width):
        return sample
    shrink = width < sample.image.shape[1]
    image = cv2.resize(
        sample.image, (width, height), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    )
    # cv2's INTER_NEAREST takes floor(i * scale), half a pixel off the pixel-centre convention.
    depth = cv2.resize(sample.depth, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return Sample(image, depth, sample.camera.resize(size), sample.stem, sample.stamp)


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
    window = (slice(top, top + h), slice(left, left + w))
    camera = sample.camera.crop(top, left, h, w)
    return Sample(sample.image[window], sample.depth[window], camera, sample.stem, sample.stamp)


def flip(sample: Sample) -> Sample:
    """Mirror a sample left to right."""
    return Sample(
        np.ascontiguousarray(sample.image[:, ::-1]), np.ascontiguousarray(sample.depth[:, ::-1]),
        sample.camera.flip(), sample.stem, sample.stamp,
    )  # fmt: skip


def jitter_colour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary exposure, contrast, gamma, saturation and white balance of a uint8 image."""
    x = image.astype(np.float32) / 255
    x = x ** rng.uniform(0.7, 1.4)
    x = x * (rng.uniform(0.7, 1.3) * rng.uniform(0.9, 1.1, 3).astype(np.float32))
    mean = x.mean()
    x = (x - mean) * rng.uniform(0.75, 1.25) + mean
    grey = x.mean(axis=2, keepdims=True)
    x = grey + (x - grey) * rng.uniform(0.3, 1.3)
    x = x + rng.normal(0, rng.uniform(0, 0.02), x.shape).astype(np.float32)
    return (x.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def degrade(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spoil a uint8 image now and then as cheap cameras and old recordings do."""
    height, width = image.shape[:2]
    if rng.random() < 0.15:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if rng.random() < 0.25:  # few pixels, enlarged again
        scale = rng.uniform(0.25, 0.7)
        way = cv2.INTER_NEAREST if rng.random() < 0.5 else cv2.INTER_LINEAR
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=way)
        image = cv2.resize(small, (width, height), interpolation=way)
    if rng.random() < 0.2:  # few colours
        step = 255 / rng.integers(3, 12)
        image = (np.round(image / step) * step).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.2:  # few bits
        quality = int(rng.integers(10, 60))
        data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return image


def augment(sample: Sample, size: tuple[int, int], rng: np.random.Generator) -> Sample:
    """Random crop, flip and colour, then fitted to (height, width); K follows."""
    sample = random_crop(sample, size[1] / size[0], rng)
    if rng.random() < 0.5:
        sample = flip(sample)
    sample = fit(sample, size)
    sample.image = degrade(jitter_colour(sample.image, rng), rng)
    return sample
