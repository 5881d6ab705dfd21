# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Newest frame wins, losses are counted, and no thread stays behind."""

from __future__ import annotations

import threading
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from grin_ros.ros.newest import NewestWorker


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_of_each_burst_only_the_newest_is_worked_on(bursts):
    """While an item is in work a burst comes in: its last one is next, the others are dropped."""
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)
    done = []

    def work(items, alive):
        begun.release()
        assert go_on.acquire(timeout=10) and alive()
        done.append(items['camera'])

    worker = NewestWorker(work)
    worker.put('camera', 'first')
    expected = ['first']
    for number, size in enumerate(bursts):
        assert begun.acquire(timeout=10)
        for index in range(size):
            worker.put('camera', (number, index))
        expected.append((number, size - 1))
        go_on.release()
    assert begun.acquire(timeout=10)
    go_on.release()
    while len(done) < len(expected):
        time.sleep(0.001)
    worker.stop()
    worker.join()
    assert done == expected
    assert worker.replaced['camera'] == sum(bursts) - len(bursts)


def test_stop_returns_at_once_tells_the_work_and_drops_what_waits():
    begun, go_on, wanted = threading.Event(), threading.Event(), []

    def work(items, alive):
        wanted.append((items, alive()))
        begun.set()
        assert go_on.wait(10)
        wanted.append((items, alive()))

    worker = NewestWorker(work)
    worker.put('camera', 1)
    assert begun.wait(10)
    worker.put('camera', 2)
    start = time.monotonic()
    worker.stop()
    assert time.monotonic() - start < 0.2
    go_on.set()
    worker.join()
    assert wanted == [({'camera': 1}, True), ({'camera': 1}, False)]


def test_an_idle_worker_stops_at_once():
    before = threading.active_count()
    worker = NewestWorker(print)
    assert threading.active_count() == before + 1
    worker.stop()
    worker.join()
    assert threading.active_count() == before


def test_what_comes_within_the_window_is_worked_on_together():
    batches, done = [], threading.Event()

    def work(items, alive):
        batches.append(items)
        done.set()

    worker = NewestWorker(work, sources=3, window=30.0)
    start = time.monotonic()
    for source in 'abc':
        worker.put(source, source.upper())
    assert done.wait(10) and time.monotonic() - start < 10, 'complete, so nothing to wait for'
    assert batches == [{'a': 'A', 'b': 'B', 'c': 'C'}]
    worker.stop()
    worker.join()

    done.clear()
    worker = NewestWorker(work, sources=2, window=0.05)
    worker.put('a', 'alone')
    assert done.wait(10), 'the others are not waited for without end'
    assert batches[1:] == [{'a': 'alone'}]
    worker.stop()
    worker.join()


def test_a_fast_source_does_not_starve_a_slow_one():
    rounds = []

    def work(items, alive):
        rounds.append(set(items))
        time.sleep(0.02)

    worker = NewestWorker(work, sources=2)
    for number in range(200):
        worker.put('fast', number)
        if number % 40 == 0:
            worker.put('slow', number)
        time.sleep(0.002)
    worker.stop()
    worker.join()
    assert sum('slow' in sources for sources in rounds) == 5
    assert worker.replaced['slow'] == 0 and worker.replaced['fast'] > 50
