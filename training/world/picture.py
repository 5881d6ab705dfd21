# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Procedural pictures: posters, papers, screens, book spines, keyboards.

Every function takes (rng, size) and returns (size, size, 3), linear RGB in [0, 1].
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from .pattern import cells, noise


def _vivid(rng):
    shade = rng.random(3) ** rng.uniform(0.6, 2.5) * rng.uniform(0.2, 1.0)
    return shade.mean() + rng.uniform(0.0, 1.0) * (shade - shade.mean())


def picture(rng, size):
    """A printed thing: soft colour fields with rectangles, discs and lines of writing."""
    image = np.empty((size, size, 3), np.float32)
    image[:] = _vivid(rng) if rng.random() < 0.6 else 0.85
    if rng.random() < 0.5:
        fields = np.stack([noise(rng, size, rng.uniform(1.2, 2.2)) for _ in range(4)], -1)
        fields = fields[..., 3:] + rng.uniform(0.0, 0.8) * (fields[..., :3] - 0.5)
        image = np.float32(0.3 * image + 0.9 * np.maximum(fields, 0) ** 2)
    image = np.ascontiguousarray(image)
    for _ in range(rng.integers(0, 9)):
        shade = tuple(float(c) for c in _vivid(rng))
        a, b = rng.integers(0, size, 2), rng.integers(6, size // 2, 2)
        corner = tuple(int(c) for c in a)
        if rng.random() < 0.6:
            cv2.rectangle(image, corner, tuple(int(c) for c in a + b), shade, -1)
        else:
            cv2.circle(image, corner, int(b[0] // 2), shade, -1, cv2.LINE_AA)
    if rng.random() < 0.6:
        _writing(rng, image, _vivid(rng) * 0.3)
    return np.clip(image, 0.0, 1.0)


def _writing(rng, image, ink):
    size = image.shape[0]
    x_0, y, step = int(rng.integers(4, 40)), int(rng.integers(4, 60)), int(rng.integers(4, 10))
    while y < size - step - 4:
        x = x_0
        while x < size - 12:
            word = int(rng.integers(3, 14))
            image[y : y + max(step // 2, 1), x : min(x + word, size - 6)] = ink
            x += word + 3
        y += step
        if rng.random() < 0.08:
            y += 3 * step


def paper(rng, size):
    """A written or printed white sheet."""
    image = np.full((size, size, 3), rng.uniform(0.7, 0.95), np.float32)
    _writing(rng, image, rng.random(3) * 0.2)
    return image


def screen(rng, size):
    """What a monitor shows: windows, text, or nothing."""
    if rng.random() < 0.3:
        return np.full((size, size, 3), rng.uniform(0.005, 0.03), np.float32)
    image = np.empty((size, size, 3), np.float32)
    image[:] = _vivid(rng) * 0.7
    for _ in range(rng.integers(1, 4)):
        a, b = rng.integers(0, size // 2, 2), rng.integers(30, size // 2 + 20, 2)
        view = image[a[1] : a[1] + b[1], a[0] : a[0] + b[0]]
        view[:] = rng.choice([0.03, 0.9, 0.8])
        view[:5] = _vivid(rng)
        for y in range(9, view.shape[0] - 4, 5):
            view[y : y + 2, 3 : int(rng.integers(5, max(view.shape[1], 6)))] = (
                0.3 + 0.3 * rng.random(3)
            )
    return image


def books(rng, size):
    """A row of book spines."""
    image = np.full((size, size, 3), 0.01, np.float32)
    x = 0
    while x < size:
        width, height = int(rng.integers(4, 14)), int(rng.integers(size * 0.6, size))
        spine = image[size - height :, x : x + width - 1]
        spine[:] = _vivid(rng)
        label = int(rng.integers(4, height // 2))
        spine[label : label + int(rng.integers(3, 30)), 1:-1] = _vivid(rng)
        x += width
    return image


def keys(rng, size, columns=22, rows=6):
    """A keyboard; keys lie 19 mm apart, so 22 of them make a full one of 0.42 m."""
    joint, bright, _ = cells(rng, size, columns, rows, 0.3, 0.006)
    image = np.where(joint, 0.02, rng.choice([0.04, 0.08, 0.6]) * (0.8 + 0.2 * bright))
    return np.repeat(image[..., None], 3, -1)


# The function of each kind, and how many of it a bank holds.
PICTURES = {
    'print': (picture, 60),
    'paper': (paper, 10),
    'screen': (screen, 12),
    'books': (books, 14),
    'keys': (keys, 3),
    'laptop': (partial(keys, columns=15, rows=5), 3),
}
