# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which sweeps belong to which image, by their stamps, and which images have to be left out."""

from __future__ import annotations

from collections import Counter

import numpy as np

from .extract_config import ExtractConfig
from .extract_frame import Frame
from .lidar import PointTime
from .recording import Recording


def match(
    recording: Recording, config: ExtractConfig, prefix: str = ''
) -> tuple[list[Frame], Counter]:
    """
    Give each image the sweep that is nearest in time, and neighbours if sweeps are accumulated.

    prefix: begins the stems, which end in the number of the image in the bag
    returns: frames, and how many images were dropped by reason
    """
    images, sweeps = recording.images, recording.sweeps
    first, last = _span(recording.time)
    middles = sweeps.stamps + (first + last) // 2
    nearest = _nearest(middles, images.stamps)
    # To a sweep that lasts, the distance is that to its nearest moment.
    begin, end = sweeps.stamps[nearest] + first, sweeps.stamps[nearest] + last
    distance = np.maximum(0, np.maximum(begin - images.stamps, images.stamps - end))
    near = distance <= round(config.max_dt * 1e9)
    if not near.any():
        raise ValueError(_never(recording, config, distance))
    wanted = np.arange(len(images)) % config.every == 0
    posed = _posed(recording, images.stamps, sweeps.stamps[nearest])
    usable = _posed(recording, sweeps.stamps, sweeps.stamps)
    dropped = Counter()
    dropped['not chosen by every'] = int(np.sum(~wanted))
    dropped[f'no sweep within {config.max_dt * 1e3:g} ms'] = int(np.sum(wanted & ~near))
    dropped['no pose at its time'] = int(np.sum(wanted & near & ~posed))
    frames = []
    for i in np.flatnonzero(wanted & near & posed):
        low = max(nearest[i] - config.accumulate, 0)
        around = range(low, min(nearest[i] + config.accumulate + 1, len(sweeps)))
        around = sorted((k for k in around if usable[k]), key=lambda k, i=i: abs(k - nearest[i]))
        frames.append(
            Frame(
                f'{prefix}{i:06d}',
                images.key(i),
                tuple((sweeps.key(k), int(sweeps.stamps[k])) for k in around),
                int(images.stamps[i]),
                int(recording.camera_of[i]),
            )
        )
    if not frames:
        raise ValueError(
            f'{recording.path}: no image has a pose of {recording.fixed_frame!r} at its time; '
            'is the odometry on another clock? Pass --no-ego-motion to do without'
        )
    return frames, +dropped


def _nearest(times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the index of the nearest of ascending times."""
    after = np.searchsorted(times, wanted).clip(1, max(len(times) - 1, 1))
    after = np.minimum(after, len(times) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(wanted - times[before] <= times[after] - wanted, before, after)


def _span(time: PointTime | None) -> tuple[int, int]:
    """Return the first and the last moment of a sweep, nanoseconds from its stamp."""
    return (time.first, time.last) if time else (0, 0)


def _posed(recording: Recording, stamps: np.ndarray, sweeps: np.ndarray) -> np.ndarray:
    """Tell at which stamps the camera has a pose, and all of the sweep of another stamp."""
    known = np.ones(len(stamps), bool)
    fixed, camera, lidar = recording.fixed_frame, recording.camera_frame, recording.lidar_frame
    if fixed is None:
        return known
    # A sweep that moves as a whole is taken to be what the LiDAR saw at its stamp.
    first, last = _span(recording.time if recording.deskew else None)
    begin, end = sweeps + first, sweeps + last
    for target, source, times in (
        (fixed, camera, stamps),
        (fixed, camera, begin),
        (fixed, camera, end),
        (camera, lidar, begin),
        (camera, lidar, end),
    ):
        known &= np.isfinite(recording.transforms.lookup(target, source, times)[:, 0, 0])
    return known


def _never(recording: Recording, config: ExtractConfig, distance: np.ndarray) -> str:
    """Say that no stamps match, and by how much clocks differ if arrival can tell."""
    images, sweeps = recording.images, recording.sweeps
    sentence = (
        f'{recording.path}: the stamps of {images.topic} and {sweeps.topic} never match; the '
        f'nearest are {distance.min() / 1e9:.3f} s apart'
    )
    delays = [np.median(stream.arrival - stream.stamps) for stream in (images, sweeps)]
    offset = (delays[0] - delays[1]) / 1e9
    if config.stamps == 'header' and abs(offset) > config.max_dt:
        return (
            f'{sentence}. By their arrival the clocks differ: pass --image-offset {offset:.3f}, '
            'or --stamps receive'
        )
    return f'{sentence}; pass a larger --max-dt if that is what you want'
