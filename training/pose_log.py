# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Poses of one frame in another, as a recording brings them: 72 bytes each, in any order."""

from __future__ import annotations

from array import array

import numpy as np

MARGIN = 1_000_000_000  # nanoseconds around a part of a bag in which its last poses may arrive


class PoseLog:
    """
    An hour of an arm with 50 joints at 50 Hz is 9 million poses; as objects they are 2.4 GB.

    changed: when a pose for ever last took another value in the part of the bag, nanoseconds of
        the arrival; None = it did not
    """

    def __init__(self):
        self._times, self._values, self._arrivals = array('q'), array('d'), array('q')
        self._still: list[tuple[int, np.ndarray]] = []
        self.changed: int | None = None

    def add(self, values: np.ndarray, time: int | None, arrival: int = 0) -> None:
        """
        Add a pose.

        values: (7,), translation in metres, unit quaternion x y z w
        time: nanoseconds; None = for ever
        arrival: nanoseconds, not earlier than that of the pose before
        """
        if time is not None:
            self._times.append(time)
            self._values.extend(values)
            self._arrivals.append(arrival)
        elif not self._still or not np.allclose(self._still[-1][1], values, atol=1e-6):
            self._still.append((arrival, values))

    @property
    def arrivals(self) -> np.ndarray:
        """When the poses that have a time arrived: (N,) int64, nanoseconds."""
        return np.array(self._arrivals, np.int64)

    @property
    def times(self) -> np.ndarray:
        """Of the poses that have one, in the order of arrival: (N,) int64, nanoseconds."""
        return np.array(self._times, np.int64)

    def cut(self, start: int, stop: int) -> None:
        """
        Leave out what does not belong to a part of the bag.

        Around it poses count for a second more, but only such as go on where it ends: after a
        clock was set they would be mixed up with its own. Without any in it, all before it stay.

        start, stop: of the arrival, nanoseconds; stop is not included
        """
        times, arrivals = self.times, self.arrivals
        inside = (arrivals >= start) & (arrivals < stop)
        keep = arrivals < stop + MARGIN
        if inside.any():
            before = np.flatnonzero((arrivals < start) & (arrivals >= start - MARGIN))[::-1]
            after = np.flatnonzero(keep & (arrivals >= stop))
            keep = inside
            keep[before] = ~np.maximum.accumulate(times[before] >= times[inside].min())
            keep[after] = ~np.maximum.accumulate(times[after] <= times[keep].max())
        if not keep.all():
            values = np.array(self._values).reshape(-1, 7)[keep]
            self._times, self._arrivals = array('q', times[keep]), array('q', arrivals[keep])
            self._values = array('d', values.reshape(-1))
        # One that was sent only later is better than none.
        known = [one for one in self._still if one[0] < stop] or self._still[:1]
        within = [arrival for arrival, _ in known[1:] if start <= arrival]
        self._still, self.changed = known[-1:], within[-1] if within else None

    def sorted(self) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
        """
        Return what was added, by time; of several poses for one instant the last one counts.

        returns: times (N,) int64, nanoseconds, None = for ever; translations (N, 3), metres;
            quaternions (N, 4), x y z w, neighbours on one hemisphere
        """
        # A pose for ever and poses in time: the latter tell more.
        if self._times:
            # Of equals unique takes the first, so the last ones have to come first.
            times, last = np.unique(self.times[::-1], return_index=True)
            values = np.array(self._values).reshape(-1, 7)[::-1][last]
        else:
            times, values = None, self._still[-1][1]
        translations, quaternions = np.hsplit(values.reshape(-1, 7), [3])
        flips = np.sum(quaternions[1:] * quaternions[:-1], axis=1) < 0
        signs = np.cumprod(np.concatenate([[1], np.where(flips, -1, 1)]))
        return times, translations, quaternions * signs[:, None]
