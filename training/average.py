# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin average`: one checkpoint between several that grew from the same one.

Runs that go on from one checkpoint with other data or rates err in other directions, and the mean
of their weights errs less than each of them (model soups, arXiv 2203.05482), at no cost later.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

from grin_ros.checkpoint import load, save
from grin_ros.info import manifest, STAGE
from grin_ros.uncertainty import UncertaintyConfig


def average(paths: Sequence[str | Path], shares: Sequence[float], output: str | Path) -> None:
    """
    Write the weighted mean of checkpoints, float16, with the stages of all in its manifest.

    paths: checkpoints of one network that mean the same depth; other facts, also whether its
        encoder is frozen, are the last one's, but the mean is not calibrated
    shares: their weights, which are divided by their sum
    raises: ValueError where the networks, what they answer or the numbers of shares differ
    """
    # A share that is not a number is not above 0 either.
    if len(shares) != len(paths) or not all(s >= 0 for s in shares) or not 0 < sum(shares) < inf:
        raise ValueError(f'{len(paths)} checkpoints need as many shares above 0, not {shares}')
    first = load(paths[0])[1]
    total, stages = {}, []
    for path, share in zip(paths, shares):
        model, config, metadata = load(path)
        if config.architecture != first.architecture:
            raise ValueError(f'{path} holds another network than {paths[0]}: average one network')
        for name in ('depth', 'schedule', 'target'):
            if getattr(config, name) != getattr(first, name):
                raise ValueError(
                    f'{path} has another {name} than {paths[0]}, so their weights mean other '
                    'things: average runs of one recipe'
                )
        for name, value in model.state_dict().items():
            # In double precision, so that what is equal in all of them stays as it is.
            total[name] = total.get(name, 0) + value.double() * (share / sum(shares))
        stages += [stage for stage in manifest(metadata) if stage not in stages]
    model.load_state_dict({name: value.float() for name, value in total.items()})
    dropped = (*STAGE, 'earlier', 'stages', 'average', 'calibration')
    facts = {k: v for k, v in metadata.items() if k not in dropped}
    config = replace(config, uncertainty=UncertaintyConfig())
    parts = [f'{share / sum(shares):.2f} {Path(path).name}' for path, share in zip(paths, shares)]
    save(output, model, config, half=True, **facts, stages=stages, average=' + '.join(parts))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin average`."""
    parser.add_argument(
        'checkpoints',
        nargs='+',
        metavar='FILE[:SHARE]',
        help='checkpoints of one network (share 1)',
    )
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='FILE')


def run(args: argparse.Namespace) -> int:
    """Average checkpoints."""
    paths, shares = zip(*(_split(word) for word in args.checkpoints))
    average(paths, shares, args.output)
    print(f'wrote {args.output}')
    return 0


def _split(word: str) -> tuple[str, float]:
    path, _, share = word.rpartition(':')
    if not path or Path(word).is_file():
        return word, 1.0
    try:
        return path, float(share)
    except ValueError:
        raise ValueError(f'{word}: {share} is not a share; write FILE:0.5') from None
