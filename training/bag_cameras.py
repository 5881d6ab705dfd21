# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The cameras of a bag's images: from its CameraInfo messages, or from a file."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np

from grin_ros.camera import Camera
from grin_ros.intrinsics import read_camera_info
from grin_ros.ros.from_msg import read_camera, read_image

from .bag import BagReader, CAMERA_INFO
from .extract_config import ExtractConfig
from .stream import Stream


def info_topic(bag: BagReader, image: str, given: str | None = None) -> str:
    """Return the camera_info topic of an image topic, or say what can take its place."""
    try:
        return bag.camera_info_topic(image, given)
    except ValueError as error:
        if bag.named(CAMERA_INFO):
            raise
        raise ValueError(
            f'{error}; pass --intrinsics FILE.yaml, as camera_calibration writes it'
        ) from None


def read_cameras(
    bag: BagReader, config: ExtractConfig, images: Stream, infos: list[tuple[int, Any]]
) -> tuple[list[Camera], np.ndarray]:
    """
    Return the different cameras of the images, and which image has which.

    infos: stamps in nanoseconds and CameraInfo messages, without a file of intrinsics
    returns: cameras, and (N,) an index into them for each image
    """
    topic, arrival, _ = images.key(0)
    first = next(bag.scan([topic], start=arrival, stop=arrival + 1))[2]
    size = read_image(first).shape[:2]
    if config.intrinsics:
        camera = read_camera_info(config.intrinsics)
        if camera.size != size:
            raise ValueError(
                f'{config.intrinsics}: is for {camera.size[1]} x {camera.size[0]} pixels, but '
                f'{topic} has {size[1]} x {size[0]}; calibrate at this size'
            )
        return [camera], np.zeros(len(images), int)
    if not infos:
        raise ValueError(
            f'{bag.path}: the camera_info topic has no message; pass --intrinsics FILE.yaml, as '
            'camera_calibration writes it'
        )
    rectified = config.rectified
    if rectified is None:
        rectified = 'rect' in topic.removesuffix('/compressed').rpartition('/')[2]
    infos.sort(key=lambda pair: pair[0])
    times = [time for time, _ in infos]
    cameras, known, camera_of = [], {}, np.zeros(len(images), int)
    for i, stamp in enumerate(images.stamps):
        info = infos[max(bisect_right(times, stamp) - 1, 0)][1]
        key = (info.k.tobytes(), info.p.tobytes(), info.d.tobytes(), str(info.roi), info.width,
               info.height, info.binning_x, info.binning_y)  # fmt: skip
        if key not in known:
            # P of a rectified image is often left empty by those who write camera_info by hand.
            known[key] = len(cameras)
            cameras.append(read_camera(info, size, rectified and bool(info.p[0] > 0)))
        camera_of[i] = known[key]
    return cameras, camera_of
