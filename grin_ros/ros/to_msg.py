# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Arrays and cameras to messages, each with the header of the image that they were made from.

Data is appended to the array that a message is made with, because whatever is assigned to `data`
is copied once more by rclpy, and all but `array.array('B')` byte by byte: 50 ms for a VGA image
instead of 0.03 ms.
"""

from __future__ import annotations

import cv2
import numpy as np
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField

from grin_ros.camera import Camera
from grin_ros.cloud_filter import voxels


def depth_image(depth: np.ndarray, header) -> Image:
    """
    Make a 32FC1 image of a depth map or of its standard deviation.

    depth: (H, W), metres along the optical axis, NaN where unknown
    """
    return _image(np.asarray(depth, '<f4'), '32FC1', header)


def rgb_image(image: np.ndarray, header) -> Image:
    """
    Make an rgb8 image.

    image: (H, W, 3) uint8, RGB
    """
    return _image(np.asarray(image, np.uint8), 'rgb8', header)


def camera_info(camera: Camera, header) -> CameraInfo:
    """Make the CameraInfo of a camera: K and P alike, R = 1, as for any single camera."""
    fx, fy, cx, cy = (float(value) for value in (camera.fx, camera.fy, camera.cx, camera.cy))
    height, width = camera.size
    message = CameraInfo(header=header, height=height, width=width)
    message.k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    # Readers expect a model even where nothing is distorted.
    message.distortion_model = camera.distortion.model if camera.distortion else 'plumb_bob'
    message.d = list(camera.distortion.coefficients) if camera.distortion else [0.0] * 5
    return message


def point_cloud(
    depth: np.ndarray, image: np.ndarray, camera: Camera, header, organized: bool = True,
    voxel: float = 0.0,
) -> PointCloud2:  # fmt: skip
    """
    Make a cloud, organised with one point per pixel and NaN where the depth is unknown.

    depth: (H, W), metres along the optical axis
    image: (h, w, 3) uint8, RGB; brought to the size of the depth map where it has another
    camera: of the depth map, without distortion
    organized: else only the points that are finite, in one row
    voxel: side of the cubes whose points become one, metres, in one row too; 0 = off
    returns: x right, y down, z forward in metres, and rgb as drivers and RViz have it: the bytes
        B, G, R, 0 called a float; 16 bytes per point
    """
    height, width = depth.shape
    if image.shape[:2] != depth.shape:
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    # What camera.unproject does, but on a busy machine its threads wait longer than NumPy works.
    (fx, _, cx), (_, fy, cy), _ = camera.K.tolist()
    across = ((np.arange(width) - cx) / fx).astype('<f4')
    down = ((np.arange(height) - cy) / fy).astype('<f4')[:, None]
    colours = cv2.cvtColor(image, cv2.COLOR_RGB2BGRA)
    colours[..., 3] = 0
    points = cv2.merge([depth * across, depth * down, depth, colours.view('<f4')[..., 0]])
    if voxel or not organized:
        points = points[np.isfinite(points[..., :3]).all(axis=2)][None]
    if voxel:
        points = _merge(points, voxel)
    height, width = points.shape[:2]
    cloud = PointCloud2(header=header, height=height, width=width, is_bigendian=False)
    cloud.fields = [
        PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
        for index, name in enumerate(('x', 'y', 'z', 'rgb'))
    ]
    cloud.point_step = 16
    cloud.row_step = 16 * width
    cloud.is_dense = bool(voxel or not organized)
    _append(cloud, points)
    return cloud


def _merge(points: np.ndarray, side: float) -> np.ndarray:
    """Make one point of those in each cube: (1, N, 4) float32, x y z rgb."""
    colours = np.ascontiguousarray(points[0, :, 3:]).view(np.uint8)
    xyz, colours = voxels(points[0, :, :3], colours[:, 2::-1], side)
    merged = np.zeros((1, len(xyz), 4), '<f4')
    merged[0, :, :3] = xyz
    merged[0].view(np.uint8)[:, 12:15] = colours[:, ::-1]
    return merged


def _image(pixels: np.ndarray, encoding: str, header) -> Image:
    """Wrap an array (H, W) or (H, W, channels) whose bytes are as the encoding wants them."""
    height, width = pixels.shape[:2]
    message = Image(header=header, height=height, width=width, encoding=encoding)
    message.is_bigendian = 0
    message.step = pixels.nbytes // height
    _append(message, pixels)
    return message


def _append(message: Image | PointCloud2, pixels: np.ndarray) -> None:
    """Copy an array, once, to the end of a message's data."""
    message.data.frombytes(np.ascontiguousarray(pixels).view(np.uint8))  # also of no points
