# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Figures of uncertainty against cases whose answer is known, and its calibration."""

from __future__ import annotations

from dataclasses import replace
import json

import cv2
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from grin_ros import cli
from grin_ros.camera import Camera
from grin_ros.checkpoint import build_model, load, ModelConfig, read_metadata, save
from grin_ros.config import load as load_config
from grin_ros.pipeline import DepthPipeline
from grin_ros.training.calibrate import fit
from grin_ros.training.sample import Sample
from grin_ros.training.sample_writer import SampleSetWriter
from grin_ros.training.uncertainty import (
    mean_figures,
    rank_correlation,
    REMOVED,
    sparsification,
    uncertainty_figures,
)
from grin_ros.training.uncertainty_plot import draw_curves
from grin_ros.uncertainty import UncertaintyConfig


@given(st.permutations(range(12)))
def test_rank_correlation_without_ties_is_spearmans_formula(order):
    """1 - 6 sum d^2 / (n (n^2 - 1)), the textbook's."""
    n, a = len(order), np.arange(len(order))
    expected = 1 - 6 * np.sum((a - np.array(order)) ** 2) / (n * (n**2 - 1))
    assert rank_correlation(np.exp(a), np.array(order) ** 3.0) == pytest.approx(expected)


def test_rank_correlation_shares_ranks_and_says_nothing_of_constants():
    # Ranks (0.5, 0.5, 2, 3) against (0, 1, 2, 3): their Pearson correlation is 9 / sqrt(90).
    a, b = np.array([1.0, 1.0, 5.0, 9.0]), np.array([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(a, b) == pytest.approx(9 / np.sqrt(90))
    assert rank_correlation(np.ones(5), np.arange(5.0)) == 0


def test_sparsification_of_a_perfect_order_of_uniform_errors_is_a_straight_line():
    error = (np.arange(2000) + 0.5) / 2000  # the mean of the lowest share q is q / 2
    np.testing.assert_allclose(sparsification(error, error), 1 - REMOVED, rtol=1e-3)
    worst = sparsification(error, -error)  # the mean of the highest share q is 1 - q / 2
    np.testing.assert_allclose(worst, 1 + REMOVED, rtol=2e-3)


def frame(rng, sigma, told):
    """Depth with normal errors of relative size sigma, of which `told` is announced."""
    truth = rng.uniform(1, 8, (100, 120))
    depth = truth / (1 - sigma * rng.normal(size=truth.shape)).clip(0.05)
    return depth, told * depth, truth, np.ones(truth.shape, bool)


def test_figures_of_a_calibrated_uncertainty():
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.02, 0.2, (100, 120))
    figures = uncertainty_figures(*frame(rng, sigma, sigma))
    assert figures['coverage_50'] == pytest.approx(0.5, abs=0.02)
    assert figures['coverage_90'] == pytest.approx(0.9, abs=0.01)
    assert figures['rank_correlation'] > 0.4
    assert 0 < figures['ause'] < 0.7 * figures['ause_random']
    blind = uncertainty_figures(*frame(rng, sigma, 0.1))
    assert abs(blind['rank_correlation']) < 0.05
    assert blind['ause'] == pytest.approx(blind['ause_random'], abs=0.05)
    boastful = uncertainty_figures(*frame(rng, sigma, sigma / 10))
    assert boastful['coverage_90'] < 0.2
    assert boastful['rank_correlation'] > 0.4  # the order is as good


def test_one_wrong_scale_hides_the_order_until_it_is_taken_out():
    rng = np.random.default_rng(3)
    depth, std, truth, valid = frame(rng, sigma := rng.uniform(0.02, 0.2, (100, 120)), sigma)
    right = uncertainty_figures(depth, std, truth, valid)
    wrong = uncertainty_figures(2 * depth, 2 * std, truth, valid)
    assert right['rank_scaled'] == pytest.approx(right['rank_correlation'], abs=0.01)
    assert wrong['rank_scaled'] == pytest.approx(right['rank_scaled'], abs=1e-9)
    assert wrong['rank_correlation'] < 0.2 < 0.4 < wrong['rank_scaled']
    # Nor would it help to know the errors of shape themselves: with the scale a factor of two
    # off, the worst pixels are those that err to its side.
    assert right['rank_of_shape'] > 0.99
    assert abs(wrong['rank_of_shape']) < 0.2


def test_pixels_that_do_not_count_change_nothing():
    rng = np.random.default_rng(1)
    depth, std, truth, valid = frame(rng, 0.1, rng.uniform(0.05, 0.2, (100, 120)))
    valid[:, 60:] = False
    whole = uncertainty_figures(depth[:, :60], std[:, :60], truth[:, :60], valid[:, :60])
    depth[:, 60:], std[:, 60:], truth[:, 60:] = np.nan, np.nan, 0
    assert uncertainty_figures(depth, std, truth, valid) == whole


def test_the_mean_over_frames_is_plain_json_and_can_be_drawn():
    rng = np.random.default_rng(2)
    frames = [uncertainty_figures(*frame(rng, 0.1, rng.random((100, 120)))) for _ in range(3)]
    mean = mean_figures(frames)
    assert mean['ause'] == pytest.approx(np.mean([f['ause'] for f in frames]))
    assert json.loads(json.dumps(mean)) == mean
    assert mean['curve'][0] == mean['oracle'][0] == 1
    picture = draw_curves({'one': mean, 'two': mean, 'three': mean, 'four': mean}, (200, 300))
    assert picture.shape == (400, 900, 3)
    assert picture[:200, :300].std() > 10
    assert np.ptp(picture[200:, 300:]) == 0  # two places of the second row stay empty


def test_calibration_adds_a_floor_and_stretches_the_spread():
    spread, depth = torch.tensor([0.0, 0.3, 0.3]), torch.tensor([2.0, 2.0, 5.0])
    std = UncertaintyConfig(floor=0.2, slope=1.0).std(spread, depth, 4)
    torch.testing.assert_close(std, torch.tensor([0.4, 0.5, (1 + 0.09) ** 0.5]))
    assert UncertaintyConfig().std(spread, depth, 4) is spread
    torch.testing.assert_close(UncertaintyConfig(alone=0.1).std(spread, depth, 1), 0.1 * depth)
    with pytest.raises(ValueError, match='negative'):
        UncertaintyConfig(slope=-1.0)


def test_calibration_stretches_the_error_that_the_network_expects():
    spread, depth, expected = torch.tensor([0.3]), torch.tensor([2.0]), torch.tensor([0.05])
    config = UncertaintyConfig(floor=0.2, slope=2.0, head=3.0, alone=0.1, head_alone=2.0)
    many = (4 * (0.2**2 + 0.15**2) + 0.6**2) ** 0.5
    torch.testing.assert_close(config.std(spread, depth, 4, expected), torch.tensor([many]))
    one = 2 * (0.1**2 + 0.1**2) ** 0.5
    torch.testing.assert_close(config.std(spread, depth, 1, expected), torch.tensor([one]))


def relative(floor, slope, head, seed, count=20000):
    """Spread, expected and normal errors (3, N), whose deviations the three numbers make."""
    rng = np.random.default_rng(seed)
    spread = rng.choice([0.0, 0.05, 0.2], count)
    expected = rng.choice([0.02, 0.1, 0.4], count)
    sigma = np.sqrt(floor**2 + (slope * spread) ** 2 + (head * expected) ** 2)
    return np.stack([spread, expected, np.abs(sigma * rng.normal(size=count))]), sigma


@pytest.mark.parametrize(
    ('floor', 'slope', 'head'),
    [(0.1, 0, 0), (0.05, 1, 0), (0.02, 3, 0), (0.05, 1, 1), (0.01, 0, 2)],
)
def test_the_calibration_is_found_again(floor, slope, head):
    found = fit([relative(floor, slope, head, seed)[0] for seed in (0, 1)])
    (spread, expected, error), truth = relative(floor, slope, head, 2)
    sigma = np.sqrt(found[0] ** 2 + (found[1] * spread) ** 2 + (found[2] * expected) ** 2)
    np.testing.assert_allclose(sigma, truth, rtol=0.2)
    assert np.mean(error <= 1.6449 * sigma) == pytest.approx(0.9, abs=0.01)


def test_every_set_counts_the_same():
    """A small set of large errors widens the interval as much as a big one would."""
    rng = np.random.default_rng(0)
    small = np.stack([*np.zeros((2, 1000)), rng.uniform(0.5, 1, 1000)])
    big = np.stack([*np.zeros((2, 50000)), rng.uniform(0, 0.1, 50000)])
    # 90 % of both together are all of the big one and 80 % of the small one, which end at 0.9.
    assert 1.6449 * fit([small, big])[0] == pytest.approx(0.9, abs=0.02)


def test_calibrate_writes_what_the_pipeline_applies(tmp_path, capsys):
    config = load_config(ModelConfig, 'config/grin_tiny.yaml')
    torch.manual_seed(0)
    path = tmp_path / 'tiny.safetensors'
    save(path, build_model(config), config, step=7)
    about = {'source': 'planes', 'licence': 'CC0', 'depth_kind': 'synthetic',
             'domain': 'indoor', 'min_depth': 0.3, 'max_depth': 200.0}  # fmt: skip
    rng, camera = np.random.default_rng(0), Camera.default((64, 96))
    with SampleSetWriter(tmp_path / 'set', **about) as writer:
        for i in range(3):
            image = rng.integers(0, 255, (64, 96, 3), np.uint8)
            writer.add(Sample(image, np.full((64, 96), 2.0 + i, np.float32), camera, str(i)))
    out = tmp_path / 'out.safetensors'
    argv = ['calibrate', str(tmp_path / 'set'), '--checkpoint', str(path), '-o', str(out)]
    assert cli.main([*argv, '--device', 'cpu', '--frames', '2', '--samples', '3']) == 0
    metadata = read_metadata(out)
    assert metadata['step'] == 7
    assert load(out)[1].uncertainty.views
    (told,) = metadata['calibration']['sets']
    assert (told['name'], told['frames'], told['source']) == ('set', 2, 'planes')
    assert told['covered_90'] == pytest.approx(0.9, abs=0.02)
    raw, ready = (DepthPipeline.from_checkpoint(p) for p in (path, out))
    image = rng.integers(0, 255, (64, 96, 3), np.uint8)
    one = ready.infer(image, camera)
    np.testing.assert_array_equal(one.depth, raw.infer(image, camera).depth)
    np.testing.assert_allclose(one.std, ready.config.uncertainty.alone * one.depth, rtol=1e-5)
    many = ready.infer(image, camera, samples=4)
    assert (many.std >= 0.999 * ready.config.uncertainty.floor * many.depth).all()
    assert cli.main(['calibrate', str(tmp_path / 'set'), '--samples', '1']) == 2
    assert 'at least 2' in capsys.readouterr().err


class Sees:
    """A denoiser that answers the grey value under each pixel, and notes what it was shown."""

    def __init__(self):
        self.shown = []

    def to(self, device):
        return self

    def eval(self):
        return self

    def encode(self, picture, camera, uv):
        self.shown.append((camera, uv))
        grid = (2 * uv + 1) / uv.new_tensor([picture.shape[-1], picture.shape[-2]]) - 1
        return F.grid_sample(picture[:, :1], grid[:, None], align_corners=False)[:, 0, 0]

    def __call__(self, x_t, gamma, cond, state):
        return cond[..., None] - 0.5, None


def test_samples_see_other_views_of_the_same_points():
    plain = ModelConfig(pixels=64 * 96, stride=8, target='x_0')
    views = replace(plain, uncertainty=UncertaintyConfig(views=True))
    image = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    image = cv2.GaussianBlur(image, (0, 0), 5)
    camera = Camera.from_intrinsics(70, 70, 40, 30, (64, 96))
    singles = []
    for gamma in (1.0, 1.0, 0.6, 1.6):
        seen = (255 * (image / 255) ** gamma).round().astype(np.uint8)
        singles.append(DepthPipeline(Sees(), plain).infer(seen, camera, full_size=False).depth)
    model = Sees()
    out = DepthPipeline(model, views).infer(image, camera, samples=4, full_size=False)
    np.testing.assert_allclose(out.depth, np.median(singles, axis=0), rtol=0.03)
    np.testing.assert_allclose(out.std, np.std(singles, axis=0), rtol=0.1, atol=1e-3)
    rays = [camera.rays(uv) for camera, uv in model.shown]
    mirror = torch.tensor([-1.0, 1, 1])
    for number, seen in enumerate(rays):  # the same rays, mirrored where the picture is
        torch.testing.assert_close(seen, rays[0] * mirror if number % 2 else rays[0])
    assert len(rays) == 4


class Warns(Sees):
    """The same, and expects errors of 10 % on the left and 40 % on the right."""

    def encode(self, picture, camera, uv):
        self.right = uv[..., :1] > camera.size[1] / 2
        return super().encode(picture, camera, uv)

    def __call__(self, x_t, gamma, cond, state):
        prediction, state = super().__call__(x_t, gamma, cond, state)
        return torch.cat([prediction, torch.where(self.right, 0.4, 0.1).log()], dim=-1), state


def test_std_of_a_single_sample_is_what_the_network_expects():
    calibrated = UncertaintyConfig(alone=0.3, head_alone=2.0, slope=0.0, head=3.0)
    config = ModelConfig(pixels=64 * 96, stride=4, target='x_0', uncertainty=calibrated)
    image = np.full((64, 96, 3), 100, np.uint8)
    pipeline = DepthPipeline(Warns(), config)
    one, many = (pipeline.infer(image, None, samples=n) for n in (1, 3))
    relative = one.std / one.depth
    np.testing.assert_allclose(relative[:, :40], np.hypot(0.3, 0.2), rtol=1e-5)
    np.testing.assert_allclose(relative[:, 56:], np.hypot(0.3, 0.8), rtol=1e-5)
    np.testing.assert_allclose((many.std / many.depth)[:, 56:], 1.2, rtol=1e-5)
    uv = np.array([[10, 10], [80, 20]], np.float32)
    at = pipeline.infer(image, None, uv=uv)
    np.testing.assert_allclose(
        at.std / at.depth, [np.hypot(0.3, 0.2), np.hypot(0.3, 0.8)], rtol=1e-5
    )
    together = pipeline.infer_batch([image, image], [None, None])
    np.testing.assert_array_equal(together[1].std, one.std)
