# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What training minimises: the error of one denoising, on the pixels that were measured."""

from __future__ import annotations

import torch

from grin_ros.depth import DepthTransform
from grin_ros.diffusion.loss import masked_loss
from grin_ros.diffusion.schedule import add_noise, Schedule, target_of
from grin_ros.models.grin import GRIN
from grin_ros.precision import autocast

from .config import TrainConfig
from .dataset import Batch
from .shape import shape_error

# Beside the loss of depth, which must not learn to be predictably wrong: small, and the error that
# the head is taught is taken as it is.
ERROR_SHARE = 0.1


class Objective:
    """The denoising loss of a recipe (GRIN sec. 4.4)."""

    def __init__(self, config: TrainConfig):
        self.config = config
        self.transform = DepthTransform(config.model.depth)
        self.schedule = Schedule(config.model.schedule)

    def __call__(self, model: GRIN, batch: Batch, norm: str = '') -> torch.Tensor:
        """
        Sum the losses of a batch's images, and divide by the number of images of a step.

        Latent self-conditioning as in RIN's code: latents of a first pass without gradient, for a
        share of the images, zeros for the others.

        norm: l1, l2 or relative, of the stage; '' = the recipe's
        """
        config, scale, norm = self.config, self.schedule.input_scale, norm or self.config.loss
        # A canonical camera has another range for every lens.
        focal = self.transform.scale(batch.camera, batch.depth.ndim)
        valid = self.transform.valid(batch.depth * focal)
        x_0 = self.transform.encode(batch.depth, batch.camera)
        gamma = self.schedule.gamma(batch.t)
        x_t = add_noise(x_0, batch.eps, gamma, scale)
        rows = batch.carry.nonzero()[:, 0]
        with autocast(x_t.device):
            maps = model.features(batch.image) if batch.maps is None else batch.maps
            cond = model.condition(maps, batch.camera, batch.uv, batch.seeds)
            state = None
            if len(rows):
                with torch.no_grad():
                    latents = model(x_t[rows], gamma[rows], cond.rows(rows))[1]
                state = latents.new_zeros(len(x_0), *latents.shape[1:])
                state = state.index_copy(0, rows, latents)
            answer, _ = model(x_t, gamma, cond, state)
        prediction = answer[..., :1]
        labelled = valid.flatten(1).any(1).sum()
        if norm == 'relative':
            error = self.transform.relative_error(prediction, x_0)
            loss = masked_loss(error, torch.zeros_like(x_0), valid)
        else:
            target = target_of(x_0, batch.eps, gamma, config.model.target, scale)
            loss = masked_loss(prediction, target, valid, norm)
        loss = loss * labelled / config.batch
        if config.shape:
            # In the unit of the loss beside it: relative errors are near those of ln(depth).
            error = (prediction - x_0) / (self.transform.slope if norm == 'relative' else 1)
            loss = loss + config.shape * shape_error(error, valid, batch.uv).sum() / config.batch
        if config.model.error_head:
            error = ((prediction - x_0) / self.transform.slope).detach().abs()
            surprise = torch.where(valid, laplace_loss(error, answer[..., 1:]), 0).flatten(1)
            surprise = surprise.sum(1) / valid.flatten(1).sum(1).clamp(min=1)
            loss = loss + ERROR_SHARE * surprise.sum() / config.batch
        return loss


def laplace_loss(error: torch.Tensor, log_error: torch.Tensor) -> torch.Tensor:
    """
    Negative logarithm, up to a constant, of the Laplace likelihood of errors of known mean.

    It is least where exp(log_error) is the mean of the errors (Kendall and Gal 1703.04977 eq. 8).

    error: not negative
    log_error: the same shape, ln of the error that was expected
    returns: the same shape
    """
    return error * torch.exp(-log_error) + log_error
