# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Compressed images to pixels; no ROS package is imported, fields are read by name."""

from __future__ import annotations

import struct

import cv2
import numpy as np

MOST_PIXELS = 2**27  # of a compressed image, which says little by its own size; 8K is a quarter
JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers after which the size is stated
# OpenCV names a Bayer pattern after its second row, ROS after its first.
MOSAIC = {
    f'bayer_{pattern}{bits}': (kind, 1, code)
    for bits, kind in (('8', 'u1'), ('16', 'u2'))
    for pattern, code in (
        ('rggb', cv2.COLOR_BayerBG2RGB),
        ('bggr', cv2.COLOR_BayerRG2RGB),
        ('gbrg', cv2.COLOR_BayerGR2RGB),
        ('grbg', cv2.COLOR_BayerGB2RGB),
    )
}


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
    code, flags = mosaic_code(msg), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    if code is not None:
        flags = cv2.IMREAD_UNCHANGED  # nor does this turn
    image = cv2.imdecode(data, flags) if size is not None else None
    if image is None:
        raise ValueError(
            f'a compressed image of format {msg.format!r} and {data.size} bytes cannot be '
            f'decoded: JPEG or PNG is needed'
        )
    if image.ndim == 3:
        code = cv2.COLOR_BGR2RGB  # no mosaic, whatever the format says
    return narrow(cv2.cvtColor(image, code))


def mosaic_code(msg) -> int | None:
    """
    Return what makes RGB of an image that was compressed as a raw Bayer mosaic, else None.

    compressed_image_transport writes '<encoding>; jpeg compressed <what was compressed>', with
    nothing at the end where the pixels went in as they were.
    """
    encoding, _, rest = msg.format.partition(';')
    compressed = rest.partition('compressed')[2].strip() or encoding.strip()
    return MOSAIC[compressed][2] if compressed in MOSAIC else None


def narrow(pixels: np.ndarray) -> np.ndarray:
    """Round values of 16 bits to 8; others stay."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


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
