# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a robot's operator sees on /diagnostics: rates, latency, losses, and what is wrong."""

from __future__ import annotations

from collections import deque
import re
import time

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
import numpy as np

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
WINDOW = 10.0  # seconds that rates and latencies are taken over
RECENT = 2.0  # seconds that a refusal, a missing topic or a jump of the time is worth a warning


class FrameMonitor:
    """
    Count the frames of one camera on their way through the node; called from its threads.

    clock: seconds, monotonic

    `last` is when a frame came, or since when we listen.
    """

    def __init__(self, clock=time.monotonic) -> None:
        self._clock = clock
        self._start = self.last = clock()
        self._received = deque()  # (time, seconds from its stamp to now)
        self._published = deque()  # (time, latency in seconds)
        self._refusal = self._miss = self._jump = (-np.inf, '')  # time, reason
        self._logged = {}  # reason without its numbers -> time
        self._refused = self._jumps = 0
        self._stamp = -np.inf

    def received(self, stamp: float, now: float) -> float:
        """
        Count a frame that came in; returns by how many seconds its stamp is before the last one.

        stamp, now: seconds on the clock of the node
        """
        back = max(self._stamp - stamp, 0.0)
        if back:
            self._jumps += 1
            text = f'stamps went back by {back:.3g} s, as where a bag begins anew'
            self._jump = (self._clock(), text)
        self._stamp = stamp
        self.last = self._clock()
        self._received.append((self.last, now - stamp))
        return back

    def published(self, latency: float) -> None:
        """Count a frame that went out, with the seconds from its stamp to now."""
        self._published.append((self._clock(), latency))

    def refuse(self, reason: str) -> bool:
        """Count a frame that could not be used; tell whether it is time to log the reason."""
        self._refused += 1
        self._refusal = (self._clock(), reason)
        return self._due(reason)

    def miss(self, reason: str) -> bool:
        """Note what a frame went out without, and why; tell whether it is time to log it."""
        self._miss = (self._clock(), reason)
        return self._due(reason)

    def _due(self, reason: str) -> bool:
        reason = re.sub(r'[\d.]+', '', reason)  # the times of a transform are others in each frame
        now = self._clock()
        due = now - self._logged.get(reason, -np.inf) >= WINDOW
        if due:
            self._logged = {r: t for r, t in self._logged.items() if now - t < WINDOW}
            self._logged[reason] = now
        return due

    @property
    def silence(self) -> float:
        """Seconds since a frame came, or since we listen."""
        return self._clock() - self.last

    @property
    def offset(self) -> float:
        """Median over the last seconds of the time from stamp to reception, seconds."""
        self._forget()
        return float(np.median([offset for _, offset in tuple(self._received)] or [0.0]))

    @property
    def latency(self) -> float:
        """Median over the last seconds of the time from stamp to publication, seconds."""
        self._forget()
        return float(np.median([latency for _, latency in tuple(self._published)] or [0.0]))

    def complaint(self) -> str:
        """Return why frames were refused or looked odd in the last moments, empty if not."""
        now = self._clock()
        if now - self._refusal[0] < RECENT:
            return f'frames are refused: {self._refusal[1]}'
        return self._jump[1] if now - self._jump[0] < RECENT else ''

    def missing(self) -> str:
        """Return what was missing in the last moments and why, empty if nothing was."""
        return self._miss[1] if self._clock() - self._miss[0] < RECENT else ''

    def input_figures(self) -> dict[str, str]:
        """Return what came in over the last seconds, and the refusals of all time."""
        self._forget()
        return {
            'input_rate_hz': f'{len(self._received) / self._span:.2f}',
            'stamp_offset_ms': f'{1e3 * self.offset:.1f}' if self._received else '',
            'refused_frames': str(self._refused),
            'time_jumps': str(self._jumps),
        }

    def output_figures(self) -> dict[str, str]:
        """Return what went out over the last seconds."""
        self._forget()
        figures = {'output_rate_hz': f'{len(self._published) / self._span:.2f}'}
        latencies = [1e3 * latency for _, latency in tuple(self._published)]
        for name, part in (('latency_p50_ms', 50), ('latency_p99_ms', 99)):
            figures[name] = f'{np.percentile(latencies, part):.1f}' if latencies else ''
        return figures

    @property
    def _span(self) -> float:
        return max(min(self._clock() - self._start, WINDOW), 1e-3)

    def _forget(self) -> None:
        now = self._clock()
        for times in (self._received, self._published):
            while times and now - times[0][0] > WINDOW:
                times.popleft()


def status(node: str, aspect: str, level: bytes, message: str, values: dict) -> DiagnosticStatus:
    """Make the status of one aspect of a node; level: a constant of DiagnosticStatus."""
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(
        name=f'{node}: {aspect}', level=level, message=message, hardware_id=node, values=pairs
    )


def sentence(error: Exception) -> str:
    """Return what an error says, in one line."""
    return ' '.join(str(error).split()) or type(error).__name__
