# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which topics of a bag are the camera's and the LiDAR's: as told, or the only ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

RAW, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
POINTS = 'sensor_msgs/msg/PointCloud2'
TRANSFORMS = 'tf2_msgs/msg/TFMessage'
ODOMETRY = 'nav_msgs/msg/Odometry'


class TopicChoice:
    """
    What a reader of bags knows about its topics.

    path: of the bag
    topics: name -> type
    scan: reads messages or headers
    """

    path: Path
    topics: dict[str, str]
    scan: Callable

    def camera_topics(
        self, image: str | None = None, camera_info: str | None = None
    ) -> tuple[str, str]:
        """Find image and camera_info topic of a camera; what is given is only checked."""
        image = self.image_topic(image)
        return image, self.camera_info_topic(image, camera_info)

    def image_topic(self, given: str | None = None) -> str:
        """Return the topic of the only camera; given: refuse one that holds no pictures."""
        # Depth that was compressed by image_transport has the type of a picture and is none.
        pictures = [
            name
            for name in self.named(RAW, COMPRESSED)
            if not name.endswith(('/compressedDepth', '/theora'))
        ]
        # A camera that was recorded raw and compressed is one camera; raw needs no decoding.
        pictures = [n for n in pictures if n == _base(n) or _base(n) not in pictures]
        return self._choose('image', given, pictures, self.named(RAW, COMPRESSED))

    def camera_info_topic(self, image: str, given: str | None = None) -> str:
        """Return the topic beside the image's, or the only one if it is of the same frame."""
        infos = self.named(CAMERA_INFO)
        sibling = sibling_info(image)
        if given is None and sibling in infos:
            return sibling
        found = self._choose('camera_info', given, infos, infos)
        if given is None:
            self._check_frames(image, found)
        return found

    def _check_frames(self, image: str, info: str) -> None:
        """Refuse the calibration of another camera."""
        first = (next(self.scan(headers=[topic]), None) for topic in (image, info))
        frames = [entry[2].frame_id if entry else None for entry in first]
        if None not in frames and frames[0] != frames[1]:
            raise ValueError(
                f'{self.path}: {image} has no camera_info beside it, and the only one, {info}, is '
                f'in the frame {frames[1]!r}, not in {frames[0]!r} like the images; pass '
                f'--camera-info {info} if it is of the same camera, else another calibration'
            )

    def points_topic(self, given: str | None = None) -> str:
        """Return the topic of the only LiDAR; given: refuse one that holds no points."""
        clouds = self.named(POINTS)
        return self._choose('points', given, clouds, clouds)

    def named(self, *types: str) -> list[str]:
        """Return the names of the topics of these types."""
        return sorted(name for name, kind in self.topics.items() if kind in types)

    def _choose(self, what: str, given: str | None, found: list[str], allowed: list[str]) -> str:
        """Return the topic that is given or the only one that was found."""
        if given is not None:
            if given not in allowed:
                raise ValueError(
                    f'{self.path}: {given!r} is no {what} topic of this bag; it has '
                    f'{", ".join(allowed) or "none"}'
                )
            return given
        if not found:
            topics = ', '.join(f'{name} ({kind})' for name, kind in sorted(self.topics.items()))
            raise ValueError(f'{self.path}: no {what} topic; the bag has {topics or "no topic"}')
        if len(found) > 1:
            raise ValueError(f'{self.path}: several {what} topics; name one of {", ".join(found)}')
        return found[0]


def sibling_info(image: str) -> str:
    """Return the camera_info topic that stands beside an image topic, if there is one."""
    return _base(image).rpartition('/')[0] + '/camera_info'


def _base(topic: str) -> str:
    """Return the raw topic that a compressed one belongs to by the rules of image_transport."""
    return topic.removesuffix('/compressed')
