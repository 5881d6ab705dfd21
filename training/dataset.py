# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Training batches: images or cached feature maps, cameras, and the labelled pixels drawn from them.

What is drawn depends only on (seed, step), so a resumed run sees what an unbroken one would have.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from grin_ros.camera import Camera
from grin_ros.models.grin import GRIN

from .config import TrainConfig
from .features import FeatureCache, images
from .source import Source


@dataclass
class Batch:
    """
    Labelled pixels of B images of one size.

    image: (B, 3, H, W) float in [0, 1], or None where the encoder's maps are cached
    maps: cached maps, each (B, C, h, w), or None
    camera: K (B, 3, 3)
    uv: (B, N, 2) pixels
    depth: (B, N, 1), metres; 0 where an image had no measured pixel at all
    """

    image: torch.Tensor | None
    maps: list[torch.Tensor] | None
    camera: Camera
    uv: torch.Tensor
    depth: torch.Tensor

    def to(self, device: torch.device | str) -> Batch:
        """Move to a device."""
        return Batch(
            None if self.image is None else self.image.to(device),
            None if self.maps is None else [m.to(device) for m in self.maps],
            self.camera.to(device), self.uv.to(device), self.depth.to(device),
        )  # fmt: skip


class Batches:
    """
    Draws the images of any step from the mixture of sources.

    Images of one size make one Batch, so a step has as many as there are sizes among its images:
    every step sees near and far, indoors and outdoors, and is not thrown from one to the other.
    """

    def __init__(self, config: TrainConfig, model: GRIN, device: torch.device | str):
        self.config = config
        self.sources = [Source(s, config.model.pixels) for s in config.sources]
        self.caches: list[FeatureCache | None] = [None] * len(self.sources)
        if config.model.network.encoder.frozen:
            folder = Path(config.features or Path(config.output) / 'features')
            self.caches = [
                FeatureCache.open(folder, s, model, device, config.seed) for s in self.sources
            ]
        weights = np.array([s.config.weight for s in self.sources])
        self.weights = weights / weights.sum()

    def __getitem__(self, step: int) -> list[Batch]:
        rng = np.random.default_rng((self.config.seed, step))
        chosen = sorted(rng.choice(len(self.sources), self.config.batch, p=self.weights))
        sizes = sorted({self.sources[s].size for s in chosen})
        return [self._batch([s for s in chosen if self.sources[s].size == size], step, rng)
                for size in sizes]  # fmt: skip

    def _batch(self, chosen: list[int], step: int, rng: np.random.Generator) -> Batch:
        """Make one batch of the sources chosen, which have one size."""
        if self.caches[chosen[0]] is not None:
            return self._cached(chosen, rng)
        views = [
            self.sources[s].view(int(rng.integers(self.sources[s].count)), (step, i))
            for i, s in enumerate(chosen)
        ]
        camera = Camera.stack([view.camera for view in views])
        return self._draw(images(views), None, camera, [view.depth for view in views], rng)

    def _cached(self, chosen: list[int], rng: np.random.Generator) -> Batch:
        rows = [(self.caches[s], int(rng.integers(len(self.caches[s].depth)))) for s in chosen]
        maps = [
            torch.from_numpy(np.stack([cache.maps[scale][i] for cache, i in rows])).float()
            for scale in range(len(rows[0][0].maps))
        ]
        K = torch.from_numpy(np.stack([cache.K[i] for cache, i in rows]))
        camera = Camera(K, rows[0][0].size)
        return self._draw(None, maps, camera, [cache.depth[i] for cache, i in rows], rng)

    def _draw(self, image, maps, camera, depths, rng) -> Batch:
        """Draw labelled pixels; images with fewer give some of them twice."""
        depth_range = self.config.model.depth
        uv = np.zeros((len(depths), self.config.pixels, 2), np.float32)
        labels = np.zeros((len(depths), self.config.pixels, 1), np.float32)
        for i, depth in enumerate(depths):
            depth = depth.astype(np.float32)
            rows, cols = np.nonzero((depth > depth_range.min) & (depth < depth_range.max))
            if len(rows):
                pick = rng.choice(
                    len(rows), self.config.pixels, replace=len(rows) < self.config.pixels
                )
                uv[i, :, 0], uv[i, :, 1] = cols[pick], rows[pick]
                labels[i, :, 0] = depth[rows[pick], cols[pick]]
        unknown = torch.from_numpy(rng.random(len(depths)) < self.config.intrinsics_dropout)
        default = Camera.default(camera.size).K.expand_as(camera.K)
        K = torch.where(unknown[:, None, None], default, camera.K)
        return Batch(
            image, maps, Camera(K, camera.size), torch.from_numpy(uv), torch.from_numpy(labels)
        )

    def manifest(self) -> list[dict]:
        """Say what the model is trained on, for the checkpoint's metadata."""
        return [
            {
                'name': s.name, 'frames': s.count, 'variants': s.config.variants,
                'weight': s.config.weight, 'domain': s.domain, 'size': list(s.size),
                'source': s.samples.source if s.samples else 'procedural world of grin_ros',
                'licence': s.samples.licence if s.samples else 'Apache-2.0',
            }
            for s in self.sources
        ]  # fmt: skip
