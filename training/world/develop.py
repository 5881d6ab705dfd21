# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a real camera does to light on its way to a JPEG: exposure, colour, blur, noise, coding."""

from __future__ import annotations

import cv2
import numpy as np


def develop(radiance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Turn linear light into the picture of a randomly drawn camera.

    radiance: (H, W, 3) float32, linear RGB of any scale
    returns: (H, W, 3) uint8, sRGB with the traces of a JPEG
    """
    light = radiance * _exposure(radiance, rng) * _white_balance(rng)
    light = _blur(light * _vignette(light.shape[:2], rng), rng)
    light = _noise(light, rng)
    return _jpeg(_tone(light, rng), rng)


def _exposure(radiance, rng):
    # Automatic exposure aims at middle grey, and misses by up to a stop or so.
    grey = radiance[::2, ::2].mean(axis=2)
    # Bright parts count as well, or a white wall above a black carpet would be burnt out.
    level = max(np.exp(np.log(grey + 1e-4).mean()), 0.25 * np.quantile(grey, 0.85))
    return np.float32(0.2 * 2 ** np.clip(rng.normal(0.1, 0.55), -1.5, 1.4) / level)


def _white_balance(rng):
    warm, green = rng.normal(0.0, 0.09), rng.normal(0.0, 0.03)
    return np.exp(np.float32([warm, green, -warm]))


def _vignette(size, rng):
    height, width = size
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    strength = max(rng.normal(0.1, 0.15), 0.0)
    return np.float32(1 / (1 + strength * (x * x + y * y)))[..., None]


def _blur(light, rng):
    # Our rays have no width, so even a sharp lens gets a little blur against jagged edges.
    sigma = 0.45 + abs(rng.normal(0.0, 0.3)) * light.shape[1] / 320
    light = cv2.GaussianBlur(light, (0, 0), sigma)
    if rng.random() < 0.12:
        length, angle = int(rng.integers(2, 7)), rng.uniform(0, np.pi)
        kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
        step = length * 0.5 * np.array([np.cos(angle), np.sin(angle)])
        ends = [tuple(int(c) for c in np.rint(length + s * step)) for s in (-1, 1)]
        cv2.line(kernel, *ends, 1.0)
        light = cv2.filter2D(light, -1, kernel / kernel.sum())
    return light


def _noise(light, rng):
    read, shot = 10 ** rng.uniform(-3.3, -1.9), 10 ** rng.uniform(-4.5, -2.7)
    sigma = np.sqrt(read**2 + shot * np.maximum(light, 0)).astype(np.float32)
    return light + sigma * rng.standard_normal(light.shape, dtype=np.float32)


def _tone(light, rng):
    light = np.clip(light, 0.0, None)
    # A shoulder keeps highlights from clipping at once, as camera pipelines do.
    shoulder = rng.uniform(0.0, 0.5)
    light = light * (1 + shoulder * light * 0.25) / (1 + shoulder * light)
    srgb = np.clip(light, 0.0, 1.0) ** np.float32(1 / rng.uniform(1.9, 2.5))
    grey = srgb.mean(axis=2, keepdims=True)
    srgb = grey + (srgb - grey) * np.float32(np.clip(rng.normal(1.0, 0.2), 0.4, 1.5))
    srgb = 0.5 + (srgb - 0.5) * np.float32(np.clip(rng.normal(1.0, 0.17), 0.7, 1.5))
    return np.uint8(np.clip(srgb, 0.0, 1.0) * 255 + 0.5)


def _jpeg(image, rng):
    quality = int(rng.integers(45, 97))
    coded = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])
