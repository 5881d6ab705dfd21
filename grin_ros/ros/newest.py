# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Slots for the newest items and one thread that works on them: bounded delay by construction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
import threading
from typing import Any


class NewestWorker:
    """
    Work on the newest items in a thread of its own; an item that was not begun is replaced.

    Whatever waits when the thread is free is worked on together, so no source can starve another.

    work: called with {source: item} and a function that tells whether the outcome is still
        wanted; it has to handle its own errors
    sources: how many there are
    window: seconds that an item waits for those of the other sources
    """

    def __init__(
        self,
        work: Callable[[dict[Hashable, Any], Callable[[], bool]], None],
        sources: int = 1,
        window: float = 0.0,
    ) -> None:
        self.replaced = Counter()
        self._work, self._sources, self._window = work, sources, window
        self._items = {}
        self._running = True
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name='newest_worker')
        self._thread.start()

    def put(self, source: Hashable, item: Any) -> None:
        """Store the item of a source in place of the one that waits."""
        with self._condition:
            self.replaced[source] += source in self._items
            self._items[source] = item
            self._condition.notify()

    def stop(self) -> None:
        """Drop the items that wait; the one in work goes on."""
        with self._condition:
            self._running = False
            self._condition.notify()

    def join(self) -> None:
        """Return when the items in work are done, after a stop."""
        self._thread.join()

    def _loop(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._items or not self._running)
                self._condition.wait_for(
                    lambda: len(self._items) == self._sources or not self._running, self._window
                )
                if not self._running:
                    return
                items, self._items = self._items, {}
            self._work(items, lambda: self._running)
            del items  # nor hold on to megabytes while waiting
