# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Transforms that a bag lacks, from a YAML file.

    camera_from_lidar: [[r, r, r, x], [r, r, r, y], [r, r, r, z], [0, 0, 0, 1]]

brings points of the LiDAR into the optical frame of the camera (x right, y down, z forward).

    transforms:
      - {parent: base_link, child: lidar, translation: [x, y, z], rotation: [x, y, z, w]}

are poses of child in parent, as `ros2 run tf2_ros tf2_echo parent child` prints them. Metres.
"""

from __future__ import annotations

import numpy as np

from grin_ros.config import load_yaml

from .tf import Transforms

NEEDED = (
    'it needs camera_from_lidar, 4 x 4, or transforms, a list of parent, child, '
    'translation [x, y, z] and rotation [x, y, z, w]'
)


def add_extrinsics(transforms: Transforms, path: str, camera: str, lidar: str) -> None:
    """
    Add what a file says; it replaces what the bag says about the same pair of frames.

    camera, lidar: frames of the messages
    """
    data = load_yaml(path)
    unknown = sorted(data.keys() - {'camera_from_lidar', 'transforms'})
    if unknown or not data:
        raise ValueError(f'{path}: no extrinsics ({", ".join(unknown) or "empty"}); {NEEDED}')
    try:
        if 'camera_from_lidar' in data:
            matrix = np.array(data['camera_from_lidar'], float)
            if matrix.shape not in ((4, 4), (3, 4)):
                raise ValueError(f'camera_from_lidar is of shape {matrix.shape}')
            _check(matrix[:3, 3], matrix[:3, :3])
            transforms.add(camera, lidar, matrix[:3, 3], _quaternion(matrix[:3, :3]), replace=True)
        for one in data.get('transforms') or ():
            translation, rotation = np.array(one['translation'], float), np.array(one['rotation'])
            if translation.shape != (3,) or rotation.shape != (4,):
                raise ValueError('a translation has 3 numbers, a rotation 4')
            _check(translation, rotation.astype(float))
            transforms.add(*_frames(one), translation, rotation, replace=True)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path}: no extrinsics ({type(error).__name__}: {error}); {NEEDED}'
        ) from None


def _check(translation: np.ndarray, rotation: np.ndarray) -> None:
    """Refuse what tf2 would drop; rotation: quaternion, or 3 x 3."""
    if not (np.isfinite(translation).all() and np.isfinite(rotation).all()):
        raise ValueError('a number is not finite')
    if np.linalg.norm(rotation) < 1e-6:
        raise ValueError('the rotation is all zero; none at all is [0, 0, 0, 1]')


def _frames(one: dict) -> tuple[str, str]:
    """Return the names of parent and child."""
    parent, child = one['parent'], one['child']
    for name in (parent, child):
        if not isinstance(name, str) or not name.strip('/'):
            raise ValueError(f'{name!r} is no name of a frame; put it in quotes')
    if parent.lstrip('/') == child.lstrip('/'):
        raise ValueError(f'{parent!r} is parent and child')
    return parent, child


def _quaternion(rotation: np.ndarray) -> np.ndarray:
    """Return x y z w of a rotation matrix, which must be one up to rounding."""
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
        raise ValueError('the left 3 x 3 numbers are no rotation')
    # The eigenvector of this matrix for its largest eigenvalue, which is 1 (Bar-Itzhack 2000).
    (a, b, c), (d, e, f), (g, h, i) = rotation
    symmetric = np.array([
        [a - e - i, d + b, g + c, h - f],
        [d + b, e - a - i, h + f, c - g],
        [g + c, h + f, i - a - e, d - b],
        [h - f, c - g, d - b, a + e + i],
    ])  # fmt: skip
    return np.linalg.eigh(symmetric / 3)[1][:, -1]
