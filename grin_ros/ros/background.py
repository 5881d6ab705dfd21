# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Work that takes seconds, in a thread of its own that ends with it."""

from __future__ import annotations

from collections.abc import Callable
import threading

SLICE = 0.005  # seconds; how long other callbacks may wait for us


class Background:
    """
    A function that runs in a thread of its own.

    A callback that is a coroutine awaits its result, while the executor goes on answering;
    `result` waits for it.

    work: without arguments; what it raises is raised where it is awaited
    """

    def __init__(self, work: Callable) -> None:
        self._work = work
        self._result = self._error = None
        self._thread = threading.Thread(target=self._run, name='background')
        self._thread.start()

    def __await__(self):
        while self._thread.is_alive():
            # Executors call a waiting coroutine again at once: the pause keeps them from spinning.
            self._thread.join(SLICE)
            yield
        return self.result()

    def result(self):
        """Wait for what the work returns, and return it."""
        self._thread.join()
        result, error = self._result, self._error
        self._result = self._error = None
        try:
            if error is not None:
                raise error
            return result
        finally:
            # Its traceback holds this frame and that of the work: a cycle around all that was made
            # there, such as a model, which would stay until the garbage collector's longest round.
            del error

    def _run(self) -> None:
        try:
            self._result = self._work()
        except Exception as error:
            self._error = error
