# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin bench`: where the time goes, on this machine, with this network.

All cases run in turn, round after round, and each gets the median over the rounds: whatever else
the machine does meets all of them alike, so their ratios hold even where the milliseconds do not.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
import json
from pathlib import Path
import statistics
import time

import numpy as np
from rich.console import Console
from rich.table import Table
import torch
from torch.nn import functional as F

from grin_ros import bench_node, config
from grin_ros.camera import Camera
from grin_ros.checkpoint import AnyModelConfig, build_model
from grin_ros.grid import processing_size
from grin_ros.options import add_pipeline_arguments, at_least_one, load_pipeline
from grin_ros.pipeline import DepthPipeline
from grin_ros.precision import autocast, lower_weights

STRIDES = (1, 2, 4, 8)
STEPS = (1, 2, 4, 10)
PIPELINE = ('checkpoint', 'device', 'config', 'rounds')  # not for `bench node`


def medians(
    cases: dict[str, Callable[[], object]], rounds: int, wait: Callable[[], object] = lambda: None
) -> dict[str, float]:
    """
    Time every case once in each round, after a round that does not count.

    wait: called before the clock is read, for devices that run behind
    returns: case -> median, milliseconds
    """
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for i in range(rounds + 1):
        for name, case in cases.items():
            wait()
            start = time.perf_counter()
            case()
            wait()
            if i:
                seconds[name].append(time.perf_counter() - start)
    return {name: 1000 * statistics.median(times) for name, times in seconds.items()}


class Frame:
    """
    One frame, ready for the denoiser, with a grid of queried pixels for each stride.

    size: (height, width) of the image, pixels
    """

    def __init__(self, pipeline: DepthPipeline, size: tuple[int, int]):
        self.pipeline, self.model = pipeline, pipeline.model
        device = pipeline.device
        rng = np.random.default_rng(0)
        self.image = rng.integers(0, 256, (*size, 3), np.uint8)
        self.fitted = processing_size(size, pipeline.config.pixels)
        picture = torch.from_numpy(self.image).permute(2, 0, 1)[None].float() / 255
        self.picture = F.interpolate(picture, self.fitted).to(device)
        self.camera = Camera.stack([Camera.default(self.fitted)]).to(device)
        self.gamma = torch.full((1,), 0.5, device=device)
        self.uv, self.x_t, self.cond, self.state = {}, {}, {}, None
        for stride in {*STRIDES, pipeline.config.stride}:
            self.uv[stride] = self.camera.grid(stride).flatten(0, 1)[None].to(device)
            shape = (1, *self.fitted) if pipeline.config.dense else (self.uv[stride].shape[1], 1)
            self.x_t[stride] = torch.randn(1, *shape, device=device)
            self.cond[stride] = self.encode(stride)
        self.state = self.step(pipeline.config.stride)[1]  # as in every step but the first

    def encode(self, stride: int):
        """Encode image and queried pixels, as happens once per frame."""
        with torch.inference_mode(), autocast(self.pipeline.device):
            return self.model.encode(self.picture, self.camera, self.uv[stride])

    def step(self, stride: int, cond=None):
        """Denoise once."""
        cond = self.cond[stride] if cond is None else cond
        with torch.inference_mode(), autocast(self.pipeline.device):
            return self.model(self.x_t[stride], self.gamma, cond, self.state)

    def cached(self, stride: int, steps: int) -> None:
        """Encode once, then denoise."""
        cond = self.encode(stride)
        for _ in range(steps):
            self.step(stride, cond)

    def uncached(self, stride: int, steps: int) -> None:
        """Encode again before every step, as a denoiser without an `encode` would."""
        for _ in range(steps):
            self.step(stride, self.encode(stride))


def bench(pipeline: DepthPipeline, size: tuple[int, int], rounds: int) -> dict:
    """
    Measure the pipeline on one image.

    size: (height, width), pixels
    returns: plain values for JSON; all times in milliseconds. `pixels`: stride -> queried pixels
        and encode, step, infer (checkpoint's steps); `steps`: steps -> cached, uncached, infer
        (checkpoint's stride)
    """
    frame, default = Frame(pipeline, size), pipeline.config.stride

    def infer(**options):
        return lambda: pipeline.infer(frame.image, None, **options)

    cases = {}
    for stride in STRIDES:
        cases[f'stride {stride} encode'] = lambda s=stride: frame.encode(s)
        cases[f'stride {stride} step'] = lambda s=stride: frame.step(s)
        cases[f'stride {stride} infer'] = infer(stride=stride)
    for steps in STEPS:
        cases[f'steps {steps} cached'] = lambda n=steps: frame.cached(default, n)
        cases[f'steps {steps} uncached'] = lambda n=steps: frame.uncached(default, n)
        cases[f'steps {steps} infer'] = infer(steps=steps)
    cuda = pipeline.device.type == 'cuda'
    ms = medians(cases, rounds, lambda: torch.cuda.synchronize(pipeline.device) if cuda else None)
    return {
        'checkpoint': str(pipeline.checkpoint),
        'device': torch.cuda.get_device_name(pipeline.device) if cuda else 'cpu',
        'threads': torch.get_num_threads(),
        'image': list(size),
        'processed': list(frame.fitted),
        'rounds': rounds,
        'default': {'steps': pipeline.steps, 'stride': default},
        'pixels': [
            {'stride': s, 'queried': frame.uv[s].shape[1]}
            | {part: ms[f'stride {s} {part}'] for part in ('encode', 'step', 'infer')}
            for s in STRIDES
        ],
        'steps': [
            {'steps': n}
            | {part: ms[f'steps {n} {part}'] for part in ('cached', 'uncached', 'infer')}
            for n in STEPS
        ],
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin bench`."""
    add_pipeline_arguments(parser)
    parser.add_argument(
        '--config', metavar='YAML', help='time this network, untrained, and not a checkpoint'
    )
    parser.add_argument(
        '--size', type=at_least_one, nargs=2, default=(480, 640), metavar=('H', 'W'),
        help='of the image (480 640)',
    )  # fmt: skip
    parser.add_argument(
        '--rounds', type=at_least_one, default=5, metavar='N', help='of all cases (5)'
    )
    parser.add_argument('--json', type=Path, metavar='OUT', help='write all figures there')
    others = parser.add_subparsers(metavar='what', title='what else can be timed')
    summary = 'latency and throughput of the node over DDS, against a bare relay'
    node = others.add_parser('node', help=summary, description=summary)
    bench_node.add_arguments(node)
    defaults = {name: parser.get_default(name) for name in PIPELINE}
    node.set_defaults(run=lambda args: _run_node(args, defaults))


def run(args: argparse.Namespace) -> int:
    """Measure, print the tables and write the figures."""
    if args.config and args.checkpoint:
        raise ValueError('give --config or --checkpoint, only one of them')
    if args.config:
        network = config.load(AnyModelConfig, args.config)
        pipeline = DepthPipeline(build_model(network), network, args.device, Path(args.config))
        lower_weights(pipeline.model, pipeline.device)
    else:
        pipeline = load_pipeline(args)
    report = bench(pipeline, tuple(args.size), args.rounds)
    console = Console(markup=False, emoji=False)  # a path may hold brackets
    console.print(
        '{checkpoint} on {device}, {threads} threads; image {image[0]} x {image[1]}, processed '
        'at {processed[0]} x {processed[1]}; median of {rounds} rounds, ms'.format(**report),
        highlight=False,
        soft_wrap=True,
    )
    default = report['default']
    console.print(_pixel_table(report['pixels'], default['steps']))
    console.print(_step_table(report['steps'], default['stride']))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(report, indent=1) + '\n')
    return 0


def _run_node(args: argparse.Namespace, defaults: dict[str, object]) -> int:
    given = [f'--{name}' for name, default in defaults.items() if getattr(args, name) != default]
    if given:  # its denoiser costs nothing, so they would change no figure
        raise ValueError(f'`grin bench node` takes no {" and no ".join(given)}; leave that out')
    return bench_node.run(args)


def _pixel_table(rows: Sequence[dict], steps: int) -> Table:
    names = (
        'stride',
        'queried pixels',
        'encode',
        'step',
        'step : encode',
        f'infer, {steps} step' + 's' * (steps > 1),
    )
    table = _table('queried pixels', names)
    for row in rows:
        table.add_row(
            str(row['stride']),
            str(row['queried']),
            f'{row["encode"]:.1f}',
            f'{row["step"]:.1f}',
            f'{row["step"] / row["encode"]:.2f}',
            f'{row["infer"]:.1f}',
        )
    return table


def _step_table(rows: Sequence[dict], stride: int) -> Table:
    names = ('steps', 'encoded once', 'encoded every step', 'ratio', f'infer, stride {stride}')
    table = _table('denoising steps', names)
    for row in rows:
        table.add_row(
            str(row['steps']),
            f'{row["cached"]:.1f}',
            f'{row["uncached"]:.1f}',
            f'{row["uncached"] / row["cached"]:.2f}',
            f'{row["infer"]:.1f}',
        )
    return table


def _table(title: str, names: Sequence[str]) -> Table:
    table = Table(title=title, title_justify='left', box=None, pad_edge=False)
    for name in names:
        table.add_column(name, justify='right', no_wrap=True)
    return table
