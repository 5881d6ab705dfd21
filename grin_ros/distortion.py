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

    def maps(
        self,
        K: np.ndarray,
        size: tuple[int, int],
        target: np.ndarray | None = None,
        rotation: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Return where the lens shows each pixel of a pinhole camera, for cv2.remap.

        K: (3, 3) float64, pixels, of the lens
        size: (height, width) of the pinhole camera, pixels
        target: (3, 3) float64, pixels, K of the pinhole camera; None = K
        rotation: (3, 3), from the frame of the lens to that of the pinhole camera; None = I
        returns: map_x, map_y, (H, W) float32, pixels
        """
        initialise = (cv2.fisheye if self.fisheye else cv2).initUndistortRectifyMap
        target = K if target is None else target
        rotation = np.eye(3) if rotation is None else rotation
        return initialise(K, self.vector, rotation, target, size[::-1], cv2.CV_32FC1)

    @property
    def limit(self) -> float:
        """
        Tangent of the angle from the axis beyond which the model folds back into the image.

        A polynomial fits its calibration up to the edge of the image and may turn round beyond.
        """
        if self.fisheye:
            angle = np.linspace(0, np.pi / 2, 2000)[:-1]
            radius, shown = np.tan(angle), np.polyval([*self.vector[::-1], 1], angle**2) * angle
        else:
            radius = np.linspace(0, 20, 20000)
            k1, k2, _, _, k3, k4, k5, k6 = (*self.vector, 0, 0, 0, 0)[:8]
            square = radius**2
            below = np.polyval([k6, k5, k4, 1], square)
            turned = np.flatnonzero(below <= 0)  # a pole of the rational model
            below = np.where(below > 0, below, np.nan)
            shown = radius * np.polyval([k3, k2, k1, 1], square) / below
            shown[turned[0] if turned.size else len(shown) :] = -1
        turns = np.flatnonzero(np.diff(shown) <= 0)
        return float(radius[turns[0]]) if turns.size else np.inf
