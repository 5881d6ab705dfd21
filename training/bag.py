# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Recorded bags: rosbag2 in MCAP or SQLite, with zstd or without, and bags of ROS 1; without ROS.

Messages come with the fields of their ROS 2 type and NumPy arrays in them, so that
`grin_ros.ros.from_msg` reads them like live ones. Order and time are those of the header stamps,
which say when a picture was taken; a bag itself keeps when a message arrived.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
import heapq
from pathlib import Path
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.typesys import get_typestore, Stores

from .bag_files import bag_files
from .bag_header import Header, read_header

RAW, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
POINTS = 'sensor_msgs/msg/PointCloud2'
TRANSFORMS = 'tf2_msgs/msg/TFMessage'
ODOMETRY = 'nav_msgs/msg/Odometry'

_ROS2 = get_typestore(Stores.ROS2_JAZZY)
_RENAMED = {'tf/msg/tfMessage': TRANSFORMS}  # ROS 1 before Hydro, and what still plays its tf


def stamp_of(message: Any) -> int:
    """Return the header stamp of a message, nanoseconds."""
    stamp = message.header.stamp
    return stamp.sec * 1_000_000_000 + stamp.nanosec


class BagReader:
    """
    An open bag; a context manager.

    path: folder of the bag, with metadata.yaml or without, or a single .mcap, .db3 or .bag file
    topics: name -> type
    counts: name -> number of messages
    start, end: of the arrival of its messages, nanoseconds; end is not included
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if not self.path.exists():
            raise FileNotFoundError(f'{self.path}: no such bag; give its folder or its file')
        files = bag_files(self.path)
        try:
            # Old SQLite bags carry no definitions; the camera's types are the same in any release.
            self._reader = AnyReader(files, default_typestore=_ROS2)
            self._reader.open()
        except Exception as error:  # of rosbags, and of what it stands on: SQLite, zstd, struct
            raise ValueError(
                f'{self.path}: not a readable bag ({str(error).rstrip(".")}); if the recording or '
                'a copy broke off, copy it again, or try `mcap recover` or `rosbag reindex`'
            ) from error
        kinds = {name: info.msgtype for name, info in self._reader.topics.items()}
        self.topics = {name: _RENAMED.get(kind, kind) for name, kind in kinds.items()}
        self.counts = {name: info.msgcount for name, info in self._reader.topics.items()}
        self.start, self.end = self._reader.start_time, self._reader.end_time
        if not any(self.counts.values()):
            self.start = self.end = 0

    def close(self) -> None:
        """Close the files."""
        self._reader.close()

    def __enter__(self) -> BagReader:
        return self

    def __exit__(self, kind, value, traceback) -> None:
        self.close()

    def messages(self, *names: str) -> Iterator[tuple[str, Any]]:
        """Read the messages of some topics as (topic, message), in the order of their arrival."""
        for topic, _, message in self.scan(messages=names):
            yield topic, message

    def scan(
        self,
        messages: Iterable[str] = (),
        headers: Iterable[str] = (),
        start: int | None = None,
        stop: int | None = None,
    ) -> Iterator[tuple[str, int, Any]]:
        """
        Read topics in one pass, of some only the headers, which is all that an index needs.

        messages, headers: names of topics
        start, stop: of the arrival, nanoseconds; stop is not included
        returns: (topic, arrival, message or Header), in the order of arrival
        """
        whole, names = set(messages), {*messages, *headers}
        for name in names:
            if name not in self.topics:
                raise ValueError(
                    f'{self.path}: no topic {name!r}; it has {", ".join(sorted(self.topics))}'
                )
        wanted = [c for c in self._reader.connections if c.topic in names]
        # To the reader an empty selection means everything.
        stream = self._reader.messages(wanted, start, stop) if wanted else iter(())
        while True:
            try:
                connection, time, data = next(stream)
                if connection.topic in whole:
                    content = self._deserialize(connection, data)
                else:
                    content = self._header(connection, data)
            except StopIteration:
                return
            except Exception as error:  # zstd, SQLite and struct have errors of their own
                raise ValueError(f'{self.path}: the bag is damaged: {error}') from error
            yield connection.topic, time, content

    def _deserialize(self, connection, data) -> Any:
        kind = self.topics[connection.topic]
        if self._reader.is2 or kind not in _ROS2.fielddefs:
            return self._reader.deserialize(data, connection.msgtype)
        # The layout of the standard types is the same in ROS 1, but some names are not.
        return _ROS2.deserialize_cdr(_ROS2.ros1_to_cdr(data, kind), kind)

    def _header(self, connection, data) -> Header:
        definition = self._reader.typestore.fielddefs.get(connection.msgtype)
        first = definition[1][0] if definition and definition[1] else None
        if first is None or first[1][1] != 'std_msgs/msg/Header':
            return Header(None, '', len(data))
        return read_header(data, self._reader.is2)

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

    def frames(
        self, image: str | None = None, camera_info: str | None = None
    ) -> Iterator[tuple[Any, Any]]:
        """
        Read a camera's frames in the order of their header stamps.

        Each has the newest CameraInfo that is not younger than it, or the first of all. The bag
        is read twice, so that frames out of order are put right without keeping all of them.

        returns: pairs of image message (raw or compressed) and CameraInfo message
        """
        image, camera_info = self.camera_topics(image, camera_info)
        stamps, infos = [], []
        for topic, message in self.messages(image, camera_info):
            if topic == image:
                stamps.append(stamp_of(message))
            else:
                infos.append((stamp_of(message), message))
        if not infos:
            raise ValueError(f'{self.path}: {camera_info} has no message; choose another topic')
        infos.sort(key=lambda pair: pair[0])
        times = [time for time, _ in infos]
        turns = iter(sorted(range(len(stamps)), key=stamps.__getitem__))
        turn, waiting = next(turns, None), []
        for index, (_, message) in enumerate(self.messages(image)):
            heapq.heappush(waiting, (stamps[index], index, message))
            while waiting and waiting[0][1] == turn:
                stamp, _, message = heapq.heappop(waiting)
                yield message, infos[max(bisect_right(times, stamp) - 1, 0)][1]
                turn = next(turns, None)

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
