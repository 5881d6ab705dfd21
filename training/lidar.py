# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
LiDAR sweeps: points in the sensor's frame, and when each of them was measured.

Drivers agree neither on the name nor on the unit nor on the origin of a point's time. It is
recognised from the numbers, and only where they leave one reading: a unit in which a sweep lasts
about as long as sweeps are apart, counted from the header stamp or on the clock of the stamps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grin_ros.ros.from_msg import read_points

from .bag import stamp_of

TIME_FIELDS = ('t', 'time', 'timestamp', 'offset_time', 'time_offset', 't_offset', 'time_stamp')
UNITS = {'s': 1e9, 'ms': 1e6, 'us': 1e3, 'ns': 1.0}  # nanoseconds
# A sweep lasts so many periods: a sector scanner a part of one, two with a large margin.
SHORTEST, LONGEST = 0.05, 2.0


@dataclass(frozen=True)
class PointTime:
    """
    Where a point's time stands, and how it is counted.

    field: of the cloud
    unit: key of UNITS
    absolute: on the clock of the header stamps, else counted from the header stamp
    first, last: earliest and latest offset from the stamp that was seen, nanoseconds
    """

    field: str
    unit: str
    absolute: bool
    first: int = 0
    last: int = 0

    def offsets(self, values: np.ndarray, stamp: int) -> np.ndarray:
        """Return the nanoseconds from a sweep's stamp to its points: (N,) int64."""
        scale = UNITS[self.unit]
        if not self.absolute:
            return np.rint(values.astype(np.float64) * scale).astype(np.int64)
        if np.issubdtype(values.dtype, np.integer):
            return values.astype(np.int64) * int(scale) - stamp
        # Seconds since 1970 times 1e9 do not fit into a double: whole units go first.
        whole = int(stamp // scale)
        return np.rint((values - whole) * scale).astype(np.int64) - (stamp - int(whole * scale))

    def __str__(self) -> str:
        origin = 'on the clock of the stamps' if self.absolute else 'from the header stamp'
        first, last = (offset / 1e6 for offset in (self.first, self.last))
        return f'{self.field} [{self.unit}] {origin}, {first:+.1f} to {last:+.1f} ms'


@dataclass
class Sweep:
    """
    One PointCloud2.

    points: (N, 3) float32, metres, in the sensor's frame; finite
    offsets: (N,) int64, nanoseconds from the header stamp, or None where points have no time
    """

    points: np.ndarray
    offsets: np.ndarray | None = None


def read_sweep(message, time: PointTime | None = None, min_range: float = 0.0) -> Sweep:
    """
    Read a PointCloud2 without the points that are no measurements.

    time: how its points' time is read
    min_range: nearer points are the vehicle itself, metres
    """
    points, fields = read_points(message, (time.field,) if time else ())
    squared = np.einsum('ij,ij->i', points, points)
    # Rays without a return are NaN or the origin; comparisons with NaN are false.
    keep = (squared > min_range * min_range) & np.isfinite(squared)
    if time is None:
        return Sweep(points[keep])
    offsets = time.offsets(fields[time.field], stamp_of(message))
    # A point without a time has 0 or nonsense there.
    slack = max(time.last - time.first, 1_000_000)
    keep &= (offsets >= time.first - slack) & (offsets <= time.last + slack)
    return Sweep(points[keep], offsets[keep])


def recognise_time(messages: Sequence, period: float) -> tuple[PointTime | None, str]:
    """
    Find out which field of some sweeps is the time of a point, and how it counts.

    messages: PointCloud2 of one topic, several
    period: between sweeps, nanoseconds
    returns: it or None, and a sentence for the report
    """
    fields = _fields(messages)
    candidates = [name for name in TIME_FIELDS if name in fields]
    if not candidates:
        return None, f'the points carry no time (fields {", ".join(fields)}): not deskewed'
    reasons = []
    for name in candidates:
        pairs = [pair for pair in _values(messages, name) if len(pair[0])]
        if not pairs:
            reasons.append(f'{name} has no value')
            continue
        found = [_reading(name, v, stamp, period) for v, stamp in pairs]
        if all(one and (one.unit, one.absolute) == (found[0].unit, found[0].absolute)
               for one in found):  # fmt: skip
            first, last = min(one.first for one in found), max(one.last for one in found)
            time = PointTime(name, found[0].unit, found[0].absolute, first, last)
            return time, f'time of a point: {time}'
        low, high = (f([f(v) for v, _ in pairs]) for f in (min, max))
        reasons.append(
            f'{name} runs from {low:.15g} to {high:.15g}, sweeps are {period / 1e9:.3g} s apart'
        )
    return None, (
        f'the time of points is not understood ({"; ".join(reasons)}): not deskewed; '
        'say it with --point-time FIELD:UNIT:stamp or FIELD:UNIT:clock'
    )


def parse_time(text: str, messages: Sequence) -> PointTime:
    """Read FIELD:UNIT:stamp or FIELD:UNIT:clock and measure its span on some sweeps."""
    parts = text.split(':')
    if len(parts) != 3 or parts[1] not in UNITS or parts[2] not in ('stamp', 'clock'):
        raise ValueError(
            f'--point-time {text!r} is neither auto nor FIELD:UNIT:ORIGIN with a UNIT of '
            f'{", ".join(UNITS)} and ORIGIN stamp (counted from the header stamp) or clock; '
            'to move sweeps as a whole, pass --no-deskew'
        )
    fields = _fields(messages)
    if fields and parts[0] not in fields:
        raise ValueError(
            f'--point-time {text!r}: the points have no field {parts[0]!r}, they have '
            f'{", ".join(fields)}'
        )
    time = PointTime(parts[0], parts[1], parts[2] == 'clock')
    spans = [time.offsets(v, stamp) for v, stamp in _values(messages, time.field)]
    known = [span for span in spans if len(span)]
    first, last = (int(f([f(span) for span in known])) for f in (min, max)) if known else (0, 0)
    return PointTime(time.field, time.unit, time.absolute, first, last)


def _fields(messages: Sequence) -> list[str]:
    """Name the fields of any sweep; an empty one may lack them."""
    return list(dict.fromkeys(field.name for m in messages for field in m.fields))


def _values(messages: Sequence, name: str) -> list[tuple[np.ndarray, int]]:
    """Return one field and the stamp of each sweep that can be read; raise if none can."""
    found, reason = [], None
    for message in messages:
        try:
            found.append((_measured(message, name), stamp_of(message)))
        except ValueError as error:  # such as an empty sweep while the LiDAR starts
            reason = error
    if reason and not found:
        raise ValueError(
            f'none of {len(messages)} sweeps that were looked at can be read ({reason}); choose '
            'another topic with --points, or leave that part out with --start and --end'
        )
    return found


def _measured(message, name: str) -> np.ndarray:
    """Return one field of the points that are measurements."""
    points, fields = read_points(message, (name,))
    values = fields[name]
    keep = np.isfinite(points).all(axis=1) & points.any(axis=1)
    if np.issubdtype(values.dtype, np.floating):
        keep &= np.isfinite(values)
    return values[keep]


def _reading(name: str, values: np.ndarray, stamp: int, period: float) -> PointTime | None:
    """Return the one reading of a sweep's times that makes sense, or None."""
    span = float(values.max()) - float(values.min())
    units = [u for u, scale in UNITS.items() if SHORTEST <= span * scale / period <= LONGEST]
    if len(units) != 1:
        return None
    for absolute in (False, True):
        time = PointTime(name, units[0], absolute)
        if not absolute and np.abs(values.astype(float)).max() * UNITS[units[0]] > 1e18:
            continue
        offsets = time.offsets(values, stamp)
        first, last = int(offsets.min()), int(offsets.max())
        # Such that the sweep touches its own stamp, before or after it.
        if max(abs(first), abs(last)) <= LONGEST * period:
            return PointTime(name, units[0], absolute, first, last)
    return None
