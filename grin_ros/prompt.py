# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Sparse range as a prompt: pixels whose depth is known, from LiDAR, SLAM or a single laser line.

They take part in the denoising as further pixels, whose answer is replaced by what was measured
(imputation). A denoiser that was trained to denoise evenly noisy pixels takes little notice of a
few good ones, so what the measurements say of its error is also spread around them, in x_0, where
a wrong scale is an offset: `weight` says how much of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from grin_ros.camera import Camera
from grin_ros.depth import DepthTransform
from grin_ros.projection import hidden, parallax, project, z_buffer
from grin_ros.scatter import spread


@dataclass(frozen=True, eq=False)
class Prompt:
    """
    What is known of an image's depth.

    uv: (N, 2), pixels of the image
    depth: (N,), metres along the optical axis
    weight: of what the pixels say about their surroundings: 0 nothing, 1 all
    resample: times that every denoising step is repeated, for the others to follow what is known
    scale_only: multiply the depth of the image by median(known / predicted) and do nothing else
    """

    uv: np.ndarray
    depth: np.ndarray
    weight: float = 1.0
    resample: int = 1
    scale_only: bool = False

    def __post_init__(self):
        uv, depth = (np.ascontiguousarray(x, np.float32) for x in (self.uv, self.depth))
        if uv.shape != (len(depth), 2) or depth.ndim != 1:
            raise ValueError(
                f'a prompt needs uv (N, 2) and depth (N,), got {uv.shape} and {depth.shape}'
            )
        if not (np.isfinite(uv).all() and np.isfinite(depth).all() and (depth > 0).all()):
            raise ValueError('a prompt must be finite and its depth positive: leave the rest out')
        if not 0 <= self.weight <= 1 or self.resample < 1:
            raise ValueError(
                f'a prompt needs a weight within [0, 1] and resample from 1 up, got '
                f'{self.weight} and {self.resample}'
            )
        object.__setattr__(self, 'uv', uv)
        object.__setattr__(self, 'depth', depth)

    def __len__(self) -> int:
        return len(self.depth)

    def thinned(self, count: int, seed: int = 0) -> Prompt:
        """Return a prompt of at most `count` of the pixels, drawn at random."""
        if len(self) <= count:
            return self
        drawn = np.random.default_rng(seed).permutation(len(self))[:count]
        return replace(self, uv=self.uv[drawn], depth=self.depth[drawn])

    @classmethod
    def from_map(cls, depth: np.ndarray, **options) -> Prompt:
        """
        Take the known pixels of a depth map.

        depth: (H, W), metres; 0, NaN and infinity are unknown
        """
        v, u = np.nonzero(np.isfinite(depth) & (depth > 0))
        return cls(np.stack([u, v], axis=1), depth[v, u], **options)

    @classmethod
    def from_points(
        cls, points: np.ndarray, pose: np.ndarray, camera: Camera, **options
    ) -> Prompt:  # fmt: skip
        """
        Project points of a sensor into the image; what the camera cannot see is left out.

        points: (N, 3), metres, in the sensor's frame; those that are not finite are left out
        pose: (4, 4), camera_T_sensor, brings points into the camera's frame
        camera: of the image, without distortion
        """
        points = np.asarray(points)[np.isfinite(points).all(axis=1)]
        points = points @ pose[:3, :3].T + pose[:3, 3]
        uv, index = project(points, camera)
        depth, _ = z_buffer(uv, points[index, 2], camera.size)
        depth[hidden(depth, parallax(pose[:3, 3], camera))] = 0
        return cls.from_map(depth, **options)


class KnownPixels:
    """
    A prompt as the denoiser meets it: in x_0, on the fitted image, one value per pixel.

    size, fitted: (height, width) of the image and of what it is resized to
    camera: of the fitted image
    uv: (M, 2) float32, pixels of the fitted image
    x: (M,) float32, x_0
    used: pixels of the prompt that are in the image and in the range of the network
    """

    def __init__(
        self, prompt: Prompt, size: tuple[int, int], fitted: tuple[int, int],
        transform: DepthTransform, camera: Camera,
    ):  # fmt: skip
        self.prompt, self.size, self.fitted = prompt, size, fitted
        self._transform, self._camera = transform, camera
        uv, depth = torch.from_numpy(prompt.uv), torch.from_numpy(prompt.depth)
        keep = transform.valid(depth * transform.scale(camera)) & (uv >= -0.5).all(1)
        keep &= (uv < torch.tensor([size[1], size[0]]) - 0.5).all(1)
        self._uv, self._x = uv[keep], transform.encode(depth[keep], camera)
        self.used = len(self._x)
        scale = torch.tensor([fitted[1] / size[1], fitted[0] / size[0]])
        uv = (self._uv + 0.5) * scale - 0.5
        nearest = _nearest(self._x, uv, fitted) == self._x
        self.uv, self.x = uv[nearest], self._x[nearest]

    def __len__(self) -> int:
        return len(self.x)

    def sampling(self, uv: torch.Tensor, device: torch.device) -> dict:
        """
        Return the options with which `ddim` samples N queried and, after them, the M known pixels.

        uv: (N + M, 2), pixels of the fitted image
        """
        if self.prompt.scale_only:
            return {}
        uv, x = uv.to(device), self.x.to(device)
        known = torch.full((1, len(uv), 1), torch.nan, device=device)
        known[0, -len(x) :, 0] = x

        def guide(x_0):
            error = x - x_0[0, -len(x) :, 0]
            moved = spread(error, uv[-len(x) :], uv, self.fitted)
            return x_0 + self.prompt.weight * moved[:, None]

        return {
            'known': known,
            'guide': guide if self.prompt.weight else None,
            'resample': self.prompt.resample,
        }

    def impose(self, x: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
        """
        Put what was measured in place of the answer where a measured pixel was asked for.

        x: (S, N), x_0
        uv: (N, 2), pixels of the image
        """
        found = self._map()[_pixel(uv, self.size)]
        return torch.where(found.isnan(), x, found)

    def refine(self, x: torch.Tensor) -> torch.Tensor:
        """
        Bring maps in which the known pixels were taken into account to them at the full size.

        What is left of their error, since maps are interpolated between queried pixels, is spread
        too if surroundings follow in full; else most of it is what they shall not follow.

        x: (S, H, W), x_0 at the size of the image
        """
        height, width = self.size
        known = self._map().view(self.size)
        v, u = (~known.isnan()).nonzero(as_tuple=True)
        uv = torch.stack([u, v], dim=1).float()
        every = torch.cartesian_prod(torch.arange(height), torch.arange(width)).flip(1).float()
        out = []
        for one in x:
            if self.prompt.weight == 1:
                error = spread((known - one)[v, u], uv, every, self.size).view(self.size)
                one = one + error
            out.append(torch.where(known.isnan(), one, known))
        return torch.stack(out)

    def ratio(self, x_0: torch.Tensor) -> torch.Tensor:
        """
        Return median(known / predicted) of each sample: (S,).

        x_0: (S, M), predicted at the known pixels
        """
        known, found = (self._transform.decode(x, self._camera) for x in (self.x, x_0))
        # torch's median of an even number is the lower one of two.
        return torch.from_numpy(np.median((known / found).numpy(), axis=1))

    def _map(self) -> torch.Tensor:
        """Return x_0 of the measured pixels of the image, row by row: (H * W,), NaN elsewhere."""
        known = torch.full((self.size[0] * self.size[1],), torch.nan)
        known[_pixel(self._uv, self.size)] = _nearest(self._x, self._uv, self.size)
        return known


def _pixel(uv: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return the index of the pixel that uv (N, 2) lies in, row by row: (N,)."""
    u, v = uv.round().long().unbind(1)
    return v.clamp(0, size[0] - 1) * size[1] + u.clamp(0, size[1] - 1)


def _nearest(x: torch.Tensor, uv: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return the x_0 (N,) of the nearest value in the same pixel, as of a z-buffer: (N,)."""
    pixel = _pixel(uv, size)
    nearest = x.new_full((size[0] * size[1],), torch.inf)
    return nearest.scatter_reduce_(0, pixel, x, 'amin')[pixel]
