# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Miniatures of data sets in their own layout, and a pipeline that says one depth."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np

from grin_ros.pipeline import Prediction


def put(path, content):
    """Write text, bytes, an RGB picture or an array as the ending of the file asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, (str, bytes)):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    elif path.suffix == '.npy':
        np.save(path, content)
    else:
        content = content[..., ::-1] if content.ndim == 3 else content
        cv2.imwrite(str(path), content)
    return path


def red(height, width):
    """A picture whose first channel tells RGB from BGR."""
    return np.full((height, width, 3), (200, 100, 50), np.uint8)


def check(sample, size, K):
    assert sample.image.shape == (*size, 3)
    assert sample.depth.shape == size
    assert sample.camera.size == size
    assert sample.depth.dtype == np.float32
    np.testing.assert_allclose(sample.image.reshape(-1, 3).mean(0), (200, 100, 50), atol=3)
    found = (sample.camera.fx, sample.camera.fy, sample.camera.cx, sample.camera.cy)
    np.testing.assert_allclose([float(k) for k in found], K, rtol=1e-6)


def window(mask):
    """First and last row and column that count."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    return rows[0], rows[-1], columns[0], columns[-1]


class Answer:
    """A pipeline that says the same depth everywhere."""

    device, steps, checkpoint, config = 'cpu', 1, 'none', SimpleNamespace(stride=1)

    def __init__(self, depth):
        self.depth = depth

    def infer(self, image, camera, **options):
        depth = np.full(camera.size, self.depth, np.float32)
        return Prediction(depth, np.zeros_like(depth), np.isfinite(depth), camera)


def kitti(root):
    """Two frames, of which one has no ground truth, and a frame that is not Eigen's."""
    depth = np.zeros((370, 1224), np.uint16)
    depth[200, 600] = 20 * 256
    depth[100, 600] = 256  # above the crop, which begins at int(0.40810811 * 370) = 151
    depth[201, 600] = 80 * 256  # at the limit of the range
    P = '7.07e+02 0 6.01e+02 4.6e+01 0 7.08e+02 1.83e+02 1e-01 0 0 1 3e-03'
    put(root / '2011_09_30/calib_cam_to_cam.txt', f'calib_time: x\nP_rect_02: {P}\n')
    drive = '2011_09_30_drive_0016_sync'
    for number in (11, 22, 12):
        put(root / f'2011_09_30/{drive}/image_02/data/{number:010d}.png', red(370, 1224))
    for number in (22, 12):
        inside = f'{drive}/proj_depth/groundtruth/image_02/{number:010d}.png'
        put(root / 'data_depth_annotated/val' / inside, depth)
