# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A tiny DepthGen learns eight rendered rooms by heart, and completes a half of one of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from grin_ros.checkpoint import DepthGenConfig
from grin_ros.config import load as load_config
from grin_ros.depth import DepthConfig
from grin_ros.pipeline import DepthPipeline
from grin_ros.prompt import Prompt
from grin_ros.training.config import OptimiserConfig, SourceConfig, TrainConfig
from grin_ros.training.infill import infill
from grin_ros.training.sample_writer import SampleSetWriter
from grin_ros.training.trainer import Trainer
from grin_ros.training.world import render

TINY = Path(__file__).resolve().parents[1] / 'config' / 'depthgen_tiny.yaml'
SIZE = (32, 64)
FAR = 10.0  # metres


@pytest.fixture(scope='module')
def rooms(tmp_path_factory) -> tuple[Path, list]:
    """A set of eight rooms, and the rooms."""
    folder = tmp_path_factory.mktemp('sets') / 'rooms'
    samples = [render('room', seed, SIZE) for seed in range(10, 18)]
    with SampleSetWriter(
        folder, source='rooms', licence='Apache-2.0', depth_kind='synthetic', domain='indoor',
        min_depth=0.1, max_depth=FAR,
    ) as writer:  # fmt: skip
        for sample in samples:
            writer.add(sample, 1000, quality=100)
    return folder, samples


@pytest.fixture(scope='module')
def pipeline(rooms, tmp_path_factory) -> DepthPipeline:
    out = tmp_path_factory.mktemp('run')
    tiny = load_config(DepthGenConfig, TINY)
    config = TrainConfig(
        # eps, the default, needs several times the steps for the same.
        model=replace(tiny, target='x_0', pixels=32 * 64, depth=DepthConfig('linear', 0.1, FAR)),
        sources=(SourceConfig(set=str(rooms[0]), size=SIZE, augment='flip'),),
        steps=340, batch=8, full_noise=0.0, ema=0.95, save_every=340, output=str(out),
        optimiser=OptimiserConfig(lr=2e-3, final_lr=1e-5, warmup=10),
    )  # fmt: skip
    # One thread: so short a training depends on the order of sums, which threads change.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    Trainer(config).run()
    torch.set_num_threads(threads)
    return DepthPipeline.from_checkpoint(out / 'last.safetensors')


def error(depth: np.ndarray, truth: np.ndarray, where=True) -> float:
    """AbsRel; what the model calls sky is as far as can be."""
    counted = where & (truth > 0) & (truth < FAR)
    return float(np.mean(np.abs(np.where(np.isnan(depth), FAR, depth) / truth - 1)[counted]))


def test_it_learns_them_by_heart(pipeline, rooms):
    errors = [error(pipeline.infer(s.image, s.camera).depth, s.depth) for s in rooms[1]]
    flat = [error(np.full(SIZE, np.median(s.depth)), s.depth) for s in rooms[1]]
    assert np.mean(errors) < 0.25 and np.mean(errors) < 0.5 * np.mean(flat)


@pytest.mark.parametrize('weight', [0.0, 1.0])
def test_it_completes_a_hidden_half_better_than_the_nearest_pixel(pipeline, rooms, weight):
    ours, nearest = [], []
    for sample in rooms[1][:4]:
        known = sample.depth.copy()
        known[:, SIZE[1] // 2 :] = 0
        prompt = Prompt.from_map(known, weight=weight)
        depth = pipeline.infer(sample.image, sample.camera, prompt=prompt).depth
        given = (known > 0) & (known < FAR)
        np.testing.assert_allclose(depth[given], known[given], rtol=1e-3)
        ours.append(error(depth, sample.depth, known == 0))
        nearest.append(error(infill(known, FAR), sample.depth, known == 0))
    assert np.mean(ours) < 0.6 * np.mean(nearest)
    assert min(np.divide(ours, nearest)) < 0.5
