# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the node has to make of the wall: compared with K of a CameraInfo, by hand."""

from __future__ import annotations

import numpy as np

from grin_ros.plane import DISTANCE, NORMAL
from grin_ros.ros.from_msg import read_depth, read_points


def check(answers: dict, K: tuple[float, float, float, float], distance: float = DISTANCE) -> None:
    """
    Compare depth image, its CameraInfo and cloud with the wall as that camera sees it.

    answers: topic -> message, of one image
    K: fx, fy, cx, cy, pixels, of the published depth image
    """
    depth = read_depth(answers['depth/image'])
    height, width = depth.shape
    fx, fy, cx, cy = K
    x = (np.arange(width) - cx) / fx
    y = ((np.arange(height) - cy) / fy)[:, None]
    truth = distance / (NORMAL[0] * x + NORMAL[1] * y + NORMAL[2])
    # The model works on every fourth pixel: in between and at the border it is a straight line.
    error = np.abs(depth / truth - 1)
    assert np.median(error) < 2e-3 and error.max() < 0.05, (np.median(error), error.max())

    info = answers['depth/camera_info']
    assert (info.height, info.width) == (height, width)
    np.testing.assert_allclose([info.k[i] for i in (0, 4, 2, 5)], K, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose([info.p[i] for i in (0, 5, 2, 6)], K, rtol=1e-5, atol=1e-4)

    cloud = answers['points']
    assert (cloud.height, cloud.width) == (height, width), 'organised, one row per row'
    xyz = read_points(cloud)[0].reshape(height, width, 3)
    np.testing.assert_allclose(xyz[..., 2], depth, rtol=1e-5)
    np.testing.assert_allclose(xyz[..., 0], depth * x, atol=1e-3)
    np.testing.assert_allclose(xyz[..., 1], depth * y, atol=1e-3)
    headers = {(one.header.frame_id, *_stamp(one)) for one in answers.values()}
    assert len(headers) == 1, 'all have the header of the image'


def _stamp(message) -> tuple[int, int]:
    return message.header.stamp.sec, message.header.stamp.nanosec
