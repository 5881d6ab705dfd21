# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a camera writes into a JPEG about its focal length, laid out by hand."""

from __future__ import annotations

from pathlib import Path
import struct


def exif_segment(focal_35mm: int, order: str = '<') -> bytes:
    """Make an APP1 segment with a TIFF structure: IFD0 -> Exif IFD -> FocalLengthIn35mmFilm."""
    entry = struct.Struct(order + 'HHI')
    tiff = {'<': b'II', '>': b'MM'}[order] + struct.pack(order + 'HI', 42, 8)
    tiff += struct.pack(order + 'H', 1) + entry.pack(0x8769, 4, 1)
    tiff += struct.pack(order + 'II', 26, 0)
    tiff += struct.pack(order + 'H', 1) + entry.pack(0xA405, 3, 1)
    tiff += struct.pack(order + 'HHI', focal_35mm, 0, 0)
    return _app1(tiff)


def orientation_segment(orientation: int) -> bytes:
    """Make an APP1 segment that says how the stored picture is to be turned: 1 to 8."""
    entry = struct.pack('<HHIHH', 0x0112, 3, 1, orientation, 0)
    return _app1(b'II' + struct.pack('<HIH', 42, 8, 1) + entry + bytes(4))


def _app1(tiff: bytes) -> bytes:
    body = b'Exif\0\0' + tiff
    return b'\xff\xe1' + struct.pack('>H', len(body) + 2) + body


def insert(path: Path, segment: bytes) -> None:
    """Put a segment into a JPEG, right after its first mark."""
    jpeg = path.read_bytes()
    path.write_bytes(jpeg[:2] + segment + jpeg[2:])
