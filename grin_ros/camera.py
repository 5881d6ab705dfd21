# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The camera: intrinsics that follow the image through every resize, crop, pad and flip.

Pixel-centre convention throughout: the centre of the top-left pixel is (0, 0), so an image covers
[-0.5, W - 0.5] x [-0.5, H - 0.5]. Camera frame: x right, y down, z forward, metres. All arithmetic
is elementwise on float32, so autocast never lowers its precision.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
import torch

from grin_ros.distortion import Distortion


@dataclass(frozen=True, eq=False)
class Camera:
    """
    A pinhole camera, or a batch of them that share a size.

    K: (..., 3, 3) float32, pixels; [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]
    size: (height, width), pixels
    distortion: the lens, or None; a distorted camera is never batched, rectify it first
    """

    K: torch.Tensor
    size: tuple[int, int]
    distortion: Distortion | None = None

    def __post_init__(self):
        object.__setattr__(self, 'K', torch.as_tensor(self.K, dtype=torch.float32))
        object.__setattr__(self, 'size', _checked_size(self.size))
        if self.K.shape[-2:] != (3, 3):
            raise ValueError(f'Camera: K must be (..., 3, 3), got {tuple(self.K.shape)}.')
        if self.distortion is not None and self.distortion.identity:
            object.__setattr__(self, 'distortion', None)
        if self.distortion is not None and self.K.ndim > 2:
            raise ValueError('Camera: a distorted camera cannot be batched; rectify it first.')
        for K in self.K.detach().reshape(-1, 9).tolist():
            _check_intrinsics(K, *self.size)

    @classmethod
    def from_intrinsics(cls, fx, fy, cx, cy, size, distortion=None) -> Camera:
        """Make one camera from four numbers [px] and (height, width)."""
        K = torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], dtype=torch.float32)
        return cls(K, size, distortion)

    @classmethod
    def default(cls, size) -> Camera:
        """Stand in for unknown intrinsics: fx = cx = W/2, fy = cy = H/2 (GRIN section 5.3)."""
        height, width = size
        return cls.from_intrinsics(width / 2, height / 2, width / 2, height / 2, size)

    @classmethod
    def stack(cls, cameras) -> Camera:
        """Batch cameras of one size, none distorted, along a new first dimension."""
        cameras = list(cameras)
        sizes = sorted({camera.size for camera in cameras})
        if len(sizes) != 1:
            raise ValueError(f'Camera.stack: needs one size, got {sizes}; resize them first.')
        if any(camera.distortion for camera in cameras):
            raise ValueError('Camera.stack: a distorted camera cannot be batched; rectify first.')
        return cameras[0].derived(torch.stack([camera.K for camera in cameras]), sizes[0])

    @classmethod
    def derived(cls, K, size, distortion=None) -> Camera:
        """
        Make a camera, or a batch, of intrinsics that come from those of checked cameras.

        The checks of the constructor concern numbers that come from outside, would make a GPU wait
        at every step, and a small crop may well lie far from the optical axis.
        """
        camera = object.__new__(cls)
        for name, value in (('K', K), ('size', size), ('distortion', distortion)):
            object.__setattr__(camera, name, value)
        return camera

    @property
    def fx(self) -> torch.Tensor:
        return self.K[..., 0, 0]

    @property
    def fy(self) -> torch.Tensor:
        return self.K[..., 1, 1]

    @property
    def cx(self) -> torch.Tensor:
        return self.K[..., 0, 2]

    @property
    def cy(self) -> torch.Tensor:
        return self.K[..., 1, 2]

    def to(self, device) -> Camera:
        """Return the camera with K on a device."""
        return self.derived(self.K.to(device), self.size, self.distortion)

    def resize(self, size) -> Camera:
        """Return the camera of the image resampled to size (height, width)."""
        size = _checked_size(size)
        scale_y, scale_x = size[0] / self.size[0], size[1] / self.size[1]
        return self._move(size, (scale_x - 1) / 2, (scale_y - 1) / 2, scale_x, scale_y)

    def crop(self, top: int, left: int, height: int, width: int) -> Camera:
        """Return the camera of image[top:top + height, left:left + width]."""
        size = _checked_size((height, width))
        if min(top, left) < 0 or top + height > self.size[0] or left + width > self.size[1]:
            raise ValueError(
                f'Camera.crop: rows {top}:{top + height}, columns {left}:{left + width} leave '
                f'the image of {self.size[0]} x {self.size[1]} (height x width).'
            )
        return self._move(size, -left, -top)

    def pad(self, top: int, bottom: int, left: int, right: int) -> Camera:
        """Return the camera of the image with a border of so many pixels on each side."""
        if min(top, bottom, left, right) < 0:
            raise ValueError(
                f'Camera.pad: {(top, bottom, left, right)} must not be negative; use crop to cut.'
            )
        size = (self.size[0] + top + bottom, self.size[1] + left + right)
        return self._move(size, left, top)

    def _move(self, size, x, y, scale_x=1.0, scale_y=1.0) -> Camera:
        """Follow pixels that go from u to scale_x u + x, and from v to scale_y v + y."""
        K = self.K.clone()
        K[..., 0, :] *= scale_x
        K[..., 1, :] *= scale_y
        K[..., 0, 2] += x
        K[..., 1, 2] += y
        return self.derived(K, size, self.distortion)

    def flip(self) -> Camera:
        """Return the camera of the image mirrored left to right."""
        K = self.K.clone()
        K[..., 0, 2] = self.size[1] - 1 - self.cx
        return self.derived(K, self.size, self.distortion and self.distortion.flip())

    def grid(self, stride: int = 1) -> torch.Tensor:
        """
        Return the centres of the whole stride x stride blocks; for stride 1, of the pixels.

        returns: (H // stride, W // stride, 2), pixels (u, v). With h, w = H // s, W // s the
            camera of that grid is crop(0, 0, h * s, w * s).resize((h, w)).
        """
        height, width = self.size[0] // stride, self.size[1] // stride
        if not height or not width:
            raise ValueError(
                f'Camera.grid: stride {stride} is larger than the image, {self.size}.'
            )
        u, v = (
            torch.arange(n, device=self.K.device) * stride + (stride - 1) / 2
            for n in (width, height)
        )
        return torch.stack([u.expand(height, width), v[:, None].expand(height, width)], dim=-1)

    def _tangents(self, uv=None):
        """Return x/z and y/z: (..., N) of uv, or (..., 1, W) and (..., H, 1) of all pixels."""
        if uv is None:
            v, u = (torch.arange(n, device=self.K.device).float() for n in self.size)
            v = v[:, None]
            fx, fy, cx, cy = (k[..., None, None] for k in (self.fx, self.fy, self.cx, self.cy))
        else:
            u, v = uv.float().unbind(-1)
            fx, fy, cx, cy = (k[..., None] for k in (self.fx, self.fy, self.cx, self.cy))
        return (u - cx) / fx, (v - cy) / fy

    def rays(self, uv: torch.Tensor | None = None) -> torch.Tensor:
        """
        Return unit viewing rays in the camera frame; a distortion is ignored, rectify first.

        uv: (..., N, 2), pixels, or None for every pixel
        returns: (..., N, 3), or (..., 3, H, W) for every pixel
        """
        x, y = torch.broadcast_tensors(*self._tangents(uv))
        z = torch.rsqrt(x * x + y * y + 1)
        return torch.stack([x * z, y * z, z], dim=-3 if uv is None else -1)

    def unproject(self, depth: torch.Tensor) -> torch.Tensor:
        """
        Lift a depth map to points in the camera frame; a distortion is ignored, rectify first.

        depth: (..., 1, H, W), metres along the optical axis
        returns: (..., 3, H, W), metres; x right, y down, z forward
        """
        if tuple(depth.shape[-3:]) != (1, *self.size):
            raise ValueError(
                f'Camera.unproject: depth of shape {tuple(depth.shape)} does not end in '
                f'(1, {self.size[0]}, {self.size[1]}); resize the camera with the depth.'
            )
        x, y = self._tangents()
        z = depth[..., 0, :, :].float()
        return torch.stack(torch.broadcast_tensors(x * z, y * z, z), dim=-3)

    def project(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """
        Project points of the camera frame into the image, through the lens if there is one.

        points: (..., N, 3), metres
        returns: uv (..., N, 2), pixels, NaN for points that are not in front of the camera; and
            z (..., N), metres. uv may lie outside the image.
        """
        points = points.float()
        z = points[..., 2]
        if self.distortion is None:
            x, y = points[..., 0] / z, points[..., 1] / z
            fx, fy, cx, cy = (k[..., None] for k in (self.fx, self.fy, self.cx, self.cy))
            uv = torch.stack([x * fx + cx, y * fy + cy], dim=-1)
        else:
            xyz, K = (x.detach().double().cpu().numpy() for x in (points, self.K))
            uv = torch.from_numpy(self.distortion.project(xyz, K)).to(points)
        return torch.where((z > 0)[..., None], uv, torch.nan), z

    def rectification(
        self, target: Camera | None = None, rotation: np.ndarray | None = None
    ) -> tuple[Camera, np.ndarray, np.ndarray]:
        """
        Return the undistorted camera and the maps that bring an image to it with cv2.remap.

        By default it keeps K and size, so the middle of the image keeps its resolution. Where the
        maps leave the image, the lens did not see that pixel.

        target: the undistorted camera, where it is chosen already (P of a CameraInfo)
        rotation: (3, 3), from this camera's frame to that of the target (R); None = I
        returns: camera without distortion; map_x, map_y, (H, W) float32, pixels
        """
        lens = self.distortion or Distortion('plumb_bob')
        target = self.derived(self.K, self.size) if target is None else target
        K, target_K = (camera.K.double().cpu().numpy() for camera in (self, target))
        return target, *lens.maps(K, target.size, target_K, rotation)


def _checked_size(size) -> tuple[int, int]:
    height, width = (int(n) for n in size)
    if height < 1 or width < 1:
        raise ValueError(f'Camera: size must be a positive (height, width), got {size}.')
    return height, width


def _check_intrinsics(K, height, width):
    fx, skew, cx, below, fy, cy, *last = K
    if not all(map(math.isfinite, K)) or fx <= 0 or fy <= 0:
        raise ValueError(
            f'Camera: fx={fx:g}, fy={fy:g}, cx={cx:g}, cy={cy:g} must be finite and fx, fy '
            'positive; is the camera calibrated?'
        )
    if skew or below or last != [0.0, 0.0, 1.0]:
        raise ValueError(
            f'Camera: K must be [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], got {K}; '
            'rectify a camera with skew first.'
        )
    if not (-width <= cx <= 2 * width and -height <= cy <= 2 * height):
        raise ValueError(
            f'Camera: principal point ({cx:g}, {cy:g}) is farther outside the image of '
            f'{height} x {width} (height x width) than its size; does K belong to this image?'
        )
