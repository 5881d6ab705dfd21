# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The model of the node: loaded, warmed up, exchanged while it works, and let go of."""

from __future__ import annotations

from collections.abc import Callable
import contextlib
import ctypes
import gc
import threading

import numpy as np
import torch

from grin_ros.pipeline import Prediction
from grin_ros.ros.converter import Frame
from grin_ros.ros.node_config import NodeConfig

WARM_UP_SIZE = (480, 640)  # pixels; the model has its own working size, so any will do


class Interrupted(Exception):
    """The answer is not wanted any more."""


class Model:
    """
    A pipeline that is ready to infer.

    load: (checkpoint path or None, device=) -> a DepthPipeline, or what can stand in for one
    raises: whatever a file, a driver or a GPU can do wrong
    """

    def __init__(self, load: Callable, config: NodeConfig) -> None:
        device = config.device
        if device == 'auto':
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        self._lock = threading.Lock()
        self.pipeline = load(config.checkpoint or None, device=device)
        # The first time is the slowest, and shows whether the device can do it.
        _infer(self.pipeline, np.zeros((*WARM_UP_SIZE, 3), np.uint8), None, config)

    def infer(
        self, frames: list[Frame], config: NodeConfig, alive: Callable[[], bool]
    ) -> list[Prediction]:
        """
        Infer the depth of frames; raises Interrupted as soon as it is not wanted any more.

        alive: tells whether it is, asked before every step
        """

        def check():
            if not alive():
                raise Interrupted

        with self._lock:  # a thread that was told to stop may still be in its last step
            return [
                _infer(self.pipeline, frame.image, frame.camera, config, check) for frame in frames
            ]

    def figures(self, config: NodeConfig) -> dict[str, object]:
        """Return what an operator wants to know of the model."""
        return {
            'device': self.pipeline.device,
            'checkpoint': self.pipeline.checkpoint,
            'steps': config.steps or self.pipeline.steps,
        }


def release_memory() -> None:
    """Give the memory of models that are gone back to the device and to the system."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


def _infer(pipeline, image: np.ndarray, camera, config: NodeConfig, on_step=None) -> Prediction:
    return pipeline.infer(
        image,
        camera,
        stride=config.stride or None,
        steps=config.steps or None,
        samples=config.samples,
        full_size=config.full_size,
        seed=config.seed,
        on_step=on_step,
    )
