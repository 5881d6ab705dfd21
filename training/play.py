# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""`grin play`: a bag, a sample set or a rendered drive, published as a camera would."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from functools import partial
import itertools
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .sample import Sample, SampleSet

PERIOD = 100_000_000  # nanoseconds between frames that have no stamps
DRIVE_SIZE = (192, 512)  # (height, width) of rendered frames, pixels: shaped like a car's camera
DRIVE_LENGTH = 30  # frames before a rendered drive begins again
WORLDS = ('street', 'corridor', 'room')

Frame = tuple[Any, Any]  # rclpy messages: Image or CompressedImage, CameraInfo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin play`."""
    parser.add_argument('path', nargs='?', help='a bag, or a folder with a frames.json')
    parser.add_argument('--world', choices=WORLDS, help='render a drive through such a world')
    parser.add_argument('--seed', type=int, default=0, help='of the rendered world (0)')
    parser.add_argument('--image', metavar='TOPIC', help='of the bag, if it has several')
    parser.add_argument('--camera-info', metavar='TOPIC', help='of the bag, if it has several')
    parser.add_argument('--rate', type=float, metavar='HZ', help='default: as recorded')
    parser.add_argument('--count', type=int, metavar='N', help='end after N frames')
    parser.add_argument('--loop', action='store_true', help='begin again after the last frame')
    parser.add_argument(
        '--live', action='store_true', help='stamp a frame with the moment it is sent, not its own'
    )
    parser.add_argument(
        '--subscribers', type=int, default=1, metavar='N', help='images wait for N listeners (1)'
    )


def run(args: argparse.Namespace) -> int:
    """Publish until done, and say how many frames went out."""
    if (args.path is None) == (args.world is None):
        raise ValueError('play one thing: a bag, a folder with a frames.json, or --world street')
    if args.rate is not None and not args.rate > 0:
        raise ValueError(f'--rate {args.rate:g} is not a positive number of frames per second')
    if args.count is not None and args.count < 1:
        raise ValueError(f'--count {args.count} is not a positive number of frames')
    try:
        from grin_ros.ros.player import playing
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'playing needs ROS 2, and {error.name} is missing; source ROS, or see the README'
        ) from error
    frames = _frames(args)
    # What is wrong with the source has to show before anybody waits for its frames.
    first = list(itertools.islice(frames, 1))
    if not first:
        raise ValueError(f'{args.path}: there is no frame in it; choose another')
    with playing(args.live) as player:
        count = player.play(itertools.chain(first, frames), args.rate, args.subscribers)
    print(f'{count} frames sent')
    return 0


def _frames(args: argparse.Namespace) -> Iterator[Frame]:
    """Yield all that shall be played, over and over if it shall loop."""
    once = _source(args)
    rounds = itertools.repeat(once) if args.loop else (once,)
    return itertools.islice(itertools.chain.from_iterable(one() for one in rounds), args.count)


def _source(args: argparse.Namespace) -> Callable[[], Iterable[Frame]]:
    """Return what yields the frames of the source once, whenever it is called."""
    if args.world is not None:
        count = DRIVE_LENGTH if args.loop or args.count is None else args.count
        return partial(_rendered, _drive(args.world, args.seed, count))
    folder = Path(args.path)
    folder = folder.parent if folder.name == 'frames.json' else folder
    if (folder / 'frames.json').is_file():
        return partial(_sample_set, folder)
    return partial(_bag, args)


def _bag(args: argparse.Namespace) -> Iterator[Frame]:
    from grin_ros.ros.player import to_rclpy

    from .bag import BagReader

    with BagReader(args.path) as bag:
        for image, info in bag.frames(args.image, args.camera_info):
            yield to_rclpy(image), to_rclpy(info)


def _sample_set(folder: Path) -> Iterator[Frame]:
    from grin_ros.ros.player import frame_of

    samples = SampleSet(folder)
    for index in range(len(samples)):
        sample = samples[index]
        stamp = index * PERIOD if sample.stamp is None else sample.stamp
        yield frame_of(sample.image, sample.camera, stamp)


def _rendered(samples: list[Sample]) -> Iterator[Frame]:
    from grin_ros.ros.player import frame_of

    for index, sample in enumerate(samples):
        yield frame_of(sample.image, sample.camera, index * PERIOD)


def _drive(world: str, seed: int, count: int) -> list[Sample]:
    """Render ahead of time, because the node will need the processor."""
    import torch

    from .world.drive import drive

    # Many small operations: a second thread waits more than it helps, and a busy machine's longer.
    torch.set_num_threads(1)
    return list(tqdm(drive(world, seed, count, DRIVE_SIZE), 'rendering', count, disable=None))
