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

from rosbags import interfaces
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import storage_mcap
from rosbags.typesys import get_typestore, Stores

from .bag_files import as_uri, bag_files
from .bag_header import Header, read_header
from .bag_topics import TopicChoice, TRANSFORMS

_ROS2 = get_typestore(Stores.ROS2_JAZZY)
_RENAMED = {'tf/msg/tfMessage': TRANSFORMS}  # ROS 1 before Hydro, and what still plays its tf


def stamp_of(message: Any) -> int:
    """Return the header stamp of a message, nanoseconds."""
    stamp = message.header.stamp
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def _definition(schema: Any) -> Any:
    """Take a topic of MCAP whose schema is in another language for one without definition."""
    try:
        return _get_msgdef(schema)
    except KeyError:
        return interfaces.MessageDefinition(interfaces.MessageDefinitionFormat.NONE, '')


# One such topic, of no use to us, would make the whole bag unreadable. Older releases of rosbags
# have no such function; with them such a bag stays unreadable.
_get_msgdef = getattr(storage_mcap, 'get_msgdef', None)
if _get_msgdef is not None:
    storage_mcap.get_msgdef = _definition


class BagReader(TopicChoice):
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
            self._reader = AnyReader([as_uri(file) for file in files], default_typestore=_ROS2)
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
        found = dict.fromkeys(names, 0)
        while True:
            try:
                connection, time, data = next(stream)
                if connection.topic in whole:
                    content = self._deserialize(connection, data)
                else:
                    content = self._header(connection, data)
            except StopIteration:
                break
            except Exception as error:  # zstd, SQLite and struct have errors of their own
                raise ValueError(f'{self.path}: the bag is damaged: {error}') from error
            found[connection.topic] += 1
            yield connection.topic, time, content
        for name in names if start is None and stop is None else ():
            if found[name] < self.counts[name]:
                raise ValueError(
                    f'{self.path}: {found[name]} of the {self.counts[name]} messages of {name} '
                    'that its index states are there; if metadata.yaml was edited or copied, move '
                    'it away or run `ros2 bag reindex`, else copy the bag again'
                )

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
