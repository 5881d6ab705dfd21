# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Lens distortion as in ROS's CameraInfo, carried out by OpenCV.

Coefficients act on the tangents x/z and y/z, so a resize, crop or pad of the image leaves them.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

MODELS = ('plumb_bob', 'rational_polynomial', 'equidistant')
OPENCV_LENGTHS = (4, 5, 8, 12, 14)
MIRRORED = (3, 8, 9, 13)  # p2, s1, s2, tau_y: the coefficients that are odd in x


@dataclass(frozen=True)
class Distortion:
    """
    A lens model of ROS's CameraInfo.

    model: plumb_bob, rational_polynomial, or equidistant (fisheye, Kannala-Brandt)
    coefficients: in OpenCV's order (k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4 tau_x tau_y), for
        equidistant k1 k2 k3 k4; the missing ones are zero
    """

    model: str
    coefficients: tuple[float, ...] = ()

    def __post_init__(self):
        if self.model not in MODELS:
            raise ValueError(
                f'Distortion: unknown model {self.model!r}; known models: {", ".join(MODELS)}.'
            )
        coefficients = tuple(float(k) for k in self.coefficients)
        if not all(map(math.isfinite, coefficients)):
            raise ValueError(
                f'Distortion: coefficients must be finite, got {coefficients}; '
                'check D of the calibration.'
            )
        if not self.fisheye and len(coefficients) > OPENCV_LENGTHS[-1]:
            raise ValueError(
                f'Distortion: {self.model} has at most {OPENCV_LENGTHS[-1]} coefficients, '
                f'got {len(coefficients)}; check D of the calibration.'
            )
        object.__setattr__(self, 'coefficients', coefficients)

    @property
    def fisheye(self) -> bool:
        return self.model == 'equidistant'

    @property
    def identity(self) -> bool:
        """Tell whether it changes nothing; an equidistant lens bends even with all k zero."""
        return not self.fisheye and not any(self.coefficients)

    @property
    def vector(self) -> np.ndarray:
        """Coefficients as OpenCV wants them: float64, padded with zeros to a length it knows."""
        # CameraInfo messages often carry five numbers where the fisheye model has four.
        given = self.coefficients[:4] if self.fisheye else self.coefficients
        length = next(n for n in OPENCV_LENGTHS if n >= len(given))
        return np.array(given + (0.0,) * (length - len(given)))

    def flip(self) -> Distortion:
        """Return the lens seen in a mirror."""
        if self.fisheye:
            return self
        mirrored = [-k if i in MIRRORED else k for i, k in enumerate(self.coefficients)]
        return Distortion(self.model, tuple(mirrored))

    def project(self, points: np.ndarray, K: np.ndarray) -> np.ndarray:
        """
        Project points of the camera frame through the lens.

        points: (..., 3) float64, metres, in front of the camera
        K: (3, 3) float64, pixels
        returns: (..., 2) float64, pixels
        """
        if not points.size:  # OpenCV refuses an empty list.
            return np.zeros((*points.shape[:-1], 2))
        project = cv2.fisheye.projectPoints if self.fisheye else cv2.projectPoints
        uv, _ = project(points.reshape(-1, 1, 3), np.zeros(3), np.zeros(3), K, self.vector)
        return uv.reshape(*points.shape[:-1], 2)

    def maps(self, K: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """
        Return where the lens shows each pixel of a pinhole camera with the same K, for cv2.remap.

        K: (3, 3) float64, pixels
        size: (height, width), pixels
        returns: map_x, map_y, (H, W) float32, pixels
        """
        initialise = (cv2.fisheye if self.fisheye else cv2).initUndistortRectifyMap
        return initialise(K, self.vector, np.eye(3), K, size[::-1], cv2.CV_32FC1)
