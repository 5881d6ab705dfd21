# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The soak's bookkeeping notices what it is there for."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from sensor_msgs.msg import Image
from std_msgs.msg import Header

from grin_ros.plane import load_plane
from grin_ros.ros.to_msg import depth_image
from robot.camera import DIGIT, SIZES
from robot.soak import verdict
from robot.watcher import Watcher


@pytest.fixture
def watcher():
    node = SimpleNamespace(create_subscription=lambda *_, **__: None)
    return Watcher(node, kills=[])


def came(watcher, topic, stamps):
    now = time.monotonic() - 100
    watcher.came[topic].update({stamp: now + seconds for stamp, seconds in stamps.items()})


def answered(watcher, stamps):
    for topic in ('depth/image', 'points'):
        came(watcher, topic, stamps)


def test_only_what_no_newer_frame_replaced_is_lost(watcher):
    came(watcher, 'image', {10: 0.0, 20: 0.1, 30: 0.2, 40: 20.0, 50 + DIGIT: 40.0})
    answered(watcher, {30: 0.3})
    assert watcher.good() == [10, 20, 30, 40]
    assert watcher.lost() == [40]
    answered(watcher, {40: 25.0})
    assert watcher.lost() == [], 'late is not lost'
    del watcher.came['points'][30]
    assert watcher.lost() == [30], 'the cloud is missing'
    watcher.dead.append((watcher.came['image'][30] - 1, watcher.came['image'][30] + 1))
    assert watcher.lost() == []


def test_a_frame_that_was_cut_off_with_its_camera_is_not_lost(watcher):
    came(watcher, 'image', {10: 0.0})
    assert watcher.lost() == [10]
    watcher._kills.append(watcher.came['image'][10] + 0.1)
    assert watcher.lost() == []


def test_a_wall_in_the_wrong_place_or_of_another_size_is_wrong(watcher):
    size = SIZES[3]
    depth = load_plane().infer(np.zeros((*size, 3), np.uint8), None).depth
    watcher._check(3, depth_image(depth, Header()))
    assert watcher.wrong == []
    watcher._check(3, depth_image(1.1 * depth, Header()))
    watcher._check(1, depth_image(np.vstack([depth] * 3), Header()))
    assert len(watcher.wrong) == 2
    watcher._check(DIGIT, Image())


def test_the_verdict_names_what_is_wrong():
    memory = {'VmRSS': {'slope_mib_per_minute': 0.2}}
    frames = {'lost': [], 'wrong': []}
    good = {'frames': frames, 'memory': memory, 'not_overcome': [], 'tracebacks': 0}
    good['exit_code'] = 0
    assert verdict(good) == []
    for change in (
        {'frames': frames | {'lost': ['3 s']}},
        {'frames': frames | {'wrong': ['7 m']}},
        {'memory': {'VmRSS': {'slope_mib_per_minute': 1.0}}},
        {'not_overcome': ['reload']},
        {'tracebacks': 1},
        {'exit_code': -11},
    ):
        assert len(verdict(good | change)) == 1
