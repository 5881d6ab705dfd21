# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""One image and its sweeps to one sample: what the processes of `grin bag extract` do."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.util import Finalize
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from grin_ros.camera import Camera
from grin_ros.projection import agrees, hidden, parallax, project, z_buffer
from grin_ros.rectifier import Rectifier
from grin_ros.ros.compressed import mosaic_code
from grin_ros.ros.from_msg import read_image

from .bag import BagReader, stamp_of
from .extract_config import ExtractConfig
from .lidar import read_sweep
from .recording import Recording
from .sample import Sample
from .sample_writer import encode
from .sky import find_sky

BIN = 1_000_000  # nanoseconds; points of one bin move together
BINS = np.geomspace(
    0.5, 256, 28
)  # metres, of the histogram of depths; the ends take what is beyond

Key = tuple[str, int, int]  # topic, arrival, header stamp


@dataclass(frozen=True)
class Frame:
    """
    An image and the sweeps that belong to it.

    image: key of its message
    sweeps: keys and stamps of the sweeps, the nearest in time first
    stamp: of the image, nanoseconds
    camera: index into the cameras of the recording
    """

    stem: str
    image: Key
    sweeps: tuple[tuple[Key, int], ...]
    stamp: int
    camera: int


class FrameMaker:
    """
    Makes the samples of one recording.

    folder: where the files of samples are written
    close: callable; done by itself when the maker is dropped, or its process ends
    """

    def __init__(self, recording: Recording, config: ExtractConfig, folder: Path):
        self.recording, self.config, self.folder = recording, config, folder
        self._rectify = Rectifier()
        self._mask = _read_mask(config.mask) if config.mask else None
        self._bag = BagReader(recording.path)
        # Not to be left out: a file that was compressed as a whole lies unpacked in /tmp.
        self.close = Finalize(self, self._bag.close, exitpriority=0)

    def make(self, frames: list[Frame]) -> list[dict]:
        """
        Make the samples of some frames that follow each other.

        returns: per frame its stem and either `dropped`, a reason, or `frame`, its entry of
            frames.json, with figures for the report
        """
        waiting = {frame.stem: frame for frame in frames}
        needed: dict[Key, int] = {}
        for frame in frames:
            for key in _keys(frame):
                needed[key] = needed.get(key, 0) + 1
        topics = {key[0] for key in needed}
        arrivals = [key[1] for key in needed]
        found: dict[Key, Any] = {}
        records = []
        for topic, arrival, message in self._bag.scan(
            topics, start=min(arrivals), stop=max(arrivals) + 1
        ):
            key = (topic, arrival, stamp_of(message))
            if key not in needed:
                continue
            found[key] = message
            for frame in [f for f in waiting.values() if all(k in found for k in _keys(f))]:
                del waiting[frame.stem]
                records.append(self._record(frame, found))
                for used in _keys(frame):
                    needed[used] -= 1
                    if not needed[used]:
                        found.pop(used)
        return records

    def _record(self, frame: Frame, found: dict[Key, Any]) -> dict:
        """Make and write one sample, or say why not."""
        try:
            image, camera, jpeg, seen = self._picture(frame, found[frame.image])
        except _Unreadable as error:
            return {'stem': frame.stem, 'dropped': 'image cannot be decoded', 'detail': str(error)}
        try:
            depth = self._depth(frame, [found[key] for key, _ in frame.sweeps], camera)
        except ValueError as error:
            return {'stem': frame.stem, 'dropped': 'sweep cannot be read', 'detail': str(error)}
        if seen is not None:
            depth[~seen] = 0
        if self._mask is not None:
            depth[self._vehicle(self.recording.cameras[frame.camera])] = 0
        sky = find_sky(image, depth) if self.config.sky else None
        if sky is not None:
            depth[sky] = 0
        count = int(np.count_nonzero(depth))
        if count < self.config.min_points:
            return {'stem': frame.stem, 'dropped': 'too few points in the image'}
        pose = self._pose(frame.stamp)
        sample = Sample(image, depth, camera, frame.stem, frame.stamp, pose, sky)
        entry, files = encode(sample, jpeg=jpeg)
        for name, content in files.items():
            part = self.folder / f'.{name}.{os.getpid()}.part'
            part.write_bytes(content)
            os.replace(part, self.folder / name)
        return {
            'stem': frame.stem,
            'frame': entry,
            'sizes': {name: len(content) for name, content in files.items()},
            'coverage': count / depth.size,
            'depths': np.histogram(depth[depth > 0].clip(BINS[0], BINS[-1]), BINS)[0].tolist(),
            'dt': (frame.sweeps[0][1] - frame.stamp) / 1e9,
        }

    def _picture(self, frame: Frame, message):
        """Return image, camera, the JPEG if it can stay as it is, and what the lens saw."""
        camera = self.recording.cameras[frame.camera]
        try:
            image = read_image(message)
        except ValueError as error:
            raise _Unreadable(str(error)) from error
        if image.shape[:2] != tuple(camera.size):
            raise ValueError(
                f'{self.recording.path}: the images of {frame.image[0]} change from '
                f'{camera.size[1]} x {camera.size[0]} to {image.shape[1]} x {image.shape[0]} '
                f'pixels at the stamp {frame.stamp}; extract each part with --start and --end'
            )
        if camera.distortion is not None and self.config.rectify:
            image, camera, seen = self._rectify(image, camera)
            return image, camera, None, seen
        # The JPEG of a Bayer mosaic shows a grey checkerboard to everyone else.
        keeps = hasattr(message, 'format') and mosaic_code(message) is None
        data = bytes(message.data) if keeps else b''
        return image, camera, data if data[:2] == b'\xff\xd8' else None, None

    def _depth(self, frame: Frame, messages: list, camera: Camera) -> np.ndarray:
        """Return the depth that the sweeps give an image: (H, W) float32, 0 = unknown."""
        pixels, depths, sweep_of, origins = [], [], [], []
        for number, (message, (_, stamp)) in enumerate(zip(messages, frame.sweeps)):
            points, origin = self._into_camera(message, stamp, frame.stamp)
            uv, index = project(points, camera)
            z = points[index, 2]
            keep = z <= self.config.max_depth
            if number == 0 and len(messages) > 1:
                first, _ = z_buffer(uv[keep], z[keep], camera.size)
            elif number:
                keep &= agrees(first, uv, z)
            pixels.append(uv[keep])
            depths.append(z[keep])
            sweep_of.append(np.full(len(depths[-1]), number))
            origins.append(origin)
        depth, winner = z_buffer(np.concatenate(pixels), np.concatenate(depths), camera.size)
        if self.config.occlusion:
            sweep_of = np.concatenate(sweep_of)
            behind = np.zeros(depth.shape, bool)
            for number, origin in enumerate(origins):
                found = hidden(depth, parallax(origin, camera))
                found[found] = sweep_of[winner[found]] == number
                behind |= found
            depth[behind] = 0
        return depth

    def _into_camera(self, message, stamp: int, image_stamp: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the points of a sweep in the camera's frame, and where the LiDAR was, metres."""
        recording = self.recording
        time = recording.time if recording.deskew else None
        sweep = read_sweep(message, time, self.config.min_range)
        if sweep.offsets is None or not len(sweep.points):
            pose = recording.lidar_to_camera(image_stamp, np.array([stamp]))[0]
            pose = pose.astype(np.float32)
            return sweep.points @ pose[:3, :3].T + pose[:3, 3], pose[:3, 3]
        # A pose per millisecond: looking one up for each point would cost more and give nothing.
        bins = sweep.offsets // BIN
        first = bins.min()
        moments = stamp + (np.arange(first, bins.max() + 1) * BIN + BIN // 2)
        poses = recording.lidar_to_camera(image_stamp, moments).astype(np.float32)
        mine = poses[bins - first]
        moved = np.einsum('nij,nj->ni', mine[:, :3, :3], sweep.points) + mine[:, :3, 3]
        known = np.isfinite(moved[:, 0])
        return moved[known], np.nanmean(poses[:, :3, 3], axis=0)

    def _pose(self, stamp: int) -> np.ndarray | None:
        recording = self.recording
        if recording.fixed_frame is None:
            return None
        pose = recording.transforms.lookup(
            recording.fixed_frame, recording.camera_frame, np.array([stamp])
        )[0]
        return pose if np.isfinite(pose).all() else None

    def _vehicle(self, camera: Camera) -> np.ndarray:
        """Return (H, W) bool, where the sample shows the vehicle; camera: of the recording."""
        if self._mask.shape != tuple(camera.size):
            raise ValueError(
                f'{self.config.mask}: the mask has {self._mask.shape[1]} x {self._mask.shape[0]} '
                f'pixels and the image {camera.size[1]} x {camera.size[0]}; make it that size'
            )
        if camera.distortion is None or not self.config.rectify:
            return self._mask
        # Drawn on the recorded picture, the mask goes the way of the picture.
        mask = self._mask.astype(np.uint8)
        return self._rectify(mask, camera, interpolation=cv2.INTER_NEAREST)[0].astype(bool)


class _Unreadable(Exception):
    pass


def _keys(frame: Frame) -> list[Key]:
    return [frame.image, *(key for key, _ in frame.sweeps)]


def _read_mask(path: str) -> np.ndarray:
    """Return (H, W) bool, where the camera sees its own vehicle."""
    mask = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise ValueError(f'{path}: no picture that can be read; give a PNG, black = own vehicle')
    return mask == 0
