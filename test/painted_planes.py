# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A sample set that a tiny network learns in seconds, and recipes to train on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from grin_ros.camera import Camera
from grin_ros.checkpoint import ModelConfig
from grin_ros.config import load as load_config
from grin_ros.training.config import OptimiserConfig, SourceConfig, TrainConfig
from grin_ros.training.sample import Sample
from grin_ros.training.sample_writer import SampleSetWriter

ROOT = Path(__file__).resolve().parents[1]
TINY = load_config(ModelConfig, ROOT / 'config' / 'grin_tiny.yaml')
SIZE = (64, 96)


def tilted(seed: int, size=SIZE) -> Sample:
    """A plane whose distance is painted on it: brightness tells inverse depth."""
    rng = np.random.default_rng(seed)
    camera = Camera.from_intrinsics(80 * size[1] / 96, 80 * size[1] / 96, 47, 31, size)
    a, b = rng.uniform(-0.1, 0.1, 2)
    rays = camera.unproject(torch.ones(1, *size))[:2].numpy()
    depth = (1 / (0.3 + a * rays[0] + b * rays[1])).astype(np.float32)
    grey = (255 * (1 / depth - 0.15) / 0.3).clip(0, 255)
    picture = np.repeat(grey[..., None], 3, 2).astype(np.uint8)
    return Sample(picture, depth, camera, f'{seed:04d}')


def write_planes(folder: Path, count: int = 8, **changes) -> Path:
    """Write a set of tilted planes."""
    about = {'source': 'test', 'licence': 'Apache-2.0', 'depth_kind': 'synthetic',
             'domain': 'indoor', 'min_depth': 0.3, 'max_depth': 20.0}  # fmt: skip
    with SampleSetWriter(folder, **{**about, **changes}) as writer:
        for seed in range(count):
            writer.add(tilted(seed))
    return folder


def recipe(planes, output, **changes) -> TrainConfig:
    defaults = {
        'model': TINY, 'sources': (SourceConfig(set=str(planes), size=SIZE),),
        'output': str(output), 'steps': 6, 'batch': 4, 'pixels': 64, 'save_every': 3,
        'optimiser': OptimiserConfig(lr=2e-3, warmup=2),
    }  # fmt: skip
    return TrainConfig(**{**defaults, **changes})
