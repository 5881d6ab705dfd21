# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin train`.

`grin train RECIPE` runs in one process; `torchrun --nproc-per-node 8 -m grin_ros train RECIPE` in
eight, with the same answer.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import torch

from .config import TrainConfig
from .dry_run import dry_run
from .recipe import load_recipe
from .stop import SIGNALLED
from .trainer import Trainer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin train`."""
    parser.add_argument('recipe', help='YAML file, for instance config/finetune.yaml')
    parser.add_argument(
        '--set', action='append', metavar='SET', dest='sets',
        help="train on this sample set or these shards instead of the recipe's sources; may be "
        'given several times',
    )  # fmt: skip
    parser.add_argument(
        '--val',
        action='append',
        metavar='SET',
        help='validate on this set; may be repeated',
    )
    parser.add_argument('-o', '--output', metavar='DIR', help="folder, instead of the recipe's")
    parser.add_argument(
        '--resume', action='store_true', help='go on from the last saved state, if there is one'
    )
    parser.add_argument(
        '--dry-run', action='store_true',
        help='load one batch, say what is in it, what memory and time a step takes; write nothing',
    )  # fmt: skip
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu', metavar='D',
        help='cpu, cuda, cuda:1 ... (default here: %(default)s)',
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Train a recipe."""
    return start(load_recipe(args.recipe), args)


def start(config: TrainConfig, args: argparse.Namespace) -> int:
    """Train a recipe with the options of the command line."""
    config = _with_options(config, args)
    if args.dry_run:
        dry_run(Trainer(config, args.device, cached=False))
        return 0
    trainer = Trainer(config, args.device)
    state = trainer.folder / 'state.safetensors'
    if state.is_file():
        if not args.resume:
            raise ValueError(
                f'{trainer.folder} holds a run already; go on with --resume, name another folder '
                'with --output, or delete it'
            )
        trainer.resume()
    trainer.run()
    stopped = trainer.stopped if trainer.step < config.steps else 0
    if trainer.processes.first:
        if stopped:
            print(f'stopped and saved after step {trainer.step}; go on with --resume')
        else:
            print(f'wrote {trainer.folder / "last.safetensors"}')
    return SIGNALLED + stopped if stopped else 0


def _with_options(config: TrainConfig, args: argparse.Namespace) -> TrainConfig:
    """Replace what the command line says otherwise than the recipe."""
    if args.sets:
        model = replace(config.sources[0], world='', textures='', images='', set='x')
        config = replace(config, sources=tuple(replace(model, set=path) for path in args.sets))
    if args.val:
        validation = replace(config.validation, sets=tuple(args.val), holdout=0.0)
        config = replace(config, validation=validation)
    if args.output:
        config = replace(config, output=args.output, features='')
    return config
