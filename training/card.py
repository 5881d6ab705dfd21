# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin card`: MODEL_CARD.md from a checkpoint's manifest and from evaluations.

Every figure on the page is read from a file that a command wrote. What a person has to say, above
all about failures, stands between two marks and survives the next writing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import contextlib
import json
from pathlib import Path

from grin_ros.checkpoint import default_checkpoint, load
from grin_ros.info import manifest, SOURCE_COLUMNS, source_rows, STAGE_COLUMNS, stage_rows

from . import history

ALIKE = ('limit', 'stride', 'intrinsics', 'protocol')  # in all evaluations
BEGIN, END = '<!-- by hand: begin -->', '<!-- by hand: end -->'
BY_HAND = """\
## Failures

Glass, mirrors and what is seen in them; sky, which gets some far depth; pictures of rooms; a scale
that is wrong as a whole where nothing of known size is in view.
"""
GRIN = """\
GRIN (arXiv 2409.09896): metric depth of single pixels by diffusion, from one image and its
intrinsics."""
DEPTHGEN = """\
DepthGen (arXiv 2302.14816): whole maps of metric depth by diffusion, from one image, by an
Efficient U-Net; it takes the intrinsics of its training for granted."""
PAGE = """\
# Model card: {name}

Written by `grin card`; figures are measured, by
`grin eval SETS --steps N --samples M --uncertainty --json FILE`.

## What it is

{what}
{parameters}, {size:.1f} MiB, processing size about {pixels} pixels,
{steps}, target {target}, depth from {near:g} to {far:g} m.{encoder}
Licence of the weights: {licence}.

## What it is for, and what not

For robots that need a rough idea of distance from a camera that they have anyway: obstacles at
walking speed beside a sensor that measures, filling in where LiDAR is sparse, maps for looking at,
research. Everything it says is a guess, its scale above all; calibrate before you trust the
metres, and look at `depth/std`.

It must not be the only thing that keeps a machine from hurting someone: no safety function, no
emergency stop, no collision avoidance of vehicles or near people on its own. Nor is it for
medicine, for measuring to be billed or certified, for aircraft, for under water, or for finding,
following or telling apart people.

## Data and recipe

{manifest}

Trained {hours:.2f} h in sum. {evaluation}{note}

## Accuracy

{accuracy}

## Uncertainty

{uncertainty}

{by_hand}
"""


def model_card(checkpoint: Path, evaluations: Sequence[dict], by_hand: str = BY_HAND) -> str:
    """
    Write the page.

    evaluations: what `grin eval --json` wrote, for several numbers of steps; those with
        uncertainty fill that section too
    by_hand: the section that people write
    """
    model, config, metadata = load(checkpoint)
    stages = manifest(metadata)
    total = sum(p.numel() for p in model.parameters()) / 1e6
    what, parameters, encoder = DEPTHGEN, f'{total:.1f} M parameters', ''
    if not config.dense:
        inside = sum(p.numel() for p in model.encoder.parameters()) / 1e6
        what = GRIN
        parameters = f'{inside:.1f} M parameters of encoder and {total - inside:.1f} M of GRIN'
        encoder = f' Encoder: {metadata.get("encoder", config.network.encoder.kind)}.'
    evaluation = metadata.get('evaluation', 'evaluation data not stated')
    return PAGE.format(
        name=checkpoint.name, what=what, parameters=parameters, encoder=encoder,
        size=checkpoint.stat().st_size / 2**20, pixels=config.pixels,
        steps=_plural(config.steps, 'denoising step'), target=config.target,
        near=config.depth.min, far=config.depth.max,
        licence=metadata.get('licence', 'not stated'),
        manifest=_manifest(stages),
        hours=_hours(stages),
        evaluation=f'{evaluation[:1].upper()}{evaluation[1:]}.',
        note=f' {metadata["note"]}' if 'note' in metadata else '',
        accuracy=_accuracy(sorted(evaluations, key=lambda e: (e['samples'], e['steps']))),
        uncertainty=_uncertainty(config, metadata, evaluations),
        by_hand=f'{BEGIN}\n{by_hand.strip()}\n{END}',
    )  # fmt: skip


def kept(page: str) -> str:
    """Take what people wrote out of a page; the template where the marks are missing."""
    if BEGIN not in page or END not in page:
        return BY_HAND
    return page.split(BEGIN, 1)[1].split(END, 1)[0]


def _manifest(stages: list[dict]) -> str:
    right, left = '---:', '---'
    return '\n\n'.join(
        (
            _table([STAGE_COLUMNS, (*[right] * 5, left, left), *stage_rows(stages)]),
            'Each source once, with the stages that drew from it:',
            _table([SOURCE_COLUMNS, (left, right, left, left, left), *source_rows(stages)]),
        )
    )


def _accuracy(evaluations: Sequence[dict]) -> str:
    if not evaluations:
        return 'Not evaluated yet: `grin eval SETS --steps N --json out/N.json`, then `grin card`.'
    first = evaluations[0]
    frames = 'all frames' if first.get('limit') is None else f'{first["limit"]} frames a set'
    names = [
        f'{_plural(e["steps"], "step")}, {_plural(e["samples"], "sample")}' for e in evaluations
    ]
    parts = [
        f'Places that it was not trained on, {frames}, no scaling of the prediction, stride '
        f'{first["stride"]}, on {first["device"]}; mean over frames, then over sets.'
    ]
    for key, name, title in (
        ('metrics', 'abs_rel', 'AbsRel'), ('metrics', 'delta1', 'delta1'),
        ('scaled', 'abs_rel', 'AbsRel after median scaling'),
        ('scaled', 'delta1', 'delta1 after median scaling'),
    ):  # fmt: skip
        rows = [(title, *names), ('---', *['---:'] * len(names))]
        for i, report in enumerate(first['sets']):
            figures = (f'{e["sets"][i][key][name]:.3f}' for e in evaluations)
            rows.append((f'{report["name"]} ({report["domain"]})', *figures))
        for domain in first['domains']:
            figures = (f'**{e["domains"][domain][key][name]:.3f}**' for e in evaluations)
            rows.append((f'**mean {domain}**', *figures))
        parts.append(_table(rows))
    rows = [('ms per frame', *names), ('---', *['---:'] * len(names))]
    rows += [
        (report['name'], *(f'{e["sets"][i]["ms_per_frame"]:.0f}' for e in evaluations))
        for i, report in enumerate(first['sets'])
    ]
    return '\n\n'.join([*parts, _table(rows)])


def _uncertainty(config, metadata: dict, evaluations: Sequence[dict]) -> str:
    parts, told = [], metadata.get('calibration')
    if told:
        u = config.uncertainty
        sets = ', '.join(f'{s["name"]} ({s["frames"]} frames)' for s in told['sets'])
        many, one = f'{u.floor:g}^2 + ({u.slope:g} spread)^2', f'{u.alone:g} depth'
        if config.error_head:
            many += f' + ({u.head:g} expected)^2'
            one = f'depth x sqrt({u.alone:g}^2 + ({u.head_alone:g} expected)^2)'
        parts.append(
            f'std = depth x sqrt({many}), and {one} for a single sample'
            f'{", where the network tells the error to be expected" * config.error_head}; '
            f'fitted on {sets} with {told["samples"]} samples.'
        )
    else:
        parts.append('The spread over samples is not calibrated.')
    for e in evaluations:
        judged = [s for s in e['sets'] if 'uncertainty' in s]
        if not judged:
            continue
        rows = [
            ('set', 'rank correlation', 'AUSE', 'AUSE of random order', 'in 50 %', 'in 90 %'),
            ('---', *['---:'] * 5),
        ]
        for s in judged:
            u = s['uncertainty']
            rows.append(
                (s['name'], f'{u["rank_correlation"]:.2f}', f'{u["ause"]:.3f}',
                 f'{u["ause_random"]:.3f}', f'{u["coverage_50"]:.0%}', f'{u["coverage_90"]:.0%}')
            )  # fmt: skip
        what = f'{_plural(e["samples"], "sample")}, {_plural(e["steps"], "step")}'
        parts.append(f'With {what}; std / depth against the relative error:\n\n{_table(rows)}')
    return '\n\n'.join(parts)


def _table(rows: Sequence[Sequence]) -> str:
    return '\n'.join(f'| {" | ".join(str(cell) for cell in row)} |' for row in rows)


def _plural(count: int, word: str) -> str:
    return f'{count} {word}' + ('s' if count != 1 else '')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin card`."""
    parser.add_argument('checkpoint', nargs='?', type=Path, help='default: the shipped one')
    parser.add_argument(
        '--eval', nargs='+', type=Path, default=[], metavar='JSON', help='of `grin eval --json`'
    )
    parser.add_argument(
        '-o', '--output', type=Path, default=Path('MODEL_CARD.md'), help='default: %(default)s'
    )
    parser.add_argument(
        '--history',
        type=Path,
        metavar='CSV',
        help='of the weights before; gets a row of these, and an .svg with the learning curve',
    )
    parser.add_argument('--note', default='', help='what is new, for that row')


def run(args: argparse.Namespace) -> int:
    """Write the card, keeping what people wrote into the one that is there."""
    evaluations = [_evaluation(path) for path in args.eval]
    names = [[s['name'] for s in e['sets']] for e in evaluations]
    if any(other != names[0] for other in names):
        raise ValueError(
            'the evaluations are of different sets; give the same sets to all of them'
        )
    for what in ALIKE:
        told = {json.dumps(e.get(what)) for e in evaluations}
        if len(told) > 1:  # the page says it once, for all of them
            raise ValueError(f'{what} differs between the evaluations: {", ".join(sorted(told))}')
    by_hand = kept(args.output.read_text()) if args.output.is_file() else BY_HAND
    checkpoint = args.checkpoint or default_checkpoint()
    row = _row(checkpoint, evaluations, args.note) if args.history else None
    page = model_card(checkpoint, evaluations, by_hand)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(page)
    print(f'wrote {args.output}')
    if row:
        rows = history.add(args.history, row)
        print(f'wrote {args.history}')
        if len(rows) > 1:
            args.history.with_suffix('.svg').write_text(history.draw(rows))
            print(f'wrote {args.history.with_suffix(".svg")}')
    return 0


def _evaluation(path: Path) -> dict:
    if not path.is_file():
        raise FileNotFoundError(f'there is no evaluation {path}; make it with grin eval --json')
    with contextlib.suppress(TypeError, ValueError):
        found = json.loads(path.read_text())
        if {'steps', 'samples', 'sets', 'domains'} <= {*found}:
            return found
    raise ValueError(f'{path} is no evaluation; make it with grin eval --json')


def _row(checkpoint: Path, evaluations: Sequence[dict], note: str) -> dict:
    _, config, metadata = load(checkpoint)
    usual = [e for e in evaluations if (e['steps'], e['samples']) == (config.steps, 1)]
    if not usual:
        raise ValueError(
            f'--history tells of {_plural(config.steps, "step")} and 1 sample, the default of '
            f'{checkpoint.name}; give such an evaluation to --eval'
        )
    return history.row(_hours(manifest(metadata)), usual[0], note)


def _hours(stages: Sequence[dict]) -> float:
    return sum(stage.get('hours', 0) for stage in stages)
