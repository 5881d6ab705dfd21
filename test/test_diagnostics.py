# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Rates, latencies and complaints, against a clock that we turn by hand."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('diagnostic_msgs')

from grin_ros.ros.diagnostics import FrameMonitor, status


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_rates_and_latencies_over_the_last_ten_seconds(clock):
    monitor = FrameMonitor(clock)
    for index in range(400):  # 20 s at 20 Hz in, 10 Hz out
        clock.now = 100 + (index + 1) * 0.05
        monitor.received(clock.now - 0.2, clock.now)
        if index % 2:
            monitor.published(0.001 * index)
    figures = monitor.input_figures() | monitor.output_figures()
    assert figures['stamp_offset_ms'] == '200.0' and figures['time_jumps'] == '0'
    assert float(figures['input_rate_hz']) == pytest.approx(20, abs=0.2)
    assert float(figures['output_rate_hz']) == pytest.approx(10, abs=0.2)
    assert monitor.latency == pytest.approx(0.3, abs=0.002)
    recent = np.arange(201, 400, 2)
    assert float(figures['latency_p50_ms']) == pytest.approx(np.median(recent), abs=2)
    assert float(figures['latency_p99_ms']) == pytest.approx(np.percentile(recent, 99), abs=2)


def test_a_young_monitor_counts_since_its_start(clock):
    monitor = FrameMonitor(clock)
    assert monitor.output_figures()['latency_p50_ms'] == ''
    assert monitor.input_figures()['stamp_offset_ms'] == ''
    for _ in range(10):
        clock.now += 0.1
        monitor.received(clock.now, clock.now)
    assert float(monitor.input_figures()['input_rate_hz']) == pytest.approx(10)


def test_complaints_come_and_go(clock):
    monitor = FrameMonitor(clock)
    clock.now += 3
    assert monitor.silence == 3 and monitor.complaint() == ''
    monitor.received(50.0, 50.5)
    assert monitor.silence == 0
    monitor.refuse('no such encoding')
    assert monitor.complaint() == 'frames are refused: no such encoding'
    clock.now += 2.1
    assert monitor.complaint() == '' and monitor.silence == pytest.approx(2.1)
    assert monitor.input_figures()['refused_frames'] == '1'


def test_a_missing_topic_is_no_refused_frame(clock):
    monitor = FrameMonitor(clock)
    assert monitor.missing() == '' and monitor.miss('no points: why')
    assert not monitor.miss('no points: why'), 'said a moment ago'
    assert (monitor.missing(), monitor.complaint()) == ('no points: why', '')
    assert monitor.input_figures()['refused_frames'] == '0'
    clock.now += 2.1
    assert monitor.missing() == ''


def test_a_bag_that_begins_anew_is_noticed_and_passes(clock):
    monitor = FrameMonitor(clock)
    for stamp in (10.0, 11.0, 12.0, 12.0, 10.0):  # twice the same is no jump
        monitor.received(stamp, stamp)
    assert monitor.complaint().startswith('stamps went back by 2 s')
    assert monitor.input_figures()['time_jumps'] == '1'
    clock.now += 2.1
    monitor.received(11.0, 11.0)
    assert monitor.complaint() == ''


def test_a_reason_is_logged_when_it_is_new_or_old(clock):
    monitor = FrameMonitor(clock)
    assert [monitor.refuse(reason) for reason in 'aabab'] == [True, False, True, False, False]
    assert [monitor.miss(f'no transform at {t}') for t in (17.25, 17.3)] == [True, False]
    clock.now += 9
    assert not monitor.refuse('b')
    clock.now += 2
    assert monitor.refuse('b')
    assert [monitor.miss(f'no transform at {t}') for t in (28, 29.5)] == [True, False]


def test_status_carries_text_only():
    made = status('front/grin_depth', 'depth', b'\x01', 'idle', {'dropped_frames': 3})
    assert (made.name, made.hardware_id) == ('front/grin_depth: depth', 'front/grin_depth')
    assert (made.level, made.message) == (b'\x01', 'idle')
    assert [(pair.key, pair.value) for pair in made.values] == [('dropped_frames', '3')]
