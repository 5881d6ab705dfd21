# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
From a depth map to the depth that a robot should see as a cloud.

A costmap takes every point for an obstacle, and every ray to a point for free space. So what is
not sure is left out, what is surely far may clear, and edges, between whose two surfaces a depth
map has points that hang in the air, are cut.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

from grin_ros.camera import Camera

LEVEL = (0.0, -1.0, 0.0, 0.0)  # of a camera that looks ahead: metres above its optical axis


@dataclass(frozen=True)
class CloudFilter:
    """
    What of a depth map goes into the cloud.

    stride: every stride-th pixel of the depth map
    min_range, max_range: distance from the camera, metres
    min_height, max_height: metres, of the plane that the caller gives
    edge: relative jump of inverse depth beside a pixel from which on it is cut; 0 = off
    median: side of the median filter, pixels: 0 (off), 3 or 5
    invalid_depth: depth of what is beyond max_range or sky, metres; 0 = NaN, which a costmap
        ignores; inf is REP 117's "nothing there"; a far value lets a costmap clear
    """

    stride: int = 1
    min_range: float = 0.0
    max_range: float = math.inf
    min_height: float = -math.inf
    max_height: float = math.inf
    edge: float = 0.0
    median: int = 0
    invalid_depth: float = 0.0

    def __call__(
        self, depth: np.ndarray, far: np.ndarray, camera: Camera, spacing: float = 1.0,
        plane: tuple[float, float, float, float] = LEVEL, predicted: np.ndarray | None = None,
    ) -> tuple[np.ndarray, Camera]:  # fmt: skip
        """
        Return the depth of the cloud, NaN where it has no point, and its camera.

        depth: (H, W) float32, metres, NaN where it is not trusted
        far: (H, W) bool, sky or farther than anything of interest
        camera: of depth
        spacing: pixels between those that were queried, of which the others are interpolated
        plane: (a, b, c, d), so that the height of a point is a x + b y + c z + d
        predicted: (H, W) float32, metres, trusted or not, NaN where there is nothing; the edges
            are those of it, because a ramp hangs too if its far end is not trusted; None = depth
        """
        whole = self._smooth(depth if predicted is None else predicted) if self.edge else None
        depth = self._smooth(depth)
        if self.edge:
            whole = np.where(np.isnan(whole), np.float32(np.inf), whole)
            depth = np.where(edges(whole, self.edge, spacing), np.float32(np.nan), depth)
        if self.stride > 1:
            first = tuple((min(self.stride, side) - 1) // 2 for side in depth.shape)
            top, left = first
            depth, far = (x[top :: self.stride, left :: self.stride] for x in (depth, far))
            camera = decimate(camera, self.stride, first, depth.shape)
        (fx, _, cx), (_, fy, cy), _ = camera.K.double().tolist()
        x = ((np.arange(depth.shape[1]) - cx) / fx).astype(np.float32)
        y = ((np.arange(depth.shape[0]) - cy) / fy).astype(np.float32)[:, None]
        leave_out = np.zeros((1, 1), bool)
        if self.min_range > 0 or self.max_range < math.inf:
            distance = depth * np.sqrt(x * x + y * y + 1)
            beyond = distance > self.max_range  # NaN is not
            far, leave_out = far | beyond, beyond | (distance < self.min_range)
        if self.min_height > -math.inf or self.max_height < math.inf:
            a, b, c, d = plane
            height = depth * (a * x + b * y + c) + d
            leave_out = leave_out | (height < self.min_height) | (height > self.max_height)
        if leave_out.any():
            depth = np.where(leave_out, np.float32(np.nan), depth)
        if self.invalid_depth:
            depth = np.where(far, np.float32(self.invalid_depth), depth)
        return depth, camera

    def _smooth(self, depth: np.ndarray) -> np.ndarray:
        depth = depth.astype(np.float32, copy=False)
        return median(depth, self.median) if self.median else depth


def median(depth: np.ndarray, side: int) -> np.ndarray:
    """
    Take the median of every pixel's surroundings; unknown pixels count as far and stay unknown.

    depth: (H, W) float32, metres
    side: 3 or 5, pixels
    """
    unknown = np.isnan(depth)
    filtered = cv2.medianBlur(np.where(unknown, np.float32(np.inf), depth), side)
    return np.where(unknown | np.isinf(filtered), np.float32(np.nan), filtered)


def edges(depth: np.ndarray, threshold: float, spacing: float = 1.0) -> np.ndarray:
    """
    Find pixels at the edge of something.

    On a plane, however it is inclined, inverse depth changes evenly over the image; what remains
    of its second difference, relative to inverse depth, is a jump.

    depth: (H, W) float32, metres, inf where nothing is, NaN where unknown, which is no edge
    spacing: pixels over which an edge is smeared
    returns: (H, W) bool
    """
    step = max(1, round(spacing))
    inverse = 1 / depth
    jump = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        if depth.shape[axis] <= 2 * step:
            continue
        before, middle, after = (
            np.take(inverse, range(i * step, depth.shape[axis] - (2 - i) * step), axis)
            for i in range(3)
        )
        found = np.abs(before + after - 2 * middle) > threshold * middle
        inside = [slice(None), slice(None)]
        inside[axis] = slice(step, -step)
        jump[tuple(inside)] |= found
    side = 2 * (step // 2) + 1
    return cv2.dilate(jump.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)


def decimate(camera: Camera, stride: int, first: tuple[int, int], size: tuple[int, int]) -> Camera:
    """
    Return the camera of every stride-th pixel of a map.

    first: row and column of the first one; size: (height, width) of the result
    """
    K = camera.K.clone()
    K[0, 2] -= first[1]
    K[1, 2] -= first[0]
    K[:2] /= stride
    return Camera.derived(K, size)


def voxels(points: np.ndarray, colours: np.ndarray, side: float) -> tuple[np.ndarray, np.ndarray]:
    """
    Replace all points of each cube by their mean.

    points: (N, 3) float32, metres
    colours: (N, 3) uint8, RGB
    side: of the cubes, metres
    returns: as given, fewer
    """
    try:
        import open3d
    except (ImportError, OSError) as error:  # it needs libraries of the system
        raise ValueError(
            f'a voxel filter needs open3d, which does not load ({error}): install it with its '
            'libraries, or set the voxel size to 0'
        ) from error
    cloud = open3d.geometry.PointCloud()
    cloud.points = open3d.utility.Vector3dVector(points.astype(np.float64))
    cloud.colors = open3d.utility.Vector3dVector(colours / 255.0)
    cloud = cloud.voxel_down_sample(side)
    colours = np.rint(np.asarray(cloud.colors) * 255).astype(np.uint8)
    return np.asarray(cloud.points).astype(np.float32).reshape(-1, 3), colours.reshape(-1, 3)
