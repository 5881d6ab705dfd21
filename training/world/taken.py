# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The room that a thing takes, and whether something else is there already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .geometry import Geometry

_SLACK = 0.05  # metres by which things may touch: skirting boards, carpets, round corners
_STEP = 0.25  # metres between the rays that feel a box


@dataclass(frozen=True)
class Taken:
    """
    An upright box.

    low, high: (3,), metres, in the thing's own axes; T: (4, 4), world from the thing, turned
    about +z only
    """

    low: np.ndarray
    high: np.ndarray
    T: np.ndarray

    @classmethod
    def by(cls, thing: Geometry, T: np.ndarray) -> Taken:
        """Return what a thing takes that T places."""
        return cls(*thing.bounds, T)

    def is_free(self, casters) -> bool:
        """Say whether no surface of a world runs through the box."""
        size = self.high - self.low
        slack = np.minimum(_SLACK, 0.25 * size)  # sheets stay as thick as half of themselves
        marks = [
            np.linspace(low + s, high - s, 2 + int((high - low) / _STEP))
            for low, high, s in zip(self.low, self.high, slack)
        ]
        starts, ends = [], []
        for axis in range(3):
            for list_, end in ((starts, 0), (ends, -1)):
                line = [*marks[:axis], marks[axis][end], *marks[axis + 1 :]]
                list_.append(np.stack(np.meshgrid(*line, indexing='ij'), axis=-1).reshape(-1, 3))
        R, t = self.T[:3, :3], self.T[:3, 3]
        start, end = (np.concatenate(some) @ R.T + t for some in (starts, ends))
        return bool(casters.visible(start.astype(np.float32), end.astype(np.float32)).all())

    def overlaps(self, other: Taken, slack=0.01) -> bool:
        """Say whether two boxes share more than slack [m] in every direction."""
        z, other_z = self.T[2, 3], other.T[2, 3]
        if min(self.high[2] + z, other.high[2] + other_z) < slack + max(
            self.low[2] + z, other.low[2] + other_z
        ):
            return False
        corners, others = self._ground(), other._ground()
        # Rectangles are apart if they are along a side of one of them.
        for axis in np.concatenate([self.T[:2, :2].T, other.T[:2, :2].T]):
            a, b = corners @ axis, others @ axis
            if min(a.max(), b.max()) < slack + max(a.min(), b.min()):
                return False
        return True

    def _ground(self) -> np.ndarray:
        x, y = np.transpose([self.low[:2], self.high[:2]])
        return np.array([[u, v] for u in x for v in y]) @ self.T[:2, :2].T + self.T[:2, 3]
