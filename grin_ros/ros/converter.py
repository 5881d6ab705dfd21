# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""One image message and its CameraInfo to the messages that the node publishes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from grin_ros.camera import Camera
from grin_ros.pictures import colorize, depth_range, with_legend
from grin_ros.pipeline import DepthPipeline, Prediction
from grin_ros.rectifier import Rectifier
from grin_ros.ros.from_msg import read_camera, read_image
from grin_ros.ros.parameters import NodeConfig
from grin_ros.ros.to_msg import camera_info, depth_image, point_cloud, rgb_image

OUTPUTS = {
    'depth/image': Image,
    'depth/camera_info': CameraInfo,
    'depth/std': Image,
    'points': PointCloud2,
    'depth/preview': Image,
}
WARM_UP_SIZE = (480, 640)  # pixels; the model has its own working size, so any will do


class DepthConverter:
    """
    Decode, rectify, infer, encode.

    pipeline: a DepthPipeline
    """

    def __init__(self, pipeline: DepthPipeline) -> None:
        self.pipeline = pipeline
        self._rectify = Rectifier()
        self._size = None  # (height, width) of the newest image
        self._span = None  # nearest and farthest depth of the preview's colours, log metres

    def warm_up(self, config: NodeConfig) -> None:
        """Infer once: the first time is the slowest, and shows whether the device can do it."""
        self._infer(np.zeros((*WARM_UP_SIZE, 3), np.uint8), None, config)

    def __call__(
        self, message, info: CameraInfo | None, config: NodeConfig, wanted: Iterable[str]
    ) -> Iterator[tuple[str, object]]:
        """
        Yield (topic, message) for the topics that are wanted, all with the image's header.

        message: Image or CompressedImage
        info: the CameraInfo that goes with it, None if there was none yet
        wanted: names out of OUTPUTS
        """
        image, seen = read_image(message), None
        self._size = image.shape[:2]
        camera = self.camera(info, config)
        if camera is not None:
            image, camera, seen = self._rectify(image, camera)
        prediction = self._infer(image, camera, config)
        depth = select(prediction, config, seen)
        std = np.where(prediction.valid, prediction.std, np.float32(np.nan))
        header, camera = message.header, prediction.camera
        make = {
            'depth/image': lambda: depth_image(depth, header),
            'depth/camera_info': lambda: camera_info(camera, header),
            'depth/std': lambda: depth_image(std, header),
            'points': lambda: point_cloud(depth, image, camera, header),
            'depth/preview': lambda: rgb_image(self._preview(depth), header),
        }
        for name in wanted:
            yield name, make[name]()

    def camera(self, info: CameraInfo | None, config: NodeConfig) -> Camera | None:
        """
        Return the camera of the newest image; None if it shall be taken as unknown.

        raises: ValueError where the parameters ask for a CameraInfo and there is no usable one
        """
        if config.intrinsics == 'none':
            return None
        if info is None:
            raise ValueError('no CameraInfo came: remap camera_info, or set intrinsics to none')
        return read_camera(info, self._size, config.rectified)

    def _infer(self, image: np.ndarray, camera: Camera | None, config: NodeConfig) -> Prediction:
        return self.pipeline.infer(
            image,
            camera,
            stride=config.stride or None,
            steps=config.steps or None,
            samples=config.samples,
            full_size=config.full_size,
            seed=config.seed,
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
        seen = cv2.resize(seen.astype('u1'), depth.shape[::-1], interpolation=cv2.INTER_NEAREST)
        keep &= seen.astype(bool)
    return np.where(keep, depth, np.float32(np.nan))
