# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin bench data`: how fast bags become sample sets, and these training batches.

Everything is compared with the least that anybody could do, which is to read the images of the
same bag and to decode them, round by round in one run. One worker each, in seconds of its
processor time: so the ratios hold on a machine that has other things to do, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import count
import json
from pathlib import Path
import statistics
from tempfile import TemporaryDirectory
import time

import cv2
from rich.console import Console
from rich.table import Table
import torch
from tqdm import tqdm

from grin_ros.options import at_least_one
from grin_ros.ros.from_msg import read_image

from .bag import BagReader
from .config import SourceConfig, TrainConfig
from .dataset import Batches
from .extract import extract
from .extract_config import ExtractConfig
from .source import Source

PIXELS = 81920  # of a view, as the shipped weights see it
LABELS, EDGES = 4096, 0.2  # of a view, and the share of them near depth edges
BATCH = 8
PLAIN = 'read and decode the images'


def bench_data(bag: Path, rounds: int = 5, image: str | None = None) -> dict[str, dict]:
    """
    Time one worker on a bag.

    image: its topic; None = found
    returns: case -> samples_per_second of processor time, median over the rounds, and its ratio
        to reading and decoding
    """
    threads = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with BagReader(bag) as reader:
        topic = reader.camera_topics(image)[0]
    try:
        with TemporaryDirectory() as folder:
            return _measure(bag, topic, rounds, Path(folder))
    finally:
        cv2.setNumThreads(threads[0])
        torch.set_num_threads(threads[1])


def _measure(bag: Path, topic: str, rounds: int, folder: Path) -> dict[str, dict]:
    config = ExtractConfig(image=topic, workers=1)
    fresh = (folder / str(i) for i in count())

    def make() -> int:
        return extract([bag], next(fresh), config, progress=False).frames

    frames = make()  # the first time, modules are imported
    source = SourceConfig(set=str(folder / '0'))
    recipe = TrainConfig(sources=(source,), batch=BATCH, pixels=LABELS, edges=EDGES)
    batches = Batches(recipe, [Source(source, PIXELS)])
    steps = count()

    def load() -> int:
        """Make about as many views as there are frames, others each time."""
        passes = -(-frames // BATCH)
        for _ in range(passes):
            batches[next(steps)]
        return passes * BATCH

    cases: dict[str, Callable[[], int]] = {
        PLAIN: lambda: _plain(bag, topic),
        'bag to sample set': make,
        'sample set to training batches': load,
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in tqdm(range(rounds), 'bench data', unit='round', disable=None):
        for name, case in cases.items():
            start = time.process_time()
            done = case()
            seconds[name].append((time.process_time() - start) / done)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        name: {'samples_per_second': 1 / value, 'ratio': median[PLAIN] / value}
        for name, value in median.items()
    }


def _plain(bag: Path, topic: str) -> int:
    """Read and decode every image; returns their number."""
    done = 0
    with BagReader(bag) as reader:
        for _, message in reader.messages(topic):
            if hasattr(message, 'format'):
                cv2.imdecode(message.data, cv2.IMREAD_COLOR)
            else:
                read_image(message)
            done += 1
    return done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin bench data`."""
    parser.add_argument('bag', type=Path, help='bag with a camera and a LiDAR')
    parser.add_argument('--image', metavar='TOPIC', help='default: found')
    parser.add_argument(
        '--rounds', type=at_least_one, default=5, metavar='N', help='of all cases (5)'
    )
    parser.add_argument('--json', type=Path, metavar='OUT', help='write the figures there')


def run(args: argparse.Namespace) -> int:
    """Measure, print the table and write the figures."""
    report = bench_data(args.bag, args.rounds, args.image)
    table = Table(title='one worker', title_justify='left', box=None, pad_edge=False)
    table.add_column('')
    for name in ('samples per second', 'ratio'):
        table.add_column(name, justify='right', no_wrap=True)
    for name, row in report.items():
        table.add_row(name, f'{row["samples_per_second"]:.1f}', f'{row["ratio"]:.2f}')
    Console().print(table)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + '\n')
    return 0
