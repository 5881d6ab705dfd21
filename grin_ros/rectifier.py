# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Take the lens distortion out of images, with maps that are made once per calibration."""

from __future__ import annotations

import cv2
import numpy as np

from grin_ros.camera import Camera

BLIND = 0.01  # share of the rectified image; a lens that sees less was not calibrated


class Rectifier:
    """Remap a raw image to a pinhole camera; the maps stay until the calibration changes."""

    def __init__(self) -> None:
        self._key = None
        self._made = None  # pinhole camera, maps, pixels that the lens saw

    def __call__(
        self,
        image: np.ndarray,
        camera: Camera,
        target: Camera | None = None,
        rotation: np.ndarray | None = None,
        interpolation: int = cv2.INTER_LINEAR,
    ) -> tuple[np.ndarray, Camera, np.ndarray | None]:
        """
        Return image and camera without distortion; untouched where there is none.

        image: (H, W, 3) uint8, or (H, W)
        camera: of that image
        target: the pinhole camera to arrive at; None = K and size of the camera
        rotation: (3, 3), from the camera's frame to that of the target; None = I
        interpolation: of OpenCV; INTER_NEAREST for a mask
        returns: also (H, W) bool, the pixels that the lens saw; None = all of them
        raises: ValueError where the distortion leaves next to nothing of the image
        """
        if camera.distortion is None:
            return image, camera, None
        key = (camera.K.numpy().tobytes(), camera.size, camera.distortion)
        key += (None if target is None else (target.K.numpy().tobytes(), target.size),)
        key += (None if rotation is None else rotation.tobytes(),)
        if key != self._key:
            self._made, self._key = _make(camera, target, rotation), key
        pinhole, maps, seen = self._made
        return cv2.remap(image, *maps, interpolation), pinhole, seen


def _make(camera: Camera, target: Camera | None, rotation: np.ndarray | None) -> tuple:
    pinhole, *maps = camera.rectification(target, rotation)
    height, width = camera.size
    seen = (maps[0] >= 0) & (maps[0] <= width - 1) & (maps[1] >= 0) & (maps[1] <= height - 1)
    rays = pinhole.rays().double().numpy()
    if rotation is not None:
        rays = np.einsum('ji,jhw->ihw', rotation, rays)
    x, y, z = rays
    # Beyond its limit the lens model shows the middle of the image once more.
    seen &= (z > 0) & (np.hypot(x, y) < camera.distortion.limit * z)
    if seen.mean() < BLIND:
        raise ValueError(
            f'with the distortion {camera.distortion.model} '
            f'{[float(f"{value:.3g}") for value in camera.distortion.coefficients]} next to '
            f'nothing of the image remains: calibrate the camera, or set rectify to never'
        )
    return pinhole, maps, seen
