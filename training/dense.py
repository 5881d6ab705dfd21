# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Training a denoiser of whole maps: batches of maps without holes, and the loss on what is known.

What is drawn for an image depends on recipe, step and its place in the batch, as in `dataset`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch

from grin_ros.depth import DepthTransform
from grin_ros.diffusion.loss import masked_loss
from grin_ros.diffusion.schedule import add_noise, Schedule, target_of, to_x_0
from grin_ros.diffusion.unroll import unroll
from grin_ros.models import Denoiser
from grin_ros.precision import autocast

from .config import TrainConfig
from .dataset import Batches
from .infill import infill, mark_sky, SKY
from .labels import thin
from .source import Source
from .transforms import augment


@dataclass
class DenseBatch:
    """
    Maps of B images of one size, and the noise that they get.

    image: (B, 3, H, W), what the denoiser is shown; a picture is in [0, 1]
    x_0: (B, C, H, W), what it should restore, without holes
    valid: (B, C, H, W) bool, where it is judged
    depth: (B, 1, H, W), metres, where it was measured, else 0
    t: (B,) time of the diffusion, in [0, 1]
    eps: (B, C, H, W) noise
    again: (B, C, H, W) noise of an unrolled step
    unrolled: (B,) bool, whether an image has one
    """

    image: torch.Tensor
    x_0: torch.Tensor
    valid: torch.Tensor
    depth: torch.Tensor
    t: torch.Tensor
    eps: torch.Tensor
    again: torch.Tensor
    unrolled: torch.Tensor

    def to(self, device: torch.device | str) -> DenseBatch:
        """Move to a device."""
        return DenseBatch(*(getattr(self, field.name).to(device) for field in fields(self)))

    def pin_memory(self) -> DenseBatch:
        """Move to page-locked memory, from which a GPU copies while it computes."""
        return DenseBatch(*(getattr(self, field.name).pin_memory() for field in fields(self)))


class DenseBatches(Batches):
    """Draws the images of any step, as `Batches` does, as whole maps of depth."""

    def __init__(self, config: TrainConfig, sources, rank: int = 0, world: int = 1):
        super().__init__(config, sources, None, rank, world)
        self.transform = DepthTransform(config.model.depth)

    def show(
        self, source: Source, index: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """
        Draw a view of an image: what is shown, what to restore, where that counts, and depth.

        returns: (3, H, W), (C, H, W), (C, H, W) bool, (1, H, W); metres, 0 unknown
        """
        config = self.config
        sample = mark_sky(source[index], source.domain == 'outdoor', source.synthetic)
        if source.labels < 1:  # as in Source.view; the sky was not measured
            thinned = thin(sample.depth, source.labels)
            sample.depth = np.where(sample.depth < SKY, thinned, sample.depth)
        sample = augment(sample, source.size, rng, source.config.augment)
        depth = sample.depth
        measured = np.where(depth < SKY, depth, 0)
        # In metres; a canonical camera has another range for every lens.
        low, high = (
            float(end / self.transform.scale(sample.camera))
            for end in (config.model.depth.min, config.model.depth.max)
        )
        inside = (measured > low) & (measured < high)
        if config.dense.infill:
            filled = torch.from_numpy(infill(depth, high))
            x_0 = self.transform.encode(filled, sample.camera)
        else:  # the paper's baseline: holes in the middle of the range
            filled = torch.from_numpy(np.maximum(measured, 0))
            filled = self.transform.encode(filled, sample.camera)
            middle = (self.transform.x_min + self.transform.x_max) / 2
            x_0 = torch.where(torch.from_numpy(measured > 0), filled, middle)
        picture = sample.image.transpose(2, 0, 1).astype(np.float32) / 255
        measured = np.where(inside, measured, 0).astype(np.float32)
        return picture, x_0.numpy()[None], inside[None], measured[None]

    def _batch(self, step: int, places: list[int], images: list[tuple[int, int]]) -> DenseBatch:
        """Make one batch: the images at these places, which are of one size."""
        config, shown, drawn = self.config, [], []
        for place, (source, i) in zip(places, images, strict=True):
            rng = np.random.default_rng((config.seed, step, place))
            maps = self.show(self.sources[source], i, rng)
            eps, again = rng.standard_normal((2, *maps[1].shape), np.float32)
            shown.append((*maps, eps, again))
            drawn.append(rng.random(3))
        image, x_0, valid, depth, eps, again = (
            torch.from_numpy(np.stack(part)) for part in zip(*shown, strict=True)
        )
        t, full, unrolled = torch.tensor(np.array(drawn)).float().unbind(1)
        t = torch.where(full < config.stage_at(step)[2].full_noise, 1.0, t)
        return DenseBatch(image, x_0, valid, depth, t, eps, again, unrolled < config.dense.unroll)


class DenseObjective:
    """The denoising loss of a recipe for whole maps (DepthGen sec. 3)."""

    def __init__(self, config: TrainConfig):
        self.config = config
        self.schedule = Schedule(config.model.schedule)
        transform = DepthTransform(config.model.depth)
        pictures = config.model.network.channels == 3
        self.bounds = (-1.0, 1.0) if pictures else (transform.x_min, transform.x_max)

    def __call__(self, model: Denoiser, batch: DenseBatch, norm: str = '') -> torch.Tensor:
        """
        Sum the losses of a batch's images, and divide by the number of images of a step.

        norm: l1, l2 or relative, of the stage; '' = the recipe's
        """
        config, scale = self.config, self.schedule.input_scale
        target, eps = config.model.target, batch.eps
        gamma = self.schedule.gamma(batch.t)
        x_t = add_noise(batch.x_0, eps, gamma, scale)
        rows = batch.unrolled.nonzero()[:, 0]
        with autocast(x_t.device):
            cond = model.encode(batch.image, None)
            if len(rows):
                level = gamma[rows]
                with torch.no_grad():
                    said, _ = model(x_t[rows], level, cond[rows])
                said = to_x_0(said, x_t[rows], level, target, scale).clamp(*self.bounds)
                new = unroll(said, batch.x_0[rows], batch.again[rows], level, scale)
                x_t, eps = (old.index_copy(0, rows, n) for old, n in zip((x_t, eps), new))
            prediction, _ = model(x_t, gamma, cond)
        wanted = target_of(batch.x_0, eps, gamma, target, scale)
        labelled = batch.valid.flatten(1).any(1).sum()
        loss = masked_loss(prediction, wanted, batch.valid, norm or config.loss)
        return loss * labelled / config.batch
