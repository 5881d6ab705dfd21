# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A node in the process of the test, with a model that answers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import rclpy
from rclpy.parameter import Parameter

from grin_ros.camera import Camera
from grin_ros.pipeline import Prediction
from grin_ros.ros.depth_node import DepthNode


class Pipeline:
    """Answers 5 m and remembers what it was asked."""

    checkpoint, device, steps = 'none', 'cpu', 1

    def __init__(self):
        self.options = []

    def infer_batch(self, images, cameras, **options):
        self.options.append(options)
        depth = np.full(images[0].shape[:2], 5, np.float32)
        camera = cameras[0] or Camera.default(depth.shape)
        return [Prediction(depth, 0 * depth, depth > 0, camera)]


@contextmanager
def nodes(domain: int) -> Iterator[Callable]:
    """Give what makes a node with these parameters and starts it: (node, its pipeline)."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    made = []

    def make(**values):
        given = [Parameter(name, value=value) for name, value in values.items()]
        pipeline = Pipeline()
        one = DepthNode(
            lambda path, device: pipeline, context=context, parameter_overrides=given
        )  # fmt: skip
        one.start()
        made.append(one)
        return one, pipeline

    try:
        yield make
    finally:
        for one in made:
            one.release()
            one.join()
            one.destroy_node()
        context.try_shutdown()
