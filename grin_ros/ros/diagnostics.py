# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a robot's operator sees on /diagnostics: rates, latency, losses, and what is wrong."""

from __future__ import annotations

from collections import deque
import time

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
import numpy as np

WINDOW = 10.0  # seconds that rates and latencies are taken over
SILENCE = 2.0  # seconds after which a stream counts as interrupted


class FrameMonitor:
    """
    Count frames on their way through the node; called from its threads.

    clock: seconds, monotonic
    """

    def __init__(self, clock=time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._received = deque()  # times
        self._published = deque()  # (time, latency in seconds)
        self._refusal = self._logged = (-np.inf, '')  # time, reason
        self._refused = 0

    def received(self) -> None:
        """Count a frame that came in."""
        self._received.append(self._clock())

    def published(self, latency: float) -> None:
        """Count a frame that went out, with the seconds from its stamp to now."""
        self._published.append((self._clock(), latency))

    def refuse(self, reason: str) -> bool:
        """Count a frame that could not be used; tell whether it is time to log the reason."""
        self._refused += 1
        self._refusal = (self._clock(), reason)
        due = reason != self._logged[1] or self._clock() - self._logged[0] >= WINDOW
        if due:
            self._logged = self._refusal
        return due

    def problem(self) -> str:
        """Return why frames do not get through at the moment, empty if they do."""
        now = self._clock()
        self._forget(now)
        if now - self._refusal[0] < SILENCE:
            return f'frames are refused: {self._refusal[1]}'
        if not self._received or now - self._received[-1] > SILENCE:
            return f'no image for {SILENCE:g} s; start the camera, or remap image to its topic'
        return ''

    def figures(self) -> dict[str, str]:
        """Return rates and latencies over the last seconds, and the refusals of all time."""
        now = self._clock()
        self._forget(now)
        span = max(min(now - self._start, WINDOW), 1e-3)
        figures = {
            'input_rate_hz': f'{len(self._received) / span:.2f}',
            'output_rate_hz': f'{len(self._published) / span:.2f}',
            'refused_frames': str(self._refused),
        }
        latencies = [1e3 * latency for _, latency in tuple(self._published)]
        for name, part in (('latency_p50_ms', 50), ('latency_p99_ms', 99)):
            figures[name] = f'{np.percentile(latencies, part):.1f}' if latencies else ''
        return figures

    def _forget(self, now: float) -> None:
        while self._received and now - self._received[0] > WINDOW:
            self._received.popleft()
        while self._published and now - self._published[0][0] > WINDOW:
            self._published.popleft()


def status(node: str, aspect: str, level: bytes, message: str, values: dict) -> DiagnosticStatus:
    """Make the status of one aspect of a node; level: a constant of DiagnosticStatus."""
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(
        name=f'{node}: {aspect}', level=level, message=message, hardware_id=node, values=pairs
    )
