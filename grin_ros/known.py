# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Files of known depth as prompts: depth maps, lists of pixels, point clouds."""

from __future__ import annotations

from collections.abc import Sequence
import json
from pathlib import Path

import cv2
import numpy as np

from grin_ros.camera import Camera
from grin_ros.prompt import Prompt

MAPS, LISTS, CLOUDS = ('.png', '.npy'), ('.csv', '.txt'), ('.ply', '.pcd')
DEPTH_SCALE = 256.0


class KnownDepth:
    """
    Finds and reads what is known of each image.

    path: a file, or a folder with `<stem>.depth.png` or `<stem>` and one of the endings; None =
        beside the image
    depth_scale: stored value per metre of 16-bit PNG; None = as the frames.json beside it says,
        else 256
    pose: (4, 4), camera_T_sensor, for point clouds
    options: of Prompt
    """

    def __init__(
        self, path: Path | None, depth_scale: float | None, pose: np.ndarray, **options
    ) -> None:  # fmt: skip
        if path is not None and not path.exists():
            raise FileNotFoundError(
                f'{path} does not exist; give a file or a folder of known depth'
            )
        if depth_scale is not None and not depth_scale > 0:
            raise ValueError(f'--depth-scale {depth_scale:g} must be positive')
        self._path, self._scale, self._pose, self._options = path, depth_scale, pose, options
        Prompt(np.zeros((0, 2)), np.zeros(0), **options)  # refuses options before any work

    def find(self, image: Path) -> list[Path]:
        """Return the files that may be meant for an image, the first choice first."""
        if self._path is not None and not self._path.is_dir():
            return [self._path]
        files = [(self._path or image.parent) / name for name in _names(image)]
        return [file for file in files if file.is_file() and file.resolve() != image.resolve()]

    def file(self, image: Path) -> Path:
        """Return the file of an image; raises FileNotFoundError where there is none."""
        found = self.find(image)
        if not found:
            raise FileNotFoundError(
                f'{self._path or image.parent} holds no known depth of {image.name}; looked for '
                f'{", ".join(_names(image))}'
            )
        return found[0]

    def prompt(self, image: Path, camera: Camera, pinhole: Camera) -> Prompt:
        """
        Read what is known of an image.

        camera: of the image as it is stored, which maps and lists of pixels belong to
        pinhole: of the image after rectification
        """
        path = self.file(image)
        ending = path.suffix.lower()
        if ending in CLOUDS:
            return Prompt.from_points(_read_cloud(path), self._pose, pinhole, **self._options)
        if ending in MAPS:
            prompt = Prompt.from_map(self._read_map(path, camera.size), **self._options)
            uv, depth = prompt.uv, prompt.depth
        elif ending in LISTS:
            uv, depth = _read_list(path)
        else:
            raise ValueError(
                f'{path} is no known depth by its name; give one of '
                f'{", ".join((*MAPS, *LISTS, *CLOUDS))}'
            )
        return Prompt(undistort(uv, camera, pinhole), depth, **self._options)

    def _read_map(self, path: Path, size: tuple[int, int]) -> np.ndarray:
        if path.suffix.lower() == '.npy':
            depth = _read_array(path)
        else:
            depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if depth is None or depth.dtype != np.uint16:
                raise ValueError(f'{path} is no 16-bit PNG; give metres x scale, 0 = unknown')
            depth = depth / (self._scale or _set_scale(path) or DEPTH_SCALE)
        if depth.shape != tuple(size):
            raise ValueError(
                f'{path} is {" x ".join(map(str, depth.shape))}, its image {size[0]} x {size[1]} '
                '(height x width); bring them to one size'
            )
        return depth.astype(np.float32)


def undistort(uv: np.ndarray, camera: Camera, pinhole: Camera) -> np.ndarray:
    """
    Move pixels of a raw image to where rectification brings them.

    uv: (N, 2), pixels of `camera`
    returns: (N, 2) float32, pixels of `pinhole`
    """
    if camera.distortion is None or not len(uv):
        return np.asarray(uv, np.float32)
    lens = camera.distortion
    K, P = (one.K.double().numpy() for one in (camera, pinhole))
    points = np.asarray(uv, np.float64)[:, None]
    if lens.fisheye:
        moved = cv2.fisheye.undistortPoints(points, K, lens.vector, P=P)
    else:  # five steps, the default, leave the corners of a wide lens pixels off
        end = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-9)
        moved = cv2.undistortPointsIter(points, K, lens.vector, np.eye(3), P, end)
    return moved[:, 0].astype(np.float32)


def pose_of(numbers: Sequence[float]) -> np.ndarray:
    """
    Return the pose of a frame in another from `x y z qx qy qz qw`, as ROS writes it.

    returns: (4, 4)
    """
    if len(numbers) != 7 or not np.isfinite(numbers).all() or not np.any(numbers[3:]):
        raise ValueError(
            f'an extrinsic is x y z [m] and a quaternion qx qy qz qw other than 0, got '
            f'{list(numbers)}'
        )
    x, y, z, w = np.asarray(numbers[3:]) / np.linalg.norm(numbers[3:])
    pose = np.eye(4)
    pose[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    pose[:3, 3] = numbers[:3]
    return pose


def _names(image: Path) -> list[str]:
    return [f'{image.stem}{ending}' for ending in ('.depth.png', *MAPS, *LISTS, *CLOUDS)]


def _read_array(path: Path) -> np.ndarray:
    try:
        with path.open('rb') as file:  # np.load would also take archives, by what they hold
            array = np.lib.format.read_array(file, allow_pickle=False)
        if array.dtype.kind not in 'fiu':
            raise ValueError(f'its type is {array.dtype}')
    except ValueError as error:
        raise ValueError(f'{path} is no .npy of numbers ({error}); use np.save') from None
    return array


def _read_list(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        # Spreadsheets put a mark before UTF-8.
        rows = path.read_text(encoding='utf-8-sig').replace(',', ' ').splitlines()
        rows = [row.split() for row in rows if row.strip() and not row.lstrip().startswith('#')]
        if rows and rows[0][:1] == ['u']:
            rows = rows[1:]
        values = np.array([[float(u), float(v), float(z)] for u, v, z in rows], np.float32)
        values = values.reshape(-1, 3)
        if not (np.isfinite(values).all() and (values[:, 2] > 0).all()):
            raise ValueError
    except ValueError:
        raise ValueError(
            f'{path} must have three numbers in every row: u, v in pixels and depth in metres, '
            'which is positive: leave unknown pixels out'
        ) from None
    return values[:, :2], values[:, 2]


def _read_cloud(path: Path) -> np.ndarray:
    import open3d

    points = np.asarray(open3d.io.read_point_cloud(str(path)).points)
    if not len(points):
        raise ValueError(f'{path} holds no points that open3d can read; write it as PLY or PCD')
    return points


def _set_scale(path: Path) -> float | None:
    """Return depth_scale of a frame if its depth map belongs to a sample set."""
    index = path.with_name('frames.json')
    if not index.is_file():
        return None
    try:
        frames = json.loads(index.read_text())['frames']
        return next((float(f['depth_scale']) for f in frames if f['depth'] == path.name), None)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f'{index} is no sample set ({error}); give --depth-scale') from None
