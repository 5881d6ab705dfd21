# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command `grin pretrain`: a denoiser of pictures from pictures alone; see `palette`."""

from __future__ import annotations

import argparse
from dataclasses import replace

from . import train
from .recipe import load_recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin train`, and --images."""
    train.add_arguments(parser)
    parser.add_argument(
        '--images', action='append', metavar='DIR',
        help="learn from the pictures in this folder instead of the recipe's sources; may be "
        'given several times',
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Pre-train a recipe."""
    config = load_recipe(args.recipe)
    if not (config.model.dense and config.model.network.channels == 3):
        raise ValueError(
            f'{args.recipe} trains depth: use `grin train`, or give it a model of kind depthgen '
            'with network.channels 3'
        )
    if args.images and args.sets:
        raise ValueError('give either --images or --set')
    if args.images:
        source = replace(config.sources[0], set='', world='', textures='', images='x')
        config = replace(
            config, sources=tuple(replace(source, images=folder) for folder in args.images)
        )
    return train.start(config, args)
