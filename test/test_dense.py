# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Training on whole maps: the batch, the loss on measured pixels, the unrolled step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from painted_planes import write_planes
import pytest
import torch

from grin_ros.checkpoint import DepthGenConfig, load, ModelConfig, save
from grin_ros.config import dump_yaml, from_dict, to_dict
from grin_ros.depth import DepthConfig, DepthTransform
from grin_ros.diffusion.schedule import add_noise, Schedule
from grin_ros.diffusion.unroll import unroll
from grin_ros.models.unet import depth_weights, UNet, UNetConfig
from grin_ros.training.config import DenseConfig, SourceConfig, TrainConfig
from grin_ros.training.dense import DenseBatch, DenseBatches, DenseObjective
from grin_ros.training.infill import infill
from grin_ros.training.initial import initial_model
from grin_ros.training.recipe import load_recipe
from grin_ros.training.source import Source
from grin_ros.training.trainer import Trainer

SIZE = (32, 48)
NETWORK = UNetConfig(dim=8, multipliers=(1, 2), blocks=(1, 1), heads=2)
MODEL = DepthGenConfig(network=NETWORK, depth=DepthConfig('linear', 0.1, 10.0), steps=4)


def recipe(planes='planes', **changes) -> TrainConfig:
    defaults = {
        'model': MODEL, 'sources': (SourceConfig(set=str(planes), size=SIZE, augment='flip'),),
        'steps': 4, 'batch': 3, 'full_noise': 0.0, 'save_every': 2,
    }  # fmt: skip
    return TrainConfig(**{**defaults, **changes})


@pytest.fixture(scope='module')
def planes(tmp_path_factory):
    return write_planes(tmp_path_factory.mktemp('planes'), 3, depth_kind='lidar')


def batches(config: TrainConfig) -> DenseBatches:
    return DenseBatches(config, [Source(s, config.model.pixels) for s in config.sources])


def random_batch(images=2, channels=1, unrolled=False) -> DenseBatch:
    torch.manual_seed(0)
    shape = (images, channels, 8, 8)
    valid = torch.rand(shape) < 0.5
    return DenseBatch(
        torch.rand(images, 3, 8, 8), torch.rand(shape) * 2 - 1, valid, valid[:, :1].float(),
        torch.rand(images) * 0.8 + 0.1, torch.randn(shape), torch.randn(shape),
        torch.full((images,), unrolled),
    )  # fmt: skip


class Stub:
    """A denoiser that answers by a function, and remembers what it was asked."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def encode(self, image, camera, uv=None):
        return image

    def __call__(self, x_t, gamma, cond, state=None):
        self.asked.append((x_t, gamma))
        return self.answer(x_t, gamma), None


def test_the_unrolled_target_in_closed_form():
    rng = np.random.default_rng(0)
    answer, x_0, eps = rng.standard_normal((3, 2, 1, 4, 5))
    gamma = np.array([0.3, 0.9])
    root = np.sqrt(gamma)[:, None, None, None]
    rest = np.sqrt(1 - gamma)[:, None, None, None]
    made = unroll(*(torch.from_numpy(x) for x in (answer, x_0, eps, gamma)))
    x_t, implied = (x.numpy() for x in made)
    np.testing.assert_allclose(x_t, root * answer + rest * eps, atol=1e-5)
    np.testing.assert_allclose(implied, eps + root / rest * (answer - x_0), atol=1e-5)
    # Denoising x_t by the implied noise leads to the truth, wherever the answer was.
    np.testing.assert_allclose((x_t - rest * implied) / root, x_0, atol=1e-5)


@pytest.mark.parametrize('target', ['eps', 'x_0', 'v'])
@pytest.mark.parametrize('unrolled', [0.0, 1.0])
def test_an_ideal_denoiser_has_no_loss(target, unrolled):
    config = recipe(model=replace(MODEL, target=target), dense=DenseConfig(unroll=unrolled))
    batch = random_batch(unrolled=bool(unrolled))

    def ideal(x_t, gamma):
        root, rest = (g.view(-1, 1, 1, 1).sqrt() for g in (gamma, 1 - gamma))
        eps = (x_t - root * batch.x_0) / rest
        return {'eps': eps, 'x_0': batch.x_0, 'v': root * eps - rest * batch.x_0}[target]

    stub = Stub(ideal)
    assert DenseObjective(config)(stub, batch) < 1e-5
    assert len(stub.asked) == 1 + bool(unrolled)


def test_an_unrolled_step_shows_the_model_its_own_answer_at_the_same_level():
    config = recipe(model=replace(MODEL, target='x_0'), dense=DenseConfig(unroll=1.0))
    batch = random_batch(unrolled=True)
    stub = Stub(lambda x_t, gamma: torch.full_like(x_t, 3.0))  # beyond what depth can be
    loss = DenseObjective(config)(stub, batch)
    gamma = Schedule(MODEL.schedule).gamma(batch.t)
    (first, level), (second, same) = stub.asked
    assert torch.equal(level, gamma) and torch.equal(same, gamma)
    torch.testing.assert_close(first, add_noise(batch.x_0, batch.eps, gamma))
    torch.testing.assert_close(second, add_noise(torch.ones_like(first), batch.again, gamma))
    # The truth is still what it should answer.
    expected = [(3 - x[v]).abs().mean() for x, v in zip(batch.x_0, batch.valid, strict=True)]
    torch.testing.assert_close(loss, sum(expected) / config.batch)


def test_only_measured_pixels_are_judged():
    batch = random_batch()
    wrong = torch.where(batch.valid, 0.0, torch.nan)
    stub = Stub(lambda x_t, gamma: batch.eps + wrong)
    assert DenseObjective(recipe())(stub, batch) == 0


def test_a_batch_has_no_holes_but_knows_them(planes):
    measured = np.random.default_rng(0).random((64, 96)) < 0.05
    config = recipe(planes)
    source = Source(config.sources[0], config.model.pixels)
    drawn = source[0]
    drawn.depth[~measured] = 0
    dense = DenseBatches(config, [source])

    class One(Source):
        def __getitem__(self, index):
            return replace(drawn, depth=drawn.depth.copy())

    source.__class__ = One
    (batch,) = dense[0]
    assert batch.image.shape == (3, 3, *SIZE) and batch.eps.std() > 0.9
    transform = DepthTransform(MODEL.depth)
    for x_0, valid, depth in zip(batch.x_0, batch.valid, batch.depth, strict=True):
        assert valid.float().mean() < 0.4 and torch.equal(valid, depth > 0)
        expected = torch.from_numpy(infill(depth[0].numpy(), 10.0))
        torch.testing.assert_close(transform.decode(x_0[0]), expected)
    plain = replace(config, dense=DenseConfig(infill=False))
    (bare,) = DenseBatches(plain, [source])[0]
    assert (bare.x_0[~bare.valid].abs() < 1e-6).all()
    torch.testing.assert_close(bare.x_0[bare.valid], batch.x_0[bare.valid])


def test_the_sky_is_as_far_as_can_be_through_every_lens(planes):
    """As read by the pipeline, to which all that is not nearer is sky."""
    config = recipe(planes, model=replace(MODEL, depth=replace(MODEL.depth, focal=20.0)))
    source = Source(config.sources[0], config.model.pixels)
    drawn = source[0]
    drawn.depth[:] = 3.0
    drawn.depth[:20] = 0
    drawn.sky = drawn.depth == 0
    dense = DenseBatches(config, [source])

    class One(Source):
        def __getitem__(self, index):
            return replace(drawn, depth=drawn.depth.copy())

    source.__class__ = One
    _, x_0, valid, _ = dense.show(source, 0, np.random.default_rng(0))
    wall = dense.transform.encode(torch.tensor(3.0), drawn.camera.resize(SIZE)).item()
    assert wall < 0
    np.testing.assert_allclose(x_0[0, :9], dense.transform.x_max, atol=1e-6)
    np.testing.assert_allclose(x_0[0, 11:], wall, atol=1e-6)
    assert not valid[0, :9].any() and valid[0, 11:].all()


def test_a_share_of_the_labels_is_one_share_for_all_views(planes):
    """Mirrored or not, and the sky is known in any case."""
    source = Source(recipe(planes).sources[0], MODEL.pixels, labels=0.1)
    source.domain = 'outdoor'
    frame = source[0]
    frame.depth[:16] = 0
    frame.sky = frame.depth == 0

    class One(Source):
        def __getitem__(self, index):
            return replace(frame, depth=frame.depth.copy())

    source.__class__, source.size = One, frame.depth.shape
    dense = DenseBatches(recipe(planes), [source])
    views = [dense.show(source, 0, np.random.default_rng(seed)) for seed in range(8)]
    kept = [depth[0] > 0 for *_, depth in views]
    sides = {k.tobytes() for k in kept}
    assert sides == {kept[0].tobytes(), kept[0][:, ::-1].tobytes()}
    assert kept[0][16:].mean() == pytest.approx(0.1, abs=0.02)
    transform = DepthTransform(MODEL.depth)
    for _, x_0, _, _ in views:
        sky = transform.decode(torch.from_numpy(x_0[0, :16]))
        torch.testing.assert_close(sky, torch.full_like(sky, 10.0))


def test_what_an_image_gets_does_not_depend_on_the_company(planes):
    (alone,) = batches(recipe(planes, batch=3))[1]
    parts = batches(recipe(planes, batch=3, microbatch=1))[1]
    assert len(parts) == 3
    for name in ('x_0', 'eps', 'again', 't'):
        assert torch.equal(getattr(alone, name), torch.cat([getattr(p, name) for p in parts]))


def test_a_run_goes_on_where_it_was_saved(planes, tmp_path):
    config = recipe(planes, output=str(tmp_path / 'a'), dense=DenseConfig(unroll=0.5))
    whole = Trainer(config)
    whole.run()
    half = Trainer(replace(config, output=str(tmp_path / 'b')))
    for step in range(2):
        half.train_step(half.batches[step])
    half.save()
    rest = Trainer(half.config)
    rest.resume()
    rest.run()
    for a, b in zip(whole.model.parameters(), rest.model.parameters(), strict=True):
        assert torch.equal(a, b)
    _, found, metadata = load(tmp_path / 'a' / 'last.safetensors')
    assert found == MODEL and metadata['recipe']['dense'] == {'infill': True, 'unroll': 0.5}


def test_depth_starts_from_weights_of_pictures(tmp_path):
    pictures = replace(MODEL, network=replace(NETWORK, channels=3))
    torch.manual_seed(1)
    pretrained = UNet(pictures.network)
    save(tmp_path / 'p.safetensors', pretrained, pictures)
    model = initial_model(recipe(initial=str(tmp_path / 'p.safetensors')))
    expected = depth_weights(pretrained.state_dict())
    assert all(torch.equal(v, expected[n]) for n, v in model.state_dict().items())
    larger = replace(MODEL, network=replace(NETWORK, blocks=(1, 2)))
    with pytest.raises(ValueError, match='another network'):
        initial_model(recipe(model=larger, initial=str(tmp_path / 'p.safetensors')))


def test_kind_tells_configurations_apart(tmp_path):
    assert from_dict(TrainConfig, to_dict(recipe()), 'x').model == MODEL
    assert from_dict(TrainConfig, {'model': {'network': {'latents': 8}}}, 'x').model.kind == 'grin'
    with pytest.raises(ValueError, match=r'model\.kind must be one of grin, depthgen'):
        from_dict(TrainConfig, {'model': {'kind': 'dpt'}}, 'x')
    with pytest.raises(ValueError, match=r"model\.network: unknown key 'latents'"):
        from_dict(TrainConfig, {'model': {'kind': 'depthgen', 'network': {'latents': 8}}}, 'x')
    assert DepthGenConfig().depth.kind == 'linear' and DepthGenConfig().steps == 128
    path = tmp_path / 'recipe.yaml'
    path.write_text(dump_yaml({'model': {'kind': 'depthgen'}, 'dense': {'unroll': 1.0}}))
    assert load_recipe(path).dense.unroll == 1


@pytest.mark.parametrize(
    'wrong, words',
    [
        ({'model': ModelConfig(), 'dense': DenseConfig(unroll=1.0)}, 'model.kind depthgen'),
        ({'sources': (SourceConfig(images='x'),)}, 'have no depth'),
    ],
)
def test_recipes_that_make_no_sense_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        recipe(**wrong)
