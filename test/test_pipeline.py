# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The pipeline against denoisers whose answer is known."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from grin_ros.camera import Camera, Distortion
from grin_ros.checkpoint import build_model, ModelConfig
from grin_ros.config import load as load_config
from grin_ros.depth import DepthTransform
from grin_ros.diffusion import Schedule, TARGETS
from grin_ros.grid import processing_size
from grin_ros.pipeline import DepthPipeline
from grin_ros.prompt import Prompt

TINY = load_config(ModelConfig, 'config/grin_tiny.yaml')


class Plane(torch.nn.Module):
    """A denoiser that knows the truth: a wall at z = 4 m + x / 2, seen by the fitted camera."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.transform = DepthTransform(config.depth)

    def encode(self, image, camera, uv=None):
        rays = camera.rays(uv)  # (1, N, 3)
        return self.transform.encode(4 / (1 - rays[..., :1] / rays[..., 2:] / 2))

    def forward(self, x_t, gamma, cond, state=None):
        return cond, state


def plane(camera: Camera) -> np.ndarray:
    u = np.arange(camera.size[1])
    x = (u - float(camera.fx * 0 + camera.K[0, 2])) / float(camera.K[0, 0])
    return np.broadcast_to(4 / (1 - x / 2), camera.size)


def image(size, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize('size', [(96, 128), (375, 1242), (200, 90)])
@pytest.mark.parametrize('stride', [1, 3, 4])
def test_depth_comes_back_at_the_image_size_and_place(size, stride):
    camera = Camera.from_intrinsics(size[1] * 0.9, size[1] * 0.9, size[1] * 0.45, 30, size)
    out = DepthPipeline(Plane(TINY), TINY).infer(image(size), camera, stride=stride)
    truth = plane(camera)
    assert out.depth.shape == out.std.shape == out.valid.shape == size
    assert out.camera.size == size
    # Half a cell at the border, where interpolation has no neighbour.
    inner = slice(size[1] // 8, -(size[1] // 8))
    np.testing.assert_allclose(out.depth[:, inner], truth[:, inner], rtol=4e-3)
    assert out.valid.all()
    assert not out.std.any()


@pytest.mark.parametrize('stride', [1, 4, 5, 1000])
def test_the_grid_has_the_camera_that_it_says(stride):
    size = (120, 160)
    camera = Camera.from_intrinsics(150, 140, 83, 55, size)
    out = DepthPipeline(Plane(TINY), TINY).infer(
        image(size), camera, stride=stride, full_size=False
    )
    assert out.depth.shape == tuple(out.camera.size)
    np.testing.assert_allclose(out.depth, plane(out.camera), rtol=1e-4)


@pytest.mark.parametrize('stride', [1, 4])
def test_spacing_counts_pixels_of_the_depth_map(stride):
    """Not those of the fitted image, which is half as large here."""
    pipeline = DepthPipeline(Plane(TINY), replace(TINY, pixels=96 * 128))
    picture = image((192, 256))
    assert pipeline.infer(picture, None, stride=stride).spacing == 2 * stride
    assert pipeline.infer(picture, None, stride=stride, full_size=False).spacing == 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 159), st.floats(0, 119)), min_size=1, max_size=9))
def test_single_pixels_are_where_they_were_asked_for(uv):
    camera = Camera.from_intrinsics(150, 140, 83, 55, (120, 160))
    uv = np.array(uv, np.float32)
    out = DepthPipeline(Plane(TINY), TINY).infer(image((120, 160)), camera, uv=uv)
    np.testing.assert_allclose(out.depth, 4 / (1 - (uv[:, 0] - 83) / 150 / 2), rtol=1e-4)
    assert out.camera is None


def test_pixels_of_a_mask_may_be_a_view_of_it_with_negative_strides():
    mask = np.zeros((120, 160), bool)
    mask[30, 20] = mask[100, 90] = True
    camera = Camera.from_intrinsics(150, 140, 83, 55, (120, 160))
    pipeline = DepthPipeline(Plane(TINY), TINY)
    uv = np.argwhere(mask)[:, ::-1]
    prompt = Prompt(uv, 4 / (1 - (uv[:, 0] - 83) / 150 / 2))
    out = pipeline.infer(image((120, 160)), camera, uv=uv, prompt=prompt)
    np.testing.assert_allclose(out.depth, prompt.depth, rtol=1e-4)


def test_who_asks_for_no_pixel_gets_none():
    """As for an empty detection."""
    both = DepthPipeline(Plane(TINY), TINY).infer_batch(
        [image((64, 64)), image((64, 96))], [None, None], uv=np.zeros((0, 2))
    )
    assert len(both) == 2
    for out in both:
        assert out.depth.shape == out.std.shape == out.valid.shape == (0,)


def test_unknown_intrinsics_are_the_papers_default():
    size = (120, 160)
    out = DepthPipeline(Plane(TINY), TINY).infer(image(size), None, full_size=False)
    camera = Camera.from_intrinsics(80, 60, 80, 60, size).resize(out.depth.shape)
    np.testing.assert_allclose(out.depth, plane(camera), rtol=1e-4)


class Target(Plane):
    """The same, and says it as the network of a configuration would."""

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        self.target, self.scale = config.target, Schedule(config.schedule).input_scale

    def forward(self, x_t, gamma, cond, state=None):
        share, rest = gamma.sqrt(), (1 - gamma).sqrt()
        eps = (x_t - share * self.scale * cond) / rest
        v = share * eps - rest * self.scale * cond
        return {'x_0': cond, 'eps': eps, 'v': v}[self.target], state


@pytest.mark.parametrize('target', TARGETS)
def test_what_the_network_predicts_is_told_by_its_configuration(target):
    size, config = (120, 160), replace(TINY, target=target)
    camera = Camera.from_intrinsics(150, 140, 83, 55, size)
    out = DepthPipeline(Target(config), config).infer(
        image(size), camera, steps=4, full_size=False
    )  # fmt: skip
    np.testing.assert_allclose(out.depth, plane(out.camera), rtol=1e-3)


class Noise(torch.nn.Module):
    """A denoiser that answers with the noise it was given: samples differ in a known way."""

    def encode(self, image, camera, uv=None):
        return None

    def forward(self, x_t, gamma, cond, state=None):
        return 0.1 * x_t, state


@pytest.mark.parametrize('samples', [4, 5])
def test_depth_is_the_median_of_samples_and_std_their_spread(samples):
    pipeline = DepthPipeline(Noise(), TINY)
    camera = Camera.default((96, 128))
    singles = []
    generator = torch.Generator().manual_seed(7)
    for _ in range(samples):
        x_T = torch.randn(1, 24 * 32, 1, generator=generator)
        singles.append(pipeline.transform.decode(0.1 * x_T).view(24, 32).numpy())
    out = pipeline.infer(
        image((96, 128)), camera, samples=samples, steps=1, seed=7, stride=4, full_size=False
    )
    np.testing.assert_allclose(out.depth, np.median(singles, axis=0), rtol=1e-4)
    np.testing.assert_allclose(out.std, np.std(singles, axis=0), rtol=1e-3)


class Far(Noise):
    def forward(self, x_t, gamma, cond, state=None):
        return torch.ones_like(x_t), state


@pytest.mark.parametrize('focal', [0.0, 300.0])
def test_the_end_of_the_range_is_unknown_not_far(focal):
    """Of a canonical camera it is nearer, by as much as its lens is longer."""
    config = replace(TINY, depth=replace(TINY.depth, focal=focal))
    out = DepthPipeline(Far(), config).infer(image((64, 64)), None)
    assert not out.valid.any()
    assert np.isnan(out.depth).all()


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_processing_size_is_whole_patches_of_about_the_area(height, width):
    h, w = processing_size((height, width), 81920)
    assert h % 32 == w % 32 == 0
    assert h >= 32
    assert w >= 32
    if 0.2 < height / width < 5:
        assert 0.6 < h * w / 81920 < 1.5
        assert 0.6 < (h / w) / (height / width) < 1.6


def test_wrong_input_is_refused_in_a_sentence():
    pipeline = DepthPipeline(Plane(TINY), TINY)
    camera = Camera.default((64, 64))
    with pytest.raises(ValueError, match='must be uint8'):
        pipeline.infer(np.zeros((64, 64), np.uint8), camera)
    with pytest.raises(ValueError, match='the camera is for 64x64'):
        pipeline.infer(image((64, 96)), camera)
    bent = Camera.from_intrinsics(60, 60, 32, 32, (64, 64), Distortion('plumb_bob', (0.1,) * 5))
    with pytest.raises(ValueError, match='rectify'):
        pipeline.infer(image((64, 64)), bent)
    for option in ('stride', 'steps', 'samples'):
        with pytest.raises(ValueError, match='at least 1'):
            pipeline.infer(image((64, 64)), camera, **{option: 0})
    with pytest.raises(ValueError, match=r'uv is \(3,\); pixels to ask for are \(N, 2\)'):
        pipeline.infer(image((64, 64)), camera, uv=np.zeros(3))
    with pytest.raises(ValueError, match='uv holds pixels that are not finite'):
        pipeline.infer(image((64, 64)), camera, uv=[[3, 3], [np.nan, 3]])
    with pytest.raises(ValueError, match="'gpu' is no device"):
        DepthPipeline(Plane(TINY), TINY, 'gpu')
    with pytest.raises(ValueError, match="'meta' computes nothing"):
        DepthPipeline(Plane(TINY), TINY, 'meta')
    here = {'mps': torch.backends.mps.is_available(), 'xpu': torch.xpu.is_available()}
    for absent in [name for name, found in here.items() if not found]:
        with pytest.raises(ValueError, match=f"device '{absent}' cannot be used"):
            DepthPipeline(build_model(TINY), TINY, absent)
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match='no GPU'):
            DepthPipeline(Plane(TINY), TINY, 'cuda')
