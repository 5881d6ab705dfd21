# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which camera an image was taken with: from CameraInfo, from parameters, or unknown."""

from __future__ import annotations

from collections import deque
import re
import threading

import numpy as np

from grin_ros.camera import Camera, Distortion
from grin_ros.ros.from_msg import read_camera

HISTORY = 10  # CameraInfo messages that are kept, because they may overtake their images
PATIENCE = 0.1  # seconds that an image waits for the CameraInfo of its own stamp


class Calibration:
    """
    The calibration of one camera as it is known at the moment; fed by the executor's thread.

    topic: of the image; its name may say that the images are rectified
    """

    def __init__(self, topic: str) -> None:
        self._named_rectified = named_rectified(topic)
        self._infos = deque(maxlen=HISTORY)
        self._came = threading.Condition()
        self._stamp = None  # of the image that waited last
        self._alike = False  # the driver stamps image and CameraInfo alike

    def add(self, info) -> None:
        """Take a CameraInfo."""
        with self._came:
            self._infos.append(info)
            self._alike |= info.header.stamp == self._stamp
            self._came.notify_all()

    def wait(self, header) -> None:
        """
        Give the CameraInfo of an image the time to come, if images have one of their own.

        An image may overtake it, and the one before is wrong when the camera has changed its size
        or zoom in between.
        """
        with self._came:
            self._stamp = header.stamp
            self._alike = self._came.wait_for(
                lambda: any(info.header.stamp == header.stamp for info in self._infos),
                PATIENCE if self._alike else 0,
            )

    def view(
        self, header, size: tuple[int, int], config
    ) -> tuple[Camera, Camera | None, np.ndarray | None] | None:
        """
        Return what a Rectifier needs for an image: camera, target and rotation.

        None if the camera shall be taken as unknown.

        header: of the image, None if there was none yet
        size: (height, width) of the image, pixels; None = as the CameraInfo says
        config: NodeConfig
        raises: ValueError saying what is missing or wrong, and what to do
        """
        if config.intrinsics == 'none':
            return None
        if config.intrinsics == 'parameters':
            return from_parameters(config, size), None, None
        info = self._info_of(header)
        if info is None:
            raise ValueError(
                'no CameraInfo came: remap camera_info, or set intrinsics to parameters or none'
            )
        age = 0.0 if header is None else abs(seconds(header.stamp) - seconds(info.header.stamp))
        if 0 < config.max_info_age < age:
            raise ValueError(
                f'the stamps of image and CameraInfo are {age:.3g} s apart, more than '
                f'max_info_age: have the driver stamp both alike, or raise max_info_age'
            )
        if self.rectified(config):
            return read_camera(info, size, rectified=True), None, None
        target, rotation = _rectification(info, size)
        return read_camera(info, size), target, rotation

    def rectified(self, config) -> bool:
        """Tell whether the images are free of distortion already, as far as anyone says so."""
        return config.rectify == 'never' or (config.rectify == 'auto' and self._named_rectified)

    def doubt(self, header, config) -> str:
        """Return what is odd about image and CameraInfo without being wrong; empty if nothing."""
        if header is not None and not header.frame_id:
            return (
                'the images have no frame_id, so that neither tf nor RViz can place depth and '
                "points: set it in the camera's driver"
            )
        info = self._info_of(header)
        if header is None or info is None or config.intrinsics != 'camera_info':
            return ''
        if info.header.frame_id not in ('', header.frame_id):
            return (
                f'CameraInfo is in frame {info.header.frame_id!r} and the image in '
                f'{header.frame_id!r}, which counts: check that they are of one camera'
            )
        return ''

    def _info_of(self, header):
        infos = tuple(self._infos)
        same = [info for info in infos if header and info.header.stamp == header.stamp]
        return (same or infos or (None,))[-1]


def named_rectified(topic: str) -> bool:
    """
    Tell whether an image topic's name says that the images are rectified.

    It does if its last part has `rect` or `rectified` as a word, as `image_rect_color`.
    """
    last = topic.removesuffix('/compressed').rpartition('/')[2]
    return re.search('(^|_)rect(ified)?(_|$)', last) is not None


def from_parameters(config, size: tuple[int, int]) -> Camera:
    """Return the camera that the parameters fx, fy, cx, cy and distortion describe."""
    if size is None:
        raise ValueError('no image came yet whose camera the parameters could describe')
    height, width = size
    return Camera.from_intrinsics(
        config.fx,
        config.fy or config.fx,
        config.cx or (width - 1) / 2,
        config.cy or (height - 1) / 2,
        size,
        Distortion(config.distortion_model, tuple(config.distortion)),
    )


def seconds(stamp) -> float:
    """Return a stamp in seconds."""
    return stamp.sec + 1e-9 * stamp.nanosec


def _rectification(info, size) -> tuple[Camera | None, np.ndarray | None]:
    """
    Return the camera that R and P describe, to which image_proc rectifies too, and R.

    Both are None where the CameraInfo has none, as drivers of single cameras often leave them.
    """
    p, r = np.asarray(info.p, float), np.asarray(info.r, float).reshape(3, 3)
    if not (np.isfinite(p).all() and p[0] > 0 and p[5] > 0):
        return None, None
    rotates = np.allclose(r @ r.T, np.eye(3), atol=1e-3) and np.linalg.det(r) > 0
    return read_camera(info, size, rectified=True), r if rotates else None
