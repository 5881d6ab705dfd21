# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
`grin study depthgen`: what infilling and unrolling are worth with labels as sparse as LiDAR's.

Every line has the same pictures, labels and number of steps: training, then fine-tuning at a
lower rate, in which steps are unrolled (DepthGen sec. 3). It is scored on rendered truth, where a
LiDAR would have measured and everywhere. Finished runs are kept, so a broken table is continued,
and one of other sets or steps is refused.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
import json
from pathlib import Path
import time

import numpy as np
import torch
from tqdm import tqdm

from grin_ros.camera import Camera
from grin_ros.checkpoint import DepthGenConfig, ModelConfig
from grin_ros.depth import DepthConfig
from grin_ros.grid import processing_size
from grin_ros.models.grin import GRINConfig
from grin_ros.models.image_encoder import EncoderConfig
from grin_ros.models.unet import UNetConfig
from grin_ros.options import at_least_one
from grin_ros.pipeline import DepthPipeline

from .config import DenseConfig, OptimiserConfig, SourceConfig, TrainConfig
from .evaluation import evaluate
from .manifest import digest
from .metrics import depth_metrics
from .sample import SampleSet
from .sample_writer import SampleSetWriter
from .task import settle
from .trainer import Trainer

SUMMARY = 'what infilling, unrolling, L1 and pre-training are worth to DepthGen, and GRIN beside'
DEPTH = 0.5, 80.0  # metres
NETWORK = UNetConfig(dim=16, multipliers=(1, 2, 4), blocks=(1, 1, 2), heads=4)
DENSE = DepthGenConfig(network=NETWORK, depth=DepthConfig('linear', *DEPTH), steps=32)
GRIN = ModelConfig(
    network=GRINConfig(
        encoder=EncoderConfig('resnet', width=16, blocks=(1, 1, 1, 1)),
        feature_dim=32, neck_layers=(0, 1), interface_dim=48, latent_dim=64, latents=16, blocks=2,
        layers=1, heads=4, rw_heads=4, ray_bands=8,
    ),
    depth=DepthConfig('log', *DEPTH), stride=1,
)  # fmt: skip
FINE_TUNING = 0.3  # share of the steps
RATE, FINE_RATE, LAST_RATE = 1e-3, 3e-4, 1e-5
BEAMS = np.arange(-24.0, 4.0, 2.2)  # degrees above the horizon
REACH = 70.0  # metres
LOST = 0.2  # share of the beams that no echo comes back from


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    infill: bool = True
    unroll: bool = True
    loss: str = 'l1'
    pretrained: bool = True


LINES = {
    'baseline': Line(infill=False, unroll=False),
    'with unrolling': Line(infill=False),
    'with infilling': Line(unroll=False),
    'with both': Line(),
    'with both, L2': Line(loss='l2'),
    'with both, not pre-trained': Line(pretrained=False),
    'GRIN': None,
}


def as_lidar(depth: np.ndarray, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """
    Keep of a dense depth map what a LiDAR at the camera measures of it.

    depth: (H, W), metres
    returns: the same with 0 between the beams, above them, out of reach, and at lost echoes
    """
    rays = camera.unproject(torch.ones(1, *depth.shape)).numpy()
    height = np.degrees(np.arctan2(-rays[1], np.hypot(rays[0], rays[2])))
    ring = np.digitize(height, BEAMS)
    hit = np.zeros(depth.shape, bool)
    hit[1:] = ring[1:] < ring[:-1]  # the beam passes between this row and the one above
    kept = hit & (depth < REACH) & (rng.random(depth.shape) >= LOST)
    return np.where(kept, depth, 0).astype(np.float32)


class Study:
    """
    The runs of a table.

    folder: where they are kept
    train, val: sample sets with dense depth
    """

    def __init__(self, folder: Path, train: SampleSet, val: SampleSet, args: argparse.Namespace):
        task = {'steps': args.steps, 'batch': args.batch, 'sets': [digest(train), digest(val)]}
        settle(folder, task)
        self.folder, self.args = folder, args
        self.pictures = str(train.path)
        self.labelled = self._thinned(train, 'lidar')
        self.sets = {'measured': self._thinned(val, 'lidar_val'), 'all pixels': val}
        # The sides of what is trained on are those that the pipeline fits images of the set to.
        pixels = int(np.prod(train[0].depth.shape))
        self.size = processing_size(train[0].depth.shape, pixels)
        self.dense, self.grin = (replace(model, pixels=pixels) for model in (DENSE, GRIN))

    def _thinned(self, dense: SampleSet, name: str) -> SampleSet:
        """Write a set again as a LiDAR would have measured it; its holes in the sky are marked."""
        folder = self.folder / name
        if not (folder / 'frames.json').is_file():
            with SampleSetWriter(
                folder, source=f'{dense.source}, thinned as by a LiDAR', licence=dense.licence,
                depth_kind='lidar', domain=dense.domain, min_depth=DEPTH[0], max_depth=DEPTH[1],
            ) as writer:  # fmt: skip
                for i in tqdm(range(len(dense)), name, disable=None, leave=False):
                    sample = dense[i]
                    sky = sample.depth <= 0
                    depth = as_lidar(sample.depth, sample.camera, np.random.default_rng(i))
                    writer.add(replace(sample, depth=depth, sky=sky))
        return SampleSet(folder)

    def line(self, name: str, seed: int) -> dict:
        """Train and score one line from one seed, unless that was done before."""
        steps, line = self.args.steps, LINES[name]
        fine = max(1, round(FINE_TUNING * steps))
        if line is None:
            config = self._recipe(self.grin, seed, steps, RATE, LAST_RATE, full_noise=0.6)
            path = self.trained(f'grin_{seed}', config)
        else:
            label = f'{"infill" if line.infill else "holes"}_{line.loss}'
            label += f'{"" if line.pretrained else "_scratch"}_{seed}'
            start = self.pretrained() if line.pretrained else None
            options = {'loss': line.loss, 'full_noise': 0.0}
            config = self._recipe(
                self.dense, seed, steps - fine, RATE, FINE_RATE, initial=start or '',
                dense=DenseConfig(infill=line.infill), **options,
            )  # fmt: skip
            config = self._recipe(
                self.dense, seed, fine, FINE_RATE, LAST_RATE,
                initial=self.trained(label, config), **options,
                dense=DenseConfig(infill=line.infill, unroll=float(line.unroll)),
            )  # fmt: skip
            path = self.trained(f'{label}{"_unrolled" if line.unroll else "_fine"}', config)
        return self.scored(path)

    def pretrained(self) -> str:
        """Return the denoiser of pictures that all lines begin with."""
        model = replace(self.dense, network=replace(NETWORK, channels=3))
        config = self._recipe(model, 0, self.args.steps, RATE, LAST_RATE, loss='l2')
        source = replace(config.sources[0], set='', images=self.pictures)
        return self.trained('pictures', replace(config, sources=(source,)))

    def _recipe(
        self, model: ModelConfig, seed: int, steps: int, rate: float, last: float, **changes
    ) -> TrainConfig:  # fmt: skip
        source = SourceConfig(set=str(self.labelled.path), size=self.size, augment='flip')
        optimiser = OptimiserConfig(lr=rate, final_lr=last, warmup=min(50, steps // 4))
        return TrainConfig(
            model=model, sources=(source,), optimiser=optimiser, steps=steps, seed=seed,
            batch=self.args.batch, pixels=256, ema=0.99, save_every=200, **changes,
        )  # fmt: skip

    def trained(self, name: str, config: TrainConfig) -> str:
        """Train a recipe, or go on with it; returns its checkpoint."""
        folder = self.folder / name
        done = folder / 'minutes'
        if not done.is_file():
            trainer = Trainer(replace(config, output=str(folder)), self.args.device)
            if (folder / 'state.safetensors').is_file():
                trainer.resume()
            busy = time.process_time()
            trainer.run()
            if trainer.stopped:
                raise KeyboardInterrupt
            done.write_text(f'{(time.process_time() - busy) / 60:.2f}')
            (folder / 'state.safetensors').unlink()
        return str(folder / 'last.safetensors')

    def scored(self, path: str) -> dict:
        """Score a checkpoint on what a LiDAR measures and on all pixels."""
        kept = Path(path).with_name('scores.json')
        if not kept.is_file():
            pipeline = DepthPipeline.from_checkpoint(path, self.args.device)
            scores = {name: evaluate(pipeline, one)['metrics'] for name, one in self.sets.items()}
            kept.write_text(json.dumps(scores))
        return json.loads(kept.read_text())

    def without_image(self) -> dict:
        """Score the median depth that was measured in each row of the training pictures."""
        depths = [self.labelled[i].depth for i in range(len(self.labelled))]
        rows = np.stack(depths).swapaxes(0, 1).reshape(len(depths[0]), -1)
        everywhere = np.median(rows[rows > 0])
        guess = np.array([np.median(r[r > 0]) if (r > 0).any() else everywhere for r in rows])
        scores = {}
        for name, one in self.sets.items():
            found = []
            for i in range(len(one)):
                truth = one[i].depth
                valid = (truth >= DEPTH[0]) & (truth <= DEPTH[1])
                depth = np.broadcast_to(guess[:, None], truth.shape)
                found.append(depth_metrics(depth, truth, valid))
            scores[name] = {k: float(np.mean([f[k] for f in found])) for k in found[0]}
        return scores


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin study depthgen`."""
    parser.add_argument('train', type=Path, metavar='TRAIN', help='sample set with dense depth')
    parser.add_argument('val', type=Path, metavar='VAL', help='another one, to score on')
    parser.add_argument('-o', '--output', type=Path, required=True, metavar='DIR', help='of runs')
    parser.add_argument(
        '--steps', type=at_least_one, default=1000, metavar='N', help='of every line (1000)'
    )
    parser.add_argument(
        '--batch', type=at_least_one, default=8, metavar='N', help='images of a step (8)'
    )
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1], metavar='N')
    parser.add_argument('--only', nargs='+', metavar='LINE', help='these lines of the table')
    parser.add_argument(
        '--device', default='cuda' if torch.cuda.is_available() else 'cpu', metavar='D',
        help='cpu, cuda, cuda:1 ... (default here: %(default)s)',
    )  # fmt: skip


def measure(args: argparse.Namespace) -> tuple[str, list[dict]]:
    """Return a title and the rows of the table."""
    names = args.only or list(LINES)
    unknown = [name for name in names if name not in LINES]
    if unknown:
        raise ValueError(f'there is no line {unknown[0]!r}; choose of {", ".join(LINES)}')
    study = Study(args.output, SampleSet(args.train), SampleSet(args.val), args)
    found: dict[str, list[dict]] = {name: [] for name in names}
    # Seed by seed, so that a table that is stopped early has all its lines.
    for seed in args.seeds:
        for name in tqdm(names, f'seed {seed}', unit='line', disable=None):
            found[name].append(study.line(name, seed))
    rows = [_row(name, scores) for name, scores in found.items()]
    rows.append(_row('no image: median of the row', [study.without_image()]))
    title = (
        f'{args.steps} steps of {args.batch} images, seeds {", ".join(map(str, args.seeds))}; '
        'mean and half the range over seeds'
    )
    return title, rows


def _row(name: str, scores: Sequence[dict]) -> dict:
    """Bring scores of several seeds to cells."""
    row = {'': name}
    for place in scores[0]:
        for metric in ('abs_rel', 'rmse', 'delta1'):
            values = [one[place][metric] for one in scores]
            spread = '' if len(values) == 1 else f' ± {np.ptp(values) / 2:.3f}'
            row[f'{place} {metric}'] = f'{np.mean(values):.3f}{spread}'
    return row
