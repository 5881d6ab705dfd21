# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where training samples come from: a sample set on disk, or a procedural world."""

from __future__ import annotations

import numpy as np

from grin_ros.pipeline import processing_size

from .config import SourceConfig
from .sample import Sample, SampleSet
from .transforms import augment


class Source:
    """
    One source of samples at one training size; `source[i]` reads or renders sample i.

    config: what it is
    pixels: of the pipeline's processing size, where the configuration names no size
    """

    def __init__(self, config: SourceConfig, pixels: int):
        self.config = config
        self.samples = SampleSet(config.set) if config.set else None
        self.count = len(self.samples) if self.samples else config.count
        size = tuple(config.size)
        if size == (0, 0):
            shape = self.samples[0].image.shape[:2] if self.samples else (480, 640)
            size = processing_size(shape, pixels)
        self.size = size
        self.domain = self.samples.domain if self.samples else config.world
        self.name = self.samples.name if self.samples else config.world

    def __getitem__(self, index: int) -> Sample:
        if self.samples is not None:
            return self.samples[index]
        from .world import render  # torch code that a run without worlds never needs

        return render(
            self.config.world, index, size=self.size, textures=self.config.textures or None
        )

    def view(self, index: int, key: tuple[int, ...]) -> Sample:
        """Augmented view of sample `index`; the same key gives the same view."""
        return augment(self[index], self.size, np.random.default_rng((*key, index)))
