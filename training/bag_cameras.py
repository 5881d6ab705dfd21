# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The cameras of a bag's images: from its CameraInfo messages, or from a file."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from grin_ros.camera import Camera
from grin_ros.intrinsics import read_camera_info
from grin_ros.ros.calibration import named_rectified
from grin_ros.ros.from_msg import read_camera, read_image

from .bag import BagReader
from .bag_topics import CAMERA_INFO
from .extract_config import ExtractConfig
from .stream import Stream

LOOKED_AT = 100  # images until one can be decoded; then it is no driver's start but the format


class Calibrations:
    """
    The CameraInfo messages of a bag: when which calibration held, each kept once.

    times: nanoseconds, as they were added
    which: index into distinct, for each time
    distinct: messages
    """

    def __init__(self):
        self.times: list[int] = []
        self.which: list[int] = []
        self.distinct: list[Any] = []
        self._known: dict[tuple, int] = {}

    def add(self, time: int, info: Any) -> None:
        """Note a message."""
        key = (info.k.tobytes(), info.p.tobytes(), info.d.tobytes(), str(info.roi), info.width,
               info.height, info.binning_x, info.binning_y)  # fmt: skip
        if key not in self._known:
            self._known[key] = len(self.distinct)
            self.distinct.append(info)
        self.times.append(time)
        self.which.append(self._known[key])

    def at(self, stamps: np.ndarray) -> np.ndarray:
        """Return for each time the index of the newest that is not younger, or of the first."""
        order = np.argsort(self.times, kind='stable')
        after = np.searchsorted(np.array(self.times)[order], stamps, side='right')
        return np.array(self.which)[order[np.maximum(after - 1, 0)]]


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
    bag: BagReader, config: ExtractConfig, images: Stream, infos: Calibrations
) -> tuple[list[Camera], np.ndarray]:
    """
    Return the different cameras of the images, and which image has which.

    infos: what a camera_info topic said; not asked where there is a file of intrinsics
    returns: cameras, and (N,) an index into them for each image
    """
    size = _image_size(bag, images)
    rectified = config.rectified
    if rectified is None:
        rectified = named_rectified(images.topic)
    if config.intrinsics:
        camera = read_camera_info(config.intrinsics, rectified)
        if camera.size != size:
            raise ValueError(
                f'{config.intrinsics}: is for {camera.size[1]} x {camera.size[0]} pixels, but '
                f'{images.topic} has {size[1]} x {size[0]}; calibrate at this size'
            )
        return [camera], np.zeros(len(images), int)
    if not infos.times:
        raise ValueError(
            f'{bag.path}: the camera_info topic has no message; pass --intrinsics FILE.yaml, as '
            'camera_calibration writes it'
        )
    used, camera_of = np.unique(infos.at(images.stamps), return_inverse=True)
    return [_read_camera(infos.distinct[i], size, rectified) for i in used], camera_of


def _read_camera(info, size: tuple[int, int], rectified: bool) -> Camera:
    if not rectified or info.p[0] > 0:
        return read_camera(info, size, rectified)
    # P of a rectified image is often left empty by those who write camera_info by hand.
    pinhole = replace(info, d=info.d[:0], distortion_model='plumb_bob')
    return replace(read_camera(pinhole, size), distortion=None)


def _image_size(bag: BagReader, images: Stream) -> tuple[int, int]:
    """Return (height, width) of the first image that can be decoded, pixels."""
    start, stop = int(images.arrival.min()), int(images.arrival.max()) + 1
    reason = None
    for _, _, message in islice(bag.scan([images.topic], start=start, stop=stop), LOOKED_AT):
        try:
            return read_image(message).shape[:2]
        except ValueError as error:
            reason = error
    raise ValueError(
        f'{bag.path}: of the first images of {images.topic} none can be decoded ({reason}); '
        'choose another topic with --image, or leave them out with --start'
    )
