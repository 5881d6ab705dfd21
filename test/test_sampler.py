# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Images together or alone, in one go or in parts: the depth is the same."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.checkpoint import build_model, ModelConfig
from grin_ros.config import load as load_config
from grin_ros.pipeline import DepthPipeline
from grin_ros.plane import PlaneDenoiser
from grin_ros.prompt import Prompt
from grin_ros.sampler import fit_picture, LEAST, out_of_memory
from grin_ros.video import Video

TINY = load_config(ModelConfig, 'config/grin_tiny.yaml')


def image(size, seed):
    return np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)


def camera(size, focal):
    return Camera.from_intrinsics(focal, focal, size[1] / 2, size[0] / 2, size)


@pytest.fixture(scope='module')
def pipeline():
    torch.manual_seed(0)
    model = build_model(TINY)
    for parameter in model.parameters():  # its last layer starts small, which would hide much
        parameter.data += 0.05 * torch.randn_like(parameter)
    return DepthPipeline(model, TINY)


class Device(PlaneDenoiser):
    """A device with memory for so many pixels; counts what it is asked for."""

    def __init__(self, room: int):
        super().__init__(TINY.depth)
        self.room, self.asked = room, []

    def encode(self, image, camera, uv=None):
        self.asked.append(uv.shape[0] * uv.shape[1])
        if self.asked[-1] > self.room:
            raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2 GiB')
        return super().encode(image, camera, uv)


def test_a_batch_is_what_its_images_are_alone(pipeline):
    """Three of one processing size, though not of one size, and one of another."""
    sizes = [(96, 128), (192, 256), (96, 128), (60, 180)]
    images = [image(size, seed) for seed, size in enumerate(sizes)]
    cameras = [camera(size, 60 + 30 * seed) for seed, size in enumerate(sizes)]
    cameras[2] = None
    options = {'samples': 2, 'steps': 2, 'stride': 8, 'seed': 3}
    batch = pipeline.infer_batch(images, cameras, **options)
    for k in range(4):
        alone = pipeline.infer(images[k], cameras[k], **options)
        np.testing.assert_allclose(batch[k].depth, alone.depth, rtol=1e-4)
        np.testing.assert_allclose(batch[k].std, alone.std, rtol=1e-2, atol=1e-4)
        assert batch[k].camera.size == sizes[k]
    assert np.nanmax(np.abs(batch[0].depth - batch[2].depth)) > 0.1


def test_single_pixels_of_a_batch_are_those_of_their_own_image():
    """Of two sizes with one processing size, in which a pixel is at two places."""
    sizes, uv = [(96, 128), (192, 256)], np.array([[10.0, 20.0], [100.0, 80.0]])
    images, cameras = [image(size, 0) for size in sizes], [camera(size, 90) for size in sizes]
    pipeline = DepthPipeline(PlaneDenoiser(TINY.depth), TINY)
    batch = pipeline.infer_batch(images, cameras, uv=uv)
    for k in range(2):
        alone = pipeline.infer(images[k], cameras[k], uv=uv)
        np.testing.assert_array_equal(batch[k].depth, alone.depth)
    assert np.abs(batch[0].depth - batch[1].depth).max() > 0.1


def test_each_camera_of_a_batch_goes_on_from_its_own_last_frame(pipeline):
    options = {'steps': 2, 'stride': 8}
    videos, alone = ([Video(), Video()] for _ in range(2))
    for stamp, seeds in ((1.0, (0, 1)), (1.1, (0, 2))):  # the second sees something new
        frames = [image((96, 128), seed) for seed in seeds]
        for frame, *both in zip(frames, videos, alone):
            for video in both:
                video.follow(frame, stamp)
        batch = pipeline.infer_batch(frames, [None] * 2, videos=videos, **options)
        single = [pipeline.infer(f, None, video=v, **options) for f, v in zip(frames, alone)]
        for one, expected in zip(batch, single):
            np.testing.assert_allclose(one.depth, expected.depth, rtol=1e-4)


def test_images_of_one_size_are_encoded_together():
    device = Device(room=10**9)
    sizes = [(96, 128), (192, 256), (60, 180)]
    DepthPipeline(device, TINY).infer_batch(
        [image(size, 0) for size in sizes], [None] * 3, stride=8
    )
    assert device.asked[0] == 2 * 12 * 16 and len(device.asked) == 2


@pytest.mark.parametrize('room', [10**9, 3072, 3000, 700, 300])
def test_a_lack_of_memory_costs_time_and_nothing_else(room):
    """Two images of 96 x 128 pixels at stride 2 are 2 x 3072 pixels."""
    size = (96, 128)
    cameras, images = [camera(size, 80), camera(size, 120)], [image(size, 0), image(size, 1)]
    truth = DepthPipeline(PlaneDenoiser(TINY.depth), TINY)
    truth = truth.infer_batch(images, cameras, stride=2, samples=2)
    assert np.abs(truth[0].depth - truth[1].depth).max() > 0.1
    device = Device(room)
    pipeline = DepthPipeline(device, TINY)
    for made, expected in zip(pipeline.infer_batch(images, cameras, stride=2, samples=2), truth):
        np.testing.assert_array_equal(made.depth, expected.depth)
    device.asked.clear()
    pipeline.infer_batch(images, cameras, stride=2)
    assert max(device.asked) <= room, 'learnt for the next frame'
    assert sum(device.asked) == 2 * 3072


def test_a_prompt_is_known_to_every_part():
    size = (96, 128)
    prompt = Prompt(np.array([[10.0, 10.0], [90.0, 60.0]]), np.array([3.0, 5.0]))
    whole, parts = (
        DepthPipeline(Device(room), TINY).infer(
            image(size, 0), camera(size, 80), stride=2, prompt=prompt
        )
        for room in (10**9, 1000)
    )
    np.testing.assert_allclose(parts.depth, whole.depth, rtol=1e-5)
    assert whole.depth[10, 10] == pytest.approx(3, rel=1e-3)


def test_without_any_memory_the_end_is_a_sentence():
    device = Device(room=0)
    pipeline = DepthPipeline(device, TINY)
    with pytest.raises(MemoryError, match=r'cpu has not enough memory, even for \d+ pixels'):
        pipeline.infer(image((96, 128), 0), None, stride=2)
    assert min(device.asked) <= LEAST and len(device.asked) < 8
    device.asked.clear()
    with pytest.raises(MemoryError):
        pipeline.infer(image((96, 128), 0), None, stride=2)
    assert len(device.asked) == 1, 'nor is it tried again and again'
    device.room = 10**9
    assert pipeline.infer(image((96, 128), 0), None, stride=2).valid.all()


def test_a_lack_of_memory_is_told_by_what_torch_says_of_it():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert out_of_memory(caught.value)


def test_other_errors_are_not_taken_for_a_lack_of_memory(pipeline):
    def fail():
        raise RuntimeError('CUDA error: device-side assert triggered')

    with pytest.raises(RuntimeError, match='device-side'):
        pipeline.infer(image((96, 128), 0), None, on_step=fail)
    assert pipeline.sampler.capacity > 10**9


def test_other_weights_do_not_begin_where_the_old_ones_ended(pipeline):
    """As after a reload of the node's weights, between two frames of a camera."""
    torch.manual_seed(1)
    other = DepthPipeline(build_model(TINY), TINY)
    frame, video = image((96, 128), 0), Video()
    options = {'steps': 2, 'stride': 8}
    for stamp, one in ((1.0, pipeline), (1.1, pipeline), (1.2, other)):
        video.follow(frame, stamp)
        made = one.infer(frame, None, video=video, **options)
        fresh = np.array_equal(made.depth, one.infer(frame, None, **options).depth)
        assert fresh == (stamp != 1.1)


def test_other_pixels_do_not_begin_where_the_last_ones_ended(pipeline):
    frame, video = image((96, 128), 0), Video()
    asked = np.array([[10.0, 20.0], [100.0, 80.0]]), np.array([[90.0, 70.0], [5.0, 9.0]])
    for stamp, uv in enumerate((asked[0], asked[0], asked[1])):
        video.follow(frame, 0.1 * stamp)
        made = pipeline.infer(frame, None, uv=uv, video=video, steps=2)
        fresh = np.array_equal(made.depth, pipeline.infer(frame, None, uv=uv, steps=2).depth)
        assert fresh == (stamp != 1)


def test_noise_that_is_added_again_is_not_that_of_the_start():
    seen = []

    class Keeps(PlaneDenoiser):
        def forward(self, x_t, gamma, cond, state=None):
            seen.append(x_t[0, :, 0].clone())
            return super().forward(x_t, gamma, cond, state)

    prompt = Prompt([[5.0, 5.0]], [3.0], resample=2)
    DepthPipeline(Keeps(TINY.depth), TINY).infer(
        image((96, 128), 0), None, steps=2, prompt=prompt, samples=2
    )
    # At t = 1 nothing but noise is left: of the first and the second time, and of both samples.
    noise = torch.stack([seen[0], seen[1], seen[4], seen[5]])
    assert noise.shape[1] > 500
    assert torch.allclose(torch.corrcoef(noise), torch.eye(4), atol=0.15)


def test_parts_do_not_begin_where_the_whole_ended(pipeline):
    """Since each has latents of its own; as on a device that has not room for all."""
    frame, video = image((96, 128), 0), Video()
    options = {'steps': 2, 'stride': 8}
    parts = DepthPipeline(pipeline.model, TINY)
    parts.sampler.capacity = 100
    for stamp in (1.0, 1.1):
        video.follow(frame, stamp)
        made = parts.infer(frame, None, video=video, **options)
        np.testing.assert_array_equal(made.depth, parts.infer(frame, None, **options).depth)


@pytest.mark.parametrize('factor', [1, 4])
def test_pictures_are_fitted_as_by_pillow(factor):
    seen = image((32 * factor, 64 * factor), 0)
    fitted = fit_picture(seen, (32, 64), 'cpu')
    truth = PIL.Image.fromarray(seen).resize((64, 32), PIL.Image.Resampling.BILINEAR)
    truth = np.moveaxis(np.asarray(truth), -1, 0)[None] / 255
    np.testing.assert_allclose(fitted, truth, atol=1e-6 if factor == 1 else 1.1 / 255)


def test_a_first_guess_out_of_range_is_brought_into_it():
    seen = []

    class Wild(PlaneDenoiser):
        def forward(self, x_t, gamma, cond, state=None):
            seen.append((x_t, float(gamma[0])))
            return torch.full_like(x_t, 100.0), None

    pipeline = DepthPipeline(Wild(TINY.depth), TINY)
    pipeline.infer(image((96, 128), 0), None, steps=2)
    x_t, gamma = seen[1]
    largest = pipeline.transform.x_max * pipeline.sampler._schedule.input_scale
    assert x_t.abs().max() < gamma**0.5 * largest + 5 * (1 - gamma) ** 0.5
