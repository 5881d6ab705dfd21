# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Compressed images to pixels; no ROS package is imported, fields are read by name."""

from __future__ import annotations

import struct

import cv2
import numpy as np

MOST_PIXELS = 2**27  # of a compressed image, which says little by its own size; 8K is a quarter
JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers after which the size is stated


def decompress(msg) -> np.ndarray:
    """Decode a JPEG or PNG: (H, W, 3) uint8, RGB."""
    data = np.frombuffer(msg.data, np.uint8)
    size = _stated_size(data.tobytes())
    if size is not None and size[0] * size[1] > MOST_PIXELS:
        raise ValueError(
            f'a compressed image states {size[1]} x {size[0]} pixels, more than {MOST_PIXELS}: '
            f'it is broken, or meant to fill the memory'
        )
    # A camera_info belongs to the pixels as they are stored, so no turning after EXIF.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(data, flags) if size is not None else None
    if image is None:
        raise ValueError(
            f'a compressed image of format {msg.format!r} and {data.size} bytes cannot be '
            f'decoded: JPEG or PNG is needed'
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _stated_size(data: bytes) -> tuple[int, int] | None:
    """
    Return (height, width) from the header of a PNG or JPEG, None for anything else.

    OpenCV has decoders for much more, which no camera needs and a stranger could feed.
    """
    if data.startswith(b'\x89PNG\r\n\x1a\n') and len(data) >= 24:
        width, height = struct.unpack_from('>II', data, 16)
        return height, width
    at = 2
    while data.startswith(b'\xff\xd8') and at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], 'big')
        if marker in JPEG_FRAMES:
            return struct.unpack_from('>HH', data, at + 5)
        # Bytes of filling have no length.
        at += 1 if marker == 0xFF else 2 + length
    return None
