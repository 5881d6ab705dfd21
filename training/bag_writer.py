# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Writing rosbag2 bags without ROS, in MCAP or SQLite."""

from __future__ import annotations

from pathlib import Path
import shutil
from typing import Any

from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

STORAGE = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
_STORE = get_typestore(Stores.ROS2_JAZZY)
_FOREVER = QosTime(9_223_372_036, 854_775_807)  # as ROS writes it: 2^63 nanoseconds


def message(kind: str, **fields: Any) -> Any:
    """Make a message of a ROS 2 type such as 'std_msgs/msg/Header'; arrays are NumPy's."""
    return _STORE.types[kind](**fields)


class BagWriter:
    """
    A bag that is being written; a context manager, and an exception inside leaves no bag.

    path: folder of the new bag; storage: 'mcap' or 'sqlite3'
    """

    def __init__(self, path: str | Path, storage: str = 'mcap'):
        self.path = Path(path)
        if storage not in STORAGE:
            raise ValueError(f'unknown storage {storage!r}; choose one of {", ".join(STORAGE)}')
        if self.path.exists():
            raise FileExistsError(f'{self.path} exists already; choose another folder')
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = Writer(self.path, version=9, storage_plugin=STORAGE[storage])
        self._connections = {}

    def write(self, topic: str, message: Any, arrival: int) -> None:
        """Append a message that arrived at a time, nanoseconds."""
        kind = message.__msgtype__
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(
                topic, kind, typestore=_STORE, offered_qos_profiles=[_offered(topic)]
            )
        data = _STORE.serialize_cdr(message, kind)
        self._writer.write(self._connections[topic], arrival, data)

    def __enter__(self) -> BagWriter:
        self._writer.open()
        return self

    def __exit__(self, kind, value, traceback) -> None:
        self._writer.close()
        if kind is not None:
            shutil.rmtree(self.path)


def _offered(topic: str) -> Qos:
    """Return a publisher's QoS; players latch /tf_static for those who join late."""
    static = topic == '/tf_static'
    return Qos(
        QosHistory.KEEP_LAST,
        1 if static else 10,
        QosReliability.RELIABLE,
        QosDurability.TRANSIENT_LOCAL if static else QosDurability.VOLATILE,
        _FOREVER,
        _FOREVER,
        QosLiveliness.AUTOMATIC,
        _FOREVER,
        avoid_ros_namespace_conventions=False,
    )
