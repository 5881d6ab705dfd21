# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
A bag seen as one camera and one LiDAR on one vehicle: its topics, stamps and transforms.

Made in one pass that keeps no picture and no point, so that the size of a bag does not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from grin_ros.camera import Camera

from .bag import BagReader, stamp_of
from .bag_cameras import Calibrations, info_topic, read_cameras
from .bag_topics import sibling_info
from .clocks import check_same, check_steady, Clock, pose_clocks
from .extract_config import ExtractConfig
from .extrinsics import add_extrinsics
from .fixed_frame import find_fixed_frame
from .lidar import parse_time, PointTime, recognise_time
from .optical import check_optical
from .pose_topics import PoseTopics
from .stream import make_stream, sort, Stream
from .tf import inverse, Transforms

LOOKED_AT = 5  # sweeps, spread over the bag, from which the time of points is recognised


@dataclass
class Recording:
    """
    One bag, ready to be turned into samples.

    images, sweeps: streams of the image and of the points topic
    cameras: of the images, one per calibration in the bag
    camera_of: (N,) index into cameras of each image
    camera_frame, lidar_frame: names in transforms
    fixed_frame: where the vehicle moves in; None = its motion is unknown
    time: of the points; None = unknown
    deskew: points move by their own time, else all of a sweep by its stamp
    notes: what was found and decided, sentences for the report
    """

    path: str
    images: Stream
    sweeps: Stream
    cameras: list[Camera]
    camera_of: np.ndarray
    transforms: Transforms
    camera_frame: str
    lidar_frame: str
    fixed_frame: str | None = None
    time: PointTime | None = None
    deskew: bool = True
    notes: list[str] = field(default_factory=list)

    def lidar_to_camera(self, stamp: int, moments: np.ndarray) -> np.ndarray:
        """
        Return what brings points that were measured at some moments into an image's camera.

        stamp: of the image, nanoseconds
        moments: (N,) int64, nanoseconds
        returns: (N, 4, 4); NaN where a pose is missing
        """
        lookup, fixed, camera = self.transforms.lookup, self.fixed_frame, self.camera_frame
        if fixed is None:
            return lookup(camera, self.lidar_frame, np.full(len(moments), stamp))
        # By way of the camera, as --extrinsics may tell another mount than the bag's own tree.
        now, then = lookup(fixed, camera, np.array([stamp])), lookup(fixed, camera, moments)
        return inverse(now) @ then @ lookup(camera, self.lidar_frame, moments)


def read_recording(
    path: str, config: ExtractConfig, on_message: Callable[[], None] = lambda: None
) -> Recording:
    """
    Index a bag and decide how its points come into its images.

    on_message: called for each message, for a progress bar
    """
    with BagReader(path) as bag:
        return _read(bag, config, on_message)


def _read(bag: BagReader, config: ExtractConfig, on_message) -> Recording:
    image = bag.image_topic(config.image)
    points = bag.points_topic(config.points)
    info = None if config.intrinsics else info_topic(bag, image, config.camera_info)
    heavy = {image: [], points: []}
    infos, poses = Calibrations(), PoseTopics(bag, image, config)
    frames: dict[str, dict[str, None]] = {image: {}, points: {}}
    light = [*poses.names, *([info] if info else [])]
    by_arrival = config.stamps == 'receive'
    start, stop = _window(bag, config)
    for topic, arrival, content in bag.scan(light, heavy):
        on_message()
        if topic in heavy:
            if start <= arrival < stop:
                heavy[topic].append((arrival, content.stamp))
                frames[topic][content.frame_id] = None
        elif topic == info:
            # One that came too late is better than none.
            if arrival < stop or not infos.times:
                infos.add(arrival if by_arrival else stamp_of(content), content)
        else:
            poses.add(topic, content, arrival, by_arrival)
    images, sweeps = (
        make_stream(bag, topic, found, list(frames[topic]), by_arrival)
        for topic, found in heavy.items()
    )
    unsorted = [Clock(s.topic, s.arrival, s.stamps) for s in (images, sweeps)]
    check_steady(bag.path, bag.start, unsorted)
    notes = poses.notes
    if info and info != sibling_info(image):
        notes.append(f'calibration: of {info}')
    for stream in (images, sweeps):
        if same := sort(stream):
            notes.append(f'{same} messages of {stream.topic} have the stamp of another: left out')
    transforms, worlds = poses.join(start, stop)
    camera_frame = config.camera_frame or images.frame_id
    lidar_frame = config.lidar_frame or sweeps.frame_id
    if config.extrinsics:
        add_extrinsics(transforms, config.extrinsics, camera_frame, lidar_frame)
    cameras, camera_of = read_cameras(bag, config, images, infos)
    try:
        time = _point_time(bag, config, sweeps, notes)
    except ValueError as error:
        raise ValueError(f'{bag.path}, {sweeps.topic}: {error}') from None
    if by_arrival and time:
        # A sweep arrives when its last point was measured, and no point is from the future.
        sweeps.stamps = sweeps.stamps - time.last
    images.stamps = images.stamps + round(config.image_offset * 1e9)
    sweeps.stamps = sweeps.stamps + round(config.points_offset * 1e9)
    recording = Recording(
        str(bag.path), images, sweeps, cameras, camera_of, transforms,
        camera_frame, lidar_frame, time=time, notes=notes,
    )  # fmt: skip
    _decide_motion(recording, config, worlds)
    _check_changed(recording, bag.start)
    if not by_arrival:
        moving = pose_clocks(
            recording.transforms, (recording.fixed_frame, camera_frame, lidar_frame), start, stop
        )
        check_steady(bag.path, bag.start, [unsorted[0], *moving])
        # A sweep is on its way from its last point on.
        whole = sweeps.stamps + (time.last if time else 0)
        pictures = Clock(images.topic, images.arrival, images.stamps)
        scans = Clock(sweeps.topic, sweeps.arrival, whole)
        check_same(bag.path, pictures, scans, moving, config)
    notes += [f'poses of the vehicle: {topic}' for topic in poses.used(recording.transforms)]
    return recording


def _check_changed(recording: Recording, start: int) -> None:
    """Say which of the transforms in use changed although it is static."""
    for pair in recording.transforms.pairs:
        log = recording.transforms.log(pair)
        if log.changed is not None and not len(log.times):
            recording.notes.append(
                f'the static transform {pair[0]} -> {pair[1]} changes, '
                f'{(log.changed - start) / 1e9:.1f} s after the start of the bag, and its last '
                'value is taken for all images; if it was moved, cut the bag there with --start '
                'and --end'
            )


def _window(bag: BagReader, config: ExtractConfig) -> tuple[int, int]:
    start = bag.start if config.start is None else bag.start + round(config.start * 1e9)
    stop = bag.end if config.end is None else bag.start + round(config.end * 1e9)
    if start >= stop:
        raise ValueError(
            f'{bag.path}: nothing lies between --start and --end; the bag lasts '
            f'{(bag.end - bag.start) / 1e9:.1f} s'
        )
    return start, stop


def _point_time(bag, config: ExtractConfig, sweeps: Stream, notes: list) -> PointTime | None:
    chosen = np.unique(np.linspace(0, len(sweeps) - 1, LOOKED_AT).round().astype(int))
    messages = []
    for i in chosen:
        topic, arrival, header = sweeps.key(i)
        for _, _, message in bag.scan([topic], start=arrival, stop=arrival + 1):
            if stamp_of(message) == header:
                messages.append(message)
    if config.point_time != 'auto':
        time = parse_time(config.point_time, messages)
        notes.append(f'time of a point, as given: {time}')
        return time
    period = float(np.median(np.diff(sweeps.stamps))) if len(sweeps) > 1 else 1e8
    time, note = recognise_time(messages, period)
    notes.append(note)
    return time


def _decide_motion(recording: Recording, config: ExtractConfig, worlds: list[str]) -> None:
    """Find the extrinsics and the fixed frame, or refuse."""
    transforms, notes = recording.transforms, recording.notes
    chain = (recording.camera_frame, recording.lidar_frame)
    if transforms.path(*chain) is None:
        known = ', '.join(transforms.frames) or 'none'
        raise ValueError(
            f'{recording.path}: there is no transform from the LiDAR {chain[1]!r} to the camera '
            f'{chain[0]!r}; the bag knows the frames {known}: pass --extrinsics FILE.yaml, or '
            'name other frames with --camera-frame and --lidar-frame'
        )
    if config.camera_frame is None:
        check_optical(recording.path, transforms, chain, recording.images.stamps[0])
    fixed = find_fixed_frame(recording.path, transforms, chain, worlds, config)
    if fixed is None:
        why = 'neither odometry nor tf moves the camera' if config.ego_motion else 'switched off'
        notes.append(
            f'ego-motion: not compensated ({why}); the transform is static, so every offset '
            'between sweep and image shows as an error while the vehicle moves'
        )
        if config.accumulate:
            raise ValueError(
                f'{recording.path}: accumulating sweeps needs odometry or a moving tf, and the '
                'bag has neither; leave --accumulate out'
            )
    else:
        notes.append(f'ego-motion: compensated through the fixed frame {fixed!r}')
        if not config.deskew:
            notes.append('deskew: switched off; a sweep moves as a whole')
    recording.fixed_frame = fixed
    recording.deskew = config.deskew and fixed is not None
    chains = [chain] if fixed is None else [chain, (fixed, chain[0])]
    recording.transforms = transforms.only(*chains)
