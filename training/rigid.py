# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Rigid transforms as arrays: from quaternions, inverted, and between two rotations."""

from __future__ import annotations

import numpy as np


def matrices(translations: np.ndarray, quaternions: np.ndarray) -> np.ndarray:
    """
    Return poses as matrices.

    translations: (N, 3), metres
    quaternions: (N, 4), unit, x y z w
    returns: (N, 4, 4)
    """
    x, y, z, w = quaternions.T
    pose = np.zeros((len(quaternions), 4, 4))
    pose[:, 0, :3] = np.stack(
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], 1
    )
    pose[:, 1, :3] = np.stack(
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], 1
    )
    pose[:, 2, :3] = np.stack(
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], 1
    )
    pose[:, :3, 3] = translations
    pose[:, 3, 3] = 1
    return pose


def inverse(poses: np.ndarray) -> np.ndarray:
    """Invert rigid transforms: (..., 4, 4)."""
    out = np.zeros_like(poses)
    rotation = np.swapaxes(poses[..., :3, :3], -1, -2)
    out[..., :3, :3] = rotation
    out[..., :3, 3] = -(rotation @ poses[..., :3, 3:])[..., 0]
    out[..., 3, 3] = 1
    return out


def slerp(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """
    Interpolate rotations on the sphere.

    first, second: (N, 4), unit quaternions on one hemisphere
    share: (N, 1), 0 = first, 1 = second
    """
    angle = np.arccos(np.sum(first * second, axis=1, keepdims=True).clip(-1, 1))
    small = angle < 1e-6
    sine = np.where(small, 1.0, np.sin(angle))
    a = np.where(small, 1 - share, np.sin((1 - share) * angle) / sine)
    b = np.where(small, share, np.sin(share * angle) / sine)
    mixed = a * first + b * second
    return mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
