# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""An image message to what the model works on, and its depth to the messages of the node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from grin_ros.camera import Camera
from grin_ros.cloud_filter import LEVEL
from grin_ros.pictures import colorize, depth_range, with_legend
from grin_ros.pipeline import Prediction
from grin_ros.prompt import Prompt
from grin_ros.rectifier import Rectifier
from grin_ros.ros.calibration import Calibration
from grin_ros.ros.from_msg import read_image
from grin_ros.ros.node_config import NodeConfig
from grin_ros.ros.to_msg import camera_info, depth_image, point_cloud, rgb_image
from grin_ros.video import Video

OUTPUTS = {
    'depth/image': Image,
    'depth/camera_info': CameraInfo,
    'depth/std': Image,
    'points': PointCloud2,
    'depth/preview': Image,
}


@dataclass(frozen=True)
class Frame:
    """
    An image that can be worked on.

    header: of the image message
    image: (H, W, 3) uint8, RGB, free of lens distortion
    camera: pinhole camera of the image; None = unknown
    seen: (H, W) bool, the pixels that the lens saw; None = all
    prompt: what is known of the depth
    video: what is kept of the last frame of this camera; None = nothing
    """

    header: Header
    image: np.ndarray
    camera: Camera | None
    seen: np.ndarray | None
    prompt: Prompt | None = None
    video: Video | None = None


class DepthConverter:
    """
    Messages of one camera to frames, and their depth to messages.

    calibration: of that camera
    plane: header -> (a, b, c, d), so that the height of a point is a x + b y + c z + d
    """

    def __init__(self, calibration: Calibration, plane=lambda header: LEVEL) -> None:
        self._calibration, self.plane = calibration, plane
        self._rectify = Rectifier()
        self._span = None  # nearest and farthest depth of the preview's colours, log metres
        self._sight = None  # what the calibration gave for the newest image that was worked on

    def read(self, message, config: NodeConfig) -> Frame:
        """
        Decode and rectify.

        message: Image or CompressedImage
        raises: ValueError saying what is wrong with the image or its calibration
        """
        image, seen = read_image(message), None
        camera = None
        try:
            view = self._calibration.view(message.header, image.shape[:2], config)
        except ValueError as error:
            self._sight = str(error)
            raise
        self._sight = (view,)
        if view is not None:
            image, camera, seen = self._rectify(image, *view)
        return Frame(message.header, image, camera, seen)

    def sight(self):
        """
        Return what `Calibration.view` gave for the newest image that was worked on, (view,).

        None before there was one.

        raises: ValueError again where it was refused
        """
        if isinstance(self._sight, str):
            raise ValueError(self._sight)
        return self._sight

    def write(
        self, frame: Frame, prediction: Prediction, config: NodeConfig, wanted: Iterable[str]
    ) -> Iterator[tuple[str, Callable[[], object]]]:
        """
        Yield (topic, what makes its message) for the topics that are wanted.

        All messages have the image's header; one that cannot be made does not keep the others.

        wanted: names out of OUTPUTS
        """
        depth = select(prediction, config, frame.seen)
        header, camera = frame.header, prediction.camera
        make = {
            'depth/image': lambda: depth_image(depth, header),
            'depth/camera_info': lambda: camera_info(camera, header),
            'depth/std': lambda: depth_image(
                np.where(prediction.valid, prediction.std, np.float32(np.nan)), header
            ),
            'points': lambda: self._cloud(depth, prediction, frame, config),
            'depth/preview': lambda: rgb_image(self._preview(depth), header),
        }
        for name in wanted:
            yield name, make[name]

    def _cloud(
        self, depth: np.ndarray, prediction: Prediction, frame: Frame, config: NodeConfig
    ) -> PointCloud2:  # fmt: skip
        far = ~prediction.valid | (prediction.depth > config.max_depth)
        if frame.seen is not None:
            far &= fit(frame.seen, far.shape)
        plane = self.plane(frame.header)
        predicted = np.where(prediction.valid, prediction.depth, np.float32(np.nan))
        depth, camera = config.cloud_filter(
            depth, far, prediction.camera, prediction.spacing, plane, predicted
        )
        return point_cloud(
            depth, frame.image, camera, frame.header, config.cloud_organized, config.cloud_voxel
        )

    def _preview(self, depth: np.ndarray) -> np.ndarray:
        span = np.log(depth_range(depth))
        # Slowly, so that the colours of a wall do not flicker when somebody walks by.
        self._span = span if self._span is None else 0.9 * self._span + 0.1 * span
        near, far = np.exp(self._span)
        return with_legend(colorize(depth, near, far), near, far)


def select(prediction: Prediction, config: NodeConfig, seen: np.ndarray | None) -> np.ndarray:
    """
    Return the depth that is published: (H, W), metres, NaN where it is not trusted.

    seen: (h, w) bool, pixels of the rectified image that the lens saw; None = all
    """
    depth = prediction.depth
    keep = prediction.valid & (depth >= config.min_depth) & (depth <= config.max_depth)
    if config.max_relative_std > 0:
        keep &= prediction.std <= config.max_relative_std * depth
    if seen is not None:
        keep &= fit(seen, depth.shape)
    return np.where(keep, depth, np.float32(np.nan))


def fit(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Bring a mask (h, w) of an image to the size of its depth map."""
    return cv2.resize(
        mask.astype('u1'), shape[::-1], interpolation=cv2.INTER_NEAREST
    ).astype(bool)  # fmt: skip
