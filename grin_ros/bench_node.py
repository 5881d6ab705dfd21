# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin bench node`: what the node adds to the network, over DDS, from stamp to topic.

Processes as on a robot: a camera that listens, the node around a denoiser that costs nothing, and
a bare relay that gets the same images and publishes depth images and clouds of the same sizes.
Frames go to node and relay in turn, so that whatever else the machine does meets both alike, and
the ratio of their medians holds where the milliseconds do not.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
import json
import os
from pathlib import Path
import sys
import time
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from grin_ros.child import Child, children, isolate, signals_held
from grin_ros.options import at_least_one

START_LIMIT = 180.0  # seconds for all processes to come up
ANSWER_LIMIT = 5.0  # seconds after which a frame counts as lost
WARM_UP = 5  # frames that do not count
LOGS = Path('out/bench_node')  # what the processes said
PAIR = ('node', 'relay')
ROUNDS = 10  # of commands to the slow node
IN_FLIGHT = 2  # frames on their way when throughput is measured: one in work, one that waits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin bench node`; --size and --json default as of `grin bench`."""
    parser.add_argument(
        '--size', type=at_least_one, nargs=2, default=argparse.SUPPRESS, metavar=('H', 'W'),
        help='of the image (480 640)',
    )  # fmt: skip
    parser.add_argument(
        '--frames', type=at_least_one, default=100, metavar='N', help='for each figure (100)'
    )
    parser.add_argument(
        '--rate', type=at_least_one, default=30, metavar='HZ', help='of the fast camera (30)'
    )
    parser.add_argument(
        '--model-ms', type=at_least_one, default=200, metavar='MS', help='of the slow model (200)'
    )
    parser.add_argument(
        '--seconds', type=at_least_one, default=10, metavar='S', help='of slow model (10)'
    )
    parser.add_argument(
        '--json', type=Path, default=argparse.SUPPRESS, metavar='OUT',
        help='write all figures there',
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Measure, print the tables and write the figures."""
    isolate()
    try:
        report = bench(tuple(args.size), args.frames, args.rate, args.model_ms, args.seconds)
    except RuntimeError as error:  # of a child that ended by itself
        print(f'grin: {error}', file=sys.stderr)
        return 1
    console = Console()
    console.print(
        'image {image[0]} x {image[1]} -> depth/image and points; {frames} frames, taken in turn; '
        'load of the machine {load:.1f} on {cores} cores'.format(**report),
        highlight=False,
        soft_wrap=True,
    )
    console.print(_table(report))
    slow = report['slow']
    console.print(
        'a model of {model_ms} ms behind a camera of {rate} Hz: {sent} frames in, {answered} '
        'answered, the others replaced by newer ones; stamp until published p50 {p50:.0f} ms, p99 '
        '{p99:.0f} ms, max {max:.0f} ms = {bound:.2f} inferences'.format(**slow),
        highlight=False,
        soft_wrap=True,
    )
    console.print(
        'with a frame in that model: '
        + ', '.join(
            f'{name} answered in {times["p50"]:.0f} ms, at most {times["max"]:.0f} ms'
            for name, times in report['commands'].items()
        ),
        highlight=False,
        soft_wrap=True,
    )
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + '\n')
    return 0


def bench(
    size: tuple[int, int], frames: int, rate: float, model_ms: float, seconds: float
) -> dict[str, Any]:
    """
    Start everything, measure and end it.

    size: (height, width) of the image, pixels
    frames: for latency, and for throughput, of each of node and relay
    rate: of the camera in front of the slow model, Hz
    model_ms: that the slow model takes per frame, milliseconds
    seconds: that the slow model is observed for
    returns: plain values for JSON; `latency`, `throughput` and `cpu` (processor time per frame,
        milliseconds) hold node, relay and their ratio; `slow` what became of the slow one's
        frames; `commands` how long an answer took with a frame in the model, milliseconds
    """
    from grin_ros.ros.command_times import command_times
    from grin_ros.ros.stopwatch import stopwatch

    LOGS.mkdir(parents=True, exist_ok=True)
    with (
        signals_held() as came,
        stopwatch([*PAIR, 'slow'], size) as watch,
        children(LOGS) as start_child,
    ):

        def start(name: str, module: str, *words: str) -> Child:
            module = f'grin_ros.ros.{module}'
            return start_child(name, '-m', module, *words, '--ros-args', '-r', f'__ns:=/{name}')

        slowness = ('--seconds', str(model_ms / 1000))
        alive = {
            'node': start('node', 'plane_node'),
            'relay': start('relay', 'relay'),
            'slow': start('slow', 'plane_node', *slowness),
        }

        def wait(condition: Callable[[], object], limit: float = ANSWER_LIMIT) -> bool:
            end = time.monotonic() + limit
            while not watch.wait(condition, min(0.5, end - time.monotonic())):
                for child in alive.values():
                    child.check()
                if came:
                    raise KeyboardInterrupt
                if time.monotonic() >= end:
                    return False
            return True

        for name in alive:
            if not wait(lambda name=name: watch.connected(name), START_LIMIT):
                raise TimeoutError(f'{name} did not come up within {START_LIMIT:.0f} s')
        total = 2 * (2 * frames + WARM_UP) + seconds
        with tqdm(total=total, unit='', disable=None) as bar:
            latency = _latency(watch, wait, frames, bar)
            before = {name: alive[name].cpu_seconds for name in PAIR}
            throughput = {name: _throughput(watch, wait, name, frames, bar) for name in PAIR}
            cpu = {name: 1000 * (alive[name].cpu_seconds - before[name]) / frames for name in PAIR}
            slow = _slow(watch, rate, seconds, bar)
            commands = command_times(watch, '/slow/grin_depth', ROUNDS, model_ms / 4000)
    return {
        'image': list(size),
        'frames': frames,
        'load': os.getloadavg()[0],
        'cores': os.cpu_count(),
        'latency': latency,
        'throughput': _with_ratio(throughput),
        'cpu': _with_ratio(cpu),
        'slow': {'model_ms': model_ms, 'rate': rate, **slow, 'bound': slow['max'] / model_ms},
        'commands': commands,
    }


def _with_ratio(pair: dict[str, float]) -> dict[str, float]:
    return {**pair, 'ratio': pair['node'] / pair['relay']}


def _latency(watch, wait, frames: int, bar: tqdm) -> dict[str, dict]:
    """Send one frame at a time, to node and relay in turn; milliseconds from the stamp."""
    answers: dict[str, list] = {name: [] for name in PAIR}
    for i in range(frames + WARM_UP):
        for name in PAIR:
            stamp = watch.send(name)
            if wait(lambda n=name, s=stamp: watch.answer(n, s)) and i >= WARM_UP:
                answers[name].append(watch.answer(name, stamp))
            bar.update()
    for name in PAIR:
        if not answers[name]:
            raise TimeoutError(f'the {name} answered no frame; more than one user of this domain?')
    report: dict[str, Any] = {'lost': {name: frames - len(answers[name]) for name in PAIR}}
    for part in ('published', 'arrived'):
        times = {name: [1000 * getattr(one, part) for one in answers[name]] for name in PAIR}
        figures = {
            name: {f'p{p}': float(np.percentile(times[name], p)) for p in (50, 99)}
            for name in PAIR
        }
        report[part] = {**figures, 'ratio': figures['node']['p50'] / figures['relay']['p50']}
    return report


def _throughput(watch, wait, name: str, frames: int, bar: tqdm) -> float:
    """Keep IN_FLIGHT frames on their way; return answered frames per second."""
    stamps, begin = [], time.monotonic()
    for _ in range(frames):
        if len(stamps) >= IN_FLIGHT:
            # A frame that a newer one replaced will not be answered any more.
            wait(lambda: watch.newest_answer(name) >= stamps[-IN_FLIGHT])
        stamps.append(watch.send(name))
        bar.update()
    wait(lambda: watch.newest_answer(name) >= stamps[-1])
    seconds = time.monotonic() - begin
    return sum(watch.answer(name, stamp) is not None for stamp in stamps) / seconds


def _slow(watch, rate: float, seconds: float, bar: tqdm) -> dict[str, Any]:
    """Send at the camera's pace, whatever becomes of it; milliseconds from stamp to publishing."""
    stamps, due = [], time.monotonic()
    for _ in range(round(rate * seconds)):
        stamps.append(watch.send('slow'))
        due = max(due + 1 / rate, time.monotonic())  # no burst makes up for lost time
        watch.wait(lambda: False, due - time.monotonic())
        bar.update(1 / rate)
    last = watch.wait(lambda: watch.answer('slow', stamps[-1]), ANSWER_LIMIT)
    answers = [answer for stamp in stamps if (answer := watch.answer('slow', stamp))]
    if not answers:
        raise TimeoutError('no frame came through the slow model; give it more --seconds')
    latencies = [1000 * answer.published for answer in answers]
    return {
        'sent': len(stamps),
        'answered': len(answers),
        'last_answered': last,
        'p50': float(np.percentile(latencies, 50)),
        'p99': float(np.percentile(latencies, 99)),
        'max': max(latencies),
    }


def _table(report: dict) -> Table:
    table = Table(title='node against a bare relay', title_justify='left', box=None)
    for name in ('', 'node p50', 'p99', 'relay p50', 'p99', 'ratio'):
        table.add_column(name, justify='right', no_wrap=True)
    for part in ('published', 'arrived'):
        row = report['latency'][part]
        figures = [f'{row[name][p]:.1f}' for name in PAIR for p in ('p50', 'p99')]
        table.add_row(f'stamp until {part}, ms', *figures, f'{row["ratio"]:.2f}')
    for part, title in (('throughput', 'frames/s'), ('cpu', 'processor time per frame, ms')):
        row = report[part]
        table.add_row(
            title, f'{row["node"]:.1f}', '', f'{row["relay"]:.1f}', '', f'{row["ratio"]:.2f}'
        )
    return table
