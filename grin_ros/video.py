# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
What is kept from one frame of a camera to the next, for a warm start.

The next frame's denoising begins at the last frame's depth, noised to an intermediate time, and
with its latents; so it needs fewer steps and does not draw another answer of several. After a
cut, a jump in time or any change of size it begins afresh.
"""

from __future__ import annotations

from collections.abc import Hashable
import math

import cv2
import numpy as np
import torch

from grin_ros.depth import DepthTransform
from grin_ros.diffusion.schedule import add_noise, Schedule

THUMBNAIL = (24, 16)  # (width, height), pixels
SAME = 0.38  # change of ln(depth) up to which it may be one surface; 1.5 times as far
CUT = 0.5  # correlation of the thumbnails of two frames below which they show different things


class Video:
    """
    The last frame of one camera.

    start: time in (0, 1) to which the last depth is noised: the smaller, the more it counts
    hold: share of the last depth in the new one, where they differ little; 0 = none
    max_gap: seconds between frames that still follow each other
    """

    def __init__(self, start: float = 0.5, hold: float = 0.0, max_gap: float = 0.5):
        self.set(start, hold, max_gap)
        self._stamp = self._thumbnail = self._key = None
        self._kept = {}  # sample -> x_0, the same before a prompt moved it, and state
        self._unguided = None

    def set(self, start: float, hold: float, max_gap: float) -> None:
        """Change the options."""
        if not (0 < start < 1 and 0 <= hold < 1 and max_gap > 0):
            raise ValueError(
                f'Video: start must lie between 0 and 1, hold in [0, 1) and max_gap above 0, got '
                f'{start}, {hold} and {max_gap}'
            )
        self.start, self.hold, self.max_gap = start, hold, max_gap

    def follow(self, image: np.ndarray, stamp: float) -> None:
        """
        Say which frame comes now, before it is inferred; forget the last one if it is no sequel.

        image: (H, W, 3) uint8, RGB
        stamp: seconds
        """
        thumbnail = cv2.resize(image, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        if (
            self._stamp is None
            or not 0 < stamp - self._stamp <= self.max_gap
            or correlation(thumbnail, self._thumbnail) < CUT
        ):
            self.forget()
        self._stamp, self._thumbnail = stamp, thumbnail

    def forget(self) -> None:
        """Begin afresh."""
        self._kept = {}

    def prepare(self, key: Hashable) -> None:
        """Forget what was made under other circumstances: size, pixels, samples."""
        if key != self._key:
            self.forget()
        self._key = key

    def keep(self, sample: int, x_0: torch.Tensor, state) -> None:
        """
        Remember the result of a sample.

        x_0: (1, N, 1)
        state: what the denoiser wants to be given next
        """
        unguided = x_0 if self._unguided is None else self._unguided[:, : x_0.shape[1]]
        self._kept[sample] = x_0, unguided, state

    def begin(
        self, sample: int, noise: torch.Tensor, steps: int, schedule: Schedule,
        transform: DepthTransform, options: dict, nearest: torch.Tensor | None = None,
    ) -> dict:  # fmt: skip
        """
        Return the arguments of `ddim` with which a sample begins.

        noise: (1, N + M, 1); M known pixels come last
        steps: from t = 1; a warm start makes the part of them that is left
        transform: of x_0
        options: that `ddim` is given besides, with `known` and `guide` of a prompt
        nearest: (M,) queried pixel next to each known one, where its depth is not imputed
        """
        last, unguided, state = self._kept.get(sample, (None, None, None))
        guide, self._unguided = options.get('guide'), None
        if self.hold:
            guide = self._holding(unguided, guide, transform)
        if last is None:
            return {'x_T': noise, 'steps': steps, 'guide': guide}
        more = noise.shape[1] - last.shape[1]
        x_0 = last
        if more:
            known = options.get('known')
            tail = last[:, nearest] if known is None else known[:, -more:]
            x_0 = torch.cat([last, tail], dim=1)
        x_T = add_noise(x_0, noise, schedule.gamma(self.start), schedule.input_scale)
        left = math.ceil(steps * self.start)
        return {'x_T': x_T, 'steps': left, 'start': self.start, 'state': state, 'guide': guide}

    def _holding(self, last: torch.Tensor | None, guide, transform: DepthTransform):
        """
        Return a guide that draws to the last x_0 what is near it, and then calls another.

        last: before the other one moved it; so a prompt counts at once, and once only
        """

        def move(x_0):
            if last is not None:
                now, rest = x_0[:, : last.shape[1]], x_0[:, last.shape[1] :]
                change = transform.log_ratio(now, last)
                near = torch.exp(-((change / SAME) ** 2))  # what moves is let go
                x_0 = torch.cat([now - self.hold * near * (now - last), rest], dim=1)
            self._unguided = x_0
            return x_0 if guide is None else guide(x_0)

        return move


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """
    Correlate two pictures of one size; 1 if they differ in brightness and contrast only.

    Of two uniform ones, 1; of a uniform one, such as of a covered lens, with another, 0.
    """
    a, b = (x - x.mean() for x in (a, b))
    norms = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    return float((a * b).sum()) / (norms[0] * norms[1]) if all(norms) else float(not any(norms))
