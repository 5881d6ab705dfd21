# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""How good a model is while it trains, measured through the same pipeline as the node's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from tqdm import tqdm

from grin_ros.checkpoint import ModelConfig
from grin_ros.models.grin import GRIN
from grin_ros.pipeline import DepthPipeline

from .config import ValidationConfig
from .contact_sheet import ContactSheet
from .evaluation import evaluate
from .manifest import digest
from .sample import SampleSet
from .source import Part, Source

SHOWN = 2  # frames of each set in the picture


class Validation:
    """
    The sets that a run is judged by: those that the recipe names, or what its sources held out.

    `validation()` scores a model on all of them; without any it is false.
    """

    def __init__(self, config: ValidationConfig, sources: Sequence[Source], model: ModelConfig):
        self.config, self.model_config = config, model
        self.sets: list[SampleSet | Part] = [SampleSet(path) for path in config.sets]
        self.sets += [source.held for source in sources if source.held]

    def __len__(self) -> int:
        return len(self.sets)

    @property
    def identity(self) -> list:
        """What the figures are of: name, size and digest of each set, and frames; for JSON."""
        whole = [getattr(samples, 'samples', samples) for samples in self.sets]
        sets = [[s.name, len(s), digest(w)] for s, w in zip(self.sets, whole, strict=True)]
        return [*sets, self.config.frames]

    def due(self, step: int, last: int) -> bool:
        """Tell whether to validate after so many steps."""
        return bool(self.sets) and (step % self.config.every == 0 or step == last)

    def __call__(
        self, model: GRIN, device: torch.device
    ) -> tuple[dict[str, dict[str, float]], np.ndarray]:
        """
        Score a model; its mode is put back afterwards.

        returns: set -> metrics, with the mean over the sets as `mean`; and a picture (H, W, 3)
        """
        training = model.training
        pipeline = DepthPipeline(model, self.model_config, device)
        sheet, figures = ContactSheet(), {}
        names = unique(samples.name for samples in self.sets)
        bar = tqdm(self.sets, 'validate', unit='set', leave=False, disable=None)
        for name, samples in zip(names, bar, strict=True):
            seen = []

            def show(sample, depth, valid, name=name, seen=seen):
                seen.append(sample.stem)
                if len(seen) <= SHOWN:
                    sheet.add(name, sample, depth, valid)

            report = evaluate(pipeline, samples, limit=self.config.frames, on_frame=show)
            figures[name] = report['metrics']
        model.train(training)
        metrics = next(iter(figures.values()))
        mean = {m: float(np.mean([f[m] for f in figures.values()])) for m in metrics}
        return {**figures, 'mean': mean}, sheet.picture()


def unique(names: Iterable[str]) -> Iterator[str]:
    """Number names that were there before: val, val 2; `mean` is that of all."""
    taken = {'mean'}
    for name in names:
        number, free = 1, name
        while free in taken:
            number += 1
            free = f'{name} {number}'
        taken.add(free)
        yield free
