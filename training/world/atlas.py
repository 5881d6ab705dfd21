# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Many images of any size in one array, with mip levels, looked up for all pixels at once."""

from __future__ import annotations

import cv2
import numpy as np

_LEVELS = 11
_LINEAR = (np.arange(256, dtype=np.float32) / 255) ** np.float32(2.2)


class Atlas:
    """
    A growing collection of images.

    shape: (M, 11, 2), height and width of every mip level; all levels past the smallest repeat it
    """

    def __init__(self):
        self._texels, self._starts, self._shapes, self._end = [], [], [], 0
        self._flat = None

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, image: np.ndarray) -> int:
        """Add an (h, w, 3) uint8 sRGB image and return its index."""
        starts, shapes = [], []
        for _ in range(_LEVELS):
            starts.append(self._end)
            shapes.append(image.shape[:2])
            h, w = image.shape[:2]
            if min(h, w) > 1:
                self._texels.append(image.reshape(-1, 3))
                self._end += h * w
                image = cv2.resize(image, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
            elif len(starts) == _LEVELS or starts.count(self._end) == 1:
                self._texels.append(image.reshape(-1, 3))
                last = self._end
                self._end += h * w
                starts += [last] * (_LEVELS - len(starts))
                shapes += [(h, w)] * (_LEVELS - len(shapes))
                break
        self._starts.append(starts)
        self._shapes.append(shapes)
        self._flat = None
        return len(self) - 1

    def sample(self, index, uv, repeats_per_pixel) -> np.ndarray:
        """
        Look texels up, bilinearly in the mip level that fits; images repeat in both directions.

        index: (N,); uv: (N, 2), repeats, v down; repeats_per_pixel: (N,), footprint of a pixel
        returns: (N, 3) float32, linear RGB
        """
        if self._flat is None:
            self._flat = np.concatenate(self._texels)
            self._start, self._shape = np.array(self._starts), np.array(self._shapes)
        side = np.sqrt(self._shape[:, 0].prod(axis=1))[index]
        level = np.rint(np.log2(np.maximum(repeats_per_pixel * side, 1.0))).astype(np.int64)
        level = np.minimum(level, _LEVELS - 1)
        start, (h, w) = self._start[index, level], self._shape[index, level].T
        x = (uv[:, 0] - np.floor(uv[:, 0])) * w - np.float32(0.5)
        y = (uv[:, 1] - np.floor(uv[:, 1])) * h - np.float32(0.5)
        x_0, y_0 = np.floor(x), np.floor(y)
        fx, fy = (x - x_0)[:, None].astype(np.float32), (y - y_0)[:, None].astype(np.float32)
        left, top = x_0.astype(np.int64), y_0.astype(np.int64)
        right, low = np.where(left + 1 >= w, 0, left + 1), np.where(top + 1 >= h, 0, top + 1)
        left, top = np.where(left < 0, w - 1, left), np.where(top < 0, h - 1, top)
        top, low = start + top * w, start + low * w
        upper = self._texel(top + left) * (1 - fx) + self._texel(top + right) * fx
        lower = self._texel(low + left) * (1 - fx) + self._texel(low + right) * fx
        return upper * (1 - fy) + lower * fy

    def _texel(self, at):
        return _LINEAR[self._flat[at]]
