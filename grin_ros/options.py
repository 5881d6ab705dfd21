# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command-line options that choose a pipeline and how it infers: predict, eval and bench."""

from __future__ import annotations

import argparse
from dataclasses import replace

import torch

from grin_ros.pipeline import DepthPipeline


def add_pipeline_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --checkpoint and --device."""
    parser.add_argument('--checkpoint', metavar='F', help='.safetensors; default: the shipped one')
    parser.add_argument(
        '--device',
        default='cuda' if torch.cuda.is_available() else 'cpu',
        metavar='D',
        help='of torch, such as cpu or cuda:1 (default here: %(default)s)',
    )


def add_inference_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare --steps, --samples, --stride and --sampler."""
    parser.add_argument(
        '--steps', type=at_least_one, metavar='N', help="denoising steps; default: checkpoint's"
    )
    parser.add_argument(
        '--samples', type=at_least_one, default=1, metavar='N', help='depth is their median (1)'
    )
    parser.add_argument(
        '--stride',
        type=at_least_one,
        metavar='S',
        help="every S-th pixel of the fitted image is computed; default: checkpoint's",
    )
    parser.add_argument(
        '--sampler', choices=('ddpm', 'ddim'), help="of DepthGen; default: the checkpoint's"
    )


def load_pipeline(args: argparse.Namespace) -> DepthPipeline:
    """Load what --checkpoint, --device and --sampler ask for."""
    pipeline = DepthPipeline.from_checkpoint(args.checkpoint, args.device)
    sampler = getattr(args, 'sampler', None)
    if not sampler:
        return pipeline
    if not pipeline.config.dense:
        raise ValueError('GRIN samples by DDIM alone; leave --sampler out')
    config = replace(pipeline.config, sampler=sampler)
    return DepthPipeline(pipeline.model, config, args.device, pipeline.checkpoint)


def inference_options(args: argparse.Namespace) -> dict[str, int | None]:
    """Return the keywords of `DepthPipeline.infer` that the options gave."""
    return {'steps': args.steps, 'samples': args.samples, 'stride': args.stride}


def at_least_one(text: str) -> int:
    """Read a whole number from 1 up, for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number from 1 up')
    return number
