# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Training batches: images or cached feature maps, cameras, labelled pixels and their noise.

What is drawn for an image depends only on the recipe, the step and its place in the batch. So a
resumed run sees what an unbroken one would have, and several processes what one process would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import groupby

import numpy as np
import torch

from grin_ros.camera import Camera

from .config import TrainConfig
from .deck import Deck, spread
from .features import FeatureCache, images
from .labels import draw_labels
from .manifest import describe
from .mixture import Mixture
from .source import Source


@dataclass
class Batch:
    """
    Labelled pixels of B images of one size, and the noise that they get.

    image: (B, 3, H, W) float in [0, 1], or None where the encoder's maps are cached
    maps: cached maps, each (B, C, h, w), or None
    camera: K (B, 3, 3)
    uv: (B, N, 2) pixels
    depth: (B, N, 1), metres; 0 where an image had no measured pixel at all
    t: (B,) time of the diffusion, in [0, 1]
    eps: (B, N, 1) noise
    carry: (B,) bool, whether the latents of a first pass are carried over
    seeds: B numbers, for what else is random and an image's own
    """

    image: torch.Tensor | None
    maps: list[torch.Tensor] | None
    camera: Camera
    uv: torch.Tensor
    depth: torch.Tensor
    t: torch.Tensor
    eps: torch.Tensor
    carry: torch.Tensor
    seeds: list[int]

    def to(self, device: torch.device | str) -> Batch:
        """Move to a device."""
        return self._each(lambda x: x.to(device))

    def pin_memory(self) -> Batch:
        """Move to page-locked memory, from which a GPU copies while it computes."""
        return self._each(lambda x: x if isinstance(x, Camera) else x.pin_memory())

    def _each(self, move) -> Batch:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name, value in values.items():
            if name == 'maps' and value is not None:
                values[name] = [move(x) for x in value]
            elif isinstance(value, (torch.Tensor, Camera)):
                values[name] = move(value)
        return Batch(**values)


class Batches:
    """
    Draws the images of any step from the mixture of sources: `batches[step]` -> list of Batch.

    Images of one size make one Batch, or several of at most `microbatch` images: every step sees
    near and far, indoors and outdoors, and is not thrown from one to the other.

    config: the recipe
    sources: its sources
    caches: of their features, or None where images are encoded in every step
    rank, world: of the processes that share each batch, this one's number and how many there are
    """

    def __init__(
        self, config: TrainConfig, sources: Sequence[Source],
        caches: Sequence[FeatureCache | None] | None = None, rank: int = 0, world: int = 1,
    ):  # fmt: skip
        if config.batch < world:
            raise ValueError(
                f'a batch of {config.batch} images is too small for {world} processes; '
                'raise `batch` or start fewer'
            )
        self.config, self.sources = config, sources
        self.caches = caches or [None] * len(sources)
        # Here and not when one is drawn, so that processes that load need not look on their own.
        self._decks = [self._deck(source) for source in range(len(sources))]
        self._dealt = 0, np.zeros(len(sources), int)  # before that step, of each source
        self.rank, self.world = rank, world
        self.mixtures = [
            Mixture(sources, config.weights_in(stage), config.balance)
            for stage in range(len(config.stages) or 1)
        ]

    def __getitem__(self, step: int) -> list[Batch]:
        drawn = self.images_of(step)

        def alike(place: int) -> tuple:
            source = drawn[place][0]
            return self.sources[source].size, self.caches[source] is None

        # Dealt out by size, so that every process gets about the same work.
        order = sorted(range(len(drawn)), key=alike)
        batches = []
        for _, places in groupby(order[self.rank :: self.world], key=alike):
            places = list(places)
            count = self.config.microbatch or len(places)
            for start in range(0, len(places), count):
                part = places[start : start + count]
                batches.append(self._batch(step, part, [drawn[i] for i in part]))
        return batches

    def sources_of(self, step: int) -> np.ndarray:
        """Return the number of the source of each image of a step, over all processes."""
        stage = self.config.stage_at(step)[0]
        # The third word is that of no place: with none, numpy would draw as it does for place 0,
        # and a rare source would always give the same views.
        rng = np.random.default_rng((self.config.seed, step, self.config.batch))
        return self.mixtures[stage].draw(self.config.batch, rng)

    def images_of(self, step: int) -> list[tuple[int, int]]:
        """Return source and number of each image of a step, over all processes."""
        first, dealt = self._dealt
        if first > step:
            first, dealt = 0, np.zeros_like(dealt)
        for earlier in range(first, step):
            dealt = dealt + np.bincount(self.sources_of(earlier), minlength=len(self.sources))
        self._dealt = step, dealt
        found, dealt = [], dealt.copy()
        for source in self.sources_of(step).tolist():
            found.append((source, self._decks[source][dealt[source]]))
            dealt[source] += 1
        return found

    def _deck(self, source: int) -> Deck:
        """Make the deck of a source's images: its cached views, or the samples themselves."""
        about, cache = self.sources[source], self.caches[source]
        if about.config.centre:
            shares = spread((cache or about).medians(), about.config.centre)
        else:
            count = about.count if cache is None else len(cache.depth)
            shares = np.full(count, 1 / count)
        return Deck(shares, (self.config.seed, source, 1))

    def _batch(self, step: int, places: list[int], drawn: list[tuple[int, int]]) -> Batch:
        """Make one batch: the images at these places, which are of one size."""
        config, chosen = self.config, [source for source, _ in drawn]
        rngs = [np.random.default_rng((config.seed, step, place)) for place in places]
        if self.caches[chosen[0]] is not None:
            image, maps, depths, K = self._cached(drawn)
        else:
            views = [
                self.sources[s].view(i, (config.seed, step, place))
                for (s, i), place in zip(drawn, places, strict=True)
            ]
            image, maps, depths = images(views), None, [view.depth for view in views]
            K = torch.stack([view.camera.K for view in views])
        size = self.sources[chosen[0]].size
        limits = (config.model.depth.min, config.model.depth.max)
        labels = [
            draw_labels(depth, config.pixels, rng, limits, config.edges)
            for depth, rng in zip(depths, rngs, strict=True)
        ]
        uv, depth = (torch.from_numpy(np.stack(x)) for x in zip(*labels, strict=True))
        unknown, full, carry = (
            torch.from_numpy(np.array([rng.random() for rng in rngs]) < rate)
            for rate in (
                config.intrinsics_dropout, config.stage_at(step)[2].full_noise,
                config.model.network.self_condition,
            )
        )  # fmt: skip
        K = torch.where(unknown[:, None, None], Camera.default(size).K, K)
        t = torch.tensor([rng.random() for rng in rngs])
        eps = np.stack([rng.standard_normal((config.pixels, 1), np.float32) for rng in rngs])
        return Batch(
            image, maps, Camera.derived(K, size), uv, depth, torch.where(full, 1.0, t),
            # At t = 1 sampling has no step behind it, so there training has none either.
            torch.from_numpy(eps), carry & ~full, [int(rng.integers(2**31)) for rng in rngs],
        )  # fmt: skip

    def _cached(self, drawn: list[tuple[int, int]]) -> tuple:
        rows = [(self.caches[source], i) for source, i in drawn]
        maps = [
            torch.from_numpy(np.stack([cache.maps[scale][i] for cache, i in rows])).float()
            for scale in range(len(rows[0][0].maps))
        ]
        K = torch.from_numpy(np.stack([cache.K[i] for cache, i in rows]))
        return None, maps, [cache.depth[i] for cache, i in rows], K

    def manifest(self) -> list[dict]:
        """Say what the model is trained on, for the checkpoint's metadata."""
        return [describe(source) for source in self.sources]
