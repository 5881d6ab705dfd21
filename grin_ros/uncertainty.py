# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
From what the network says of its errors to a standard deviation that means something.

Two things are known of a pixel: the spread over samples, and the error that a network with an
`error_head` expects. Both are too small, and neither shows all of the error, so they are stretched
and a floor is added; the numbers are fitted by `grin calibrate` and travel in the checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class UncertaintyConfig:
    """How the uncertainty is calibrated; the defaults leave the spread as it is."""

    floor: float = 0.0  # relative error where all samples agree
    slope: float = 1.0  # temperature of the spread: error per spread
    head: float = 0.0  # temperature of the error that the network expects
    alone: float = 0.0  # relative error of a single sample, which has no spread
    head_alone: float = 0.0  # temperature of the expected error of a single sample
    views: bool = False  # samples differ by the view they are given, not by noise alone

    def __post_init__(self):
        if min(self.floor, self.slope, self.head, self.alone, self.head_alone) < 0:
            raise ValueError(f'no number of the uncertainty may be negative: {self}')

    def std(
        self, spread: torch.Tensor, depth: torch.Tensor, samples: int,
        expected: torch.Tensor | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """
        Give the calibrated standard deviation.

        It is sqrt((floor^2 + (head expected)^2) depth^2 + (slope spread)^2) of several samples,
        and sqrt(alone^2 + (head_alone expected)^2) depth of a single one.

        spread: any shape, metres, standard deviation over samples
        depth: the same shape, metres
        samples: how many the spread is of
        expected: the same shape, error relative to depth, or None without a head
        returns: the same shape, metres
        """
        floor, head = (self.alone, self.head_alone) if samples == 1 else (self.floor, self.head)
        relative = floor
        if expected is not None and head:
            relative = torch.hypot(expected.new_tensor(floor), head * expected)
        if samples == 1:
            return relative * depth
        if self.slope == 1 and floor == head == 0:
            return spread
        return torch.hypot(relative * depth, self.slope * spread)
