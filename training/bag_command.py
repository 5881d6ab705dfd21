# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""`grin bag info`, `extract` and `simulate`: look into bags, learn from them, make some."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from .extract_config import ExtractConfig
from .sample import DOMAINS
from .world import robot_command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin bag`."""
    commands = parser.add_subparsers(metavar='info | extract | simulate', required=True)
    info = commands.add_parser('info', help='what bags hold, and what training from them lacks')
    info.add_argument('bags', nargs='+', metavar='BAG', help='folder, or .mcap, .db3, .bag file')
    info.add_argument('--json', action='store_true', help='print JSON, a list with one per bag')
    info.set_defaults(action=_info)
    extract = commands.add_parser('extract', help='make a sample set of image and LiDAR')
    extract.add_argument('bags', nargs='+', metavar='BAG', help='folder, .mcap, .db3 or .bag file')
    extract.add_argument('-o', '--output', required=True, metavar='SET', help='folder to make')
    _topics(extract.add_argument_group('topics and frames; default: found'))
    _matching(extract.add_argument_group('which frames'))
    _geometry(extract.add_argument_group('geometry'))
    _output(extract.add_argument_group('the set'))
    extract.set_defaults(action=_extract)
    simulate = commands.add_parser('simulate', help="record a simulated robot's drive")
    robot_command.add_arguments(simulate)
    simulate.set_defaults(action=robot_command.run)


def _topics(group) -> None:
    group.add_argument('--image', metavar='TOPIC')
    group.add_argument('--camera-info', metavar='TOPIC')
    group.add_argument('--points', metavar='TOPIC')
    group.add_argument('--odometry', metavar='TOPIC', help='default: one, where tf has no poses')
    group.add_argument(
        '--tf', metavar='TOPIC', help="counts where two contradict; default: the image's robot's"
    )
    group.add_argument(
        '--intrinsics', metavar='YAML', help='of camera_calibration, instead of a camera_info'
    )
    group.add_argument('--extrinsics', metavar='YAML', help='transforms that the bag lacks')
    group.add_argument('--camera-frame', metavar='F', help="default: the images' frame_id")
    group.add_argument('--lidar-frame', metavar='F', help="default: the points' frame_id")
    group.add_argument('--fixed-frame', metavar='F', help='where the vehicle moves in')


def _matching(group) -> None:
    group.add_argument(
        '--stamps', choices=('header', 'receive'), help='clock by which messages match (header)'
    )
    group.add_argument(
        '--image-offset', type=float, metavar='S', help='seconds, added to the stamps of images'
    )
    group.add_argument(
        '--points-offset', type=float, metavar='S', help='seconds, added to the stamps of sweeps'
    )
    group.add_argument(
        '--max-skew', type=float, metavar='S',
        help='seconds by which the delays of images, sweeps and poses may differ (0.5)',
    )  # fmt: skip
    group.add_argument(
        '--max-dt', type=float, metavar='S', help='seconds from an image to its sweep (0.05)'
    )
    group.add_argument('--start', type=float, metavar='S', help='seconds from the first message')
    group.add_argument('--end', type=float, metavar='S', help='seconds from the first message')
    group.add_argument('--every', type=int, metavar='N', help='keep every Nth image')
    group.add_argument(
        '--min-points', type=int, metavar='N', help='in the image, to keep it (100)'
    )


def _geometry(group) -> None:
    group.add_argument(
        '--no-ego-motion', dest='ego_motion', action='store_false', help='static transform only'
    )
    group.add_argument(
        '--no-deskew', dest='deskew', action='store_false', help='move a sweep as a whole'
    )
    group.add_argument(
        '--point-time', metavar='T', help='auto, or FIELD:UNIT:stamp|clock, such as t:ns:stamp'
    )
    group.add_argument(
        '--accumulate', type=int, metavar='N', help='add N sweeps before and N after'
    )
    group.add_argument(
        '--no-occlusion', dest='occlusion', action='store_false',
        help='keep points that a nearer surface hides from the camera',
    )  # fmt: skip
    group.add_argument('--min-range', type=float, metavar='M', help='from the LiDAR, metres (0.5)')
    group.add_argument('--max-depth', type=float, metavar='M', help='metres (200)')
    group.add_argument(
        '--mask', metavar='PNG', help='black where the images, as recorded, show the vehicle'
    )
    group.add_argument(
        '--sky', action='store_true', help='find the sky: a mask per frame, and no depth in it'
    )
    group.add_argument(
        '--no-rectify', dest='rectify', action='store_false',
        help='keep lens distortion in image and set, and project points through the lens',
    )  # fmt: skip
    group.add_argument(
        '--rectified', action=argparse.BooleanOptionalAction,
        help='images are rectified already, P counts (default: if the last part of the name of '
        'the topic has the word rect, as image_rect_color)',
    )  # fmt: skip


def _output(group) -> None:
    group.add_argument('--domain', choices=DOMAINS, help='default: guessed from the depths')
    group.add_argument('--source', help='for frames.json; default: names of the bags')
    group.add_argument('--licence', help='for frames.json')
    group.add_argument(
        '--shards', type=int, nargs='?', const=1000, metavar='N',
        help='tars of N samples (1000) for WebDataset, instead of plain files',
    )  # fmt: skip
    group.add_argument('--workers', type=int, metavar='N', help='processes; default: as useful')


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    return args.action(args)


def _info(args: argparse.Namespace) -> int:
    from .bag_info import describe, show

    found = [describe(path) for path in args.bags]
    if args.json:
        print(json.dumps(found, indent=1))
        return 0
    console = Console()
    for one in found:
        show(one, console)
    return 0


def _extract(args: argparse.Namespace) -> int:
    from .extract import extract
    from .report import write_report

    names = ExtractConfig.__dataclass_fields__
    given = {
        name: value for name, value in vars(args).items() if name in names and value is not None
    }
    result = extract(args.bags, args.output, ExtractConfig(**given))
    report = write_report(result, Path(args.output) / 'report.html')
    coverage = sum(record['coverage'] for record in result.records) / result.frames
    print(f'{result.frames} samples in {result.path}, {coverage:.1%} of their pixels measured')
    for reason, count in sorted(result.dropped.items()):
        print(f'{count} images left out: {reason}')
    for bag, notes in result.notes.items():
        for note in notes:
            print(f'{Path(bag).name}: {note}')
    print(f'calibration: {report.verdict}')
    print(f'look at {report.path}')
    return 0
