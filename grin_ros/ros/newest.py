# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A slot for the newest item and one thread that works on it: bounded delay by construction."""

from __future__ import annotations

from collections.abc import Callable
import threading
from typing import Any


class NewestWorker:
    """
    Work on the newest item in a thread of its own; an item that was not begun is replaced.

    work: called with one item at a time; it has to handle its own errors
    """

    def __init__(self, work: Callable[[Any], None]) -> None:
        self.replaced = 0
        self._work = work
        self._item = None
        self._running = True
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name='newest_worker')
        self._thread.start()

    def put(self, item: Any) -> None:
        """Store the item, which must not be None, in place of the one that waits."""
        with self._condition:
            self.replaced += self._item is not None
            self._item = item
            self._condition.notify()

    def stop(self) -> None:
        """Drop the item that waits and return when the one in work is done."""
        with self._condition:
            self._running = False
            self._condition.notify()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._item is not None or not self._running)
                if not self._running:
                    return
                item, self._item = self._item, None
            self._work(item)
