# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Who computes: one thread at a time has helpers of OpenMP, or all of them take turns in sleeping.

Two threads that ever computed with helpers took twice as long for a frame, each of them.
"""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from ros_node import Pipeline
import torch

from grin_ros.ros.depth_node import DepthNode
from grin_ros.training.loader import load_ahead


@pytest.fixture
def context(ros_domain_id):
    import rclpy

    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain_id)
    yield context
    context.try_shutdown()


def test_no_thread_that_computed_is_left_when_the_node_has_its_model(context):
    computed = []

    class Remembers(Pipeline):
        def infer_batch(self, *args, **options):
            computed.append(threading.current_thread())
            return super().infer_batch(*args, **options)

    def load(path, device):
        computed.append(threading.current_thread())
        return Remembers()

    node = DepthNode(load, context=context)
    node.start()
    try:
        assert len(computed) == 2  # loaded, and warmed up
        assert not any(thread.is_alive() for thread in computed)
    finally:
        node.release()
        node.join()
        node.destroy_node()


def test_what_is_wrong_with_a_model_is_told_from_its_thread(context):
    def load(path, device):
        raise ValueError('there is no such checkpoint')

    node = DepthNode(load, context=context)
    node.start()
    try:
        assert node._failure == 'there is no such checkpoint'
    finally:
        node.release()
        node.destroy_node()


def test_who_loads_ahead_computes_alone_and_others_as_before():
    def threads_of_another() -> int:
        found = []
        other = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        other.start()
        other.join()
        return found[0]

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        batches = SimpleNamespace(__getitem__=lambda step: [(step, torch.get_num_threads())])
        loaded = []
        for made in load_ahead(batches, 2, 5):
            loaded += made
            assert torch.get_num_threads() == threads_of_another() == 3
        assert loaded == [(2, 1), (3, 1), (4, 1)]
    finally:
        torch.set_num_threads(before)
