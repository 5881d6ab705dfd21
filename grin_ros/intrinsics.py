# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Where the intrinsics of an image come from: the command line, else frames.json, else EXIF.

The command line names them in pixels or with the YAML file of ROS's camera_calibration.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
import struct

from grin_ros.camera import Camera, Distortion
from grin_ros.config import load_yaml
from grin_ros.sources import Source

_EXIF_POINTER, _FOCAL_LENGTH_35MM = 0x8769, 0xA405
_DIAGONAL_35MM = math.hypot(36, 24)  # millimetres
_SHORT, _LONG = 3, 4


def add_intrinsics_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --fx --fy --cx --cy, --camera-info and --no-intrinsics."""
    group = parser.add_argument_group('intrinsics, in pixels of the image')
    group.add_argument('--fx', type=float)
    group.add_argument('--fy', type=float, help='default: fx')
    group.add_argument('--cx', type=float, help='default: the middle of the image')
    group.add_argument('--cy', type=float, help='default: the middle of the image')
    group.add_argument(
        '--camera-info', metavar='FILE.yaml', help='as ROS camera_calibration writes it'
    )
    group.add_argument(
        '--no-intrinsics', action='store_true', help='unknown: fx = cx = W/2, fy = cy = H/2'
    )


class Intrinsics:
    """
    The rule that gives each image its camera.

    args: with fx, fy, cx, cy, camera_info and no_intrinsics
    """

    def __init__(self, args: argparse.Namespace):
        self._numbers = (args.fx, args.fy, args.cx, args.cy)
        given = any(number is not None for number in self._numbers)
        if given + bool(args.camera_info) + args.no_intrinsics > 1:
            raise ValueError('give --fx ..., --camera-info or --no-intrinsics, only one of them')
        if given and args.fx is None:
            raise ValueError('--fy, --cx and --cy need --fx; give it, in pixels of the image')
        self._given = given
        self._unknown = args.no_intrinsics
        self._file = args.camera_info
        self._info = read_camera_info(args.camera_info) if args.camera_info else None

    def camera(self, source: Source, size: tuple[int, int]) -> Camera | None:
        """Return the camera of an image of size (height, width); None if it shall be unknown."""
        if self._unknown:
            return None
        if self._given:
            return self._from_numbers(size)
        camera = self._info or source.camera
        if camera is None:
            camera = read_exif(source.path, size)
        if camera is None:
            raise ValueError(
                f'{source.path}: its intrinsics are unknown; give --fx (with --fy --cx --cy), '
                '--camera-info FILE.yaml, or --no-intrinsics to do without'
            )
        if camera.size != size:
            where = self._file or 'its frames.json'
            raise ValueError(
                f'{source.path} is {size[1]} x {size[0]} pixels, but {where} describes '
                f'{camera.size[1]} x {camera.size[0]}; give intrinsics of this size'
            )
        return camera

    def _from_numbers(self, size: tuple[int, int]) -> Camera:
        fx, fy, cx, cy = self._numbers
        return Camera.from_intrinsics(
            fx,
            fx if fy is None else fy,
            (size[1] - 1) / 2 if cx is None else cx,
            (size[0] - 1) / 2 if cy is None else cy,
            size,
        )


def read_camera_info(path: str | Path, rectified: bool = False) -> Camera:
    """
    Read what camera_calibration writes: K and D for a raw image, P for a rectified one.

    rectified: K takes the place of a P that is missing or empty, and D never counts
    raises: ValueError saying what is wrong with the file
    """
    data = load_yaml(path)
    try:
        size = (data['image_height'], data['image_width'])
        fx, _, cx, _, fy, cy, *_ = data['camera_matrix']['data']
        if rectified:
            p = (data.get('projection_matrix') or {}).get('data', ())
            if len(p) == 12 and p[0] > 0:
                fx, _, cx, _, _, fy, cy, *_ = p
            return Camera.from_intrinsics(fx, fy, cx, cy, size)
        coefficients = data.get('distortion_coefficients', {}).get('data', ())
        return Camera.from_intrinsics(
            fx,
            fy,
            cx,
            cy,
            size,
            Distortion(data.get('distortion_model', 'plumb_bob'), coefficients),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f'{path} is no camera-info YAML ({type(error).__name__}: {error}); it needs '
            'image_width, image_height, camera_matrix, distortion_model and '
            'distortion_coefficients, as written by ROS camera_calibration'
        ) from None
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from None


def read_exif(path: str | Path, size: tuple[int, int]) -> Camera | None:
    """
    Read the 35 mm equivalent focal length that cameras write into a JPEG.

    Right for an uncropped photograph: the equivalent compares the diagonals of the pictures.

    size: (height, width) of the image, pixels
    returns: a camera with its principal point in the middle, or None if the file says nothing
    """
    try:
        millimetres = _focal_length_35mm(_exif(Path(path).read_bytes()))
    except struct.error:  # cut off or damaged
        return None
    if not millimetres:
        return None
    height, width = size
    focal = millimetres / _DIAGONAL_35MM * math.hypot(width, height)
    return Camera.from_intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2, size)


def _exif(file: bytes) -> bytes:
    """Return the TIFF structure in the APP1 segment of a JPEG, or nothing."""
    at = 2 if file[:2] == b'\xff\xd8' else len(file)
    while at + 4 <= len(file) and file[at + 1] not in (0xD9, 0xDA):  # end, or pixels begin
        marker, length = struct.unpack_from('>HH', file, at)
        if marker == 0xFFE1 and file[at + 4 : at + 10] == b'Exif\0\0':
            return file[at + 10 : at + 2 + length]
        at += 2 + length
    return b''


def _focal_length_35mm(tiff: bytes) -> int | None:
    order = {b'II': '<', b'MM': '>'}.get(tiff[:2])
    if order is None:
        return None
    (first,) = struct.unpack_from(order + 'I', tiff, 4)
    exif = _entry(tiff, order, first, _EXIF_POINTER)
    return exif and _entry(tiff, order, exif, _FOCAL_LENGTH_35MM)


def _entry(tiff: bytes, order: str, directory: int, wanted: int) -> int | None:
    """Return the number in one entry of a TIFF directory: tag, type, count, value."""
    (count,) = struct.unpack_from(order + 'H', tiff, directory)
    for i in range(count):
        at = directory + 2 + 12 * i
        tag, kind = struct.unpack_from(order + 'HH', tiff, at)
        if tag == wanted and kind in (_SHORT, _LONG):
            return struct.unpack_from(order + ('H' if kind == _SHORT else 'I'), tiff, at + 8)[0]
    return None
