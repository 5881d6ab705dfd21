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
from grin_ros.depth import DepthConfig, DepthTransform
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


def test_other_pixels_samples_or_intrinsics_begin_afresh():
    video, model = Video(0.5), Watched()
    pipeline = DepthPipeline(model, TINY)
    calls = []
    zoomed = {'camera': Camera.from_intrinsics(110, 110, 64, 48, SIZE)}
    frames = ({}, {'stride': 8}, {}, zoomed, zoomed, {'samples': 3}, {'samples': 3})
    for index, options in enumerate(frames):
        video.follow(picture(), 0.1 * index)
        model.calls = []
        pipeline.infer(picture(), steps=4, video=video, **{'camera': CAMERA, **options})
        calls.append(len(model.calls))
    assert calls == [4, 4, 4, 4, 2, 12, 6]


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


@pytest.mark.parametrize('full_size', [True, False])
@pytest.mark.parametrize('hold', [0.0, 0.5, 0.8])
def test_a_prompt_counts_once_however_long_the_video(hold, full_size):
    prompt = Prompt([[40, 30], [90, 60]], [3.6, 3.6])
    frames = [(picture(), 0.1 * i, 3.0) for i in range(6)]
    _, depths = watch(Video(0.5, hold), frames, prompt=prompt, full_size=full_size)
    for depth in depths:
        np.testing.assert_allclose(depth, 3.6, rtol=0.01)
    # One that comes later counts at once, although 3.6 m is near enough to 3 m to be held there.
    model = Watched(3.0)
    pipeline, video = DepthPipeline(model, TINY), Video(0.5, hold)
    for index, given in enumerate((None, None, prompt)):
        video.follow(picture(), 0.1 * index)
        depth = pipeline.infer(
            picture(), CAMERA, steps=4, video=video, prompt=given, full_size=full_size
        ).depth
    np.testing.assert_allclose(depth, 3.6, rtol=0.01)


@pytest.mark.parametrize('kind', ['log', 'log10', 'ln', 'linear'])
def test_what_is_one_surface_does_not_hang_on_the_kind_of_depth(kind):
    """ln 1.1 is held by a share that is the same near and far; a factor of 2 is let go."""
    transform = DepthTransform(DepthConfig(kind, 0.5, 80.0))
    noise = torch.zeros(1, 3, 1)
    video = Video(0.5, hold=0.8)
    last = transform.encode(torch.tensor([1.0, 10.0, 40.0])).view(1, 3, 1)
    video.keep(0, last, None)
    for factor, share in ((1.1, 0.8 * np.exp(-((np.log(1.1) / 0.38) ** 2))), (2.0, 0.03)):
        guide = video.begin(0, noise, 4, Schedule(TINY.schedule), transform, {})['guide']
        now = transform.encode(factor * torch.tensor([1.0, 10.0, 40.0])).view(1, 3, 1)
        if factor == 2.0:
            now[0, 2] = last[0, 2]  # 80 m is the end of the range
        moved = guide(now)[0, :, 0]
        found = ((now - last)[0, :, 0] - (moved - last[0, :, 0])) / (now - last)[0, :, 0]
        np.testing.assert_allclose(found[: 3 if factor < 2 else 2], share, atol=0.01)


class Slanted(Watched):
    """Answers a wall that is ten times as far at the right as at the left."""

    def encode(self, image, camera, uv=None):
        rays = camera.rays(uv)
        return 2 * 10 ** (rays[..., :1] / rays[..., 2:])


def test_pixels_that_only_set_the_scale_start_from_the_last_frame_too():
    """They begin as noisy as the queried ones, about the depth of the pixel next to them."""
    uv = np.stack(np.meshgrid(np.arange(0, 128, 3), np.arange(0, 96, 3)), -1).reshape(-1, 2)
    prompt = Prompt(uv, np.full(len(uv), 3.0), scale_only=True)
    video, model = Video(0.5), Slanted()
    pipeline = DepthPipeline(model, TINY)
    for stamp in (0.0, 0.1):
        video.follow(picture(), stamp)
        model.calls = []
        pipeline.infer(picture(), CAMERA, steps=4, video=video, prompt=prompt)
    x_T, gamma, _ = model.calls[0]
    wall = torch.from_numpy(2 * 10 ** ((uv[:, 0] - 64) / 100))
    scale = gamma**0.5 * Schedule(TINY.schedule).input_scale
    noise = x_T[0, -len(uv) :, 0] - scale * pipeline.transform.encode(wall)
    for part in (noise, *noise.view(32, 43).tensor_split(4, dim=1)):
        assert part.std().item() == pytest.approx((1 - gamma) ** 0.5, rel=0.12)
        assert part.mean().item() == pytest.approx(0, abs=0.12)


@pytest.mark.parametrize(
    'options', [{'start': 0.0}, {'start': 1.0}, {'hold': 1.0}, {'max_gap': 0}]
)
def test_options_that_mean_nothing_are_refused(options):
    with pytest.raises(ValueError, match='start'):
        Video(**options)
