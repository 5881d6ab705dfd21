# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whether the frame of some images is an optical one: x right, y down, z forward (REP 103)."""

from __future__ import annotations

import numpy as np

from .tf import Transforms

# Of the optical frame in the body frame, which is x forward, y left, z up.
TURN = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])
SMALL = 0.05  # radians, of a calibrated mount beside the nominal turn
BESIDE = 0.5  # metres between the frames of one camera


def check_optical(path: str, transforms: Transforms, chain: tuple[str, str], stamp: int) -> None:
    """
    Refuse a frame of images that is that of the camera's body, or looks along the LiDAR's axis.

    path: of the bag, for errors
    chain: frames of the camera and of the LiDAR, connected
    stamp: nanoseconds
    """
    camera, lidar = chain
    if 'optical' in camera:
        return
    times = np.array([stamp])
    optical = [frame for frame in transforms.frames if 'optical' in frame]
    below = [frame for frame in optical if _turned_below(transforms, camera, frame, times)]
    if below:
        raise ValueError(
            f'{path}: the frame {camera!r} of the images is no optical frame ({below[0]!r} hangs '
            'below it by the turn from a body to its optical frame); pass --camera-frame, one of '
            f'{", ".join(below)}, or {camera} if the images are in that frame all the same'
        )
    # Also of a LiDAR that is mounted upside down; NaN, without a pose, says nothing.
    if abs(transforms.lookup(camera, lidar, times)[0, 2, 2]) > 0.9:
        raise ValueError(
            f'{path}: the frame {camera!r} of the images is no optical frame (its z axis is that '
            'of the LiDAR, so the camera would look up); pass --camera-frame, '
            + (f'one of {", ".join(optical)}' if optical else 'or right --extrinsics')
        )


def _turned_below(transforms: Transforms, body: str, frame: str, times: np.ndarray) -> bool:
    """Tell whether a frame hangs below a body frame by the turn that makes it optical."""
    steps = transforms.path(body, frame)
    if steps is None or not all(down for _, down in steps):
        return False
    pose = transforms.lookup(body, frame, times)[0]
    # The trace of a rotation is 1 + 2 cos of its angle.
    cosine = (np.trace(TURN.T @ pose[:3, :3]) - 1) / 2
    return bool(cosine > np.cos(SMALL) and np.linalg.norm(pose[:3, 3]) < BESIDE)
