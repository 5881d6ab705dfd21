# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The page beside an extracted set that shows whether it can be trained on.

One HTML file with pictures and charts in it: how many frames and why others were left out, how
stamps and depths are distributed, overlays, and a figure for the calibration.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from grin_ros import pictures

from .calibration_check import ANGLES, AXES, CalibrationCheck, check_calibration
from .charts import bars, lines
from .extract import ExtractResult
from .extract_frame import BINS
from .sample import Sample, SampleSet

SHOWN, CHECKED = 8, 40  # frames
PICTURE_WIDTH = 1100  # pixels
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1140px;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.15em;margin:1.6em 0 .4em}table{border-collapse:collapse}
td{padding:.15em 1em .15em 0;vertical-align:top}td.n{text-align:right}svg{font-size:11px}
img{width:100%;display:block;margin:.5em 0}.charts{display:flex;flex-wrap:wrap;gap:1em}
.plausible{color:#227a3d}.suspicious{color:#b3261e;font-weight:600}figure{margin:0}figcaption{color:#555}
"""


@dataclass
class Report:
    """
    What was written.

    verdict: one sentence about the calibration
    """

    path: Path
    check: CalibrationCheck

    @property
    def verdict(self) -> str:
        return self.check.verdict


def write_report(result: ExtractResult, path: str | Path, progress: bool | None = None) -> Report:
    """
    Write the report of an extraction.

    progress: None = show a bar if stderr is a terminal
    """
    samples, path = SampleSet(result.path), Path(path)
    hide = None if progress is None else not progress
    chosen = np.unique(np.linspace(0, len(samples) - 1, CHECKED).round().astype(int))
    check = check_calibration(
        samples[int(i)] for i in tqdm(chosen, 'checking calibration', unit='frame', disable=hide)
    )
    shown = np.unique(np.linspace(0, len(samples) - 1, SHOWN).round().astype(int))
    page = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(samples.name)}: '
        f'extracted samples</title><style>{STYLE}</style>',
        f'<h1>{escape(samples.name)}: {result.frames} samples</h1>',
        _facts(result, samples),
        '<h2>Calibration</h2>',
        f'<p class="{check.verdict.partition(":")[0].partition(" ")[0]}">'
        f'{escape(check.verdict)}.</p>',
        '<div class="charts">',
        _figure(
            lines(ANGLES, check.agreement, AXES, 'rotation of the LiDAR, degrees'),
            'Agreement of depth edges with image edges after small rotations, 1 = chance. The '
            'peak should be at 0; roll tells least.',
        ),
        '</div><h2>Distributions</h2><div class="charts">',
        *_charts(result),
        '</div><h2>Overlays</h2><p>Points must sit on the things they were measured on: look at '
        'poles, signs and the edges of near things.</p>',
        *(_overlay(samples[int(i)]) for i in shown),
        '</html>',
    ]
    path.write_text('\n'.join(page), encoding='utf-8')
    return Report(path, check)


def _facts(result: ExtractResult, samples: SampleSet) -> str:
    """Return the table of counts and decisions."""
    coverage = [record['coverage'] for record in result.records]
    total = result.frames + sum(result.dropped.values())
    rows = [
        ('images', f'{total}'),
        ('kept', f'{result.frames}'),
        *((f'left out: {reason}', f'{n}') for reason, n in sorted(result.dropped.items())),
        ('measured pixels', f'{np.mean(coverage):.2%} (from {min(coverage):.2%} to '
                            f'{max(coverage):.2%} of an image)'),
        ('domain, licence', f'{samples.domain}; {samples.licence}'),
    ]  # fmt: skip
    for bag, notes in result.notes.items():
        rows += [(Path(bag).name, note) for note in notes]
    cells = (f'<tr><td>{escape(a)}<td>{escape(b)}' for a, b in rows)
    return f'<table>{"".join(cells)}</table>'


def _charts(result: ExtractResult) -> list[str]:
    depths = np.sum([record['depths'] for record in result.records], axis=0)
    used = np.flatnonzero(depths)
    first, last = used[0], used[-1] + 1
    figures = [
        _figure(
            bars(BINS[first : last + 1], depths[first:last], 'depth, metres', log=True),
            'Depths of all measured pixels.',
        )
    ]
    for values, scale, label, caption in (
        ('dt', 1e3, 'milliseconds', 'Stamp of the sweep minus stamp of the image.'),
        ('coverage', 1e2, '% of the pixels', 'Measured pixels per image.'),
    ):
        numbers = scale * np.array([record[values] for record in result.records])
        margin = max(0.5 * np.ptp(numbers), 0.05)
        low, high = numbers.min() - 0.2 * margin, numbers.max() + 0.2 * margin
        counts, edges = np.histogram(numbers, 25, (low, high))
        figures.append(_figure(bars(edges, counts, label), caption))
    return figures


def _overlay(sample: Sample) -> str:
    """Draw a frame with its points, so large that a person sees whether they fit."""
    scale = min(1.0, PICTURE_WIDTH / sample.image.shape[1])
    # Points of a scanner would vanish in the smaller picture.
    depth = pictures.thicken(sample.depth, max(1, round(1 / scale)))
    near, far = pictures.depth_range(sample.depth)
    picture = pictures.overlay(sample.image, depth, near, far, opacity=0.85)
    height, width = (round(n * scale) for n in picture.shape[:2])
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    picture = pictures.with_legend(picture, near, far)
    jpeg = cv2.imencode('.jpg', picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    data = base64.b64encode(jpeg.tobytes()).decode()
    return _figure(f'<img alt="overlay" src="data:image/jpeg;base64,{data}">', sample.stem)


def _figure(content: str, caption: str) -> str:
    return f'<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>'
