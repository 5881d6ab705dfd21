# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Prompts through the pipeline, with denoisers whose error is known in closed form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.checkpoint import ModelConfig
from grin_ros.config import load as load_config
from grin_ros.depth import DepthTransform
from grin_ros.grid import processing_size
from grin_ros.pipeline import DepthPipeline
from grin_ros.prompt import Prompt

TINY = load_config(ModelConfig, 'config/grin_tiny.yaml')
SIZE = (120, 160)
CAMERA = Camera.from_intrinsics(150, 150, 80, 60, SIZE)
IMAGE = np.zeros((*SIZE, 3), np.uint8)


class Wrong(torch.nn.Module):
    """Sees the wall z = 4 m + x / 2, but `scale` times as far, and `tilt` farther per tangent."""

    def __init__(self, scale=1.0, tilt=0.0, config=TINY):
        super().__init__()
        self.transform = DepthTransform(config.depth)
        self.scale, self.tilt = scale, tilt

    def encode(self, image, camera, uv=None):
        rays = camera.rays(uv)
        x, y = (rays[..., i : i + 1] / rays[..., 2:] for i in (0, 1))
        depth = self.scale * torch.exp(self.tilt * y) * 4 / (1 - x / 2)
        return self.transform.encode(depth, camera)

    def forward(self, x_t, gamma, cond, state=None):
        return cond + 0.001 * x_t, state  # so that samples differ a little


def truth():
    x = (np.arange(SIZE[1]) - 80) / 150
    return np.broadcast_to(4 / (1 - x / 2), SIZE).astype(np.float32)


def some(count, seed=0, **options):
    rng = np.random.default_rng(seed)
    uv = np.stack([rng.integers(2, 158, count), rng.integers(2, 118, count)], 1)
    return Prompt(uv, truth()[uv[:, 1], uv[:, 0]], **options)


def error(prompt, **wrong):
    out = DepthPipeline(Wrong(**wrong), TINY).infer(IMAGE, CAMERA, prompt=prompt, steps=3)
    return np.abs(out.depth / truth() - 1)[4:-4, 4:-4].mean()


@pytest.mark.parametrize('focal', [0.0, 300.0])
def test_known_pixels_come_back_exactly_without_spread(focal):
    prompt, config = some(40), replace(TINY, depth=replace(TINY.depth, focal=focal))
    pipeline = DepthPipeline(Wrong(1.5, config=config), config)
    out = pipeline.infer(IMAGE, CAMERA, prompt=prompt, samples=2)
    u, v = prompt.uv.astype(int).T
    np.testing.assert_allclose(out.depth[v, u], prompt.depth, rtol=1e-5)
    np.testing.assert_allclose(out.std[v, u], 0, atol=1e-5)


def test_one_pixel_sets_the_scale():
    assert error(some(1), scale=1.5) < 0.01 < 0.4 < error(None, scale=1.5)


def test_a_bent_error_needs_pixels_and_more_of_them_help():
    errors = [error(some(n), tilt=1.0) for n in (0, 16, 80, 400)]
    assert errors[0] > 1.5 * errors[1] > 3 * errors[2] > 6 * errors[3]
    # What scale alone can do, at best, is far from it.
    assert error(some(400, scale_only=True), tilt=1.0) > 5 * errors[3]


@pytest.mark.parametrize('full_size', [True, False])
def test_weight_says_how_far_surroundings_follow(full_size):
    def log_error(weight):
        out = DepthPipeline(Wrong(1.5), TINY).infer(
            IMAGE, CAMERA, prompt=some(9, weight=weight), full_size=full_size, steps=1
        )
        return np.median(np.log(out.depth / np.median(truth())))

    whole, half, none = (log_error(w) for w in (1.0, 0.5, 0.0))
    assert none == pytest.approx(np.log(1.5), abs=0.03)
    assert half == pytest.approx(np.log(1.5) / 2, abs=0.03)
    assert whole == pytest.approx(0, abs=0.03)


def test_single_pixels_follow_too():
    uv = np.array([[20, 30], [90, 100.5]], np.float32)
    pipeline = DepthPipeline(Wrong(1.5), TINY)
    depth = pipeline.infer(IMAGE, CAMERA, uv=uv, prompt=some(9)).depth
    expected = 4 / (1 - (uv[:, 0] - 80) / 150 / 2)
    assert depth.shape == (2,)
    np.testing.assert_allclose(depth, expected, rtol=0.01)


@pytest.mark.parametrize('weight', [0.0, 0.5, 1.0])
def test_what_was_measured_is_the_answer_where_it_is_asked_for(weight):
    prompt = some(40, weight=weight)
    pipeline = DepthPipeline(Wrong(1.5), replace(TINY, pixels=SIZE[0] * SIZE[1]))
    beside = prompt.uv + [1, 0]
    single = pipeline.infer(IMAGE, CAMERA, uv=np.concatenate([prompt.uv, beside]), prompt=prompt)
    np.testing.assert_allclose(single.depth[:40], prompt.depth, rtol=1e-5)
    u, v = beside.astype(int).T
    assert (np.abs(single.depth[40:] / truth()[v, u] - 1) > 1e-5).all()
    # Every second pixel of the image that is worked on.
    coarse = pipeline.infer(IMAGE, CAMERA, prompt=prompt, stride=2, full_size=False).depth
    rows, columns = (((np.arange(n) + 0.5) * size / n - 0.5).round().astype(int)
                     for n, size in zip(coarse.shape, SIZE))  # fmt: skip
    measured = np.zeros(SIZE, np.float32)
    measured[prompt.uv[:, 1].astype(int), prompt.uv[:, 0].astype(int)] = prompt.depth
    measured = measured[np.ix_(rows, columns)]
    assert (measured > 0).sum() > 5
    np.testing.assert_allclose(coarse[measured > 0], measured[measured > 0], rtol=1e-5)


class Sky(Wrong):
    """Sees the wall, and sky above it."""

    def forward(self, x_t, gamma, cond, state=None):
        v = torch.arange(cond.shape[1]) // 32  # rows of the grid of 32 x 24 that is asked for
        return torch.where((v < 6)[:, None], self.transform.x_max, cond), state


@pytest.mark.parametrize('scale', [0.6, 1.5])
def test_scale_only_leaves_the_sky_unknown(scale):
    uv = np.array([[30.0, 100], [80, 110], [120, 90]])
    prompt = Prompt(uv, truth()[100, uv[:, 0].astype(int)], scale_only=True)
    out = DepthPipeline(Sky(scale), TINY).infer(
        IMAGE, CAMERA, prompt=prompt, full_size=False, samples=2
    )
    assert out.valid.shape == (24, 32)
    assert not out.valid[:6].any()
    assert out.valid[6:].all()
    np.testing.assert_allclose(out.depth[20], truth()[60, 2::5], rtol=0.02)


def test_a_canonical_camera_has_a_range_of_its_own():
    """fx of 150 px on the 120 x 160 image: with a focal of 300 a wall of d m is kept as 2 d."""
    config = replace(TINY, depth=replace(TINY.depth, focal=300.0))
    pipeline = DepthPipeline(Wrong(config=config), config)

    def answered(depth):
        prompt = Prompt([[40.0, 60.0]], [depth])
        return pipeline.infer(IMAGE, CAMERA, prompt=prompt).depth[60, 40]

    far, near = config.depth.max, config.depth.min
    fx = CAMERA.resize(processing_size(SIZE, config.pixels)).fx
    scale = 300.0 / float(fx)
    assert scale > 1.5
    alone = pipeline.infer(IMAGE, CAMERA).depth[60, 40]
    assert answered(0.9 * far) == pytest.approx(alone)  # it would be kept as the sky
    assert answered(0.95 * far / scale) == pytest.approx(0.95 * far / scale, rel=1e-4)
    assert answered(1.1 * near / scale) == pytest.approx(1.1 * near / scale, rel=1e-4)


@pytest.mark.parametrize('count', [2, 25])
@pytest.mark.parametrize('focal', [0.0, 300.0])
def test_scale_only_is_the_median_ratio(focal, count):
    prompt, config = (
        some(count, scale_only=True),
        replace(TINY, depth=replace(TINY.depth, focal=focal)),
    )
    pipeline = DepthPipeline(Wrong(1.5, 0.3, config), config)
    plain = pipeline.infer(IMAGE, CAMERA).depth
    scaled = pipeline.infer(IMAGE, CAMERA, prompt=prompt).depth
    u, v = prompt.uv.astype(int).T
    np.testing.assert_allclose(
        scaled, plain * np.median(prompt.depth / plain[v, u]), rtol=0.02
    )  # fmt: skip


@pytest.mark.parametrize(
    'prompt',
    [
        Prompt(np.zeros((0, 2)), np.zeros(0)),
        Prompt([[500.0, 3.0], [-9.0, 5.0]], [3.0, 4.0]),  # outside of the image
        Prompt([[50.0, 50.0]], [5000.0]),  # beyond what the model can say
    ],
)
def test_a_prompt_that_says_nothing_changes_nothing(prompt):
    pipeline = DepthPipeline(Wrong(1.5), TINY)
    out = pipeline.infer(IMAGE, CAMERA, prompt=prompt)
    np.testing.assert_array_equal(out.depth, pipeline.infer(IMAGE, CAMERA).depth)
    assert out.known == 0


def test_the_nearest_of_several_values_in_a_pixel_counts():
    prompt = Prompt([[70.1, 50.2], [69.9, 49.8], [70.0, 50.0]], [9.0, 3.0, 5.0])
    out = DepthPipeline(Wrong(), TINY).infer(IMAGE, CAMERA, prompt=prompt)
    assert out.depth[50, 70] == pytest.approx(3.0, rel=1e-5)
    assert out.known == 3, 'all are in the image'


def test_points_of_a_sensor_are_projected_and_hidden_ones_left_out():
    # A sensor 0.5 m to the left sees a wall at 10 m past a board at 2 m.
    pose = np.eye(4)
    pose[0, 3] = -0.5
    u, v = np.meshgrid(np.arange(0, 160, 2), np.arange(0, 120, 2))
    rays = np.stack([(u - 80) / 150, (v - 60) / 150, np.ones(u.shape)], -1).reshape(-1, 3)
    board = rays * 2
    board = board[(abs(board[:, 0]) < 0.2) & (abs(board[:, 1]) < 0.3)]
    points = np.concatenate([board, rays * 10, [[np.nan, 0, 1], [0, 0, -3]]]) - pose[:3, 3]
    prompt = Prompt.from_points(points.astype(np.float32), pose, CAMERA)
    behind = (abs(prompt.uv[:, 0] - 80) < 12) & (abs(prompt.uv[:, 1] - 60) < 20)
    assert set(np.round(prompt.depth, 3)) == {2.0, 10.0}
    assert (prompt.depth[behind] == 2).all() and behind.sum() > 50


def test_a_prompt_is_thinned_all_over_the_image():
    whole = Prompt.from_map(np.arange(1.0, 10001).reshape(100, 100))
    drawn = whole.thinned(500)
    u, v = drawn.uv.T
    np.testing.assert_array_equal(drawn.depth, 100 * v + u + 1)
    assert len(np.unique(drawn.depth)) == 500
    assert u.mean() == pytest.approx(49.5, abs=5) and v.mean() == pytest.approx(49.5, abs=5)


@pytest.mark.parametrize(
    'values, message',
    [
        ({'uv': [[1, 2]], 'depth': [1.0, 2.0]}, r'uv \(N, 2\)'),
        ({'uv': [[1, 2]], 'depth': [-1.0]}, 'positive'),
        ({'uv': [[np.nan, 2]], 'depth': [1.0]}, 'finite'),
        ({'uv': [[1, 2]], 'depth': [1.0], 'weight': 1.5}, 'weight'),
        ({'uv': [[1, 2]], 'depth': [1.0], 'resample': 0}, 'resample'),
    ],
)
def test_what_cannot_be_known_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Prompt(**values)
