# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
ETH3D (Schöps et al. 2017), the 454 images of its 13 high-resolution training scenes.

Layout: per scene `images/dslr_images/*.JPG`, `dslr_calibration_jpg/{cameras,images}.txt` and
`ground_truth_depth/dslr_images/*.JPG` (raw float32, inf = unknown), as the archives
*_dslr_jpg.7z and *_dslr_depth.7z unpack. The depth belongs to the distorted pictures, so both
are rectified here, to a pinhole camera of the same focal length.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np

from grin_ros.camera import Camera

from ..sample import Sample
from .protocol import ProtocolSet, read_image

CALIBRATION = 'dslr_calibration_jpg'


def load(root: Path) -> list[ProtocolSet]:
    """Find the images with ground truth."""
    frames = []
    for scene in sorted(path.parent for path in root.glob(f'*/{CALIBRATION}')):
        cameras = {row[0]: row for row in _rows(scene / CALIBRATION / 'cameras.txt')}
        # Of two lines per image the first ends with its camera and its file.
        for row in _rows(scene / CALIBRATION / 'images.txt')[::2]:
            camera, image = cameras[row[8]], row[9]
            truth = scene / 'ground_truth_depth' / image
            if truth.is_file():
                stem = f'{scene.name}_{Path(image).stem}'
                picture = scene / 'images' / image
                frames.append((stem, partial(_read, stem, picture, truth, camera)))
    return [ProtocolSet(root, 'eth3d', 'other', (0.01, 50), frames, 454)]


def _rows(path: Path) -> list[list[str]]:
    if not path.is_file():
        raise FileNotFoundError(f'{path} is missing; unpack the scene again')
    lines = [line for line in path.read_text().splitlines() if not line.startswith('#')]
    return [line.split() for line in lines]


def _read(stem: str, picture: Path, truth: Path, row: list[str]) -> Sample:
    _, model, width, height, *parameters = row
    if model != 'THIN_PRISM_FISHEYE':
        raise ValueError(f'{picture}: camera model {model} is not THIN_PRISM_FISHEYE; use the jpg')
    size = int(height), int(width)
    fx, fy, cx, cy, *lens = (float(p) for p in parameters)
    # COLMAP's pixels begin at their corner, ours at their centre.
    camera = Camera.from_intrinsics(fx, fy, cx - 0.5, cy - 0.5, size)
    depth = np.fromfile(truth, np.float32).reshape(size)
    maps = _maps(camera, lens)
    image = cv2.remap(read_image(picture), *maps, cv2.INTER_LINEAR)
    depth = np.where(np.isfinite(depth), depth, 0)
    # No depth between two surfaces.
    return Sample(image, cv2.remap(depth, *maps, cv2.INTER_NEAREST), camera, stem)


def _maps(camera: Camera, lens: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return where the distorted picture shows each pixel of the pinhole camera, for remap."""
    k1, k2, p1, p2, k3, k4, sx, sy = lens
    fx, fy, cx, cy = (float(k) for k in (camera.fx, camera.fy, camera.cx, camera.cy))
    height, width = camera.size
    x = (np.arange(width, dtype=np.float32)[None] - cx) / fx
    y = (np.arange(height, dtype=np.float32)[:, None] - cy) / fy
    r = np.hypot(x, y)
    bend = np.where(r > 1e-8, np.arctan(r) / np.maximum(r, 1e-8), 1)
    x, y = x * bend, y * bend
    xx, xy, yy = x * x, x * y, y * y
    rr = xx + yy
    radial = rr * (k1 + rr * (k2 + rr * (k3 + rr * k4)))
    u = x + x * radial + 2 * p1 * xy + p2 * (rr + 2 * xx) + sx * rr
    v = y + y * radial + 2 * p2 * xy + p1 * (rr + 2 * yy) + sy * rr
    return (u * fx + cx).astype(np.float32), (v * fy + cy).astype(np.float32)
