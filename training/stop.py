# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A polite end: SIGTERM and the first Ctrl-C let work in progress end or be put away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import signal
import threading

SIGNALLED = 128  # plus the signal's number: the exit code of what was told to stop


class Stop:
    """
    While it is entered, notes signals that ask to stop; a second Ctrl-C interrupts as ever.

    signal: the number of the signal that came, or 0
    """

    def __init__(self):
        self.signal = 0
        self._before = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():  # others may not set handlers
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind, value, traceback) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame) -> None:
        self.signal = number
        signal.signal(number, self._before[number])


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Let SIGTERM raise SystemExit, as Ctrl-C raises, so that files of unfinished work go."""

    def leave(number, frame):
        raise SystemExit(SIGNALLED + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
