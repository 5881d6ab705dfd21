# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a bag holds, what of it training can use, and what is missing: `grin bag info`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from .bag import BagReader, stamp_of
from .bag_cameras import info_topic
from .bag_topics import CAMERA_INFO, COMPRESSED, ODOMETRY, POINTS, RAW, TRANSFORMS
from .extract_config import ExtractConfig
from .matching import match
from .recording import read_recording

ROLES = {
    RAW: 'image', COMPRESSED: 'image', CAMERA_INFO: 'camera_info', POINTS: 'points',
    ODOMETRY: 'odometry', TRANSFORMS: 'tf',
}  # fmt: skip
JUMP = 1_000_000_000  # nanoseconds
# Types that hold what is needed in a form that is not read, and what helps.
UNREAD = {
    'ffmpeg_image_transport_msgs/msg/FFMPEGPacket': 'a video: record Image or CompressedImage',
    'foxglove_msgs/msg/CompressedVideo': 'a video: record Image or CompressedImage',
    'velodyne_msgs/msg/VelodyneScan': "packets: play them into the driver's transform node",
    'ouster_sensor_msgs/msg/PacketMsg': 'packets: play them into the driver and record points',
    'ouster_ros/msg/PacketMsg': 'packets: play them into the driver and record points',
    'livox_ros_driver2/msg/CustomMsg': 'set xfer_format of the driver to 0 for PointCloud2',
    'livox_ros_driver/msg/CustomMsg': 'set xfer_format of the driver to 0 for PointCloud2',
}


def describe(path: str | Path, progress: bool | None = None) -> dict:
    """
    Read a bag once and say what it holds.

    progress: None = show a bar if stderr is a terminal
    returns: plain values, ready for JSON: path, duration and start in seconds, messages, topics
        (name, type, count, rate in Hz, frame_ids, role, and how arrival and stamp compare),
        frames (a list of parent, child, kind), training (what would be extracted, or None),
        problems and notes, sentences
    """
    hide = None if progress is None else not progress
    with BagReader(path) as bag:
        with tqdm(
            desc=f'reading {bag.path.name}', total=sum(bag.counts.values()), unit='message',
            disable=hide,
        ) as bar:  # fmt: skip
            topics, frames = _read(bag, bar)
        problems = [problem for topic in topics for problem in _topic_problems(topic)]
        notes = []
        training = _training(bag, problems, notes)
        return {
            'path': str(bag.path),
            'start': bag.start / 1e9,
            'duration': max(bag.end - bag.start - 1, 0) / 1e9,
            'messages': sum(bag.counts.values()),
            'topics': topics,
            'frames': frames,
            'training': training,
            'problems': problems,
            'notes': notes,
        }


def _read(bag: BagReader, bar) -> tuple[list[dict], list[dict]]:
    """Return what is known of each topic, and the pairs of frames that tf connects."""
    tf = bag.named(TRANSFORMS)
    seen = {name: {'arrival': [], 'stamp': [], 'frame_ids': {}} for name in bag.topics}
    frames: dict[tuple[str, str], str] = {}
    for name, arrival, content in bag.scan(tf, set(bag.topics) - set(tf)):
        bar.update()
        topic = seen[name]
        topic['arrival'].append(arrival)
        if name in tf:
            kind = 'static' if name.endswith('tf_static') else 'dynamic'
            for one in content.transforms:
                pair = one.header.frame_id.lstrip('/'), one.child_frame_id.lstrip('/')
                frames[pair] = kind
                topic['frame_ids'][pair[0]] = None
            # The stamps of static transforms say nothing about the clock.
            if content.transforms and kind == 'dynamic':
                topic['stamp'].append(stamp_of(content.transforms[-1]))
        elif content.stamp is not None:
            topic['stamp'].append(content.stamp)
            topic['frame_ids'][content.frame_id] = None
    listed = [{'parent': p, 'child': c, 'kind': k} for (p, c), k in sorted(frames.items())]
    return [_topic(bag, name, **found) for name, found in sorted(seen.items())], listed


def _topic(bag: BagReader, name: str, arrival: list, stamp: list, frame_ids: dict) -> dict:
    times = np.array(arrival, np.int64)
    span = float(np.ptp(times)) / 1e9 if len(times) else 0.0
    kind = bag.topics[name]
    clock = None
    if len(stamp) == len(times) and len(times):
        stamps = np.array(stamp, np.int64)
        late = (times - stamps) / 1e9
        jumps = np.flatnonzero(np.abs(np.diff(late)) * 1e9 > JUMP)
        clock = {
            'delay_median': float(np.median(late)),
            'delay_min': float(late.min()),
            'delay_max': float(late.max()),
            'jumps': [float((times[i + 1] - bag.start) / 1e9) for i in jumps],
            'backwards': int(np.sum(np.diff(stamps) < 0)),
            'zero': bool(not stamps.any()),
        }
    return {
        'name': name,
        'type': kind,
        'count': len(times),
        'rate': (len(times) - 1) / span if span > 0 else None,
        'frame_ids': sorted(frame_ids),
        'role': ROLES.get(kind),
        'clock': clock,
    }


def _topic_problems(topic: dict) -> list[str]:
    """Say what is wrong with the stamps of a topic that training would use."""
    name, clock = topic['name'], topic['clock']
    problems = []
    if topic['type'] in UNREAD:
        problems.append(f'{name} is not read ({UNREAD[topic["type"]]})')
    if topic['role'] is None:
        return problems
    if not topic['count']:
        problems.append(f'{name} has no message')
    if clock and clock['zero']:
        problems.append(f'{name}: all stamps are zero; pass --stamps receive')
    elif clock and clock['jumps']:
        when = ', '.join(f'{t:.1f} s' for t in clock['jumps'][:3])
        problems.append(
            f'{name}: stamps jump against the arrival after {when}'
            + (f' and {len(clock["jumps"]) - 3} times more' if len(clock['jumps']) > 3 else '')
            + '; a clock was set or the recorder stalled: cut the bag there with --start and --end'
        )
    return problems


def _training(bag: BagReader, problems: list[str], notes: list[str]) -> dict | None:
    """Try what `grin bag extract` would do first, and say what stops it."""
    found = {}
    config = ExtractConfig()
    for role, find, option in (
        ('image', bag.image_topic, '--image'),
        ('points', bag.points_topic, '--points'),
    ):
        try:
            found[role] = find()
        except ValueError as error:
            names = bag.named(*(kind for kind, r in ROLES.items() if r == role))
            problems.append(_without_path(bag, error) + (f' with {option}' if names else ''))
    if 'image' in found:
        try:
            found['camera_info'] = info_topic(bag, found['image'])
        except ValueError as error:
            several = len(bag.named(CAMERA_INFO)) > 1
            problems.append(_without_path(bag, error) + (' with --camera-info' if several else ''))
    if len(found) < 3:
        return None
    try:
        recording = read_recording(str(bag.path), config)
        frames, dropped = match(recording, config)
    except ValueError as error:
        problems.append(_without_path(bag, error))
        return None
    notes += recording.notes
    return {
        'image': recording.images.topic,
        'camera_info': found['camera_info'],
        'points': recording.sweeps.topic,
        'camera_frame': recording.camera_frame,
        'lidar_frame': recording.lidar_frame,
        'fixed_frame': recording.fixed_frame,
        'point_time': str(recording.time) if recording.time else None,
        'frames': len(frames),
        'dropped': dict(dropped),
    }


def _without_path(bag: BagReader, error: Exception) -> str:
    return str(error).removeprefix(f'{bag.path}: ')


def show(found: dict, console: Console) -> None:
    """Print what `describe` returned for people."""
    console.print(
        f'{found["path"]}: {found["duration"]:.1f} s, {found["messages"]} messages',
        style='bold', soft_wrap=True, highlight=False,
    )  # fmt: skip
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ('topic', 'type', 'use'):
        table.add_column(name, no_wrap=True)
    for name in ('count', 'Hz', 'delay'):
        table.add_column(name, justify='right', no_wrap=True)
    table.add_column('frame', no_wrap=True)
    for topic in found['topics']:
        clock = topic['clock']
        table.add_row(
            topic['name'],
            topic['type'],
            topic['role'] or '',
            str(topic['count']),
            f'{topic["rate"]:.1f}' if topic['rate'] else '',
            f'{1e3 * clock["delay_median"]:.0f} ms' if clock else '',
            ', '.join(topic['frame_ids'][:2]) + (', ...' if len(topic['frame_ids']) > 2 else ''),
        )
    # Wider than a narrow terminal or a log rather than with cut names.
    wide = console.options.update_width(1000)
    console.width = max(console.width, console.measure(table, options=wide).maximum)
    console.print(table)
    plain = {'soft_wrap': True, 'highlight': False, 'markup': False}
    if found['frames']:
        pairs = (f'{f["parent"]} -> {f["child"]} ({f["kind"]})' for f in found['frames'])
        console.print(f'  transforms: {", ".join(pairs)}', **plain)
    for note in found['notes']:
        console.print(f'  {note}', **plain)
    for problem in found['problems']:
        console.print(f'  ! {problem}', style='red', **plain)
    training = found['training']
    if training:
        console.print(
            f'  ready: {training["frames"]} frames of {training["image"]} with '
            f'{training["points"]} ({training["lidar_frame"]} -> {training["camera_frame"]})',
            style='green', **plain,
        )  # fmt: skip
        for reason, count in training['dropped'].items():
            console.print(f'  {count} images would be left out: {reason}', **plain)
    else:
        console.print('  not ready for `grin bag extract`', style='red', **plain)
