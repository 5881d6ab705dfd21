# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The trainer: draws labelled pixels, noises their depth, and teaches a denoiser to undo it.

Stage, data and ablations are the recipe's; this loop is the same for all of them (GRIN sec. 4.1
and 4.4: loss and noise live in log depth, pixels without a label do not exist).
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
import math
from pathlib import Path
import time

from safetensors.torch import load_file
import torch
from torch import nn
from tqdm import tqdm

from grin_ros.checkpoint import build_model, load, save
from grin_ros.config import to_dict
from grin_ros.depth import DepthTransform
from grin_ros.diffusion.loss import masked_loss
from grin_ros.diffusion.schedule import add_noise, Schedule, target_of
from grin_ros.models.grin import GRIN
from grin_ros.pipeline import autocast

from .config import load_recipe, OptimiserConfig, TrainConfig
from .dataset import Batch, Batches
from .ema import EMA
from .lion import Lion
from .state import load_state, save_state


def build_optimiser(model: nn.Module, config: OptimiserConfig) -> torch.optim.Optimizer:
    """AdamW or LION over the trainable parameters; decay on matrices only (GRIN sec. 5.2)."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {'params': [p for p in trainable if p.ndim > 1], 'weight_decay': config.weight_decay},
        {'params': [p for p in trainable if p.ndim <= 1], 'weight_decay': 0.0},
    ]
    kind = torch.optim.AdamW if config.kind == 'adamw' else Lion
    return kind(groups, lr=config.lr, betas=config.betas)


def learning_rate(step: int, steps: int, config: OptimiserConfig) -> float:
    """Linear warm-up, then a cosine from lr to final_lr at the last step."""
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    progress = (step - config.warmup) / max(1, steps - config.warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return config.final_lr + (config.lr - config.final_lr) * cosine


def initial_model(config: TrainConfig) -> GRIN:
    """Build the model with a seeded initialisation, or the weights that the recipe names."""
    torch.manual_seed(config.seed)
    model = build_model(config.model)
    if config.initial:
        loaded, found, _ = load(config.initial)
        if found.network != config.model.network:
            raise ValueError(f'{config.initial} holds another network than the recipe describes')
        model.load_state_dict(loaded.state_dict())
    elif config.encoder_weights:
        if config.model.network.encoder.kind != 'hiera':
            raise ValueError('encoder_weights are for encoder.kind hiera; leave them out')
        path = Path(config.encoder_weights)
        if not path.is_file():
            raise FileNotFoundError(f'there is no file {path} of encoder_weights')
        model.encoder.load_sam2(load_file(path))
    elif config.model.network.encoder.frozen:
        raise ValueError('a frozen encoder needs encoder_weights or an initial checkpoint')
    return model


class Trainer:
    """
    Trains a recipe from its first or its last saved step.

    config: the recipe
    device: where to compute
    """

    def __init__(self, config: TrainConfig, device: str | torch.device = 'cpu'):
        self.config, self.device = config, torch.device(device)
        self.folder = Path(config.output)
        self.model = initial_model(config).to(self.device)
        self.batches = Batches(config, self.model, self.device)
        self.optimiser = build_optimiser(self.model, config.optimiser)
        self.ema = EMA(self.model, config.ema)
        self.transform = DepthTransform(config.model.depth)
        self.schedule = Schedule(config.model.schedule)
        self.step, self.seconds = 0, 0.0

    def loss(self, batch: Batch, generator: torch.Generator) -> torch.Tensor:
        """
        Denoising loss of one batch; all random numbers come from the generator.

        Latent self-conditioning as in RIN's code: latents of a first pass without gradient, for a
        share of the images, zeros for the others.
        """
        config, network = self.config, self.model.config
        valid = batch.depth > 0
        x_0 = self.transform.encode(torch.where(valid, batch.depth, 1.0))
        count = x_0.shape[0]
        t = torch.rand(count, generator=generator)
        full = torch.rand(count, generator=generator) < config.full_noise
        gamma = self.schedule.gamma(torch.where(full, 1.0, t)).to(self.device)
        eps = torch.randn(x_0.shape, generator=generator).to(self.device)
        x_t = add_noise(x_0, eps, gamma, self.schedule.input_scale)
        # At t = 1 sampling has no step behind it, so there training has none either.
        rows = (torch.rand(count, generator=generator) < network.self_condition) & ~full
        rows = rows.nonzero()[:, 0].to(self.device)
        with autocast(self.device):
            maps = self.model.features(batch.image) if batch.maps is None else batch.maps
            cond = self.model.condition(maps, batch.camera, batch.uv)
            state = None
            if len(rows):
                with torch.no_grad():
                    latents = self.model(x_t[rows], gamma[rows], cond.rows(rows))[1]
                state = latents.new_zeros(count, *latents.shape[1:]).index_copy(0, rows, latents)
            prediction, _ = self.model(x_t, gamma, cond, state)
        target = target_of(x_0, eps, gamma, config.model.target, self.schedule.input_scale)
        return masked_loss(prediction, target, valid, config.loss)

    def train_step(self, batches: list[Batch]) -> float:
        """
        Take one optimiser step on the mean loss over all images.

        returns: the loss; NaN if it or a gradient was not finite, and the step was skipped
        """
        config = self.config
        # Steps are seeded one by one: a resumed run repeats an unbroken one bit for bit on CPU.
        torch.manual_seed(config.seed * 1_000_003 + self.step)
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + self.step)
        for group in self.optimiser.param_groups:
            group['lr'] = learning_rate(self.step, config.steps, config.optimiser)
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        count, mean = sum(len(batch.depth) for batch in batches), 0.0
        for batch in batches:
            loss = self.loss(batch.to(self.device), generator) * len(batch.depth) / count
            loss.backward()
            mean += loss.item()
        norm = nn.utils.clip_grad_norm_(
            [p for p in self.model.parameters() if p.grad is not None], config.optimiser.clip
        )
        finite = bool(torch.isfinite(norm)) and math.isfinite(mean)
        if finite:
            self.optimiser.step()
            self.ema.update(self.model)
        self.step += 1
        return mean if finite else math.nan

    def run(self) -> list[float]:
        """Train to the last step; returns the losses of this run."""
        losses, mean = [], None
        bar = tqdm(total=self.config.steps, initial=self.step, desc='train', unit='step')
        with ThreadPoolExecutor(1) as loader:
            following = loader.submit(self.batches.__getitem__, self.step)
            while self.step < self.config.steps:
                begin = time.monotonic()
                batches = following.result()
                following = loader.submit(self.batches.__getitem__, self.step + 1)
                loss = self.train_step(batches)
                losses.append(loss)
                if math.isnan(loss):
                    bar.write(f'step {self.step - 1}: loss or gradient not finite, step skipped')
                else:
                    mean = loss if mean is None else 0.95 * mean + 0.05 * loss
                self.seconds += time.monotonic() - begin
                bar.update()
                bar.set_postfix(loss=f'{mean:.4f}' if mean is not None else 'nan')
                if self.step % self.config.save_every == 0 or self.step == self.config.steps:
                    self.save()
        bar.close()
        return losses

    def save(self) -> None:
        """
        Write what is of use, and what training needs to go on.

        `last.safetensors` holds the averaged weights in half precision, for the node;
        `state.safetensors` everything from which `resume` goes on exactly.
        """
        save_state(
            self.folder / 'state.safetensors', self.model, self.optimiser, self.ema,
            step=self.step, seconds=self.seconds, config=to_dict(self.config),
        )  # fmt: skip
        self.ema.swap(self.model)
        save(
            self.folder / 'last.safetensors', self.model, self.config.model, half=True,
            step=self.step, hours=round(self.seconds / 3600, 3), device=str(self.device),
            sources=self.batches.manifest(), recipe=_portable(self.config),
        )  # fmt: skip
        self.ema.swap(self.model)

    def resume(self) -> None:
        """
        Go on from the saved state.

        raises: FileNotFoundError without one, ValueError where the recipe has changed
        """
        extra = load_state(self.folder / 'state.safetensors', self.model, self.optimiser, self.ema)
        saved, now = extra['config'], to_dict(self.config)
        free = ('output', 'features', 'save_every')
        changed = [k for k in now if k not in free and saved.get(k) != now[k]]
        if changed:
            raise ValueError(
                f'{self.folder} was trained with another {", ".join(changed)}; '
                'use the same recipe to resume, or another output'
            )
        self.step, self.seconds = extra['step'], extra['seconds']


def _portable(config: TrainConfig) -> dict:
    """Give the recipe without folders of this machine."""
    recipe = to_dict(config)
    for name in ('model', 'output', 'features', 'sources', 'encoder_weights', 'initial'):
        recipe.pop(name)
    return {**recipe, 'initial': Path(config.initial).name,
            'encoder_weights': Path(config.encoder_weights).name}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `grin train`."""
    parser.add_argument('recipe', help='YAML file, for instance config/train_small_1.yaml')
    parser.add_argument('--resume', action='store_true', help='go on from the last saved state')
    parser.add_argument('--device', default='cpu', help='cpu, cuda, cuda:1 ...')


def run(args: argparse.Namespace) -> int:
    """Train a recipe."""
    trainer = Trainer(load_recipe(args.recipe), args.device)
    if args.resume:
        trainer.resume()
    trainer.run()
    print(f'wrote {trainer.folder / "last.safetensors"}')
    return 0
