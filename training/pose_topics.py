# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The topics of a bag that bring poses, tf and odometry, and what they say together.

A bag may hold several robots that name their frames alike: the one whose camera is used counts.
"""

from __future__ import annotations

from itertools import takewhile

from .bag import BagReader, stamp_of
from .bag_topics import ODOMETRY, TRANSFORMS
from .extract_config import ExtractConfig
from .fixed_frame import worlds_of
from .tf import Transforms


class PoseTopics:
    """
    Collects the messages of pose topics; `join` makes one set of transforms of them.

    names: of the topics
    notes: sentences for the report
    """

    def __init__(self, bag: BagReader, image: str, config: ExtractConfig):
        """image: topic whose robot is wanted."""
        self._path, self._image, self._config = bag.path, image, config
        found = bag.named(TRANSFORMS)
        if config.tf is not None and config.tf not in found:
            raise ValueError(
                f'{bag.path}: {config.tf!r} is no tf topic of this bag; it has '
                f'{", ".join(found) or "none"}'
            )
        # A topic and its static one are of one robot.
        self._tf = {_dynamic(topic): Transforms() for topic in found}
        self._odometry = {topic: Transforms() for topic in _odometry_topics(bag, config)}
        self.names = [*found, *self._odometry]
        self.notes: list[str] = []
        self._added: list[str] = []

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
        transforms, static = self._tf[_dynamic(topic)], topic.endswith('tf_static')
        for one in message.transforms:
            time = None if static else arrival if by_arrival else stamp_of(one)
            pose = one.transform
            _add(transforms, one, pose.translation, pose.rotation, time, arrival)

    def join(self, start: int, stop: int) -> tuple[Transforms, list[str]]:
        """
        Return all transforms of a part of the bag, and the frames that odometry gives poses in.

        start, stop: of the arrival, nanoseconds
        """
        for one in (*self._tf.values(), *self._odometry.values()):
            one.cut(start, stop)
        joined, worlds = self._join_tf(), []
        for topic, poses in self._odometry.items():
            if not self._counts(topic, joined):
                continue
            worlds += worlds_of(self._path, topic, poses, self._config, self.notes)
            # Two sources of one motion would be mixed up pose by pose; tf is what others go by.
            if joined.add_all(poses, replace=self._config.odometry is not None):
                self._added.append(topic)
        return joined, worlds

    def _join_tf(self) -> Transforms:
        own = [topic for topic in self._tf if _above(topic, self._image)]
        first = _dynamic(self._config.tf) if self._config.tf else max(
            own, key=lambda topic: (topic.count('/'), topic.endswith('/tf')), default=None
        )  # fmt: skip
        others = [topic for topic in self._tf if topic != first]
        joined, sources = Transforms(), []
        for topic in [first, *others] if first else others:
            # A robot with a namespace needs no other one's tf, not even for what it lacks.
            foreign = not self._config.tf and first and first.count('/') > 1 and topic not in own
            pair = None
            for source in sources:
                pair = pair or self._tf[source].contradicted(self._tf[topic])
                if pair and source != first and not self._config.tf:
                    raise ValueError(
                        f'{self._path}: {source} and {topic} give different poses of {pair[1]!r} '
                        f'in {pair[0]!r}, as two robots do; pass --tf, one of '
                        f'{", ".join(self._tf)}'
                    )
            if foreign or pair:
                self.notes.append(f'another robot: {topic} is left out, {first} counts')
                continue
            joined.complete(self._tf[topic])
            sources.append(topic)
        return joined

    def _counts(self, topic: str, joined: Transforms) -> bool:
        """Tell whether an odometry topic counts, beside others that contradict it."""
        poses = self._odometry[topic]
        for other, rival in self._odometry.items():
            pair = poses.contradicted(rival) if other != topic else None
            if pair is None or (other not in self._added and joined.path(*pair)):
                continue
            nearer = _shared(other, self._image) - _shared(topic, self._image)
            if nearer == 0:
                raise ValueError(
                    f'{self._path}: {topic} and {other} give different poses of {pair[1]!r} in '
                    f'{pair[0]!r}; pass --odometry, one of the two'
                )
            if nearer > 0:
                self.notes.append(f'another robot: {topic} is left out, {other} counts')
                return False
        return True

    def used(self, transforms: Transforms) -> list[str]:
        """Return the odometry topics that some of these transforms are from."""
        pairs = set(transforms.pairs)
        return [t for t in self._added if pairs.intersection(self._odometry[t].pairs)]


def _dynamic(topic: str) -> str:
    """Return the topic that a static one belongs to."""
    return topic.removesuffix('_static')


def _above(topic: str, image: str) -> bool:
    """Tell whether a topic's namespace is that of an image topic, or one above it."""
    return image.startswith(topic.rpartition('/')[0] + '/')


def _shared(topic: str, image: str) -> int:
    """Return how many parts the namespaces of two topics have in common."""
    spaces = [name.split('/')[1:-1] for name in (topic, image)]
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(*spaces))))


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
