# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Work beside the executor: what it gives, what it raises, and what it keeps of it."""

from __future__ import annotations

import contextlib
import gc
import weakref

import pytest

pytest.importorskip('rclpy')

from grin_ros.ros.background import Background


class Big:
    """Stands for a model."""


def through(background):
    """Call a waiting coroutine again and again, as an executor does."""

    async def wait():
        return await background

    waiting = wait()
    while True:
        try:
            waiting.send(None)
        except StopIteration as end:
            return end.value


def test_the_result_is_given_and_not_kept():
    background = Background(Big)
    found = weakref.ref(through(background))
    assert found() is None


def test_an_error_is_raised_and_keeps_nothing_of_what_was_made():
    made = []

    def work():
        big = Big()
        made.append(weakref.ref(big))
        raise RuntimeError('it does not fit')

    gc.disable()  # which would find a cycle sooner or later
    try:
        with pytest.raises(RuntimeError, match='it does not fit'):
            through(Background(work))
        with contextlib.suppress(RuntimeError):
            through(Background(work))
        assert made[1]() is None
    finally:
        gc.enable()
