# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The model of the node: loaded, warmed up, exchanged while it works, and let go of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
import contextlib
import ctypes
import threading
import time

import numpy as np
import torch

from grin_ros.camera import Camera
from grin_ros.pipeline import Prediction
from grin_ros.ros.converter import Frame
from grin_ros.ros.node_config import NodeConfig

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
LARGE = 64 * 2**20  # bytes; an array above this is still given back at once
WARM_UP_SIZE = (480, 640)  # pixels; the model has its own working size, so any will do
EXTRAS = 'prompts', 'videos'  # what a frame may bring for the model
RECENT = 50  # inferences that the median time is taken over


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
        self._seconds = deque(maxlen=RECENT)
        self.pipeline = load(config.checkpoint or None, device=device)
        self.check(config)
        # The first time is the slowest, and shows whether the device can do it.
        images = [np.zeros((*WARM_UP_SIZE, 3), np.uint8)] * len(config.camera_names)
        self._infer(images, [None] * len(images), config)

    def check(self, config: NodeConfig) -> None:
        """Raise ValueError for parameters that this checkpoint cannot follow."""
        if config.max_relative_std == 0 or config.samples > 1:
            return
        if self.pipeline.config.uncertainty.head_alone == 0:
            raise ValueError(
                f'max_relative_std has no effect with one sample of {self.pipeline.checkpoint}: '
                'set samples to 2 or more, or max_relative_std to 0'
            )

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

        images, cameras = zip(*((frame.image, frame.camera) for frame in frames))
        more = {name: [getattr(frame, name[:-1]) for frame in frames] for name in EXTRAS}
        more = {name: values for name, values in more.items() if any(values)}
        with self._lock:  # a thread that was told to stop may still be in its last step
            begun = time.monotonic()
            predictions = self._infer(images, cameras, config, check, **more)
        self._seconds.append(time.monotonic() - begun)
        return predictions

    def figures(self, config: NodeConfig) -> dict[str, object]:
        """Return what an operator wants to know of the model."""
        pipeline, seconds = self.pipeline, list(self._seconds)
        figures = {
            'device': pipeline.device,
            'checkpoint': pipeline.checkpoint,
            'steps': config.steps or pipeline.steps,
            'inference_p50_ms': f'{1e3 * np.median(seconds):.1f}' if seconds else '',
        }
        if torch.device(pipeline.device).type == 'cuda':
            figures['memory_mib'] = torch.cuda.memory_allocated(pipeline.device) >> 20
        return figures

    def _infer(
        self, images: list[np.ndarray], cameras: list[Camera | None], config: NodeConfig,
        on_step: Callable[[], None] | None = None, **more,
    ) -> list[Prediction]:  # fmt: skip
        try:
            return self.pipeline.infer_batch(
                images,
                cameras,
                stride=config.stride or None,
                steps=config.steps or None,
                samples=config.samples,
                full_size=config.full_size,
                seed=config.seed,
                on_step=on_step,
                **more,
            )
        except RuntimeError as error:
            if 'CUDA error' not in str(error):
                raise
            reason = str(error).splitlines()[0]
            raise RuntimeError(
                f'{self.pipeline.device} does not answer ({reason}): restart the node'
            ) from None


def keep_memory() -> None:
    """
    Keep what one frame needed for the next one.

    By default glibc gives arrays of a few MiB back to the system after every frame, and gets them
    again page by page: half of the node's time for a VGA image with its cloud.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        libc = ctypes.CDLL(None)
        libc.mallopt(M_TRIM_THRESHOLD, 4 * LARGE)
        libc.mallopt(M_MMAP_THRESHOLD, LARGE)


def release_memory() -> None:
    """Give the memory of models that are gone back to the device and to the system."""
    if torch.cuda.is_initialized():
        with contextlib.suppress(RuntimeError):  # of a device that is lost
            torch.cuda.empty_cache()
    with contextlib.suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)
