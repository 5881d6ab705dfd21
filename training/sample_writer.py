# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Sample sets, written: one sample after the other, and frames.json last."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np

from .sample import check_header, HEADER, problem_of, Sample


class SampleSetWriter:
    """
    Writes a sample set; frames.json appears last and whole, so a broken run leaves no set.

    Used as a context manager: an exception inside leaves frames.json unwritten.

    source, licence: where the data comes from, and under which terms
    min_depth, max_depth: metres; evaluation uses only ground truth inside them
    """

    def __init__(
        self,
        path: str | Path,
        *,
        source: str,
        licence: str,
        depth_kind: str,
        domain: str,
        min_depth: float,
        max_depth: float,
    ):
        self.path = Path(path)
        values = (source, licence, depth_kind, domain, min_depth, max_depth)
        self._data = dict(zip(HEADER, values, strict=True), frames=[])
        check_header(self._data, self.path)
        if (self.path / 'frames.json').exists():
            raise FileExistsError(
                f'{self.path} already holds a sample set; choose another folder or delete it'
            )
        self.path.mkdir(parents=True, exist_ok=True)
        self._stems: set[str] = set()

    def add(self, sample: Sample, depth_scale: float = 256.0, quality: int = 95) -> None:
        """
        Write one sample as `<stem>.jpg` and `<stem>.depth.png`.

        depth_scale: stored value per metre; 1000 is finer, 256 reaches 256 m
        quality: of the JPEG
        """
        if sample.stem in self._stems:
            raise ValueError(
                f'{self.path}: frame {sample.stem}: was added already; stems must be unique'
            )
        frame, files = encode(sample, depth_scale, quality, f'{self.path}: ')
        for name, content in files.items():
            (self.path / name).write_bytes(content)
        self._stems.add(sample.stem)
        self._data['frames'].append(frame)

    def close(self) -> None:
        """Write frames.json, in one step."""
        write_index(self.path, self._data)

    def __enter__(self) -> SampleSetWriter:
        return self

    def __exit__(self, kind, value, traceback) -> None:
        if kind is None:
            self.close()


def write_index(path: Path, data: dict) -> None:
    """Write frames.json of a set into its folder, in one step."""
    check_header(data, path)
    part = path / 'frames.json.part'
    part.write_text(json.dumps(data, indent=1) + '\n')
    os.replace(part, path / 'frames.json')


def encode(
    sample: Sample,
    depth_scale: float = 256.0,
    quality: int = 95,
    where: str = '',
    jpeg: bytes | None = None,
) -> tuple[dict, dict[str, bytes]]:
    """
    Turn a sample into its entry of frames.json and its files.

    depth_scale, quality: as in SampleSetWriter.add
    where: begins the sentence of a refusal
    jpeg: the picture, where it is a JPEG already and shall not lose by another compression
    """
    where = f'{where}frame {sample.stem}:'
    image, depth = np.asarray(sample.image), np.asarray(sample.depth)
    if image.dtype != np.uint8 or image.shape != (*depth.shape, 3):
        raise ValueError(
            f'{where} the image is {image.dtype} {image.shape} and the depth {depth.shape}; '
            'pass uint8 (H, W, 3) and (H, W)'
        )
    if tuple(sample.camera.size) != depth.shape:
        raise ValueError(
            f'{where} the camera is of size {tuple(sample.camera.size)}, the image of '
            f'{depth.shape}; resize the camera with the image'
        )
    if not np.isfinite(depth).all() or (depth < 0).any():
        raise ValueError(f'{where} depth is negative or not finite; mark the unknown with 0')
    stored = np.rint(depth * np.asarray(depth_scale, depth.dtype))
    if stored.max(initial=0) > 65535:
        raise ValueError(
            f'{where} depth reaches {depth.max():.1f} m, but a scale of {depth_scale:g} ends '
            f'at {65535 / depth_scale:.1f} m; use a smaller depth_scale or clip the depth'
        )
    frame = _frame(sample, depth_scale)
    problem = problem_of(frame)
    if problem:
        raise ValueError(f'{where} {problem}')
    if jpeg is None:
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        jpeg = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    pngs = {'depth': stored.astype(np.uint16)}
    if sample.sky is not None:
        pngs['sky'] = sample.sky.astype(np.uint8) * 255
    files = {
        # Sparse depth is smaller than at OpenCV's own setting, and decodes twice as fast.
        frame[key]: cv2.imencode('.png', pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
        for key, pixels in pngs.items()
    }
    return frame, {frame['rgb']: jpeg, **files}


def _frame(sample: Sample, depth_scale: float) -> dict:
    """Return the entry of frames.json."""
    camera, (height, width) = sample.camera, sample.depth.shape
    frame = {
        'rgb': f'{sample.stem}.jpg',
        'depth': f'{sample.stem}.depth.png',
        'depth_scale': float(depth_scale),
        'K': [float(k) for k in (camera.fx, camera.fy, camera.cx, camera.cy)],
        'width': width,
        'height': height,
    }
    if camera.distortion is not None:
        frame['D'] = list(camera.distortion.coefficients)
        frame['distortion_model'] = camera.distortion.model
    if sample.stamp is not None:
        frame['stamp'] = int(sample.stamp)
    if sample.pose is not None:
        frame['T_world_camera'] = np.asarray(sample.pose, float).tolist()
    if sample.sky is not None:
        frame['sky'] = f'{sample.stem}.sky.png'
    return frame
