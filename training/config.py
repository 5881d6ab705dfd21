# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `grin train` reads: data sources, optimiser and schedule; defaults live here, once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
import os
from pathlib import Path

from grin_ros.checkpoint import ModelConfig
from grin_ros.config import from_dict, load_yaml


@dataclass(frozen=True)
class SourceConfig:
    """One source of samples: a sample set on disk, or a procedural world rendered as needed."""

    set: str = ''  # folder with a frames.json, relative to the recipe; ${VARIABLES} are expanded
    world: str = ''  # room | corridor | street
    count: int = 256  # distinct images of the world
    textures: str = ''  # folder of tileable images for the world; '' = procedural only
    size: tuple[int, int] = (0, 0)  # (h, w) to train at; (0, 0) = as the pipeline fits it
    weight: float = 1.0  # share of the batches
    variants: int = 1  # augmented variants per frame that are kept where features are cached

    def __post_init__(self):
        if bool(self.set) == bool(self.world):
            raise ValueError(f'a source needs either `set` or `world`, not {self}')
        if self.weight <= 0 or self.count < 1 or self.variants < 1:
            raise ValueError(f'weight, count and variants of a source must be positive: {self}')


@dataclass(frozen=True)
class OptimiserConfig:
    """AdamW or LION with warm-up and cosine decay; weight decay on matrices only."""

    kind: str = 'adamw'  # adamw | lion (the paper's; wants a lower rate and a large batch)
    lr: float = 3e-4
    final_lr: float = 1e-5  # at the last step
    warmup: int = 100  # steps
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 1e-2
    clip: float = 1.0  # largest norm of the gradient

    def __post_init__(self):
        if self.kind not in ('adamw', 'lion'):
            raise ValueError(f"optimiser.kind is '{self.kind}'; choose adamw or lion")


@dataclass(frozen=True)
class TrainConfig:
    """A training recipe."""

    model: ModelConfig = field(default_factory=ModelConfig)
    sources: tuple[SourceConfig, ...] = (SourceConfig(world='room'),)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    output: str = 'runs/train'  # folder of checkpoints, relative to the recipe
    features: str = ''  # folder of cached features; '' = in output
    encoder_weights: str = ''  # SAM 2 trunk as safetensors (encoder.kind hiera)
    initial: str = ''  # checkpoint to start from, with the same network
    steps: int = 1000
    batch: int = 16  # images
    pixels: int = 1024  # valid pixels drawn per image
    loss: str = 'l1'  # l1 | l2
    full_noise: float = (
        0.25  # share of the images trained at t = 1, where few-step sampling starts
    )
    intrinsics_dropout: float = 0.05  # share of the images with fx = cx = W/2, fy = cy = H/2
    ema: float = 0.999
    save_every: int = 200  # steps
    seed: int = 0

    def __post_init__(self):
        if self.loss not in ('l1', 'l2'):
            raise ValueError(f"loss is '{self.loss}'; choose l1 or l2")
        if not self.sources:
            raise ValueError('the recipe has no sources; give at least one set or world')
        for name in ('steps', 'batch', 'pixels', 'save_every'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} is {getattr(self, name)}; it must be at least 1')


def load_recipe(path: str | Path) -> TrainConfig:
    """
    Read a recipe; `model` may name a preset file beside it instead of listing the model.

    Relative paths in the recipe are taken from its folder. Raises ValueError on unknown keys.
    """
    path = Path(path)
    data = load_yaml(path)
    if isinstance(data.get('model'), str):
        data['model'] = load_yaml(path.parent / data['model'])
    config = from_dict(TrainConfig, data, str(path))

    def resolve(name: str) -> str:
        return str(path.parent / _expand(name, path)) if name else name

    return replace(
        config,
        sources=tuple(
            replace(s, set=resolve(s.set), textures=resolve(s.textures)) for s in config.sources
        ),
        output=resolve(config.output),
        features=resolve(config.features),
        encoder_weights=resolve(config.encoder_weights),
        initial=resolve(config.initial),
    )


def _expand(name: str, recipe: Path) -> str:
    """Expand ${VARIABLES}; one that is not set is an error and not a folder of that name."""
    expanded = os.path.expandvars(name)
    if '$' in expanded:
        raise ValueError(f"{recipe}: set the environment variable in '{name}'")
    return expanded
