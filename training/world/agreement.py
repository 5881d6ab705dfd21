# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""How well depth that was extracted from a simulated robot's bag agrees with what was rendered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tqdm import tqdm

from ..extract import extract
from ..extract_config import ExtractConfig
from ..sample import SampleSet

OFF = {'ego_motion': False, 'deskew': False, 'occlusion': False}
CASES = {
    'everything on': {},
    'no deskewing': {'deskew': False},
    'no ego-motion': {'ego_motion': False},
    'no occlusion filter': {'occlusion': False},
    'all of them off': OFF,
}

WRONG = 0.1  # relative error of a point that lies on another surface, rather than beside its own


@dataclass(frozen=True)
class Agreement:
    """
    Errors of measured pixels, relative to the rendered depth; sky counts as infinitely wrong.

    frames, points: how many were compared
    median, p95: of the absolute relative error
    wrong: share of the points with an error above 10 %
    """

    frames: int
    points: int
    median: float
    p95: float
    wrong: float


def agreement(extracted: SampleSet, truth: SampleSet) -> Agreement:
    """Compare the measured pixels of all frames with the rendered frames of the same stamps."""
    rendered = {truth[i].stamp: i for i in range(len(truth))}
    errors = []
    for i in range(len(extracted)):
        sample = extracted[i]
        if sample.stamp not in rendered:
            raise ValueError(
                f'{truth.path} has no frame of the stamp {sample.stamp}; compare a set with the '
                'truth of its own recording'
            )
        measured = sample.depth > 0
        exact = truth[rendered[sample.stamp]].depth[measured]
        with np.errstate(divide='ignore'):
            errors.append(np.abs(sample.depth[measured] - exact) / exact)
    errors = np.concatenate(errors)
    median, p95 = np.percentile(errors, (50, 95), method='lower')
    return Agreement(
        len(extracted), len(errors), float(median), float(p95), float((errors > WRONG).mean())
    )


def judge(recording: str | Path, **options) -> Agreement:
    """
    Extract the bag of a simulated robot and compare it with its truth.

    recording: folder with bag and truth; options: of ExtractConfig
    """
    with TemporaryDirectory() as folder:
        # A handful of frames, for which starting other processes would take longer.
        config = ExtractConfig(workers=1, **options)
        extracted = Path(folder, 'set')
        extract([Path(recording, 'bag')], extracted, config, progress=False)
        return agreement(SampleSet(extracted), SampleSet(Path(recording, 'truth')))


def judge_cases(recording: str | Path) -> dict[str, Agreement]:
    """Judge the extraction as it is and with each of its compensations switched off."""
    cases = tqdm(CASES.items(), desc='extracting', unit='case', disable=None)
    return {name: judge(recording, **options) for name, options in cases}
