# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""How a picture looks: brightness, colours, sharpness and grain, as cameras differ in them."""

from __future__ import annotations

from functools import cache
import math

import cv2
import numpy as np


def photograph(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Show an image as another camera would: seven in ten such as a good one takes, others spoilt.

    image: (H, W, 3) uint8, as what is returned
    """
    if rng.random() < 0.7:  # its processor takes noise away, then sharpens; some noise is left
        image = refocus(jitter_colour(smooth(image, rng), rng), rng)
        return add_noise(image, abs(rng.normal(0, 0.7)), rng)
    image = retexture(jitter_colour(image, rng), rng)
    return degrade(add_noise(image, rng.uniform(0, 5), rng), rng)


def jitter_colour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Draw gamma, white, exposure, contrast and colours of a uint8 image.

    Brightness, contrast and colourfulness are drawn around those of real pictures, whatever they
    were: rendered worlds have two thirds of that contrast and hardly any black (docs/weights.md).
    One view in six has no colours: many robots carry a sensor without.

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
    few = image[::8, ::8].astype(np.float32)
    colour = np.linalg.norm(few - few.mean(axis=2, keepdims=True), axis=2).mean()
    wanted = 18 * math.exp(rng.normal(0, 0.6))  # grey levels
    saturation = 0.0 if grey else min(wanted / max(colour, 1), 2.0)
    share = rng.dirichlet((4, 4, 4))  # how much of each colour a sensor without them sees
    return cv2.transform(image, saturation * np.eye(3) + (1 - saturation) * share)


def smooth(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Take noise and the weakest texture off a uint8 image, more or less, and leave its edges.

    Else the contrast and the sharpness of a camera would make the grain of a rendered picture
    several times as strong as that of a real one (docs/weights.md).
    """
    return cv2.bilateralFilter(image, 5, rng.uniform(0.1, 12), 1.5)


def add_noise(image: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Add normal noise of sigma grey levels to a uint8 image, to all its channels alike."""
    start = rng.integers(_grain().size)
    grain = np.resize(_grain()[start : start + image[..., 0].size], image.shape[:2])
    noise = np.rint(np.float32(sigma) * grain).astype(np.int16)
    return cv2.add(image, cv2.merge([noise] * 3), dtype=cv2.CV_8U)


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
