# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Points of a LiDAR in the image of a camera: projection, z-buffer, and what the camera cannot see.

A LiDAR that sits beside the camera looks past the edges of near things and measures what is
behind them. In the image such a point lies on the near thing, between the sparse points that were
measured there. The occlusion filter finds it by parallax, as docs/bags.md explains.
"""

from __future__ import annotations

import cv2
import numpy as np

from grin_ros.camera import Camera

# Inverse depths that differ by less are one surface.
SAME_SURFACE = 0.05
BLUR = 2  # pixels by which an edge is uncertain; with less parallax nothing is hidden


def project(points: np.ndarray, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """
    Project points into the image, through the lens if the camera has one.

    points: (N, 3), metres, in the camera's frame
    returns: uv (M, 2) int, pixels, rounded, all inside the image; and index (M,) of the points
    """
    index = np.flatnonzero(points[:, 2] > 0)
    tangents = points[index, :2] / points[index, 2:]
    K = camera.K.double().numpy()
    if camera.distortion is None:
        uv = tangents * K.diagonal()[:2] + K[:2, 2]
    else:
        # Far outside of the field of view a polynomial folds back into the image.
        index = index[np.hypot(*tangents.T) < camera.distortion.limit]
        uv = camera.distortion.project(points[index].astype(np.float64), K)
    height, width = camera.size
    # Before rounding, because what is not finite or huge has no integer.
    inside = ((uv > -0.5) & (uv < [width - 0.5, height - 0.5])).all(axis=1)
    uv = np.rint(uv[inside]).astype(np.int32)
    return np.clip(uv, 0, [width - 1, height - 1]), index[inside]


def z_buffer(
    uv: np.ndarray, z: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """
    Keep the nearest point of each pixel.

    uv: (N, 2) int, pixels
    z: (N,), metres
    returns: depth (H, W) float32, 0 where there is none; and index (H, W) of its point, -1
    """
    order = np.argsort(-z, kind='stable')  # of several values for a pixel NumPy keeps the last
    depth, index = np.zeros(size, np.float32), np.full(size, -1, np.int32)
    u, v = uv[order].T
    depth[v, u] = z[order]
    index[v, u] = order
    return depth, index


def hidden(depth: np.ndarray, parallax: np.ndarray) -> np.ndarray:
    """
    Find measured pixels that a nearer surface hides from the camera.

    A point at inverse depth w moves by parallax * w pixels from the LiDAR's view to the camera's.
    If p was seen beside a nearer q and now lies on the other side of it, p is behind. That is so
    if q lies within parallax * (w_q - w_p) of p, in the direction of the parallax: the window
    grows with the nearness of q.

    depth: (H, W), metres, 0 = unknown
    parallax: (H, W, 2), pixels x metres
    returns: (H, W) bool
    """
    out = np.zeros(depth.shape, bool)
    v, u = np.nonzero(depth > 0)
    if not len(v):
        return out
    inverse = np.zeros(depth.shape, np.float32)
    inverse[v, u] = 1 / depth[v, u]
    # Its edge runs somewhere between the last point on it and the next beside it.
    surface = cv2.dilate(inverse, np.ones((2 * BLUR + 1, 2 * BLUR + 1), np.uint8))
    shift = parallax[v, u]
    length = np.maximum(np.hypot(*shift.T), 1e-6)
    direction = shift / length[:, None]
    mine = inverse[v, u]
    nearest = surface[v, u]
    # How far something as near as the nearest of all could reach.
    reach = length * (inverse.max() - mine)
    height, width = depth.shape
    # A step that is longer leaves the image, and a point at the lens would reach without end.
    longest = int(min(np.hypot(height, width), reach.max()))
    far = np.arange(len(v))
    for step in range(BLUR, longest + 1, BLUR):
        far = far[reach[far] >= step]
        x = np.rint(u[far] + step * direction[far, 0]).astype(np.int32)
        y = np.rint(v[far] + step * direction[far, 1]).astype(np.int32)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        far, x, y = far[inside], x[inside], y[inside]  # what is outside stays there
        # Beyond so many pixels a surface hides only what is so much farther than itself.
        nearest[far] = np.maximum(nearest[far], surface[y, x] - step / length[far])
    margin = np.maximum(SAME_SURFACE * nearest, BLUR / length)
    out[v, u] = mine < nearest - margin
    return out


def agrees(depth: np.ndarray, uv: np.ndarray, z: np.ndarray) -> np.ndarray:
    """
    Tell which points of another sweep fit to a sweep, so that what moved leaves no trail.

    A point fits if its depth lies between those that were measured around its pixel, or if
    nothing was measured there.

    depth: (H, W), metres, of the one sweep, 0 = unknown
    uv: (N, 2) int, pixels, of the other
    z: (N,), metres
    returns: (N,) bool
    """
    coverage = max(np.count_nonzero(depth) / depth.size, 1e-4)
    size = 2 * int(np.clip(np.ceil(1.5 / np.sqrt(coverage)), 1, 20)) + 1
    kernel = np.ones((size, size), np.uint8)
    highest = cv2.dilate(depth, kernel)
    lowest = cv2.erode(np.where(depth > 0, depth, np.float32(np.inf)), kernel)
    u, v = uv.T
    return (z >= (1 - SAME_SURFACE) * lowest[v, u]) & (z <= (1 + SAME_SURFACE) * highest[v, u]) | (
        highest[v, u] == 0
    )


def parallax(origin: np.ndarray, camera: Camera) -> np.ndarray:
    """
    Return how far a point at 1 m moves from the view from `origin` to the camera's.

    origin: (3,), where the LiDAR was, metres, in the camera's frame
    returns: (H, W, 2), pixels x metres
    """
    height, width = camera.size
    fx, fy, cx, cy = (float(k) for k in (camera.fx, camera.fy, camera.cx, camera.cy))
    out = np.empty((height, width, 2), np.float32)
    out[..., 0] = fx * origin[0] - (np.arange(width) - cx) * origin[2]
    out[..., 1] = (fy * origin[1] - (np.arange(height) - cy) * origin[2])[:, None]
    return out
