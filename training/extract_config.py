# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `grin bag extract` can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .sample import DOMAINS

LARGEST = 4e9  # seconds since 1970 are fewer, and as nanoseconds two of them fit into 64 bits


@dataclass(frozen=True)
class ExtractConfig:
    """
    How bags become a sample set; the defaults suit a bag that has everything.

    image, camera_info, points, odometry: topics; None = found
    tf: topic of transforms that counts, with its _static one, where topics contradict each other
    intrinsics: YAML of camera_calibration, instead of a camera_info topic
    extrinsics: YAML with transforms that the bag lacks
    camera_frame, lidar_frame, fixed_frame: None = of the messages' headers, and found
    stamps: the clock that matches images and sweeps: of the headers, or of the arrival
    image_offset, points_offset: added to the stamps of images and of sweeps, seconds
    max_skew: by which the median delays of images, sweeps and poses may differ, seconds
    max_dt: from the image to the nearest moment of a sweep, seconds
    start, end: part of the bag, seconds from its first message; None = all
    every: keep every so manyth image
    ego_motion: move points along with the vehicle, from their moment to the image's
    deskew: do so for each point by its own time, not for the sweep as a whole
    point_time: auto, or FIELD:UNIT:stamp or FIELD:UNIT:clock
    accumulate: so many sweeps before and after the nearest one are added
    occlusion: remove points that a nearer surface hides from the camera
    min_range: nearer points, seen from the LiDAR, are the vehicle itself, metres
    max_depth: farther points are left out, metres
    mask: picture as large as a recorded image, black where that shows the vehicle itself
    sky: mark the sky and let no depth be there
    rectify: take the lens distortion out of the images, else points go through the lens
    rectified: whether the images are rectified already; None = by the name of the topic
    min_points: frames with fewer measured pixels are dropped
    domain: None = guessed from the depths
    source, licence: of the recording, for frames.json; source None = names of the bags
    shards: samples per tar of a WebDataset; 0 = plain files
    workers: processes; 0 = as many as processors where it is worth their start
    """

    image: str | None = None
    camera_info: str | None = None
    points: str | None = None
    odometry: str | None = None
    tf: str | None = None
    intrinsics: str | None = None
    extrinsics: str | None = None
    camera_frame: str | None = None
    lidar_frame: str | None = None
    fixed_frame: str | None = None
    stamps: Literal['header', 'receive'] = 'header'
    image_offset: float = 0.0
    points_offset: float = 0.0
    max_skew: float = 0.5
    max_dt: float = 0.05
    start: float | None = None
    end: float | None = None
    every: int = 1
    ego_motion: bool = True
    deskew: bool = True
    point_time: str = 'auto'
    accumulate: int = 0
    occlusion: bool = True
    min_range: float = 0.5
    max_depth: float = 200.0
    mask: str | None = None
    sky: bool = False
    rectify: bool = True
    rectified: bool | None = None
    min_points: int = 100
    domain: str | None = None
    source: str | None = None
    licence: str = 'unknown: ask the owner of the recording'
    shards: int = 0
    workers: int = 0

    def __post_init__(self):
        for name, value in vars(self).items():
            if isinstance(value, (int, float)) and not abs(value) <= LARGEST:
                raise ValueError(f'{name} {value} is no number up to {LARGEST:g}')
        if self.stamps not in ('header', 'receive'):
            raise ValueError(f'stamps {self.stamps!r} is neither header nor receive')
        if self.domain not in (None, *DOMAINS):
            raise ValueError(f'unknown domain {self.domain!r}; one of {", ".join(DOMAINS)}')
        if not 0 < self.max_depth <= 255:
            raise ValueError(f'max_depth {self.max_depth:g} is not above 0 and up to 255 metres')
        for name in ('every', 'min_points'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} {getattr(self, name)} is not a whole number from 1 up')
        for name in ('max_dt', 'max_skew', 'min_range', 'accumulate', 'shards', 'workers'):
            if not getattr(self, name) >= 0:
                raise ValueError(f'{name} {getattr(self, name)} must not be negative')
        if self.accumulate and not self.ego_motion:
            raise ValueError('accumulating sweeps needs ego-motion; leave it on')
