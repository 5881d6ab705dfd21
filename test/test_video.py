# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Warm starts: what is carried over, when it is forgotten, and what it costs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.checkpoint import ModelConfig
from grin_ros.config import load as load_config
from grin_ros.depth import DepthTransform
from grin_ros.diffusion import Schedule
from grin_ros.pipeline import DepthPipeline
from grin_ros.prompt import Prompt
from grin_ros.video import correlation, Video

TINY = load_config(ModelConfig, 'config/grin_tiny.yaml')
SIZE = (96, 128)
CAMERA = Camera.from_intrinsics(100, 100, 64, 48, SIZE)


class Watched(torch.nn.Module):
    """Answers the depth `depth`, and keeps what it was given; its state counts its calls."""

    def __init__(self, depth=4.0):
        super().__init__()
        self.transform, self.depth = DepthTransform(TINY.depth), depth
        self.calls = []

    def encode(self, image, camera, uv=None):
        return torch.full((*uv.shape[:2], 1), self.depth)

    def forward(self, x_t, gamma, cond, state=None):
        self.calls.append((x_t.clone(), float(gamma[0]), state))
        return self.transform.encode(cond), (0 if state is None else state) + 1


def picture(seed=0):
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), SIZE[::-1])


def watch(video, frames, steps=4, **options):
    """frames: (picture, stamp, depth); returns what the denoiser was given in each frame."""
    model, given, depths = Watched(), [], []
    pipeline = DepthPipeline(model, TINY)
    for image, stamp, depth in frames:
        model.depth, model.calls = depth, []
        if video is not None:
            video.follow(image, stamp)
        depths.append(pipeline.infer(image, CAMERA, steps=steps, video=video, **options).depth)
        given.append(model.calls)
    return given, depths


def test_the_second_frame_starts_from_the_first_with_its_latents():
    (cold, warm), depths = watch(Video(0.5), [(picture(), 0.0, 3.0), (picture(), 0.1, 5.0)])
    schedule, transform = Schedule(TINY.schedule), DepthTransform(TINY.depth)
    assert len(cold) == 4 and len(warm) == 2, 'half of the way, half of the steps'
    assert cold[0][2] is None and warm[0][2] == 4
    x_T, gamma, _ = warm[0]
    assert gamma == pytest.approx(float(schedule.gamma(0.5)))
    expected = gamma**0.5 * transform.encode(torch.tensor(3.0)) * schedule.input_scale
    assert x_T.mean().item() == pytest.approx(expected.item(), abs=0.05)
    assert x_T.std().item() == pytest.approx((1 - gamma) ** 0.5, rel=0.1)
    np.testing.assert_allclose(depths[1], 5.0, rtol=1e-4)  # but the answer is the new frame's


@pytest.mark.parametrize(
    'second',
    [
        (picture(1), 0.1, 3.0),  # a cut
        (picture(), -5.0, 3.0),  # a bag that loops
        (picture(), 0.0, 3.0),  # the same frame once more
        (picture(), 9.0, 3.0),  # a gap
    ],
)
def test_after_a_cut_or_a_jump_in_time_it_begins_afresh(second):
    frames = [(picture(), 0.0, 3.0), second]
    (_, again), _ = watch(Video(0.5, hold=0.5), frames)
    (alone,), _ = watch(None, [second])
    assert len(again) == len(alone) == 4 and again[0][2] is None
    assert torch.equal(again[0][0], alone[0][0])


def test_other_pixels_or_samples_begin_afresh():
    video, model = Video(0.5), Watched()
    pipeline = DepthPipeline(model, TINY)
    calls = []
    for index, options in enumerate(({}, {'stride': 8}, {}, {'samples': 3}, {'samples': 3})):
        video.follow(picture(), 0.1 * index)
        model.calls = []
        pipeline.infer(picture(), CAMERA, steps=4, video=video, **options)
        calls.append(len(model.calls))
    assert calls == [4, 4, 4, 12, 6]


def test_brightness_is_no_cut_and_moving_a_little_neither():
    dark = (picture() * 0.4 + 30).astype(np.uint8)
    moved = np.roll(picture(), 4, axis=1)
    for follower in (dark, moved):
        (_, warm), _ = watch(Video(0.5), [(picture(), 0.0, 3.0), (follower, 0.1, 3.0)])
        assert len(warm) == 2
    flat = np.full((6, 8), 3.0, np.float32)
    assert correlation(flat, flat) == 1
    assert correlation(flat, np.eye(6, 8, dtype=np.float32)) == 0


def test_a_covered_lens_is_a_cut_and_so_is_what_comes_after_it():
    black = np.zeros((*SIZE, 3), np.uint8)
    frames = [(picture(), 0.0, 3.0), (black, 0.1, 3.0), (black, 0.2, 3.0), (picture(), 0.3, 3.0)]
    given, _ = watch(Video(0.5), frames)
    assert [len(calls) for calls in given] == [4, 4, 2, 4]


def test_holding_steadies_what_changes_little_and_lets_go_of_what_moves():
    frames = [(picture(), 0.0, 3.0), (picture(), 0.1, 3.1)]
    _, (_, free) = watch(Video(0.5), frames)
    _, (_, held) = watch(Video(0.5, hold=0.8), frames)
    change, damped = np.log(free / 3).mean(), np.log(held / 3).mean()
    assert damped == pytest.approx(0.2 * change, rel=0.05)
    _, (_, moved) = watch(Video(0.5, hold=0.8), [frames[0], (picture(), 0.1, 9.0)])
    np.testing.assert_allclose(moved, 9.0, rtol=0.02)


def test_a_prompt_stands_above_the_last_frame():
    prompt = Prompt([[40, 30]], [6.0])
    frames = [(picture(), 0.0, 3.0), (picture(), 0.1, 3.0)]
    (_, warm), (_, depth) = watch(Video(0.5, hold=0.8), frames, prompt=prompt)
    assert len(warm) == 2 and depth[30, 40] == pytest.approx(6.0, rel=1e-5)
    assert np.median(depth) == pytest.approx(6.0, rel=0.02)


@pytest.mark.parametrize(
    'options', [{'start': 0.0}, {'start': 1.0}, {'hold': 1.0}, {'max_gap': 0}]
)
def test_options_that_mean_nothing_are_refused(options):
    with pytest.raises(ValueError, match='start'):
        Video(**options)
