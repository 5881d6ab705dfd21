# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Take the lens distortion out of images, with maps that are made once per calibration."""

from __future__ import annotations

import cv2
import numpy as np

from grin_ros.camera import Camera


class Rectifier:
    """Remap a raw image to a pinhole camera; the maps stay until the calibration changes."""

    def __init__(self) -> None:
        self._key = None
        self._target = None

    def __call__(
        self, image: np.ndarray, camera: Camera
    ) -> tuple[np.ndarray, Camera, np.ndarray | None]:
        """
        Return image and camera without distortion; untouched where there is none.

        image: (H, W, 3) uint8
        camera: of that image
        returns: also (H, W) bool, the pixels that the lens saw; None = all of them
        """
        if camera.distortion is None:
            return image, camera, None
        key = (camera.K.numpy().tobytes(), camera.size, camera.distortion)
        if key != self._key:
            pinhole, *maps = camera.rectification()
            height, width = camera.size
            seen = (
                (maps[0] >= 0) & (maps[0] <= width - 1) & (maps[1] >= 0) & (maps[1] <= height - 1)
            )
            self._target, self._key = (pinhole, maps, seen), key
        pinhole, maps, seen = self._target
        return cv2.remap(image, *maps, cv2.INTER_LINEAR), pinhole, seen
