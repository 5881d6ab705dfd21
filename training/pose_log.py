# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Poses of one frame in another, as a recording brings them: 64 bytes each, in any order."""

from __future__ import annotations

from array import array

import numpy as np


class PoseLog:
    """An hour of an arm with 50 joints at 50 Hz is 9 million poses; as objects they are 2.4 GB."""

    def __init__(self):
        self._times, self._values = array('q'), array('d')
        self._still: np.ndarray | None = None

    def add(self, values: np.ndarray, time: int | None) -> None:
        """
        Add a pose.

        values: (7,), translation in metres, unit quaternion x y z w
        time: nanoseconds; None = for ever
        """
        if time is None:
            self._still = values
        else:
            self._times.append(time)
            self._values.extend(values)

    def sorted(self) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """
        Return what was added, by time; of several poses for one instant the last one counts.

        returns: times (N,) int64, nanoseconds, None = for ever; translations (N, 3), metres;
            quaternions (N, 4), x y z w, neighbours on one hemisphere
        """
        # A pose for ever and poses in time: the latter tell more.
        times, values = None, self._still
        if self._times:
            # Of equals unique takes the first, so the last ones have to come first.
            times, last = np.unique(np.array(self._times)[::-1], return_index=True)
            values = np.array(self._values).reshape(-1, 7)[::-1][last]
        translations, quaternions = np.hsplit(values.reshape(-1, 7), [3])
        flips = np.sum(quaternions[1:] * quaternions[:-1], axis=1) < 0
        signs = np.cumprod(np.concatenate([[1], np.where(flips, -1, 1)]))
        return times, translations, quaternions * signs[:, None]
