# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Ground truth from LiDAR points, made as the field makes it."""

from __future__ import annotations

import numpy as np

from grin_ros.camera import Camera


def depth_image(points: np.ndarray, camera: Camera, nearest: float = 0.0) -> np.ndarray:
    """
    Scatter points into an image.

    As DGP and the depth code around it do, a coordinate is cut off to a whole pixel and of
    several points in a pixel the last one stays, hidden ones included: figures are compared with
    others that were made so. `grin_ros/projection.py` makes training samples with more care.

    points: (N, 3), metres, in the camera's frame; nearest: metres, of the points to keep
    returns: (H, W) float32, metres, 0 where there is no point
    """
    points = points[points[:, 2] > nearest].astype(np.float64)
    uvw = points @ camera.K.double().numpy().T
    uv = np.trunc(uvw[:, :2] / uvw[:, 2:])
    height, width = camera.size
    inside = ((uv >= 0) & (uv < [width, height])).all(axis=1)
    u, v = uv[inside].astype(int).T
    depth = np.zeros(camera.size, np.float32)
    depth[v, u] = points[inside, 2]
    return depth
