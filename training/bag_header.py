# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The header of a recorded message, without the rest of it."""

from __future__ import annotations

from dataclasses import dataclass
import struct


@dataclass(frozen=True)
class Header:
    """
    What a message says about itself, without the rest of it.

    stamp: of the header, nanoseconds; None for a type that has no header
    frame_id: of the header, without ROS 1's leading slash
    size: bytes
    """

    stamp: int | None
    frame_id: str
    size: int


def read_header(data: bytes, is2: bool) -> Header:
    """Read the header that a message begins with; is2: of ROS 2, else of ROS 1."""
    # Both begin with 4 bytes: the encapsulation of CDR, or seq of ROS 1.
    order = '>' if is2 and data[1] == 0 else '<'
    seconds, nanoseconds, length = struct.unpack_from(f'{order}iII', data, 4)
    frame_id = bytes(data[16 : 16 + length]).rstrip(b'\0').decode(errors='replace')
    stamp = seconds * 1_000_000_000 + nanoseconds
    return Header(stamp, frame_id.lstrip('/'), len(data))
