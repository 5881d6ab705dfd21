# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
From the spread over samples to a standard deviation that means something.

Samples of a few-step model agree with each other far more than with the truth, and in their scale
most of all. So a relative error that no spread shows is added, and the spread is stretched; the
numbers are fitted by `grin calibrate` and travel in the checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class UncertaintyConfig:
    """How the spread is calibrated; the defaults leave it as it is."""

    floor: float = 0.0  # relative error where all samples agree
    slope: float = 1.0  # temperature: error per spread
    alone: float = 0.0  # relative error of a single sample, which has no spread
    views: bool = False  # samples differ by the view they are given, not by noise alone

    def __post_init__(self):
        if min(self.floor, self.slope, self.alone) < 0:
            raise ValueError(f'floor, slope and alone must not be negative: {self}')

    def std(self, spread: torch.Tensor, depth: torch.Tensor, samples: int) -> torch.Tensor:
        """
        Give the calibrated standard deviation.

        It is sqrt((floor depth)^2 + (slope spread)^2), and alone depth for a single sample.

        spread: any shape, metres, standard deviation over samples
        depth: the same shape, metres
        samples: how many the spread is of
        returns: the same shape, metres
        """
        if samples == 1:
            return self.alone * depth
        if self.floor == 0 and self.slope == 1:
            return spread
        return torch.hypot(self.floor * depth, self.slope * spread)
