# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a calibration of the uncertainty is fitted to, with denoisers whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.checkpoint import build_model, ModelConfig, save
from grin_ros.config import load as load_config
from grin_ros.depth import DepthTransform
from grin_ros.pipeline import DepthPipeline
from grin_ros.training.calibrate import calibrate, collect
from grin_ros.training.sample import Sample, SampleSet
from grin_ros.training.sample_writer import SampleSetWriter

SIZE, TRUTH = (64, 96), 4.0  # pixels, metres
CONFIG = ModelConfig(pixels=64 * 96, stride=1, steps=1, target='x_0')


@pytest.fixture
def walls(tmp_path) -> SampleSet:
    """One picture of a wall at TRUTH."""
    about = {'source': 'wall', 'licence': 'CC0', 'depth_kind': 'synthetic', 'domain': 'indoor',
             'min_depth': 0.3, 'max_depth': 200.0}  # fmt: skip
    with SampleSetWriter(tmp_path / 'set', **about) as writer:
        depth = np.full(SIZE, TRUTH, np.float32)
        writer.add(Sample(np.zeros((*SIZE, 3), np.uint8), depth, Camera.default(SIZE), '0'))
    return SampleSet(tmp_path / 'set')


class Expects(torch.nn.Module):
    """Answers 2 m, and expects an error of 10 % in its first view and half of it in the next."""

    views = 0

    def encode(self, image, camera, uv):
        self.views += 1
        return DepthTransform(CONFIG.depth).encode(torch.full((*uv.shape[:2], 1), 2.0))

    def forward(self, x_t, gamma, cond, state):
        error = torch.full_like(cond, 0.1 * 0.5 ** (self.views - 1))
        return torch.cat([cond, error.log()], dim=-1), None


@pytest.mark.parametrize('samples, views', [(1, 1), (3, 3)])
def test_errors_are_shares_of_what_was_predicted_and_each_sample_has_its_view(
    walls, samples, views
):
    model = Expects()
    pipeline = DepthPipeline(model, CONFIG)
    ((spread, expected, error),) = collect(pipeline, [walls], frames=1, samples=samples)
    assert model.views == views
    np.testing.assert_allclose(spread, 0, atol=1e-6)
    np.testing.assert_allclose(error, (TRUTH - 2) / 2, rtol=1e-4)
    np.testing.assert_allclose(expected, 0.1 * 0.5 ** np.mean(range(views)), rtol=1e-4)


class Scatters(torch.nn.Module):
    """Answers TRUTH times exp(0.3 n), where n is normal and of each pixel its own."""

    def encode(self, image, camera, uv):
        return torch.zeros(())

    def forward(self, x_t, gamma, cond, state):
        return DepthTransform(CONFIG.depth).encode(TRUTH * (0.3 * x_t).exp()), None


def test_a_single_sample_has_a_calibration_of_its_own(walls, tmp_path):
    config = load_config(ModelConfig, 'config/grin_tiny.yaml')
    path = tmp_path / 'tiny.safetensors'
    save(path, build_model(config), config)
    made = calibrate(path, path, [walls], DepthPipeline(Scatters(), CONFIG), frames=1, samples=4)
    errors = np.abs(1 - np.exp(-0.3 * np.random.default_rng(0).normal(size=100000)))
    assert made.alone == pytest.approx(np.quantile(errors, 0.9) / 1.6449, rel=0.03)
    assert made.floor < 0.8 * made.alone
