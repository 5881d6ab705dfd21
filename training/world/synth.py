# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command `grin synth`: render a synthetic world into a sample set, on all cores."""

from __future__ import annotations

import argparse
from functools import lru_cache, partial
import json
import multiprocessing
import os
from pathlib import Path
import re
import signal

import cv2
import torch
from tqdm import tqdm

from ..sample import OUTDOOR_WORLDS, Sample
from ..sample_writer import SampleSetWriter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `grin synth`."""
    parser.add_argument('-o', '--output', type=Path, required=True, help='folder of the new set')
    world = parser.add_mutually_exclusive_group()
    world.add_argument(
        '--domain',
        help='world: room (default), corridor, hall, stairs, street, park, yard or terrain',
    )
    world.add_argument('--assets', type=Path, help='asset pack with worlds/, meshes/, textures/')
    parser.add_argument(
        '--world',
        nargs='+',
        help='worlds of the asset pack, or furnished, rooms of its things; default: all worlds',
    )
    parser.add_argument('--textures', type=Path, help='folder of photographs for --domain')
    parser.add_argument('--count', type=int, default=100, help='pictures to render (%(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='first seed; picture i has seed + i')
    parser.add_argument(
        '--size', type=image_size, default=(256, 320), metavar='HxW', help='256x320'
    )
    workers = os.cpu_count() or 1
    parser.add_argument('--workers', type=int, default=workers, help='processes (%(default)s)')


def run(args: argparse.Namespace) -> int:
    """Render the set that the options ask for; return the exit code."""
    makers, header = _plan(args)
    seeds = range(args.seed, args.seed + args.count)
    jobs = [(makers[i % len(makers)], seed, args.size) for i, seed in enumerate(seeds)]
    with SampleSetWriter(args.output, depth_kind='synthetic', **header) as writer:
        for sample in tqdm(_render(jobs, args.workers), total=len(jobs), unit='picture'):
            # Millimetres as far as 16 bits reach, else 1/256 m.
            writer.add(sample, depth_scale=1000 if sample.depth.max() < 65 else 256)
    return 0


def source(args: argparse.Namespace) -> str:
    """Say what the set that the options ask for will call its source."""
    return _plan(args)[1]['source']


def _plan(args: argparse.Namespace) -> tuple[list, dict]:
    """Return what makes the pictures, in turn, and the header of the set."""
    if args.count < 1 or args.seed < 0 or args.workers < 1:
        raise ValueError('--count and --workers must be at least 1 and --seed at least 0')
    if args.assets:
        if args.textures:
            raise ValueError('--textures is for --domain; an asset pack brings its own textures')
        makers, header = _mesh(args)
    else:
        if args.world:
            raise ValueError('--world names a world of an asset pack; add --assets FOLDER')
        makers, header = _procedural(args)
    seeds = f'{args.seed} to {args.seed + args.count - 1}'
    header['source'] += f', rendered by grin_ros with seeds {seeds}'
    return makers, header


def _procedural(args) -> tuple[list, dict]:
    from . import DOMAINS

    domain = args.domain or 'room'
    if domain not in DOMAINS:
        raise ValueError(f'unknown domain {domain!r}; choose one of {", ".join(DOMAINS)}')
    outdoor = domain in OUTDOOR_WORLDS
    textures = None if args.textures is None else str(args.textures)
    source, licence = f'procedural world {domain}', 'Apache-2.0, as grin_ros'
    if textures:
        source += f' with photographs of {args.textures.resolve().name}'
        licence += '; the photographs have terms of their own'
    return [partial(_render_procedural, domain, textures)], {
        'source': source,
        'licence': licence,
        'domain': 'outdoor' if outdoor else 'indoor',
        'min_depth': 0.5 if outdoor else 0.1,
        'max_depth': 200.0 if outdoor else 60.0,
    }


def _mesh(args) -> tuple[list, dict]:
    from .furnished import NAME
    from .mesh import world_file, worlds
    from .pack import MAX_DEPTH

    names = args.world or worlds(args.assets)
    # Furnished rooms hold things of all worlds.
    behind = worlds(args.assets) if NAME in names else names
    told = [json.loads(world_file(args.assets, name).read_text()) for name in behind]
    sources = sorted({one.get('source', 'an unnamed source') for one in told})
    licences = sorted({one.get('licence', 'unknown licence') for one in told})
    return [partial(_render_mesh, str(args.assets), name) for name in names], {
        'source': f'mesh worlds {", ".join(names)} ({"; ".join(sources)})',
        'licence': f'meshes: {"; ".join(licences)}; textures: see the asset pack',
        'domain': 'indoor',
        'min_depth': 0.1,
        'max_depth': MAX_DEPTH,
    }


def _render(jobs, workers: int):
    """Yield the samples of all jobs in order."""
    if workers == 1:
        yield from map(_work, jobs)
        return
    # Spawned, because a fork of a process that has used torch's threads may hang.
    context = multiprocessing.get_context('spawn')
    with context.Pool(min(workers, len(jobs)), _start_worker) as pool:
        yield from pool.imap(_work, jobs)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _work(job) -> Sample:
    make, seed, size = job
    return make(seed, size)


def _render_procedural(domain, textures, seed, size) -> Sample:
    from . import render

    return render(domain, seed, size, textures=textures)


def _render_mesh(assets, world, seed, size) -> Sample:
    return _mesh_world(assets, world).render(seed, size)


@lru_cache(maxsize=8)
def _mesh_world(assets, world):
    from .furnished import Furnished, NAME
    from .mesh import MeshWorld

    return Furnished(assets) if world == NAME else MeshWorld(assets, world)


def image_size(text: str) -> tuple[int, int]:
    """Read HxW, pixels, as the type of an argument."""
    found = re.fullmatch(r'(\d+)x(\d+)', text)
    if not found or min(int(n) for n in found.groups()) < 16:
        raise argparse.ArgumentTypeError(f'{text!r} is not HxW of at least 16x16, like 256x320')
    return int(found[1]), int(found[2])
