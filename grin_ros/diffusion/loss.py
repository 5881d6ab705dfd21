# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The denoising loss on the pixels that were measured."""

from __future__ import annotations

import torch

from grin_ros.diffusion.schedule import expand


def masked_loss(prediction, target, valid, norm='l1', weight=None) -> torch.Tensor:
    """
    Average an error over each image's valid pixels, then over the images that have any.

    The mean per image comes first so that dense synthetic depth does not drown sparse LiDAR.
    What stands in invalid pixels, NaN included, reaches neither the value nor the gradient.

    prediction, target: (B, ...)
    valid: bool, same shape
    norm: l1 or l2 (squared)
    weight: None, (B,) or a shape that broadcasts with prediction; scales the errors
    returns: (), float32; 0 if nothing is valid
    """
    if norm not in ('l1', 'l2'):
        raise ValueError(f'masked_loss: unknown norm {norm!r}; known norms: l1, l2.')
    if not prediction.shape == target.shape == valid.shape:
        raise ValueError(
            f'masked_loss: prediction {tuple(prediction.shape)}, target {tuple(target.shape)} and '
            f'valid {tuple(valid.shape)} must have one shape.'
        )
    # Masked before the subtraction: 0 * NaN is NaN, in the gradient too.
    error = torch.where(valid, prediction.float(), 0) - torch.where(valid, target.float(), 0)
    error = error.abs() if norm == 'l1' else error.square()
    if weight is not None:
        error = error * torch.where(valid, expand(weight, error).float(), 0)
    count = valid.flatten(1).sum(1)
    per_image = error.flatten(1).sum(1) / count.clamp(min=1)
    return per_image.sum() / (count > 0).sum().clamp(min=1)
