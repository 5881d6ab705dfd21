# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the protocols' loaders share: a set of frames, the crops, and the reading of files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from ..sample import Sample

Crop = Callable[[tuple[int, int]], tuple[slice, slice]]
Frame = tuple[str, Callable[[], Sample]]  # a name, unique in the set, and what reads it


class ProtocolSet:
    """
    Frames of a data set under a protocol; read like a `SampleSet`.

    path: root of the data set; name: of the report; domain: indoor, outdoor or other
    depth_range: metres; ground truth counts strictly inside, predictions are clamped to it
    expected: number of frames of the published protocol
    crop: (height, width) -> the rows and columns that count; None = all
    """

    def __init__(
        self,
        path: Path,
        name: str,
        domain: str,
        depth_range: tuple[float, float],
        frames: Sequence[Frame],
        expected: int,
        crop: Crop | None = None,
    ):
        self.path, self.name, self.domain = path, name, domain
        self.min_depth, self.max_depth = depth_range
        self.expected = expected
        self.stems = [stem for stem, _ in frames]
        self._frames = frames
        self._crop = crop

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, i: int) -> Sample:
        return self._frames[i][1]()

    def counted(self, depth: np.ndarray) -> np.ndarray:
        """
        Tell which ground truth counts.

        depth: (H, W), metres; returns: (H, W), bool
        """
        inside = (depth > self.min_depth) & (depth < self.max_depth)
        if self._crop is None:
            return inside
        rows, columns = self._crop(depth.shape)
        counted = np.zeros_like(inside)
        counted[rows, columns] = inside[rows, columns]
        return counted


def garg_crop(size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the part of a KITTI image that LiDAR covers, after Garg et al. 2016."""
    height, width = size
    rows = slice(int(0.40810811 * height), int(0.99189189 * height))
    return rows, slice(int(0.03594771 * width), int(0.96405229 * width))


def eigen_crop(size: tuple[int, int]) -> tuple[slice, slice]:
    """Return the part of an NYU frame that its projected depth covers, after Eigen et al. 2014."""
    return slice(45, 471), slice(41, 601)


def read_image(path: Path) -> np.ndarray:
    """Read a picture as (H, W, 3) uint8, RGB."""
    return cv2.cvtColor(_read(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_values(path: Path) -> np.ndarray:
    """Read a picture with the numbers that it stores, such as 16-bit depth or a mask."""
    return _read(path, cv2.IMREAD_UNCHANGED)


def _read(path: Path, flags: int) -> np.ndarray:
    if not path.is_file():
        raise FileNotFoundError(f'{path} is missing; complete the data set')
    pixels = cv2.imread(str(path), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise ValueError(f'{path} cannot be decoded; download it again')
    return pixels


def numbers(text: str) -> list[int]:
    """List the numbers of '3 8-10 20-40/10': 3 8 9 10 20 30 40."""
    found = []
    for part in text.split():
        span, _, step = part.partition('/')
        first, _, last = span.partition('-')
        found += range(int(first), int(last or first) + 1, int(step or 1))
    return found
