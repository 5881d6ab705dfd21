# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Coloured point clouds as files and, where open3d cannot draw, as pictures.

NumPy alone, because open3d needs system libraries that a bare machine does not have.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

# How pictures of clouds are taken.
BACKGROUND = (24, 24, 24)
SIZE = (720, 1280)  # (height, width), pixels
MARGIN = 0.96  # of the picture's width or height


def write_ply(path: str | Path, points: np.ndarray, colours: np.ndarray) -> None:
    """
    Write a binary PLY that open3d, MeshLab and CloudCompare read.

    points: (N, 3), metres; rows that are not finite are left out
    colours: (N, 3) uint8, RGB
    """
    known = np.isfinite(points).all(axis=1)
    vertices = np.empty(known.sum(), [('xyz', '<f4', 3), ('rgb', 'u1', 3)])
    vertices['xyz'], vertices['rgb'] = points[known], colours[known]
    properties = [f'property float {name}' for name in 'xyz']
    properties += [f'property uchar {name}' for name in ('red', 'green', 'blue')]
    header = ['ply', 'format binary_little_endian 1.0', f'element vertex {len(vertices)}']
    header = '\n'.join([*header, *properties, 'end_header', ''])
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.encode('ascii') + vertices.tobytes())


def viewpoint(points: np.ndarray) -> tuple[np.ndarray, float]:
    """
    Return a pose that shows what a camera's own picture cannot: from behind, above and aside.

    points: (N, 3), metres, in the camera frame: x right, y down, z forward
    returns: (4, 4), brings points into the frame of the viewer; and the focal length, pixels,
        with which nearly all of them fill a picture of SIZE
    """
    scale = float(np.median(points[:, 2]))
    eye = scale * np.array([0.35, -0.35, -0.45])
    forward = np.array([0.0, 0.0, scale]) - eye
    for _ in range(3):  # looking at the middle changes what is in the middle, but little
        forward /= np.linalg.norm(forward)
        right = np.cross([0.0, 1.0, 0.0], forward)
        right /= np.linalg.norm(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        x, y, z = ((points - eye) @ rotation.T).T
        tangents = np.stack([x, y])[:, z > 0.05 * scale] / z[z > 0.05 * scale]
        low, high = np.percentile(tangents, (1, 99), axis=1)
        forward = np.array([*(low + high) / 2, 1.0]) @ rotation
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, -rotation @ eye
    height, width = SIZE
    return pose, float((np.array([width, height]) / (high - low)).min() * MARGIN)


def splat(points: np.ndarray, colours: np.ndarray, dot: int = 3) -> np.ndarray:
    """
    Draw a cloud from its viewpoint, every point as a square; the nearest one wins.

    points: (N, 3), metres
    colours: (N, 3) uint8, RGB
    dot: side of a square, pixels
    returns: (*SIZE, 3) uint8, RGB
    """
    height, width = SIZE
    pose, focal = viewpoint(points)
    points = points @ pose[:3, :3].T + pose[:3, 3]
    seen = points[:, 2] > 0
    points, colours = points[seen], colours[seen]
    # Painted from far to near: of several values for one pixel NumPy keeps the last.
    order = np.argsort(-points[:, 2])
    points, colours = points[order], colours[order]
    u, v = np.rint(focal * points[:, :2] / points[:, 2:] + [width / 2, height / 2]).astype(int).T
    row, column = np.mgrid[:dot, :dot].reshape(2, -1) - dot // 2
    u, v = (u[:, None] + column).reshape(-1), (v[:, None] + row).reshape(-1)
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    picture = np.full((height, width, 3), BACKGROUND, np.uint8)
    picture[v[inside], u[inside]] = np.repeat(colours, dot * dot, axis=0)[inside]
    return cv2.medianBlur(picture, 3)  # closes the gaps of one pixel between the squares
