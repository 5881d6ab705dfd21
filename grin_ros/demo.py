# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
`grin demo`: a camera process and the node over DDS; a report and pictures of what came out.

The camera goes round until enough depth came out, so a slow machine takes longer and drops more,
and shows the same in the end.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
from tqdm import tqdm

from grin_ros import pictures
from grin_ros.child import Child, children, isolate, signals_held
from grin_ros.cloud import splat, write_ply

LEAST_OUT = 10  # frames without which the demo has shown nothing
START_LIMIT = 300.0  # seconds for a process to come up
FIRST_LIMIT = 120.0  # seconds for the first depth to come out
RUN_LIMIT = 600.0  # seconds for the rest
LAST_LIMIT = 20.0  # seconds for the node to finish the last frame
DRAW_LIMIT = 120.0  # seconds for open3d to draw


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin demo`."""
    parser.add_argument(
        '-o', '--out', type=Path, default=Path('out/demo'), help='folder (out/demo)'
    )
    parser.add_argument(
        '--bag', help='default: GRIN_DEMO_BAG, else bags/kitti_drive in GRIN_TEST_DATA, else a '
        'rendered drive',
    )  # fmt: skip
    parser.add_argument('--checkpoint', metavar='F', help='.safetensors; default: the shipped one')
    parser.add_argument('--steps', type=int, default=0, metavar='N', help="0: checkpoint's")
    parser.add_argument('--count', type=int, default=40, metavar='N', help='frames to play (40)')
    parser.add_argument('--rate', type=float, default=2.0, metavar='HZ', help='of the camera (2)')
    parser.add_argument('--view', action='store_true', help='watch it live in rerun')


def run(args: argparse.Namespace) -> int:
    """Play, record, report, draw."""
    if args.count < LEAST_OUT:
        raise ValueError(f'--count {args.count} is too few; the demo needs {LEAST_OUT} or more')
    if not args.rate > 0:
        raise ValueError(f'--rate {args.rate:g} is not a positive number of frames per second')
    if args.steps < 0:
        raise ValueError(f"--steps {args.steps} cannot be; 0 takes the checkpoint's own number")
    source, name = _source(args.bag)
    show = _viewer() if args.view else None
    args.out.mkdir(parents=True, exist_ok=True)
    isolate()
    # A closed terminal or a CI's time limit must leave no process behind either.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        report, frame = _record(args, source, show)
    except RuntimeError as error:
        print(f'grin: {error}', file=sys.stderr)
        return 1
    report['source'] = name
    (args.out / 'report.json').write_text(json.dumps(report, indent=2) + '\n')
    _draw(args.out, frame)
    depth = report['depth']
    print(
        f'{report["frames_out"]} of {report["frames_in"]} frames came out, p50 '
        f'{report["latency_ms"]["p50"]:.0f} ms after the camera; depth {depth["min"]:.1f} to '
        f'{depth["max"]:.1f} m, median {depth["median"]:.1f} m; see {args.out}'
    )
    return 0


def _source(bag: str | None) -> tuple[list[str], str]:
    """Return what to tell `grin play`, and what the report calls it."""
    bag = bag or os.environ.get('GRIN_DEMO_BAG')
    if not bag and os.environ.get('GRIN_TEST_DATA'):
        real = Path(os.environ['GRIN_TEST_DATA']) / 'bags' / 'kitti_drive'
        bag = str(real) if real.exists() else None
    if not bag:
        return ['--world', 'street', '--seed', '4'], 'rendered street'
    if not Path(bag).exists():
        raise FileNotFoundError(f'{bag}: no such bag; give its folder or its file')
    return [bag], f'bag {Path(bag).resolve().name}'


def _record(args: argparse.Namespace, source: list[str], show: Callable | None):
    """Run camera and node; return the report and the newest frame."""
    from grin_ros.ros.recorder import recording

    def wait(condition: Callable, limit: float, *children: Child) -> bool:
        end = time.monotonic() + limit
        while not condition():
            if came:
                raise KeyboardInterrupt
            if time.monotonic() > end:
                return False
            for child in children:
                child.check()
            recorder.spin()
        return True

    with signals_held() as came, recording(show) as recorder, children(args.out) as start:
        print(f'camera: {" ".join(source)}')
        program = 'import sys; from grin_ros.cli import main; sys.exit(main())'
        camera = start(
            'camera', '-c', program, 'play', *source,
            '--rate', str(args.rate), '--loop', '--live', '--subscribers', '2',
        )  # fmt: skip
        if not wait(recorder.transport, START_LIMIT, camera):
            raise RuntimeError(f'no camera after {START_LIMIT:.0f} s; see {camera.log}')
        print('node: loading')
        node = start(
            'node', '-m', 'grin_ros.ros.depth_node', '--ros-args',
            '-p', f'image_transport:={recorder.transport()}', '-p', f'steps:={args.steps}',
            '-p', f'checkpoint:="{args.checkpoint or ""}"',
        )  # fmt: skip
        if not wait(lambda: recorder.frames_in or recorder.failure, START_LIMIT, camera, node):
            raise RuntimeError(f'the node is not ready after {START_LIMIT:.0f} s; see {node.log}')
        wait(lambda: recorder.frames_out or recorder.failure, FIRST_LIMIT, camera, node)
        with tqdm(total=args.count, desc='frames', unit='', disable=None) as bar:

            def enough() -> bool:
                bar.update(min(recorder.frames_in, args.count) - bar.n)
                bar.set_postfix({'with depth': recorder.frames_out})
                played = recorder.frames_in >= args.count and recorder.frames_out >= LEAST_OUT
                return played or recorder.failure

            wait(enough, RUN_LIMIT if recorder.frames_out else 0.0, camera, node)
        camera.stop()
        wait(recorder.settled, LAST_LIMIT, node)
    if recorder.failure:
        raise RuntimeError(f'the node cannot work: {recorder.failure}')
    if recorder.frames_out < LEAST_OUT or recorder.newest is None:
        raise RuntimeError(
            f'only {recorder.frames_out} of {recorder.frames_in} frames came out in time; the '
            f'node says: {recorder.state}'
        )
    return recorder.report(), recorder.newest


def _draw(out: Path, frame) -> None:
    """Leave the pictures and the cloud of a RecordedFrame."""
    near, far = pictures.depth_range(frame.depth)
    depth = pictures.colorize(frame.depth, near, far)
    pictures.write(out / 'depth.png', pictures.with_legend(depth, near, far))
    image = cv2.resize(frame.image, frame.depth.shape[::-1], interpolation=cv2.INTER_AREA)
    overlay = pictures.overlay(image, frame.depth, near, far)
    pictures.write(out / 'overlay.png', pictures.with_legend(overlay, near, far))
    points, colours = frame.points.reshape(-1, 3), frame.colours.reshape(-1, 3)
    write_ply(out / 'cloud.ply', points, colours)
    command = [sys.executable, '-m', 'grin_ros.view', out / 'cloud.ply', out / 'view.png']
    (out / 'view.png').unlink(missing_ok=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DRAW_LIMIT)
        reason = (done.stderr.strip().splitlines() or ['no reason given'])[-1]
    except subprocess.TimeoutExpired:
        reason = f'it took more than {DRAW_LIMIT:.0f} s'
    if not (out / 'view.png').exists():
        print(f'open3d cannot draw here ({reason}); view.png is drawn without it')
        known = np.isfinite(points).all(axis=1)
        pictures.write(out / 'view.png', splat(points[known], colours[known]))


def _viewer() -> Callable:
    try:
        from grin_ros.live_view import LiveView
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'--view needs rerun, and {error.name} is missing; pip install rerun-sdk'
        ) from error
    return LiveView()
