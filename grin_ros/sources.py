# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `grin predict` is given: images, folders of images, and sample sets with their cameras."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
import json
from pathlib import Path

import cv2
import numpy as np

from grin_ros.camera import Camera, Distortion

OWNED = ('.depth.png', '.sky.png', '.preview.jpg', '.rectified.png')  # what belongs to an image
IMAGES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')


@dataclass(frozen=True)
class Source:
    """
    One image to predict.

    camera: from a frames.json, else None
    """

    path: Path
    camera: Camera | None = None


def find_sources(paths: Iterable[str | Path]) -> list[Source]:
    """
    List the images that files, folders and frames.json name; refuse what is none.

    Of a folder, what belongs to its images and is none (OWNED) is left out.
    """
    sources: list[Source] = []
    for path in map(Path, paths):
        index = path / 'frames.json' if path.is_dir() else path
        if index.name.endswith('.json') and index.is_file():
            found = _from_frames(index)
        elif path.is_dir():
            names = (p for p in sorted(path.iterdir()) if not p.name.endswith(OWNED))
            found = [Source(p) for p in names if p.suffix.lower() in IMAGES]
        elif not path.is_file():
            raise FileNotFoundError(f'{path} does not exist; give an image, a folder or a set')
        elif path.suffix.lower() in IMAGES:
            found = [Source(path)]
        else:
            raise ValueError(
                f'{path} is not an image by its name; give {", ".join(IMAGES)}, a folder of '
                'such files or a frames.json'
            )
        if not found:
            raise ValueError(f'{path} holds no image; looked for {", ".join(IMAGES)}')
        sources += found
    return sources


def _from_frames(index: Path) -> list[Source]:
    try:
        frames = json.loads(index.read_text())['frames']
        return [Source(index.parent / frame['rgb'], _frame_camera(frame)) for frame in frames]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{index} is no sample set ({type(error).__name__}: {error}); '
            'every frame needs rgb, K, width and height'
        ) from None


def _frame_camera(frame: dict) -> Camera:
    distortion = None
    if frame.get('D'):
        distortion = Distortion(frame.get('distortion_model', 'plumb_bob'), frame['D'])
    return Camera.from_intrinsics(*frame['K'], (frame['height'], frame['width']), distortion)


def read_image(source: Source, stored: bool = False) -> np.ndarray:
    """
    Read an image.

    stored: as its pixels are stored, as of a source with a camera; else it is turned upright
    returns: (H, W, 3) uint8 RGB; of 9 to 16 bits, as many as the brightest value has, the upper 8
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    if stored or source.camera is not None:  # a calibration belongs to the stored pixels
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imread(str(source.path), flags)
    if image is not None and image.dtype == np.uint16:  # which cameras often fill to 10 bits
        image = (image >> max(int(image.max()).bit_length() - 8, 0)).astype(np.uint8)
    if image is None or image.dtype != np.uint8:
        raise ValueError(f'{source.path} cannot be decoded as an image; replace or remove it')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
