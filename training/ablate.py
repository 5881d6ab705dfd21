# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin ablate`: what each part of the method is worth, at an equal small budget.

One recipe is trained again and again with one thing changed (GRIN sec. 5.6 and its claims), from
several seeds, and scored on sample sets. All runs share the cached features of a frozen encoder.
Every finished run is kept as JSON, so that a broken table is continued, not begun again, and with
a fingerprint, so that a changed recipe is.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
import hashlib
import json
from pathlib import Path
import re
import sys

import numpy as np
import torch

from grin_ros.bench import Frame, medians
from grin_ros.config import from_dict, load_yaml
from grin_ros.pipeline import DepthPipeline
from grin_ros.precision import autocast

from .ablation_lines import VARIANTS
from .ablation_table import latencies, table
from .config import TrainConfig, ValidationConfig
from .evaluation import domain_means, evaluate, spread_over
from .manifest import digest
from .recipe import expand, load_recipe
from .sample import Sample, SampleSet
from .state import essence
from .trainer import Trainer
from .transforms import rectify

ZOOM = 0.6  # share of the image that the picture with the longer focal length shows
STEPS = (2, 10)  # of sampling
TIMED = (480, 640)  # size of the image that is timed
ROUNDS = 20


@dataclass(frozen=True)
class AblationConfig:
    """What is trained, for how long, and on what it is scored."""

    recipe: str  # of `grin train`, relative to this file
    sets: tuple[str, ...]  # to score on
    focal: tuple[str, ...]  # of these, each frame is looked at with two focal lengths
    steps: int = 400  # of training
    seeds: tuple[int, ...] = (0, 1)
    frames: int = 8  # of each set, spread evenly over it
    lines: tuple[str, ...] = tuple(VARIANTS)  # of the table
    encoders: dict[str, str] = field(default_factory=dict)  # kind -> its encoder_weights
    latency: bool = False  # time encoder and inference of every line as well
    about: str = 'Ablations'  # title of the page, and what is said under it
    output: str = '../runs/ablations'

    def __post_init__(self):
        unknown = [name for name in self.lines if name not in VARIANTS]
        if unknown or not self.lines:
            raise ValueError(
                f'there is no line {"".join(unknown[:1])!r}; choose of {", ".join(VARIANTS)}'
            )


def score(pipeline: DepthPipeline, config: AblationConfig, sets, focal) -> dict:
    """Score a model: domain means and sets at each of STEPS, and what a longer lens does to it."""
    found = {}
    for steps in STEPS:
        reports = [evaluate(pipeline, s, steps=steps, limit=config.frames) for s in sets]
        found[str(steps)] = {'domains': domain_means(reports), 'sets': reports}
    pairs = [
        focal_pair(pipeline, rectify(s[i]))
        for s in focal
        for i in spread_over(len(s), config.frames)
    ]
    pairs = [pair for pair in pairs if pair]
    means = {k: float(np.mean([p[k] for p in pairs])) for k in pairs[0]} if pairs else {}
    return {**found, 'focal': means}


def focal_pair(pipeline: DepthPipeline, sample: Sample) -> dict[str, float]:
    """
    Look at one scene with two focal lengths: the whole image and its middle, enlarged.

    returns: drift, |ln| of the median ratio of the depths that the two give to the same points,
        0 where metric depth is kept; whole and middle, abs_rel of both on the middle's truth;
        nothing where there is no truth or no answer in the middle
    """
    height, width = sample.depth.shape
    h, w = round(ZOOM * height), round(ZOOM * width)
    top, left = (height - h) // 2, (width - w) // 2
    window = np.s_[top : top + h, left : left + w]
    middle = np.ascontiguousarray(sample.image[window])
    steps = STEPS[-1]
    whole = pipeline.infer(sample.image, sample.camera, steps=steps).depth[window]
    close = pipeline.infer(middle, sample.camera.crop(top, left, h, w), steps=steps).depth
    truth = sample.depth[window]
    known = (truth > 0) & np.isfinite(whole) & np.isfinite(close)
    if not known.any():
        return {}
    error = {
        name: float(np.mean(np.abs(depth - truth)[known] / truth[known]))
        for name, depth in (('whole', whole), ('middle', close))
    }
    return {'drift': float(abs(np.log(np.median(close[known] / whole[known])))), **error}


class Ablation:
    """
    A table of runs.

    path: YAML file of an AblationConfig
    steps: of training, instead of the file's
    """

    def __init__(self, path: str | Path, steps: int | None = None):
        path = Path(path)
        config = from_dict(AblationConfig, load_yaml(path), str(path))
        self.config = replace(config, steps=steps or config.steps)
        self.path, self.folder = path, path.parent / config.output
        self.sets, self.focal = (
            [SampleSet(path.parent / expand(name, path)) for name in names]
            for names in (config.sets, config.focal)
        )
        recipe = load_recipe(path.parent / config.recipe)
        warmup = min(recipe.optimiser.warmup, self.config.steps // 4)
        self.recipe = replace(
            recipe,
            steps=self.config.steps,
            stages=(),
            initial='',  # of another network, where that is what is changed
            sources=tuple(replace(s, weight=s.weights[0]) for s in recipe.sources),
            optimiser=replace(recipe.optimiser, warmup=warmup),
            save_every=self.config.steps,
            validation=ValidationConfig(),
            features=recipe.features or str(self.folder / 'features'),
        )

    def train_config(self, name: str, seed: int) -> TrainConfig:
        """Give the recipe of one line, from one seed."""
        config = replace(self.recipe, seed=seed, output=str(self._folder(name, seed)))
        config = VARIANTS[name](config)
        weights = dict(config.encoder_weights)
        for kind in config.model.network.encoder.kinds:
            if kind not in weights and kind in self.config.encoders:
                path = self.path.parent / expand(self.config.encoders[kind], self.path)
                weights[kind] = str(path)
        return replace(config, encoder_weights=weights)

    def fingerprint(self, name: str, seed: int) -> str:
        """Tell runs apart of which recipe, sets or scores would differ; folders may move."""
        config = self.train_config(name, seed)
        trained = [SampleSet(source.set) for source in config.sources if source.set]
        sets = [[digest(s) for s in group] for group in (trained, self.sets, self.focal)]
        content = [essence(config), sets, self.config.frames, STEPS, ZOOM]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def run(self, name: str, seed: int, device: str) -> dict:
        """Train and score one line from one seed, unless the same was done before."""
        folder = self._folder(name, seed)
        kept = folder / f'scores_{self.config.steps}.json'
        scores = json.loads(kept.read_text()) if kept.is_file() else {}
        fingerprint = self.fingerprint(name, seed)
        if scores.get('fingerprint') == fingerprint:
            return scores
        trainer = Trainer(self.train_config(name, seed), device)
        losses = trainer.run()
        if trainer.stopped:
            raise KeyboardInterrupt
        pipeline = DepthPipeline.from_checkpoint(folder / 'last.safetensors', device)
        scores = score(pipeline, self.config, self.sets, self.focal)
        scores |= {'loss': float(np.nanmean(losses[-20:])), 'hours': trainer.seconds / 3600}
        scores |= {'fingerprint': fingerprint}
        kept.write_text(json.dumps(scores))
        (folder / 'state.safetensors').unlink()  # several times the weights, and of no use now
        return scores

    def latency(self, names: Sequence[str], device: str) -> dict[str, dict[str, float]]:
        """
        Time the lines in turn, so that what else the machine does meets all alike.

        returns: name -> encoder and infer, milliseconds, medians; parameters of the encoder
        """
        cases, found = {}, {}
        for name in names:
            folder = self._folder(name, self.config.seeds[0])
            pipeline = DepthPipeline.from_checkpoint(folder / 'last.safetensors', device)
            frame = Frame(pipeline, TIMED)
            cases[f'{name} encoder'] = partial(_encode, frame)
            cases[f'{name} infer'] = partial(pipeline.infer, frame.image, None)
            found[name] = {
                'parameters': sum(p.numel() for p in pipeline.model.encoder.parameters())
            }
        cuda = torch.device(device).type == 'cuda'
        ms = medians(cases, ROUNDS, lambda: torch.cuda.synchronize(device) if cuda else None)
        for name, figures in found.items():
            figures |= {part: ms[f'{name} {part}'] for part in ('encoder', 'infer')}
        return found

    def _folder(self, name: str, seed: int) -> Path:
        slug = re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')
        return self.folder / f'{slug}_{seed}'


@torch.inference_mode()
def _encode(frame: Frame) -> None:
    with autocast(frame.pipeline.device):
        frame.model.features(frame.picture)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin ablate`."""
    parser.add_argument('config', help='YAML file, such as config/ablations.yaml')
    parser.add_argument(
        '-o', '--output', type=Path, metavar='MD', help='page to write (docs/NAME OF CONFIG.md)'
    )
    parser.add_argument(
        '--steps', type=int, metavar='N', help="of training, instead of the file's"
    )
    parser.add_argument('--only', nargs='+', metavar='LINE', help='these lines of the table')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu', metavar='D',
        help='cpu, cuda, cuda:1 ... (default here: %(default)s)',
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Train and score every line, and write the table after each."""
    if args.steps is not None and args.steps < 4:
        raise ValueError('--steps must be at least 4')
    ablation = Ablation(args.config, args.steps)
    page = args.output or Path('docs', Path(args.config).stem).with_suffix('.md')
    names = args.only or ablation.config.lines
    unknown = [name for name in names if name not in ablation.config.lines]
    if unknown:
        choices = ', '.join(ablation.config.lines)
        raise ValueError(f'{args.config} has no line {unknown[0]!r}; choose of {choices}')
    scores: dict[str, list[dict]] = {}
    # Seed by seed, so that a table that is stopped early has all its lines.
    for seed in ablation.config.seeds:
        for name in names:
            print(f'{name}, seed {seed}', file=sys.stderr, flush=True)
            scores.setdefault(name, []).append(ablation.run(name, seed, args.device))
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(table(scores, ablation.config, ablation.recipe, args.device, ZOOM))
    if ablation.config.latency:
        figures = ablation.latency(names, args.device)
        with page.open('a') as file:
            file.write(latencies(figures, ablation.recipe.model, args.device, ROUNDS))
    print(f'wrote {page}')
    return 0
