# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The topic points_prompt: clouds of a LiDAR, of SLAM or of a laser line, as prompts of images."""

from __future__ import annotations

from collections import deque

import numpy as np

from grin_ros.camera import Camera
from grin_ros.known import pose_of
from grin_ros.prompt import Prompt
from grin_ros.ros.calibration import seconds
from grin_ros.ros.from_msg import read_points
from grin_ros.ros.transforms import Transforms

HISTORY = 10  # clouds that are kept, because images may be seconds late


class PromptTopic:
    """
    The newest clouds of one camera; fed by the executor's thread.

    transforms: None where the extrinsic is a parameter, and no fixed frame is
    """

    def __init__(self, transforms: Transforms | None) -> None:
        self._transforms = transforms
        self._clouds = deque(maxlen=HISTORY)

    def add(self, cloud) -> None:
        """Take a PointCloud2."""
        self._clouds.append(cloud)

    def prompt(self, header, camera: Camera | None, config) -> Prompt:
        """
        Make the prompt of an image.

        header: of the image
        camera: pinhole camera of the image
        config: NodeConfig
        raises: ValueError saying why there is none
        """
        if camera is None:
            raise ValueError('a prompt needs intrinsics: set intrinsics to camera_info')
        clouds, stamp = list(self._clouds), seconds(header.stamp)
        if not clouds:
            raise ValueError('no cloud came: remap points_prompt, or set prompt to off')
        cloud = min(clouds, key=lambda one: abs(seconds(one.header.stamp) - stamp))
        offset = abs(seconds(cloud.header.stamp) - stamp)
        if offset > config.prompt_max_offset:
            raise ValueError(
                f'the nearest cloud is {offset:.3g} s from the image, more than '
                f'prompt_max_offset: synchronise the clocks, or raise prompt_max_offset where '
                f'clouds are stamped at the start of their sweep'
            )
        points, _ = read_points(cloud)
        # Where a driver has no return it may also say 0.
        points = points[np.isfinite(points).all(axis=1) & points.any(axis=1)]
        prompt = Prompt.from_points(
            points, self._pose(header, cloud.header, config), camera,
            weight=config.prompt_weight, resample=config.prompt_resample,
            scale_only=config.prompt == 'scale',
        )  # fmt: skip
        if not len(prompt):
            raise ValueError(
                f'none of {len(points)} points of frame {cloud.header.frame_id!r} is in the '
                f'image: check the extrinsic'
            )
        return prompt.thinned(config.prompt_points)

    def _pose(self, image, cloud, config) -> np.ndarray:
        fixed = config.prompt_fixed_frame
        if config.static_extrinsic:
            pose = pose_of(config.prompt_extrinsic)
            if not fixed:
                return pose
            # The camera as it is in the camera as it was: that is the vehicle's motion.
            camera = image.frame_id
            return self._transforms.pose(camera, camera, image.stamp, fixed, cloud.stamp) @ pose
        # Joints that are not fixed are looked up when the points were measured, too.
        stamp = image.stamp if fixed else cloud.stamp
        return self._transforms.pose(image.frame_id, cloud.frame_id, stamp, fixed, cloud.stamp)
