# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which model the node has and how it is: after failures, and after what a reload meets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from ros_node import nodes, Pipeline
from ros_peer import image_message, info_message

from grin_ros.checkpoint import ModelConfig
from grin_ros.ros.diagnostics import ERROR, OK


@pytest.fixture
def node(ros_domain_id):
    with nodes(ros_domain_id) as make:
        yield make


def work(node):
    """Let it work on a frame, for which somebody listens."""
    (stream,) = node._streams
    stream.calibration.add(info_message(64, 48, fx=50.0))
    stream.wanted = lambda *_: ['depth/image']
    node._process({stream: image_message(np.zeros((48, 64, 3), np.uint8), sec=100)}, lambda: True)


def reload(node):
    """Run the service's coroutine to its end, as an executor does."""
    coroutine = node._reload()
    while True:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value


def test_a_failure_is_told_until_an_inference_succeeds(node):
    made, pipeline = node()
    infer = pipeline.infer_batch
    for answer, health in ((lambda *_, **__: 1 / 0, (ERROR, 'division by zero')),
                           (infer, (OK, 'active'))):  # fmt: skip
        pipeline.infer_batch = answer
        work(made)
        assert made._inference_health()[:2] == health


def test_a_model_that_was_loaded_anew_has_not_failed(node):
    made, pipeline = node()
    pipeline.infer_batch = lambda *_, **__: 1 / 0
    work(made)
    made._load = lambda path, device: Pipeline()
    assert reload(made) == (True, 'none on cpu')
    assert made._inference_health()[:2] == (OK, 'active')


def test_a_model_that_cannot_follow_what_was_set_while_it_was_loaded_is_not_taken(node):
    made, _ = node(samples=2)
    before = made._model

    def load(path, device):
        made._config = replace(made._config, samples=1, max_relative_std=0.1)
        pipeline = Pipeline()
        pipeline.config = ModelConfig()
        return pipeline

    made._load = load
    done, reason = reload(made)
    assert not done and 'max_relative_std' in reason and 'stays in use' in reason
    assert made._model is before


def test_a_node_that_was_cleaned_up_while_it_loaded_stays_so(node):
    made, _ = node()

    def load(path, device):
        made.release()
        return Pipeline()

    made._load = load
    done, reason = reload(made)
    assert not done and 'cleaned up' in reason
    assert made._model is None
