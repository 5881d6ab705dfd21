# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Newest frame wins, losses are counted, and no thread stays behind."""

from __future__ import annotations

import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from grin_ros.ros.newest import NewestWorker


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_of_each_burst_only_the_newest_is_worked_on(bursts):
    """While an item is in work a burst comes in: its last one is next, the others are dropped."""
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)
    done = []

    def work(item):
        begun.release()
        assert go_on.acquire(timeout=10)
        done.append(item)

    worker = NewestWorker(work)
    worker.put('first')
    expected = ['first']
    for number, size in enumerate(bursts):
        assert begun.acquire(timeout=10)
        for index in range(size):
            worker.put((number, index))
        expected.append((number, size - 1))
        go_on.release()
    assert begun.acquire(timeout=10)
    go_on.release()
    worker.stop()
    assert done == expected
    assert worker.replaced == sum(bursts) - len(bursts)


def test_stop_finishes_the_item_in_work_and_drops_the_one_that_waits():
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work(item):
        begun.set()
        assert go_on.wait(10)
        done.append(item)

    before = threading.active_count()
    worker = NewestWorker(work)
    worker.put(1)
    assert begun.wait(10)
    worker.put(2)
    threading.Timer(0.05, go_on.set).start()
    worker.stop()
    assert done == [1]
    assert threading.active_count() <= before + 1  # the timer's thread may still end


def test_an_idle_worker_stops_at_once():
    before = threading.active_count()
    worker = NewestWorker(print)
    assert threading.active_count() == before + 1
    worker.stop()
    assert threading.active_count() == before
