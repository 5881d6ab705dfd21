# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the weights that shipped one after the other could do: a table, and its learning curve."""

from __future__ import annotations

from collections.abc import Sequence
import csv
from pathlib import Path

from . import charts

FIGURES = tuple(
    f'{domain}_{name}{suffix}'
    for domain in ('indoor', 'outdoor')
    for name in ('abs_rel', 'delta1')
    for suffix in ('', '_scaled')
)
COLUMNS = ('hours', *FIGURES, 'note')


def row(hours: float, evaluation: dict, note: str) -> dict[str, str]:
    """
    Make the row of some weights.

    hours: of training, in sum
    evaluation: what `grin eval --json` wrote, of indoor and of outdoor sets
    raises: ValueError for another evaluation
    """
    figures = {}
    for name in FIGURES:
        domain, _, metric = name.partition('_')
        if domain not in evaluation['domains']:
            raise ValueError(
                f'the evaluation has no {domain} set, which a row of the history tells'
            )
        kind = 'scaled' if metric.endswith('_scaled') else 'metrics'
        value = evaluation['domains'][domain][kind][metric.removesuffix('_scaled')]
        figures[name] = f'{value:.3f}'
    return {'hours': f'{hours:.2f}', **figures, 'note': note}


def add(path: Path, new: dict[str, str]) -> list[dict[str, str]]:
    """
    Write a row into a table, in place of one with as many hours, and return all rows by hours.

    path: a CSV file with COLUMNS; made where there is none
    raises: ValueError for a file with other columns
    """
    rows = []
    if path.is_file():
        with path.open(newline='') as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ValueError(f'{path} has other columns than {", ".join(COLUMNS)}')
    rows = [r for r in rows if float(r['hours']) != float(new['hours'])]
    rows = sorted([*rows, new], key=lambda r: float(r['hours']))
    with path.open('w', newline='') as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows)
    return rows


def draw(rows: Sequence[dict[str, str]]) -> str:
    """Draw the figures over the hours: four charts as one SVG file; rows: two or more."""
    hours = [float(r['hours']) for r in rows]
    panels = []
    for domain in ('indoor', 'outdoor'):
        for name, title in (('abs_rel', 'AbsRel'), ('delta1', 'delta1')):
            curves = [
                [float(r[f'{domain}_{name}{suffix}']) for r in rows] for suffix in ('', '_scaled')
            ]
            label = f'{domain}, hours of training'
            panels.append(charts.lines(hours, curves, (title, '... scaled'), label))
    return charts.stacked(panels)
