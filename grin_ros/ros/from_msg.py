# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Messages to arrays and cameras.

Fields are read by name and no ROS package is imported, so a message of rclpy and a message that
`rosbags` read from a file go through the same code.
"""

from __future__ import annotations

import contextlib
import functools

import cv2
import numpy as np

from grin_ros.camera import Camera, Distortion
from grin_ros.ros.compressed import decompress, MOSAIC, narrow

# encoding -> (NumPy type, channels, what brings it to RGB: an OpenCV code, None = is RGB already)
PLAIN = {
    'rgb8': ('u1', 3, None),
    'bgr8': ('u1', 3, cv2.COLOR_BGR2RGB),
    'rgba8': ('u1', 4, cv2.COLOR_RGBA2RGB),
    'bgra8': ('u1', 4, cv2.COLOR_BGRA2RGB),
    'mono8': ('u1', 1, cv2.COLOR_GRAY2RGB),
    'rgb16': ('u2', 3, None),
    'bgr16': ('u2', 3, cv2.COLOR_BGR2RGB),
    'rgba16': ('u2', 4, cv2.COLOR_RGBA2RGB),
    'bgra16': ('u2', 4, cv2.COLOR_BGRA2RGB),
    'mono16': ('u2', 1, cv2.COLOR_GRAY2RGB),
    # Without a meaning of their own, these are read as cv_bridge and the drivers mean them.
    '8UC1': ('u1', 1, cv2.COLOR_GRAY2RGB),
    '8UC3': ('u1', 3, cv2.COLOR_BGR2RGB),
    '8UC4': ('u1', 4, cv2.COLOR_BGRA2RGB),
    '16UC1': ('u2', 1, cv2.COLOR_GRAY2RGB),
}
YUV = {
    'yuv422': ('u1', 2, cv2.COLOR_YUV2RGB_UYVY),
    'uyvy': ('u1', 2, cv2.COLOR_YUV2RGB_UYVY),
    'yuv422_yuy2': ('u1', 2, cv2.COLOR_YUV2RGB_YUYV),
    'yuyv': ('u1', 2, cv2.COLOR_YUV2RGB_YUYV),
}
ENCODINGS = PLAIN | MOSAIC | YUV
DEPTH = {'16UC1': ('u2', 1e-3), 'mono16': ('u2', 1e-3), '32FC1': ('f4', 1.0)}

# PointField.datatype
POINT_TYPES = {1: 'i1', 2: 'u1', 3: 'i2', 4: 'u2', 5: 'i4', 6: 'u4', 7: 'f4', 8: 'f8'}


def read_image(msg) -> np.ndarray:
    """
    Decode an Image or a CompressedImage.

    returns: (H, W, 3) uint8, RGB
    """
    if hasattr(msg, 'format'):
        return decompress(msg)
    if msg.encoding not in ENCODINGS:
        raise ValueError(
            f'an image of encoding {msg.encoding!r} cannot be read: '
            f'have the camera send one of {", ".join(ENCODINGS)}'
        )
    kind, channels, code = ENCODINGS[msg.encoding]
    pixels = _pixels(msg, kind, channels)
    if msg.encoding not in PLAIN and _cv_bridge() is not None:
        with contextlib.suppress(TypeError):  # its own error, for an encoding newer than it
            return _cv_bridge().imgmsg_to_cv2(msg, 'rgb8')
    if code is not None:
        size = f'{msg.width} x {msg.height}'
        try:
            if msg.encoding in YUV and msg.width % 2:  # OpenCV 4.6 lets it by
                raise cv2.error
            pixels = cv2.cvtColor(pixels, code)
        except cv2.error as error:
            raise ValueError(f'no image of {msg.encoding} can have {size} pixels') from error
    return narrow(pixels)


def read_depth(msg) -> np.ndarray:
    """
    Decode a depth image: 16UC1 in millimetres with 0 for unknown, or 32FC1 in metres (REP 118).

    returns: (H, W) float32, metres along the optical axis, NaN where unknown
    """
    if msg.encoding not in DEPTH:
        raise ValueError(
            f'a depth image of encoding {msg.encoding!r} cannot be read: use one of '
            f'{", ".join(DEPTH)}'
        )
    kind, scale = DEPTH[msg.encoding]
    depth = _pixels(msg, kind, 1).astype(np.float32) * np.float32(scale)
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(np.nan))


def read_camera(msg, size: tuple[int, int] | None = None, rectified: bool = False) -> Camera:
    """
    Read a CameraInfo: its K and D for a raw image, its P for a rectified one.

    The region of interest and the binning it states are applied, and a calibration made at
    another size of the same shape is scaled to the image.

    size: (height, width) of the image, pixels; None = as the message says
    """
    if rectified:
        matrix = np.asarray(_calibration(msg, 'p'), np.float64).reshape(3, 4)[:, :3]
    else:
        matrix = np.asarray(_calibration(msg, 'k'), np.float64).reshape(3, 3)
    (fx, _, cx), (_, fy, cy) = matrix[0], matrix[1]
    if not (np.isfinite(matrix).all() and fx > 0 and fy > 0):
        raise ValueError(
            f'CameraInfo is not calibrated: {"P" if rectified else "K"} has fx = {fx:g}, '
            f'fy = {fy:g}; calibrate the camera, or set intrinsics to parameters or none'
        )
    stated = (msg.height, msg.width) if msg.height and msg.width else size
    if stated is None:
        raise ValueError('CameraInfo has no width and height: the driver has to fill them')
    distortion = None if rectified else _distortion(msg)
    camera = Camera.from_intrinsics(fx, fy, cx, cy, tuple(map(int, stated)), distortion)
    roi = msg.roi
    if roi.width and roi.height:
        camera = camera.crop(roi.y_offset, roi.x_offset, roi.height, roi.width)
    bins = (max(msg.binning_y, 1), max(msg.binning_x, 1))
    if bins != (1, 1):
        camera = camera.resize((camera.size[0] // bins[0], camera.size[1] // bins[1]))
    if size is None or tuple(size) == tuple(camera.size):
        return camera
    scale = size[0] / camera.size[0], size[1] / camera.size[1]
    # Two per cent leave room for sizes rounded to multiples of 8 or 16.
    if abs(scale[0] / scale[1] - 1) > 0.02:
        raise ValueError(
            f'CameraInfo is for {camera.size[1]} x {camera.size[0]} pixels and the image has '
            f'{size[1]} x {size[0]}: an image of another shape was cropped, so its own '
            f'CameraInfo is needed'
        )
    return camera.resize(tuple(size))


def read_points(msg, names: tuple[str, ...] = ()) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """
    Read a PointCloud2, in the order of its points; those that are not finite are kept.

    names: further fields that are wanted, for example 'intensity'
    returns: (N, 3) float32 x, y, z in metres, and per name an (N,) array of the field's own type
    """
    fields = {field.name: field for field in msg.fields}
    missing = [name for name in ('x', 'y', 'z', *names) if name not in fields]
    if missing:
        raise ValueError(
            f'the point cloud has no field {missing[0]!r}: it has {", ".join(fields) or "none"}'
        )
    _check_length(msg, msg.width * msg.point_step, 'point cloud')
    columns = {name: _column(msg, fields[name]) for name in ('x', 'y', 'z', *names)}
    xyz = np.stack([columns[name].astype(np.float32) for name in 'xyz'], axis=-1)
    return xyz, {name: columns[name] for name in names}


def _column(msg, field) -> np.ndarray:
    """Return one field of all points: (N,), or (N, count), in this machine's byte order."""
    if field.datatype not in POINT_TYPES:
        raise ValueError(f'field {field.name!r} has the unknown data type {field.datatype}')
    kind = np.dtype(POINT_TYPES[field.datatype])
    count = max(field.count, 1)
    if field.offset + count * kind.itemsize > msg.point_step:
        raise ValueError(f'field {field.name!r} does not fit into point_step {msg.point_step}')
    shape = (msg.height, msg.width) if count == 1 else (msg.height, msg.width, count)
    view = np.ndarray(
        shape,
        kind.newbyteorder('>' if msg.is_bigendian else '<'),
        buffer=np.frombuffer(msg.data, np.uint8),
        offset=field.offset,
        strides=(msg.row_step, msg.point_step, kind.itemsize)[: len(shape)],
    )
    return view.astype(kind).reshape((-1, *shape[2:]))


def _pixels(msg, kind: str, channels: int) -> np.ndarray:
    """Return the pixels without padding and in this machine's byte order: (H, W[, channels])."""
    kind = np.dtype(kind).newbyteorder('>' if msg.is_bigendian else '<')
    width = msg.width * channels * kind.itemsize
    _check_length(msg, width, 'image')
    rows = np.frombuffer(msg.data, np.uint8)[: msg.height * msg.step]
    rows = np.ascontiguousarray(rows.reshape(msg.height, msg.step)[:, :width])
    shape = (msg.height, msg.width) if channels == 1 else (msg.height, msg.width, channels)
    return rows.view(kind).astype(kind.newbyteorder('='), copy=False).reshape(shape)


def _check_length(msg, row: int, what: str) -> None:
    """Refuse a message whose layout does not fit into its data; row: bytes of a row's content."""
    step = msg.step if what == 'image' else msg.row_step
    if msg.height < 1 or msg.width < 1:
        raise ValueError(f'the {what} is empty: {msg.width} x {msg.height}')
    if step < row:
        raise ValueError(f'the {what} has rows of {step} bytes, but its width needs {row}')
    if len(msg.data) < step * msg.height:
        raise ValueError(
            f'the {what} is cut short: {len(msg.data)} bytes, but step x height = '
            f'{step} x {msg.height} = {step * msg.height}'
        )


def _distortion(msg) -> Distortion | None:
    """Return the lens distortion of a CameraInfo, None where there is none."""
    model = {'fisheye': 'equidistant'}.get(msg.distortion_model, msg.distortion_model)
    # A fisheye bends even with all coefficients zero; without any, nothing was calibrated.
    coefficients = _calibration(msg, 'd')
    if not len(coefficients) or (model != 'equidistant' and not np.any(coefficients)):
        return None
    return Distortion(model, tuple(float(value) for value in coefficients))


def _calibration(msg, name: str):
    """Return a field of CameraInfo that has a capital letter in ROS 1 bags."""
    return getattr(msg, name) if hasattr(msg, name) else getattr(msg, name.upper())


@functools.cache
def _cv_bridge():
    """Return the robot's cv_bridge, None where it is missing or made for another NumPy."""
    try:
        import cv_bridge
        import cv_bridge.boost.cv_bridge_boost  # its binary part, which fails under NumPy 2
    except Exception:
        return None
    return cv_bridge.CvBridge()
