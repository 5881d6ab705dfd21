# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Random views of a sample: image, depth and camera change together."""

from __future__ import annotations

from functools import cache
import math

import cv2
import numpy as np

from .sample import Sample

DENSE = 0.5  # share of pixels with a depth from which a map counts as dense


def rectify(sample: Sample) -> Sample:
    """Remove the lens distortion; depth along the optical axis stays what it is."""
    if sample.camera.distortion is None:
        return sample
    camera, *maps = sample.camera.rectification()
    image = cv2.remap(sample.image, *maps, cv2.INTER_LINEAR)
    depth = cv2.remap(sample.depth, *maps, cv2.INTER_NEAREST)  # no depth between two surfaces
    sky = sample.sky
    if sky is not None:
        sky = cv2.remap(sky.astype(np.uint8), *maps, cv2.INTER_NEAREST) > 0
    return Sample(image, depth, camera, sample.stem, sample.stamp, sky=sky)


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


def jitter_colour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Show a uint8 image as another camera would: gamma, white, exposure, contrast, colours, noise.

    Brightness and contrast are drawn around those of real pictures, whatever they were: rendered
    worlds have two thirds of that contrast and hardly any black (docs/weights.md). One view in six
    has no colours, nor has its noise: many robots carry a sensor without.

    image: (H, W, 3) uint8, as what is returned
    """
    # As a table per channel, a matrix over channels and a sum: in float it takes ten times longer.
    curve = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.7, 1.4) * rng.uniform(0.9, 1.1, 3)
    seen = np.take_along_axis(curve, image[::8, ::8].reshape(-1, 3), axis=0).mean(axis=1)
    curve, seen = curve - seen.mean(), seen - seen.mean()
    mean = level = float(np.clip(rng.normal(0.5, 0.15), 0.15, 0.85))
    contrast = 0.25 * math.exp(rng.normal(0, 0.33))
    gain = 1.0
    for _ in range(4):  # what is cut off at black and at white takes away from both
        gain *= contrast / max((gain * seen + level).clip(0, 1).std(), 0.01)
        gain = min(max(gain, 0.4), 3.0)
        level += mean - (gain * seen + level).clip(0, 1).mean()
    curve = (gain * curve + level).clip(0, 1)
    image = cv2.LUT(image, (curve * 255 + 0.5).astype(np.uint8)[None])
    grey = rng.random() < 1 / 6
    saturation = 0.0 if grey else rng.uniform(0.2, 1.1)
    share = rng.dirichlet((4, 4, 4))  # how much of each colour a sensor without them sees
    image = cv2.transform(image, saturation * np.eye(3) + (1 - saturation) * share)
    grain = _grain()
    start = rng.integers(grain.size)
    size = (*image.shape[:2], 1 if grey else 3)
    grain = np.resize(grain[start : start + math.prod(size)], size).repeat(3 // size[2], axis=2)
    noise = (grain * np.float32(255 * rng.uniform(0, 0.02))).astype(np.int16)
    return cv2.add(image, noise, dtype=cv2.CV_8U)


@cache
def _grain() -> np.ndarray:
    """Return much normal noise, which takes longer to draw than all the rest of a view."""
    return np.random.default_rng(0).standard_normal(1 << 21, np.float32)


def retexture(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Change how fine the structures of a uint8 image are: a grain over everything, blur, sharpening.

    Rendered surfaces have no more to show when they come near, so that a network learns to take
    blurred pictures for near ones and sharp pictures, which real ones are, for far ones.
    """
    height, width = image.shape[:2]
    if rng.random() < 0.5:
        coarse = 2 ** rng.uniform(0, 4)  # pixels
        size = max(int(height / coarse), 2), max(int(width / coarse), 2)
        start = rng.integers(_grain().size - size[0] * size[1])
        field = _grain()[start : start + size[0] * size[1]].reshape(size)
        field = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC)
        field = 1 + np.float32(rng.uniform(0, 0.12)) * field
        image = cv2.multiply(image, cv2.merge([field] * 3), dtype=cv2.CV_8U)
    if rng.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.6))
    if rng.random() < 0.5:
        blurred, more = (
            cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, 2.5)),
            rng.uniform(0.2, 1.5),
        )
        image = cv2.addWeighted(image, 1 + more, blurred, -more, 0)
    return image


def sharpness(image: np.ndarray) -> float:
    """
    Tell how strong the finest structures of an image are: one of a camera, fitted, has about 0.7.

    Of the standard deviations of what Gaussians of 0.7 pixels take away, and of what lies between
    those of 1.4 and 2.8 pixels, it is the ratio.

    image: (H, W, 3) uint8
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    finest, middle, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (0.7, 1.4, 2.8))
    return float((grey - finest).std() / max((middle - coarse).std(), 0.1))


def refocus(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Sharpen or blur an image until it is as sharp as pictures of cameras are, give or take.

    Worlds rendered 1.5 times as large as their views are still duller than those, and sharp would
    mean something else than in training (docs/weights.md).

    image: (H, W, 3) uint8, as what is returned
    """
    wanted = 0.68 * math.exp(rng.normal(0, 0.2))
    for _ in range(3):  # each comes about half of the way, since coarser structures grow as well
        more = float(np.clip(wanted / max(sharpness(image), 0.05) - 1, -0.9, 1.5))
        blurred = cv2.GaussianBlur(image, (0, 0), 0.7)
        image = cv2.addWeighted(image, 1 + more, blurred, -more, 0)
    return image


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
    if rng.random() < 0.25:  # few bits, at the size that it was recorded in
        larger = rng.uniform(1.0, 2.5)
        recorded = cv2.resize(image, None, fx=larger, fy=larger, interpolation=cv2.INTER_LINEAR)
        quality = int(math.exp(rng.uniform(math.log(4), math.log(60))))
        data = cv2.imencode('.jpg', recorded, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        recorded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        image = cv2.resize(recorded, (width, height), interpolation=cv2.INTER_AREA)
    return image


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
        # Seven views in ten are such as a good camera takes, the others as bad as can be.
        if rng.random() < 0.7:
            sample.image = refocus(jitter_colour(sample.image, rng), rng)
        else:
            sample.image = degrade(jitter_colour(retexture(sample.image, rng), rng), rng)
    return sample
