# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The clocks of a recording: whether its stamps are on one clock, and whether that was set.

Stamps that match prove nothing: in a long bag every image finds a sweep of another moment. When
messages arrived is on one clock for all of them, and a sensor's delay is a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from .extract_config import ExtractConfig
from .fixed_frame import named
from .tf import Transforms

LATE = 1_000_000_000  # nanoseconds; no single message is as late as that
MOVED = 500_000_000  # nanoseconds by which delays of two sources change if a clock was set
PERIODS = 3  # of a topic; a step back by more is no message that was overtaken
PLAUSIBLE = 5.0  # seconds; no chain of drivers and networks is as slow as that
AHEAD = 0.4  # of max_skew: so much before its stamp a message may arrive


@dataclass(frozen=True)
class Clock:
    """
    When the messages of one source were stamped and when they arrived.

    name: of the source, for people
    arrival, stamps: (N,) int64, nanoseconds, in the order of arrival
    """

    name: str
    arrival: np.ndarray
    stamps: np.ndarray

    def delay(self, spread: float) -> float | None:
        """
        Return the median from stamp to arrival, seconds; None = the arrival tells nothing.

        spread: seconds; delays that vary by more are a converter's, which wrote its own time
        """
        if not len(self.arrival) or not np.ptp(self.arrival):
            return None
        low, middle, high = np.percentile((self.arrival - self.stamps) / 1e9, [25, 50, 75])
        return float(middle) if high - low <= spread else None


def pose_clocks(
    transforms: Transforms, frames: tuple[str | None, str, str], start: int, stop: int
) -> list[Clock]:
    """
    Return the clocks of the transforms in use that move, the vehicle's own motion first.

    frames: the fixed one or None, that of the camera, that of the LiDAR
    start, stop: of the arrival, nanoseconds
    """
    fixed, camera, lidar = frames
    if fixed is None:
        return []
    links = transforms.links(fixed, camera) + transforms.links(camera, lidar)
    # From the map to the odometry is a correction, which localizers date ahead by a second.
    own = [link for link in links if not named(link[1])] or links
    clocks = []
    for link in dict.fromkeys(own):
        log = transforms.log(link)
        arrivals, times = log.arrivals, log.times
        inside = (arrivals >= start) & (arrivals < stop)
        name = f'{link[0]} -> {link[1]} of tf or odometry'
        clocks.append(Clock(name, arrivals[inside], times[inside]))
    return clocks


def check_steady(path: str, start: int, clocks: Sequence[Clock]) -> None:
    """
    Refuse a clock that is set back, or against that of the first source, within the recording.

    start: of the bag, nanoseconds
    """
    for clock in clocks:
        _check_set_back(path, start, clock)
    for clock in clocks[1:]:
        _check_moved(path, start, clocks[0], clock)


def check_same(
    path: str, images: Clock, sweeps: Clock, poses: Sequence[Clock], config: ExtractConfig
) -> None:
    """
    Refuse sources on different clocks, by the medians from stamp to arrival.

    poses: of what moves, the vehicle's own motion first
    """
    clocks = (images, sweeps, *poses)
    known = [(d, clock) for clock in clocks if (d := clock.delay(config.max_skew / 2)) is not None]
    if len(known) < 2:
        return
    (early, first), (late, last) = (f(known, key=lambda pair: pair[0]) for f in (min, max))
    limit = AHEAD * config.max_skew
    # If some arrive soon after their stamps, the recorder is on their clock.
    ahead = early < -limit and late > -limit / 4
    if late - early <= config.max_skew and not ahead:
        return
    delays = {clock.name: delay for delay, clock in known}
    base = next((delays[c.name] for c in (*poses, sweeps) if c.name in delays), late)
    if images.name in delays and abs(delays.get(sweeps.name, base) - delays[images.name]) < limit:
        delays[sweeps.name] = delays[images.name]  # on one clock, and so they stay
    remedies = []
    for clock, option, given in (
        (images, '--image-offset', config.image_offset),
        (sweeps, '--points-offset', config.points_offset),
    ):
        shift = delays.get(clock.name, base) - base
        if abs(shift) > limit / 2:
            remedies.append(f'{option} {given + shift:.3f}')
    told = f'{" ".join(remedies)} (good to a tenth of a second), or ' if remedies else ''
    told += '--stamps receive'
    enough = max(late - early, -early / AHEAD if ahead else 0)
    if enough < PLAUSIBLE:
        told += f', or --max-skew {ceil(10 * enough + 0.5) / 10:g} if the stamps are right'
    raise ValueError(
        f'{path}: two clocks: {first.name} arrive {_after(early)} their stamps, {last.name} '
        f'{_after(late)} theirs: pass {told}'
    )


def _after(delay: float) -> str:
    return f'{abs(delay):.3f} s {"after" if delay >= 0 else "before"}'


def _check_set_back(path: str, start: int, clock: Clock) -> None:
    steps = np.diff(clock.stamps)
    forward = steps[steps > 0]
    period = float(np.median(forward)) if len(forward) else 0.0
    for at in np.flatnonzero(steps < -min(PERIODS * period, LATE)):
        # A message that was overtaken is alone; a clock that was set stays behind.
        then = clock.stamps[at + 1 : at + 1 + PERIODS]
        stays = len(then) > 1 and then.max() < clock.stamps[at] and np.ptp(clock.arrival)
        if steps[at] < -LATE or stays:
            raise ValueError(
                f'{path}: the clock jumps: the stamps of {clock.name} go back by '
                f'{-steps[at] / 1e9:.2f} s, {(clock.arrival[at + 1] - start) / 1e9:.1f} s '
                'after the start of the bag; cut it there with --start and --end, in seconds'
            )


def _check_moved(path: str, start: int, one: Clock, other: Clock) -> None:
    if not len(one.arrival):
        return
    delay = np.interp(other.arrival, one.arrival, (one.stamps - one.arrival).astype(float))
    relative = other.stamps - other.arrival - delay
    steps = np.abs(np.diff(relative))
    if not len(steps) or steps.max() <= MOVED:
        return
    at = int(steps.argmax()) + 1
    # The median tells a clock that was set from a single message that came late.
    change = abs(np.median(relative[at:]) - np.median(relative[:at]))
    if change > MOVED:
        raise ValueError(
            f'{path}: the clock jumps: the stamps of {one.name} and {other.name} move apart by '
            f'{change / 1e9:.1f} s, {(other.arrival[at] - start) / 1e9:.1f} s after the start of '
            'the bag; cut it there with --start and --end, in seconds'
        )
