# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Depth as the diffusion sees it: metres to x_0 and back, and z-depth to distance along the ray.

GRIN diffuses the logarithm of depth (section 4.4); whether it normalises it is not published, and
its sister paper MVGD does, to [-1, 1] over 0.1 to 200 m, which is the default here.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Literal

import torch

from grin_ros.camera import Camera


@dataclass(frozen=True)
class DepthConfig:
    """
    The parameterisation of depth.

    kind: log (normalised to [-1, 1], base-free), log10 (raw, the paper's literal form), ln (raw
        natural logarithm), linear (normalised to [-1, 1])
    min, max: the range of depths, metres
    focal: > 0: depth is diffused as a camera of this focal length would have it, in pixels of the
        fitted image; a longer lens makes things look as much nearer as it is longer, so that an
        image alone tells this depth (the canonical camera of Metric3D, arXiv 2307.10984 sec. 3.2)
    """

    kind: Literal['log', 'log10', 'ln', 'linear'] = 'log'
    min: float = 0.1
    max: float = 200.0
    focal: float = 0.0

    def __post_init__(self):
        kinds = ('log', 'log10', 'ln', 'linear')
        if self.kind not in kinds:
            raise ValueError(
                f'DepthConfig: unknown kind {self.kind!r}; known kinds: {", ".join(kinds)}.'
            )
        if not 0 < self.min < self.max < math.inf:
            raise ValueError(
                f'DepthConfig: needs 0 < min < max, got min={self.min}, max={self.max} metres.'
            )
        if not 0 <= self.focal < math.inf:
            raise ValueError(f'DepthConfig: focal is {self.focal}; give pixels, or 0 for none.')


class DepthTransform:
    """
    Depth in metres to x_0 and back: an affine map of depth or of its natural logarithm.

    x_min, x_max: floats, the x_0 of the nearest and farthest depth
    """

    def __init__(self, config: DepthConfig):
        self.config = config
        self.logarithmic = config.kind != 'linear'
        low, high = (math.log(d) if self.logarithmic else d for d in (config.min, config.max))
        if config.kind == 'ln':
            self.slope, self.offset = 1.0, 0.0
        elif config.kind == 'log10':
            self.slope, self.offset = 1 / math.log(10), 0.0
        else:
            self.slope = 2 / (high - low)
            self.offset = -1 - self.slope * low
        self.x_min = self.slope * low + self.offset
        self.x_max = self.slope * high + self.offset

    def scale(self, camera: Camera | None, ndim: int = 1) -> torch.Tensor | float:
        """
        Tell what metres are multiplied by before they are encoded; 1 without `focal`.

        camera: of the fitted image
        ndim: of the depth
        returns: a scalar, or (B, 1, 1 ...) for a batch of cameras
        """
        if not self.config.focal:
            return 1.0
        if camera is None:
            raise ValueError('depth of a canonical camera needs the camera; give it')
        fx = camera.fx
        return self.config.focal / (fx.reshape(-1, *[1] * (ndim - 1)) if fx.ndim else fx)

    def encode(self, depth: torch.Tensor, camera: Camera | None = None) -> torch.Tensor:
        """
        Map depth to x_0; what lies outside [min, max] goes to its nearer end, NaN stays NaN.

        depth: any shape, (B, ...) for a batch of cameras, metres
        camera: of the fitted image; needed where `focal` is set
        returns: same shape, float32 in [x_min, x_max]
        """
        depth = (depth.float() * self.scale(camera, depth.ndim)).clamp(
            self.config.min, self.config.max
        )
        return (depth.log() if self.logarithmic else depth) * self.slope + self.offset

    def decode(self, x_0: torch.Tensor, camera: Camera | None = None) -> torch.Tensor:
        """
        Map x_0 to depth.

        x_0: any shape, (B, ...) for a batch of cameras
        camera: of the fitted image; needed where `focal` is set
        returns: same shape, float32 metres in [min, max], divided by `scale`
        """
        # In place on the copy that clamp makes.
        depth = x_0.float().clamp(self.x_min, self.x_max).sub_(self.offset).div_(self.slope)
        depth = depth.exp_() if self.logarithmic else depth
        return depth.clamp_(self.config.min, self.config.max).div_(self.scale(camera, x_0.ndim))

    def log_ratio(self, x_0: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """Give ln(depth / other depth) of two answers of one camera in x_0."""
        if self.logarithmic:
            return (x_0 - other) / self.slope
        metres = [
            (x.clamp(self.x_min, self.x_max) - self.offset) / self.slope for x in (x_0, other)
        ]
        return (metres[0] / metres[1]).log()

    def relative_error(self, x_0: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """
        Give depth / true depth - 1 of an answer in x_0, with a gradient.

        x_0, truth: one shape, x_0; beyond a factor of twenty answers are all as wrong
        """
        if not self.logarithmic:
            return (x_0 - truth) / (truth - self.offset)
        return ((x_0 - truth) / self.slope).clamp(-3.0, 3.0).expm1()

    def valid(self, depth: torch.Tensor) -> torch.Tensor:
        """
        Tell which depths are known: finite and inside [min, max].

        depth: any shape, metres; 0 or NaN where nothing was measured
        returns: same shape, bool
        """
        return (depth >= self.config.min) & (depth <= self.config.max)


def z_to_range(depth: torch.Tensor, rays: torch.Tensor) -> torch.Tensor:
    """
    Turn depth along the optical axis into distance along the viewing ray.

    depth: (..., 1, H, W), metres
    rays: (..., 3, H, W), unit vectors
    returns: (..., 1, H, W), metres
    """
    return depth / rays[..., 2:3, :, :]


def range_to_z(range: torch.Tensor, rays: torch.Tensor) -> torch.Tensor:
    """
    Turn distance along the viewing ray into depth along the optical axis.

    range: (..., 1, H, W), metres
    rays: (..., 3, H, W), unit vectors
    returns: (..., 1, H, W), metres
    """
    return range * rays[..., 2:3, :, :]
