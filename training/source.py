# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where training samples come from: a sample set or shards on disk, or a procedural world."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grin_ros.grid import processing_size

from .config import SourceConfig
from .image_folder import ImageFolder
from .labels import thin
from .sample import OUTDOOR_WORLDS, Sample, SampleSet
from .transforms import augment, rectify

# A window of a picture rendered at the view's own size would be enlarged, and duller than what
# cameras see: docs/weights.md, "Sharper than any training picture".
FINER = 1.5


def median(depth: np.ndarray) -> float:
    """Give the median of what is known of a map of depth, metres; 0 where nothing is."""
    known = depth[depth > 0].astype(np.float32)
    return float(np.median(known)) if len(known) else 0.0


class Part:
    """Some frames of a sample set, which is again one to whoever reads it."""

    def __init__(self, samples: SampleSet, indices: Sequence[int]):
        self.samples, self.indices = samples, indices
        self.path, self.name, self.domain = samples.path, samples.name, samples.domain
        self.min_depth, self.max_depth = samples.min_depth, samples.max_depth

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Sample:
        return self.samples[self.indices[i]]


class Source:
    """
    One source of samples at one training size; `source[i]` reads or renders sample i.

    Files keep their size; worlds are rendered FINER than `size`, (H, W) pixels of the views.

    config: what it is
    pixels: of the pipeline's processing size, where the configuration names no size
    holdout: share of a set, at its end and so late in time, that is kept away from training
    labels: share of each sample's measured pixels that any of its views may use
    """

    def __init__(
        self, config: SourceConfig, pixels: int, holdout: float = 0.0, labels: float = 1.0
    ):
        self.config, self.labels = config, labels
        self.samples = None
        if config.set or config.images:
            self.samples = SampleSet(config.set) if config.set else ImageFolder(config.images)
        self.count = config.count if self.samples is None else len(self.samples)
        self.held = None
        if config.set and holdout:
            kept = self.count - max(1, round(holdout * self.count))
            if kept < 1:
                raise ValueError(
                    f'{config.set}: {self.count} frames are too few to hold {holdout:g} of them '
                    'out; set validation.holdout to 0'
                )
            self.held = Part(self.samples, range(kept, self.count))
            self.count = kept
        if not self.count:
            raise ValueError(f'{config.set}: this set is empty; name one with frames')
        size = tuple(config.size)
        if size == (0, 0):
            shape = (480, 640) if self.samples is None else self.samples[0].image.shape[:2]
            size = processing_size(shape, pixels)
        self.size = size
        self.name = config.world or self.samples.name
        self.synthetic = bool(config.world) or self.samples.depth_kind == 'synthetic'
        self.domain = 'outdoor' if config.world in OUTDOOR_WORLDS else 'indoor'
        if self.samples is not None:
            self.domain = self.samples.domain

    def __getitem__(self, index: int) -> Sample:
        if self.samples is not None:
            return rectify(self.samples[index])
        from .world import render  # torch code that a run without worlds never needs

        finer = 1 if self.config.augment == 'flip' else FINER  # the others may enlarge a part
        size = tuple(round(finer * n) for n in self.size)
        return render(self.config.world, index, size=size, textures=self.config.textures or None)

    def view(self, index: int, key: tuple[int, ...]) -> Sample:
        """Augmented view of sample `index`; the same key gives the same view."""
        # The last word is not zero: numpy draws from (1, 2, 0) what it draws from (1, 2), by which
        # the key's owner is seeded.
        rng = np.random.default_rng((*key, index, 1))
        sample = self[index]
        if self.labels < 1:  # before it is cut and mirrored, so that all views show the same ones
            sample.depth = thin(sample.depth, self.labels)
        return augment(sample, self.size, rng, self.config.augment)

    def medians(self) -> list[float]:
        """Tell the median depth of each sample, metres; all are read or rendered for that."""
        rendered = self.samples is None
        with ThreadPoolExecutor(1 if rendered else None) as threads:
            found = threads.map(
                lambda i: median(self[i].depth if rendered else self.samples.depth(i)),
                range(self.count),
            )
            bar = f'distances of {self.name}'
            return list(tqdm(found, bar, total=self.count, unit='image'))

    def files(self) -> list[Path]:
        """List the files that the samples are made of."""
        if self.samples is not None:
            return self.samples.files()
        return sorted(Path(self.config.textures).iterdir()) if self.config.textures else []
