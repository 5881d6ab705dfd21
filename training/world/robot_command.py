# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""`grin bag simulate`: a simulated robot's recording, with the truth beside it."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ..bag_writer import STORAGE
from .agreement import Agreement, judge_cases
from .robot import BASES, Robot
from .robot_bag import record
from .synth import image_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin bag simulate`."""
    parser.add_argument('-o', '--output', type=Path, required=True, help='folder of bag and truth')
    parser.add_argument('--world', choices=BASES, default='street', help='default: %(default)s')
    parser.add_argument('--seed', type=int, default=0, help='of world, way and noise (0)')
    parser.add_argument('--seconds', type=float, default=3.0, help='default: %(default)g')
    parser.add_argument(
        '--size', type=image_size, default=(240, 640), metavar='HxW', help='of images (240x640)'
    )
    parser.add_argument(
        '--check',
        action='store_true',
        help='extract it too, with each compensation switched off in turn, and tell the errors',
    )
    parser.add_argument('--storage', choices=STORAGE, default='mcap', help='default: %(default)s')


def run(args: argparse.Namespace) -> int:
    """Simulate, and say where the recording is."""
    if args.seed < 0 or not args.seconds > 0:
        raise ValueError('--seed must be at least 0 and --seconds positive')
    robot = Robot(args.world, args.seed, args.seconds, args.size)
    record(robot, args.output, args.storage)
    if args.check:
        Console().print(_table(judge_cases(args.output)))
    print(f'{args.output}/bag is the recording, {args.output}/truth what its images truly show')
    return 0


def _table(cases: dict[str, Agreement]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column('extracted with')
    for name in ('points', 'median', '95 %', 'above 10 %'):
        table.add_column(name, justify='right')
    for name, found in cases.items():
        errors = (found.median, found.p95, found.wrong)
        table.add_row(name, str(found.points), *(f'{error:.2%}' for error in errors))
    return table
