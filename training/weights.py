# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The command `grin weights`: the default weights from nothing, in one resumable recipe.

Sets are rendered, the stages trained one after the other, each from the last of the one before,
and the uncertainty is calibrated. What is done stays done: a second call goes on where the first
was stopped. With `--steps` the same happens in miniature, in a folder of its own.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, replace
import math
import os
from pathlib import Path
import sys

import torch

from grin_ros.checkpoint import amend, load
from grin_ros.config import from_dict, load_yaml
from grin_ros.pipeline import DepthPipeline

from .average import average
from .calibrate import calibrate
from .config import TrainConfig, ValidationConfig
from .recipe import load_recipe
from .sample import SampleSet
from .stop import SIGNALLED
from .trainer import Trainer
from .world import synth

ASSETS = 'GRIN_ASSETS'  # names the asset pack: photographs for the worlds, and worlds of meshes
RESULT = 'grin.safetensors'
FEW = 16  # pictures that are rendered sooner than a pool of processes has started


@dataclass(frozen=True)
class RenderConfig:
    """One set to render: a procedural world, or a world of the asset pack."""

    count: int
    seed: int  # of the first picture
    domain: str = ''
    world: str = ''
    size: tuple[int, int] = (384, 480)  # 1.5 times the views that are cut from it

    def __post_init__(self):
        if bool(self.domain) == bool(self.world):
            raise ValueError(f'a rendered set needs either `domain` or `world`, not {self}')


@dataclass(frozen=True)
class WeightsConfig:
    """Everything between a fresh clone and the default weights."""

    stages: tuple[str, ...]  # recipes of `grin train`, relative to this file
    average: tuple[float, ...] = ()  # shares of the stages in the result; none = the last one
    render: dict[str, RenderConfig] = field(default_factory=dict)  # sets by their names
    calibrate: tuple[str, ...] = ()  # names of rendered sets that no stage trains on
    frames: int = 24  # of each of them
    samples: int = 4  # of each frame
    sets: str = '../out/sets'  # folder of rendered sets
    output: str = '../runs/weights'  # folder of the stages and the result
    facts: dict[str, str] = field(default_factory=dict)  # told by `grin info`

    def __post_init__(self):
        if self.average and len(self.average) != len(self.stages):
            raise ValueError(f'average needs a share for each of {len(self.stages)} stages')
        unknown = sorted(set(self.calibrate) - set(self.render))
        if unknown:
            raise ValueError(f'calibrate names {", ".join(unknown)}, which `render` does not')


class Recipe:
    """
    A recipe of weights with all its paths, as it is or in miniature.

    path: YAML file of a WeightsConfig
    steps: train for so many steps over all stages, and render and encode as much less; None = all
    output: folder for everything that is made, instead of the recipe's
    """

    def __init__(self, path: str | Path, steps: int | None = None, output: Path | None = None):
        path = Path(path)
        self.config = from_dict(WeightsConfig, load_yaml(path), str(path))
        stages = [load_recipe(path.parent / name, optional=True) for name in self.config.stages]
        total = sum(stage.steps for stage in stages)
        self.share = 1.0 if steps is None else min(1.0, steps / total)
        self.output = output or path.parent / self.config.output
        self.sets = output / 'sets' if output else path.parent / self.config.sets
        if steps is not None and output is None:
            self.output = self.output.with_name(f'{self.output.name}_{steps}')
            self.sets = self.output / 'sets'
        self.result = self.output / RESULT
        self.assets = os.environ.get(ASSETS, '')
        self.stages = [self._stage(number, stage) for number, stage in enumerate(stages, 1)]

    def count(self, name: str) -> int:
        """Give how many pictures of a rendered set are made."""
        return max(min(8, self.config.render[name].count), self._scaled(name))

    def _scaled(self, name: str) -> int:
        return math.ceil(self.share * self.config.render[name].count)

    def rendered(self) -> list[str]:
        """Name the sets that can be rendered with what is at hand."""
        return [name for name, r in self.config.render.items() if r.domain or self.assets]

    def _stage(self, number: int, stage: TrainConfig) -> TrainConfig:
        """Give a stage its place in the chain, its rendered sets, and its size."""
        names, sources = self.rendered(), []
        for source in stage.sources:
            name = Path(source.set).name
            if source.set and name in self.config.render:
                if name not in names:
                    continue
                source = replace(source, set=str(self.sets / name))
            if self.share < 1:
                source = replace(source, variants=1, count=math.ceil(self.share * source.count))
            sources.append(source)
        initial = (
            stage.initial if number == 1 else str(self._folder(number - 1) / 'last.safetensors')
        )
        stage = replace(
            stage,
            sources=tuple(sources),
            initial=initial,
            encoder_weights={} if initial else stage.encoder_weights,
            output=str(self._folder(number)),
            features=str(self.output / 'features'),
        )
        return stage if self.share == 1 else self._small(stage)

    def _folder(self, number: int) -> Path:
        return self.output / f'stage_{number}'

    def _small(self, stage: TrainConfig) -> TrainConfig:
        """Shorten a stage and its warm-up, in batches of two; nothing is validated on the way."""

        def fewer(steps: int) -> int:
            return max(1, round(self.share * steps))

        optimiser = replace(stage.optimiser, warmup=fewer(stage.optimiser.warmup))
        return replace(
            stage,
            steps=fewer(stage.steps),
            batch=min(2, stage.batch),
            stages=tuple(replace(s, steps=fewer(s.steps)) for s in stage.stages),
            optimiser=optimiser,
            validation=ValidationConfig(),
        )

    def render(self) -> None:
        """
        Render the sets that are missing.

        raises: ValueError where one of that name holds something else
        """
        for name in self.rendered():
            config, folder = self.config.render[name], self.sets / name
            words = ['-o', str(folder), '--seed', str(config.seed)]
            words += ['--count', str(self.count(name)), '--size', '{}x{}'.format(*config.size)]
            if self.count(name) <= FEW:
                words += ['--workers', '1']
            if config.world:
                words += ['--assets', self.assets, '--world', config.world]
            else:
                words += ['--domain', config.domain]
                words += ['--textures', str(Path(self.assets, 'textures'))] if self.assets else []
            parser = argparse.ArgumentParser()
            synth.add_arguments(parser)
            options = parser.parse_args(words)
            if (folder / 'frames.json').is_file():
                _check(SampleSet(folder), synth.source(options), config.size)
                continue
            _say(f'render {name}')
            synth.run(options)

    def train(self, device: str) -> int:
        """Train the stages, each from where it is; returns the signal that ended one, or 0."""
        for number, stage in enumerate(self.stages, 1):
            trainer = Trainer(stage, device)
            if (trainer.folder / 'state.safetensors').is_file():
                trainer.resume()
            if trainer.step < stage.steps:
                _say(f'stage {number} of {len(self.stages)}: step {trainer.step} of {stage.steps}')
                trainer.run()
            if trainer.stopped:
                return trainer.stopped
        return 0

    def calibrate(self, device: str) -> None:
        """Average and write the result, calibrated, unless it is newer than its last stage."""
        last = self._folder(len(self.stages)) / 'last.safetensors'
        if self.result.is_file() and self.result.stat().st_mtime >= last.stat().st_mtime:
            return
        if self.config.average:
            paths = [self._folder(n) / 'last.safetensors' for n in range(1, len(self.stages) + 1)]
            last = self.output / 'average.safetensors'
            average(paths, self.config.average, last)
        names = [name for name in self.config.calibrate if name in self.rendered()]
        sets = [SampleSet(self.sets / name) for name in names]
        if sets:
            _say('calibrate')
            pipeline = DepthPipeline.from_checkpoint(last, device)
            part = self.output / 'calibrated.safetensors'
            calibrate(
                last, part, sets, pipeline,
                frames=self.config.frames, samples=self.config.samples,
            )  # fmt: skip
        else:
            part = last
        _, config, metadata = load(part)
        amend(part, self.result, config, {**metadata, **self.config.facts}, packed=True)


def _check(samples: SampleSet, source: str, size: tuple[int, int]) -> None:
    """Refuse a set that is not the one that the recipe would render."""
    found = samples.source, tuple(samples.camera(0).size)
    if found != (source, tuple(size)):
        raise ValueError(
            f'{samples.path} holds {found[0]}, {found[1][0]} x {found[1][1]}, and the recipe asks '
            f'for {source}, {size[0]} x {size[1]}: move it away, or name another folder in `sets`'
        )


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin weights`."""
    parser.add_argument('recipe', help='YAML file, such as config/weights.yaml')
    parser.add_argument(
        '--steps', type=int, metavar='N', help='in miniature: so many steps over all stages'
    )
    parser.add_argument('-o', '--output', type=Path, help="folder, instead of the recipe's")
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu', metavar='D',
        help='cpu, cuda, cuda:1 ... (default here: %(default)s)',
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Make the weights, or what is left to do of them."""
    if args.steps is not None and args.steps < 1:
        raise ValueError('--steps must be at least 1')
    recipe = Recipe(args.recipe, args.steps, args.output)
    recipe.render()
    stopped = recipe.train(args.device)
    if stopped:
        print('stopped and saved; the same command goes on')
        return SIGNALLED + stopped
    recipe.calibrate(args.device)
    print(f'wrote {recipe.result}')
    return 0
