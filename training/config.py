# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `grin train` reads: sources, optimiser, stages, validation; defaults live here, once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from grin_ros.checkpoint import AnyModelConfig, ModelConfig


@dataclass(frozen=True)
class SourceConfig:
    """One source of samples: a sample set or shards on disk, or a world rendered as needed."""

    set: str = ''  # folder of a sample set or of shards, relative to the recipe; ${VARIABLES} work
    world: str = ''  # room | corridor | hall | stairs | street | park | yard | terrain
    images: str = ''  # folder of pictures without depth, for pre-training
    count: int = 256  # distinct images of the world
    textures: str = ''  # folder of tileable images for the world; '' = procedural only
    size: tuple[int, int] = (0, 0)  # (h, w) to train at; (0, 0) = as the pipeline fits it
    weight: float | tuple[float, ...] = 1.0  # share of the images; a list has one per stage
    # Augmented views of each image whose features are kept for a frozen encoder; 0 = each is made
    # and encoded when it is drawn: for sets that are seen about once.
    variants: int = 1
    centre: float = 0.0  # metres; > 0: images of about this median depth are preferred
    # window: a part, in other colours; rescale: GRIN's, with black borders; flip: DepthGen's
    augment: Literal['window', 'rescale', 'flip'] = 'window'

    def __post_init__(self):
        if [self.set, self.world, self.images].count('') != 2:
            raise ValueError(f'a source needs either `set` or `world` or `images`, not {self}')
        if self.images and self.centre:
            raise ValueError(f'`images` have no depth, and so no centre; leave it out of {self}')
        weights = self.weights
        if min(weights, default=0) < 0 or max(weights, default=0) <= 0:
            raise ValueError(f'weights of a source must not be negative nor all zero: {self}')
        if self.count < 1 or self.variants < 0 or self.centre < 0:
            raise ValueError(
                f'a source needs count of at least 1, variants and centre of at least 0: {self}'
            )

    @property
    def weights(self) -> tuple[float, ...]:
        """One weight for all stages, or one for each."""
        return self.weight if isinstance(self.weight, tuple) else (self.weight,)


@dataclass(frozen=True)
class OptimiserConfig:
    """AdamW, LION or Muon with warm-up and cosine decay; weight decay on matrices only."""

    # adamw | lion (the paper's; wants a lower rate and a large batch) | muon (torch 2.9)
    kind: str = 'adamw'
    lr: float = 3e-4
    final_lr: float = 1e-5  # at the last step
    warmup: int = 100  # steps
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 1e-2
    clip: float = 1.0  # largest norm of the gradient
    encoder: float = 1.0  # rate of an encoder that is trained too, as a share of the others'

    def __post_init__(self):
        if self.kind not in ('adamw', 'lion', 'muon'):
            raise ValueError(f"optimiser.kind is '{self.kind}'; choose adamw, lion or muon")
        if not 0 < self.encoder <= 1:
            raise ValueError(
                f'optimiser.encoder is {self.encoder}; it must be above 0 and at most 1 '
                '(to keep the encoder as it is, network.encoder.frozen: true)'
            )


@dataclass(frozen=True)
class StageConfig:
    """
    One stage of a schedule; what it leaves out is the recipe's.

    Every stage has a warm-up and a cosine of its own. Weights, their average and the optimiser's
    moments go on.
    """

    steps: int
    lr: float | None = None
    final_lr: float | None = None
    warmup: int | None = None
    full_noise: float | None = None
    loss: str | None = None  # l1 | l2 | relative

    def __post_init__(self):
        if self.steps < 1:
            raise ValueError(f'steps of a stage is {self.steps}; it must be at least 1')


@dataclass(frozen=True)
class ValidationConfig:
    """What a run is judged by while it trains, through the same pipeline as the node."""

    sets: tuple[str, ...] = ()  # folders of sample sets, relative to the recipe
    holdout: float = 0.0  # without sets: this share at the end of each trained set is kept for it
    every: int = 200  # steps
    frames: int = 16  # of each set, spread evenly over it

    def __post_init__(self):
        if not 0 <= self.holdout < 1 or self.every < 1 or self.frames < 1:
            raise ValueError(f'needs 0 <= holdout < 1 and every, frames at least 1: {self}')
        if self.sets and self.holdout:
            raise ValueError('give either validation.sets or validation.holdout, not both')


@dataclass(frozen=True)
class DenseConfig:
    """What only a denoiser of whole maps (model.kind depthgen) is trained with."""

    infill: bool = True  # holes take their nearest pixel's depth before the noise is added
    unroll: float = 0.0  # share of the images denoised from the model's own answer; fine-tuning

    def __post_init__(self):
        if not 0 <= self.unroll <= 1:
            raise ValueError(f'unroll is {self.unroll}; it must lie within [0, 1]')


@dataclass(frozen=True)
class TrainConfig:
    """A training recipe."""

    model: AnyModelConfig = field(default_factory=ModelConfig)
    sources: tuple[SourceConfig, ...] = (SourceConfig(world='room'),)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    stages: tuple[StageConfig, ...] = ()  # () = one, of `steps`
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    output: str = 'runs/train'  # folder of checkpoints, relative to the recipe
    features: str = ''  # folder of cached features; '' = in output
    # Published weights of the encoder (`published.py`), of each kind, or one file for all kinds.
    encoder_weights: str | dict[str, str] = field(default_factory=dict)
    initial: str = ''  # checkpoint to start from, with the same network; 'shipped' = the default
    steps: int = 1000
    batch: int = 16  # images of a step, over all processes
    microbatch: int = 0  # images in one pass; memory only, never the answer; 0 = all
    pixels: int = 1024  # valid pixels drawn per image
    edges: float = 0.0  # share of them near depth edges, where depth is dense enough to have any
    labels: float = 1.0  # share of a frame's measured pixels that training may use, in any view
    balance: bool = False  # equal shares of indoor/outdoor and real/synthetic in every batch
    # l1 | l2, of the target; relative: |depth / truth - 1|, of which who is in doubt says less
    loss: str = 'l1'
    shape: float = 0.0  # weight of the error of shape alone (`shape.py`), in which scale is free
    dense: DenseConfig = field(default_factory=DenseConfig)
    full_noise: float = (
        0.25  # share of the images trained at t = 1, where few-step sampling starts
    )
    intrinsics_dropout: float = 0.05  # share of the images with fx = cx = W/2, fy = cy = H/2
    ema: float = 0.999
    save_every: int = 200  # steps
    workers: int = 0  # processes that load and augment; 0 = a thread
    seed: int = 0

    def __post_init__(self):
        for loss in (self.loss, *(stage.loss for stage in self.stages if stage.loss)):
            if loss not in ('l1', 'l2', 'relative'):
                raise ValueError(f"loss is '{loss}'; choose l1, l2 or relative")
            if loss == 'relative' and (self.model.dense or self.model.target != 'x_0'):
                raise ValueError('loss: relative needs a GRIN with target x_0; choose l1 or l2')
        if self.shape and (self.model.dense or self.model.target != 'x_0'):
            raise ValueError('shape needs a GRIN with target x_0; leave it out')
        if self.shape < 0:
            raise ValueError(f'shape is {self.shape}; it must be 0 or more')
        weights = self.encoder_weights
        if self.model.dense:
            if weights:
                raise ValueError('encoder_weights are for GRIN; leave them out')
            kinds = ()
        else:
            kinds = self.model.network.encoder.kinds
        if isinstance(weights, str):
            weights = dict.fromkeys(kinds, weights) if weights else {}
        if not set(weights) <= set(kinds):
            raise ValueError(
                f'encoder_weights names {next(k for k in weights if k not in kinds)}; the encoder '
                f'is {" and ".join(kinds)}'
            )
        object.__setattr__(self, 'encoder_weights', weights)
        if self.dense != DenseConfig() and not self.model.dense:
            raise ValueError('`dense` is for model.kind depthgen; leave it out')
        pretraining = self.model.dense and self.model.network.channels == 3
        if not pretraining and any(source.images for source in self.sources):
            raise ValueError('`images` have no depth; only `grin pretrain` learns from them')
        if pretraining and (self.validation.sets or self.validation.holdout):
            raise ValueError('pre-training knows no depth to validate; leave validation out')
        if not self.sources:
            raise ValueError('the recipe has no sources; give at least one set or world')
        for name in ('steps', 'batch', 'pixels', 'save_every'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} is {getattr(self, name)}; it must be at least 1')
        if not 0 < self.labels <= 1:
            raise ValueError(f'labels is {self.labels}; it must be above 0 and at most 1')
        if self.microbatch < 0 or self.workers < 0 or not 0 <= self.edges <= 1:
            raise ValueError('microbatch and workers must be 0 or more, and edges from 0 to 1')
        object.__setattr__(self, 'steps', sum(s.steps for s in self.stages) or self.steps)
        for source in self.sources:
            if len(source.weights) not in (1, len(self.stages or (0,))):
                raise ValueError(
                    f'source {source.set or source.world} has {len(source.weights)} weights, but '
                    f'the recipe has {len(self.stages) or 1} stages; give one each, or one for all'
                )
        for stage in range(len(self.stages) or 1):
            if not any(self.weights_in(stage)):
                raise ValueError(f'all weights are zero in stage {stage + 1}; give one a weight')

    def stage_at(self, step: int) -> tuple[int, int, StageConfig]:
        """Find the stage of a step: its index, the step within it, and what holds in it."""
        stages, index = self.stages or (StageConfig(self.steps),), 0
        while index + 1 < len(stages) and step >= stages[index].steps:
            step -= stages[index].steps
            index += 1
        stage, defaults = stages[index], {'full_noise': self.full_noise, 'loss': self.loss}
        defaults |= {name: getattr(self.optimiser, name) for name in ('lr', 'final_lr', 'warmup')}
        missing = {name: v for name, v in defaults.items() if getattr(stage, name) is None}
        return index, step, replace(stage, **missing)

    def weights_in(self, index: int) -> list[float]:
        """Give the weights of the sources in a stage."""
        return [s.weights[index if len(s.weights) > 1 else 0] for s in self.sources]
