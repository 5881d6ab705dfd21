# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Pre-training without labels: pictures are spoilt in four ways, and one denoiser restores them.

Colourisation, inpainting, uncropping and JPEG restoration (Palette, 2111.05826). No label names
the task: a grey picture wants colours, noise instead of pixels wants content, blocks want detail.
"""

from __future__ import annotations

import cv2
import numpy as np

from grin_ros.inpaint import hide

from .dense import DenseBatches
from .source import Source
from .transforms import fit, flip, random_crop

TASKS = ('colourise', 'inpaint', 'uncrop', 'jpeg')


class PaletteBatches(DenseBatches):
    """Draws the pictures of any step, each spoilt in one of the four ways."""

    def show(
        self, source: Source, index: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """
        Draw a view of a picture: what is shown, what to restore, where that counts, no depth.

        returns: (3, H, W), (3, H, W) in [-1, 1], (3, H, W) bool, (1, H, W)
        """
        height, width = source.size
        sample = fit(random_crop(source[index], width / height, rng), source.size)
        if rng.random() < 0.5:
            sample = flip(sample)
        task = TASKS[rng.integers(len(TASKS))]
        shown, missing = spoil(sample.image, task, rng)
        # A single task is judged where it has something to do.
        valid = np.broadcast_to(missing, (3, height, width))
        restored = sample.image.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1
        nothing = np.zeros((1, height, width), np.float32)
        return shown.transpose(2, 0, 1).astype(np.float32), restored, valid, nothing


def spoil(image: np.ndarray, task: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """
    Spoil a picture.

    image: (H, W, 3) uint8, RGB
    task: one of TASKS
    returns: (H, W, 3) float, in [0, 1] but for noise in place of missing pixels; and (H, W) bool,
        what is to be restored
    """
    if task not in TASKS:
        raise ValueError(f'unknown task {task!r}; known tasks: {", ".join(TASKS)}')
    everywhere = np.ones(image.shape[:2], bool)
    if task == 'colourise':
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return np.repeat(grey[..., None] / 255, 3, axis=2), everywhere
    if task == 'jpeg':
        quality = int(rng.integers(5, 31))
        data = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1] / 255, everywhere
    missing = (_strokes if task == 'inpaint' else _border)(image.shape[:2], rng)
    return hide(image, missing, rng), missing


def _strokes(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draw free strokes and boxes: (H, W) bool, a tenth to a half of the picture."""
    height, width = size
    mask = np.zeros(size, np.uint8)
    share = rng.uniform(0.1, 0.5)
    while mask.mean() < share:
        u, v = rng.integers(width), rng.integers(height)
        if rng.random() < 0.5:
            w, h = (int(n * rng.uniform(0.1, 0.4)) for n in (width, height))
            cv2.rectangle(mask, (u, v), (u + w, v + h), 1, -1)
            continue
        for _ in range(rng.integers(2, 8)):
            angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.25) * width
            end = int(u + length * np.cos(angle)), int(v + length * np.sin(angle))
            cv2.line(mask, (int(u), int(v)), end, 1, max(2, round(0.05 * min(size))))
            u, v = end
    return mask > 0


def _border(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Cut off one side or all four: (H, W) bool, up to about a half of the picture."""
    height, width = size
    mask = np.ones(size, bool)
    top, bottom, left, right = (
        int(side * rng.uniform(0.05, 0.15)) for side in (height, height, width, width)
    )
    kind = rng.integers(5)
    if kind < 4:
        cut = [0, 0, 0, 0]
        cut[kind] = int((height if kind < 2 else width) * rng.uniform(0.2, 0.5))
        top, bottom, left, right = cut
    mask[top : height - bottom, left : width - right] = False
    return mask
