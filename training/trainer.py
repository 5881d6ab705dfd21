# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The trainer: draws labelled pixels, noises their depth, and teaches a denoiser to undo it.

Stages, data and ablations are the recipe's; this loop is the same for all of them (GRIN sec. 4.1
and 4.4: loss and noise live in log depth, pixels without a label do not exist). One process or
many share each batch: the answer is the same.
"""

from __future__ import annotations

import math
from pathlib import Path
import signal
import time

import torch
from torch import nn
from tqdm import tqdm

from grin_ros.checkpoint import save
from grin_ros.config import to_dict
from grin_ros.models.neck import absorb_counts, Standardise

from .board import Board, views
from .config import TrainConfig
from .dataset import Batch, Batches
from .dense import DenseBatches, DenseObjective
from .ema import EMA
from .features import open_caches
from .initial import initial_model
from .loader import load_ahead
from .manifest import earlier
from .objective import Objective
from .optimiser import build_optimiser, learning_rate
from .palette import PaletteBatches
from .processes import Processes
from .recipe import portable
from .source import Source
from .state import differences, identity, load_state, save_state
from .stop import Stop
from .validation import Validation

PATIENCE = 50  # steps in a row that may be skipped before a run is given up


class Trainer:
    """
    Trains a recipe from its first or its last saved step.

    config: the recipe
    device: where to compute
    cached: keep the features of a frozen encoder on disk; False encodes in every step
    stopped: the number of the signal that asked `run` to stop, or 0
    """

    def __init__(
        self, config: TrainConfig, device: str | torch.device = 'cpu', cached: bool = True
    ):
        self.config, self.processes = config, Processes(device)
        self.device = self.processes.device
        self.folder = Path(config.output)
        sources = [
            Source(s, config.model.pixels, config.validation.holdout, config.labels)
            for s in config.sources
        ]
        self.validation = Validation(config.validation, sources, config.model)
        self.model = initial_model(config).to(self.device)
        caches = None
        if cached and config.model.frozen:
            with self.processes.one_first():
                caches = open_caches(config, sources, self.model, self.device)
        share = self.processes.rank, self.processes.world
        if config.model.dense:
            kind = PaletteBatches if config.model.network.channels == 3 else DenseBatches
            self.batches, self.objective = kind(config, sources, *share), DenseObjective(config)
        else:
            self.batches = Batches(config, sources, caches, *share)
            self.objective = Objective(config)
        self.norms = [m for m in self.model.modules() if isinstance(m, Standardise)]
        self.trainable = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = build_optimiser(self.model, config.optimiser)
        self.ema = EMA(self.model, config.ema)
        self.earlier = earlier(config.initial)  # stages behind the weights it starts from
        self.identity = identity(self.batches.manifest(), self.model)
        self.step, self.seconds, self.stopped = 0, 0.0, 0
        self.skipped, self.best = 0, math.inf
        self.figures: dict[str, dict[str, float]] = {}  # of the last validation

    def gradients(self, batches: list[Batch], stop: bool = False) -> tuple[float, bool]:
        """
        Leave the gradients of a step's batches in the parameters, summed over all processes.

        stop: whether this process was asked to stop
        returns: loss, and whether any of the processes was
        """
        config, stage = self.config, self.config.stage_at(self.step)[2]
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        if not all(norm.updates for norm in self.norms):
            with torch.no_grad():  # else the very first step would see raw features
                for batch in batches:
                    self.objective(self.model, batch.to(self.device))
            absorb_counts(self.norms, self.processes.sum)
        total = 0.0
        for batch in batches:
            # One state for every pass of a step, whichever process makes it; and steps are seeded
            # one by one, so that a resumed run repeats an unbroken one, bit for bit on CPU.
            torch.manual_seed(config.seed * 1_000_003 + self.step)
            loss = self.objective(self.model, batch.to(self.device), stage.loss)
            loss.backward()
            total += loss.item()
        absorb_counts(self.norms, self.processes.sum)
        total, stops = self.processes.sum_gradients(self.trainable, [total, float(stop)])
        return total, bool(stops)

    def train_step(self, batches: list[Batch]) -> float:
        """
        Take one optimiser step on the mean loss over all images.

        returns: the loss; NaN if it or a gradient was not finite, and the step was skipped
        """
        _, step, stage = self.config.stage_at(self.step)
        self.rate = learning_rate(step, stage.steps, stage)
        for group in self.optimiser.param_groups:
            group['lr'] = self.rate * group['share']
        mean, stop = self.gradients(batches, bool(self.stopped))
        if stop and not self.stopped:
            self.stopped = signal.SIGTERM  # as another process was told
        self.norm = nn.utils.clip_grad_norm_(
            [p for p in self.trainable if p.grad is not None], self.config.optimiser.clip
        ).item()
        finite = math.isfinite(self.norm) and math.isfinite(mean)
        if finite:
            self.optimiser.step()
            self.ema.update(self.model)
        self.step += 1
        self.skipped = 0 if finite else self.skipped + 1
        return mean if finite else math.nan

    def run(self) -> list[float]:
        """
        Train to the last step, or until a signal asks to stop; returns the losses of this run.

        raises: ValueError if so many steps in a row were not finite that none will be
        """
        config, first, losses = self.config, self.processes.first, []
        board = Board(self.folder / 'board', self.step) if first else None
        if first and not self.step:
            board.picture(0, 'views', views(self.batches.sources, config.seed))
        pin = self.device.type == 'cuda'
        loader = load_ahead(self.batches, self.step, config.steps, config.workers, pin)
        bar = tqdm(
            total=config.steps, initial=self.step, desc='train', unit='step', disable=not first
        )
        with Stop() as stop:
            begin = time.monotonic()
            for batches in loader:
                self.stopped = stop.signal
                losses.append(self.train_step(batches))
                took, begin = time.monotonic() - begin, time.monotonic()
                self.seconds += took
                if first:
                    self._report(bar, board, losses, took)
                if self.skipped >= PATIENCE:
                    raise ValueError(self._diverged())
                self._keep(board)
                if self.stopped:
                    break
                begin = time.monotonic()
            self.stopped = self.stopped or stop.signal  # one that came in the last step
        loader.close()
        bar.close()
        if first:
            board.close()
        return losses

    def _diverged(self) -> str:
        last = self.folder / 'last.safetensors'
        start = f', from `initial: {last}`' if last.is_file() else ''
        return (
            f'the last {PATIENCE} steps of {self.folder} had a loss or gradient that is not '
            f'finite; train with a lower rate into another output{start}'
        )

    def _report(self, bar: tqdm, board: Board, losses: list[float], took: float) -> None:
        """Show the step that was just taken."""
        if math.isnan(losses[-1]):
            bar.write(f'step {self.step - 1}: loss or gradient not finite, step skipped')
        board.scalars(
            self.step,
            {
                'train/loss': losses[-1], 'train/gradient_norm': self.norm, 'train/lr': self.rate,
                'train/images_per_second': self.config.batch / took,
                'train/skipped_in_a_row': self.skipped,
            },
        )  # fmt: skip
        recent = [x for x in losses[-20:] if not math.isnan(x)]
        bar.update()
        bar.set_postfix(loss=f'{sum(recent) / len(recent):.4f}' if recent else 'nan')

    def _keep(self, board: Board | None) -> None:
        """Validate and save where it is time to."""
        config, last = self.config, self.step == self.config.steps
        if self.validation.due(self.step, config.steps):
            if self.processes.first:
                self.validate(board)
            self.processes.wait()
        if self.step % config.save_every == 0 or last or self.stopped:
            if self.processes.first:
                self.save()
            self.processes.wait()

    def validate(self, board: Board | None = None) -> None:
        """Score the averaged weights, and keep them as `best.safetensors` if they are."""
        self.ema.swap(self.model)
        self.figures, picture = self.validation(self.model, self.device)
        if board:
            for name, figures in self.figures.items():
                board.scalars(self.step, {f'{name}/{k}': v for k, v in figures.items()})
            board.picture(self.step, 'validation', picture)
        if self.figures['mean']['abs_rel'] < self.best:
            self.best = self.figures['mean']['abs_rel']
            self._checkpoint('best')
        self.ema.swap(self.model)

    def _checkpoint(self, name: str) -> None:
        facts = {'validation': self.figures} if self.figures else {}
        save(
            self.folder / f'{name}.safetensors', self.model, self.config.model, half=True,
            step=self.step, hours=round(self.seconds / 3600, 3), device=str(self.device),
            processes=self.processes.world, sources=self.batches.manifest(),
            recipe=portable(self.config), earlier=self.earlier, **facts,
        )  # fmt: skip

    def save(self) -> None:
        """
        Write what is of use, and what training needs to go on.

        `last.safetensors` holds the averaged weights in half precision, for the node;
        `state.safetensors` everything from which `resume` goes on exactly. It comes last, so that
        a run that was killed in between writes the other again.
        """
        self.ema.swap(self.model)
        self._checkpoint('last')
        self.ema.swap(self.model)
        save_state(
            self.folder / 'state.safetensors', self.model, self.optimiser, self.ema,
            step=self.step, seconds=self.seconds, config=to_dict(self.config),
            best=self.best if math.isfinite(self.best) else None, figures=self.figures,
            skipped=self.skipped, identity=self.identity, judged=self.validation.identity,
        )  # fmt: skip

    def resume(self) -> None:
        """
        Go on from the saved state.

        raises: FileNotFoundError without one, ValueError where the recipe has changed
        """
        extra = load_state(self.folder / 'state.safetensors', self.model, self.optimiser, self.ema)
        changed = differences(extra['config'], self.config)
        before = extra.get('identity', {})
        changed += [name for name in before if before[name] != self.identity[name]]
        if changed:
            raise ValueError(
                f'{self.folder} was trained with another {", ".join(changed)}; '
                'use the same recipe to resume, or another output'
            )
        self.step, self.seconds = extra['step'], extra['seconds']
        self.figures, self.skipped = extra.get('figures', {}), extra.get('skipped', 0)
        # What other frames were judged by says nothing of these.
        same = extra.get('judged', self.validation.identity) == self.validation.identity
        self.best = extra['best'] if same and extra.get('best') is not None else math.inf
