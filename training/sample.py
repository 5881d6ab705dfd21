# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Sample sets: the one on-disk form of (image, depth, camera).

A set is a folder with `frames.json` and the files that it names: 8-bit RGB, 16-bit depth with a
scale, and K per frame. Bags, the synthetic worlds and real recordings all end up in this form, and
training, evaluation and prediction read nothing else. `sample_writer.py` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
import json
import math
from pathlib import Path

import cv2
import numpy as np

from grin_ros.camera import Camera, Distortion

from .shards import FILES, Shards

DEPTH_KINDS = ('lidar', 'rgbd', 'stereo', 'synthetic')
DOMAINS = ('indoor', 'outdoor', 'other')
OUTDOOR_WORLDS = ('street', 'park', 'yard', 'terrain')  # of the procedural ones
HEADER = ('source', 'licence', 'depth_kind', 'domain', 'min_depth', 'max_depth')
_FRAME = ('rgb', 'depth', 'depth_scale', 'K', 'width', 'height')


@dataclass
class Sample:
    """
    One picture with its camera and metric depth.

    image: (H, W, 3) uint8, RGB
    depth: (H, W) float32, metres along the optical axis, 0 where nobody measured
    camera: unbatched, of the image's size
    stem: file name without its ending, unique within a set
    stamp: nanoseconds or None
    pose: (4, 4) world_T_camera, metres, or None
    sky: (H, W) bool, or None
    """

    image: np.ndarray
    depth: np.ndarray
    camera: Camera
    stem: str
    stamp: int | None = None
    pose: np.ndarray | None = None
    sky: np.ndarray | None = None


class SampleSet:
    """
    A sample set on disk: `len(set)`, and `set[i]` reads the i-th Sample.

    Whatever frames.json alone can tell is checked at once, the files' contents when they are read;
    every refusal names the frame.

    path: the folder, or the frames.json or a tar in it; afterwards always the folder
    """

    def __init__(self, path: str | Path):
        index, data, self._shards = _open(Path(path))
        missing = [key for key in (*HEADER, 'frames') if key not in data]
        if missing:
            raise ValueError(f'{index} lacks {", ".join(missing)}; add the missing entries')
        check_header(data, index)
        self.path = index.parent
        self.name = index.parent.resolve().name
        self.source: str = data['source']
        self.licence: str = data['licence']
        self.depth_kind: str = data['depth_kind']
        self.domain: str = data['domain']
        self.min_depth = float(data['min_depth'])
        self.max_depth = float(data['max_depth'])
        self._frames: list[dict] = data['frames']
        self.stems = [self._check(frame, i) for i, frame in enumerate(self._frames)]
        self.stamps: list[int | None] = [frame.get('stamp') for frame in self._frames]
        if len(set(self.stems)) < len(self.stems):
            twice = next(stem for stem in self.stems if self.stems.count(stem) > 1)
            raise ValueError(f'{index}: frame {twice} is listed twice; stems must be unique')

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, i: int) -> Sample:
        frame, stem = self._frames[i], self.stems[i]
        # The camera belongs to the pixels as they are stored, so an EXIF rotation is ignored.
        image = self._read(frame['rgb'], cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION, stem)
        depth = self.depth(i)
        size = (frame['height'], frame['width'])
        for name, found in ((frame['rgb'], image.shape[:2]), (frame['depth'], depth.shape)):
            if found != size:
                raise ValueError(
                    f'{self.path}: frame {stem}: {name} is {found[1]} x {found[0]} pixels, but '
                    f'frames.json says {size[1]} x {size[0]}; rgb, depth and K must agree'
                )
        return Sample(
            image=cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image),
            depth=depth,
            camera=self.camera(i),
            stem=stem,
            stamp=frame.get('stamp'),
            pose=np.array(frame['T_world_camera']) if 'T_world_camera' in frame else None,
            sky=self._read(frame['sky'], cv2.IMREAD_GRAYSCALE, stem) > 0
            if 'sky' in frame else None,
        )  # fmt: skip

    def depth(self, i: int) -> np.ndarray:
        """Read the depth of frame i alone: (H, W) float32, metres, 0 unknown."""
        frame, stem = self._frames[i], self.stems[i]
        depth = self._read(frame['depth'], cv2.IMREAD_UNCHANGED, stem)
        if depth.dtype != np.uint16 or depth.ndim != 2:
            raise ValueError(
                f'{self.path}: frame {stem}: {frame["depth"]} is not a one-channel 16-bit PNG '
                f'but {depth.dtype} of shape {depth.shape}; write depth x depth_scale as uint16'
            )
        return depth.astype(np.float32) / np.float32(frame['depth_scale'])

    def camera(self, i: int) -> Camera:
        """Return the camera of frame i without reading its pictures."""
        frame = self._frames[i]
        distortion = None
        if frame.get('D'):
            model = frame.get('distortion_model', 'plumb_bob')
            distortion = Distortion(model, tuple(float(d) for d in frame['D']))
        return Camera.from_intrinsics(*frame['K'], (frame['height'], frame['width']), distortion)

    def rgb_path(self, i: int) -> Path:
        """Return the picture's file of frame i."""
        return self.path / self._frames[i]['rgb']

    def files(self) -> list[Path]:
        """List what the set is read from: frames.json and the files that it names, or tars."""
        index = self.path / 'frames.json'
        names = [frame[key] for frame in self._frames for key in FILES if key in frame]
        content = self._shards.paths if self._shards else [self.path / name for name in names]
        return [index, *content] if index.is_file() else content

    def _read(self, name: str, flags: int, stem: str) -> np.ndarray:
        data = self._shards.read(name) if self._shards else (self.path / name).read_bytes()
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
        if pixels is None:
            raise ValueError(f'{self.path}: frame {stem}: {name} cannot be decoded; replace it')
        return pixels

    def _check(self, frame: dict, i: int) -> str:
        """Refuse a frame that cannot be right, and return its stem."""
        missing = [key for key in _FRAME if key not in frame]
        if missing:
            raise ValueError(f'{self.path}: frame number {i} lacks {", ".join(missing)}; add them')
        stem = Path(frame['rgb']).stem
        for name in (frame['rgb'], frame['depth']):
            if not (name in self._shards if self._shards else (self.path / name).is_file()):
                raise FileNotFoundError(
                    f'{self.path}: frame {stem}: {name} is missing; restore it or drop the frame'
                )
        problem = problem_of(frame)
        if problem:
            raise ValueError(f'{self.path}: frame {stem}: {problem}')
        return stem


def _open(path: Path) -> tuple[Path, dict, Shards | None]:
    """Return the file that lists the frames, what it says, and the tars if there are any."""
    index = path if path.suffix in ('.json', '.tar') else path / 'frames.json'
    tars = [path] if path.suffix == '.tar' and path.is_file() else sorted(path.glob('*.tar'))
    if not index.is_file() and tars:
        index = tars[0]
    if not index.is_file():
        raise FileNotFoundError(
            f'{path} is no sample set: it holds no frames.json; name a folder that does'
        )
    if index.suffix == '.tar':
        shards = Shards(tars)
        return index, shards.index(), shards
    try:
        data = json.loads(index.read_text())
    except ValueError as error:
        raise ValueError(f'{index} is not JSON ({error}); write it again') from None
    if not isinstance(data, dict):
        raise ValueError(f'{index} must be an object with {", ".join(HEADER)} and frames')
    names = data.get('shards', ())
    return index, data, Shards(index.parent / name for name in names) if names else None


def check_header(data: dict, where: Path) -> None:
    """Refuse what frames.json says about a whole set if it cannot be right."""
    for key, names in (('depth_kind', DEPTH_KINDS), ('domain', DOMAINS)):
        if data[key] not in names:
            raise ValueError(f'{where}: unknown {key} {data[key]!r}; one of {", ".join(names)}')
    low, high = data['min_depth'], data['max_depth']
    if not (_number(low) and _number(high) and 0 < low < high):
        raise ValueError(f'{where}: min_depth {low} and max_depth {high} must be 0 < min < max')


def problem_of(frame: dict) -> str | None:
    """Say what is wrong with a frame's numbers, or return None."""
    width, height, scale, K = (frame[key] for key in ('width', 'height', 'depth_scale', 'K'))
    if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
        return f'its size {width} x {height} is not in whole positive pixels; correct it'
    if not (_number(scale) and scale > 0):
        return f'depth_scale {scale} is not a positive number; give stored value per metre'
    if not (isinstance(K, list) and len(K) == 4 and all(_number(k) for k in K)):
        return f'K {K} is not four finite numbers; give [fx, fy, cx, cy] in pixels'
    fx, fy, cx, cy = K
    if fx <= 0 or fy <= 0:
        return f'focal lengths {fx}, {fy} must be positive; give [fx, fy, cx, cy] in pixels'
    if not (-width <= cx <= 2 * width and -height <= cy <= 2 * height):
        return (
            f'principal point ({cx}, {cy}) lies further outside the {width} x {height} image '
            'than its size; give K in pixels of the rgb file'
        )
    return None


def _number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
