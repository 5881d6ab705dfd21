# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The topics of a bag that bring poses, tf and odometry, and what they say together."""

from __future__ import annotations

from .bag import BagReader, ODOMETRY, stamp_of, TRANSFORMS
from .extract_config import ExtractConfig
from .fixed_frame import worlds_of
from .tf import Transforms


class PoseTopics:
    """
    Collects the messages of pose topics; `join` makes one set of transforms of them.

    names: of the topics
    notes: sentences for the report
    """

    def __init__(self, bag: BagReader, config: ExtractConfig):
        self._bag, self._config = bag, config
        self._tf = Transforms()
        self._odometry = {topic: Transforms() for topic in _odometry_topics(bag, config)}
        self.names = [*bag.named(TRANSFORMS), *self._odometry]
        self.notes: list[str] = []

    def add(self, topic: str, message, arrival: int, by_arrival: bool) -> None:
        """Add a message; by_arrival: at the time of its arrival, not of its stamps."""
        if topic in self._odometry:
            pose = message.pose.pose
            frames = message.header.frame_id, message.child_frame_id
            if all(frames) and frames[0] != frames[1]:
                time = arrival if by_arrival else stamp_of(message)
                transforms = self._odometry[topic]
                _add(transforms, message, pose.position, pose.orientation, time, arrival)
            return
        static = topic.endswith('tf_static')
        for one in message.transforms:
            time = None if static else arrival if by_arrival else stamp_of(one)
            pose = one.transform
            _add(self._tf, one, pose.translation, pose.rotation, time, arrival)

    def join(self, start: int, stop: int) -> tuple[Transforms, list[str]]:
        """
        Return all transforms of a part of the bag, and the frames that odometry gives poses in.

        start, stop: of the arrival, nanoseconds
        """
        for one in (self._tf, *self._odometry.values()):
            one.cut(start, stop)
        worlds = []
        self._added = []
        for topic, poses in self._odometry.items():
            worlds += worlds_of(self._bag.path, topic, poses, self._config, self.notes)
            # Two sources of one motion would be mixed up pose by pose; tf is what others go by.
            if self._tf.add_all(poses, replace=self._config.odometry is not None):
                self._added.append(topic)
        return self._tf, worlds

    def used(self, transforms: Transforms) -> list[str]:
        """Return the odometry topics that some of these transforms are from."""
        pairs = set(transforms.pairs)
        return [t for t in self._added if pairs.intersection(self._odometry[t].pairs)]


def _odometry_topics(bag: BagReader, config: ExtractConfig) -> list[str]:
    found = bag.named(ODOMETRY)
    if config.odometry is None:
        return sorted(found, key=lambda topic: -bag.counts[topic])
    if config.odometry not in found:
        raise ValueError(
            f'{bag.path}: {config.odometry!r} is no odometry topic of this bag; it has '
            f'{", ".join(found) or "none"}'
        )
    return [config.odometry]


def _add(transforms: Transforms, message, t, q, time: int | None, arrival: int) -> None:
    transforms.add(
        message.header.frame_id, message.child_frame_id,
        (t.x, t.y, t.z), (q.x, q.y, q.z, q.w), time, arrival=arrival,
    )  # fmt: skip
