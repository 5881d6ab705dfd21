# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""How often each image of a source is drawn: by its share, by its distance, and none left out."""

from __future__ import annotations

from dataclasses import replace
import math

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
from painted_planes import recipe, SIZE, tilted, TINY, write_planes
import pytest
import torch

from grin_ros.checkpoint import save
from grin_ros.training.config import SourceConfig
from grin_ros.training.dataset import Batches
from grin_ros.training.deck import Deck, spread
from grin_ros.training.dense import DenseBatches
from grin_ros.training.features import FeatureCache, images
from grin_ros.training.sample import SampleSet
from grin_ros.training.sample_writer import SampleSetWriter
from grin_ros.training.source import Source
from grin_ros.training.trainer import Trainer


@pytest.fixture(scope='module')
def planes(tmp_path_factory):
    return write_planes(tmp_path_factory.mktemp('planes'))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 10), min_size=1, max_size=30), st.integers(0, 99))
def test_every_pass_deals_each_image_as_often_as_its_share_says(weights, seed):
    shares = np.array(weights) / sum(weights)
    deck, count = Deck(shares, (seed, 1)), len(weights)
    for turn in range(3):
        dealt = [deck[n] for n in range(turn * count, (turn + 1) * count)]
        found = np.bincount(dealt, minlength=count)
        assert (np.abs(found - count * shares) < 1 + 1e-9).all()


def test_every_pass_has_an_order_of_its_own_wherever_one_begins():
    deck = Deck(np.full(50, 0.02), (3, 1))
    dealt = [deck[n] for n in range(150)]
    passes = [tuple(dealt[i : i + 50]) for i in (0, 50, 100)]
    assert all(sorted(order) == list(range(50)) for order in passes)
    assert len({*passes, tuple(range(50))}) == 4
    backwards = Deck(np.full(50, 0.02), (3, 1))
    assert [backwards[n] for n in reversed(range(150))] == dealt[::-1]
    other = Deck(np.full(50, 0.02), (4, 1))
    assert [other[n] for n in range(50)] != dealt[:50]


def test_a_crowd_of_far_views_counts_as_one_distance():
    # One step of 28 % holds both distances' views; the ratio is the log-normal's alone.
    shares = spread([*[1.2] * 40, *[2.4] * 60], 1.2)
    near, far = shares[:40].sum(), shares[40:].sum()
    assert near + far == pytest.approx(1)
    assert far / near == pytest.approx(math.exp(-0.5 * (math.log(2) / 0.6) ** 2), rel=2e-3)


def test_no_view_is_drawn_more_than_three_times_as_often_as_on_average():
    shares = spread([1.2, *[8.0] * 99], 1.2)
    np.testing.assert_allclose(shares, [0.03, *[0.97 / 99] * 99])


def test_what_one_view_is_denied_lifts_no_other_above_the_limit():
    # The preference falls step by step, so that each view that is held down lifts the next ones.
    medians = [1.2, 1.6, *[2.2] * 3, *[3.0] * 6, *[4.0] * 30, *[8.0] * 60]
    shares = spread(medians, 1.2)
    assert shares.sum() == pytest.approx(1)
    assert shares.max() == pytest.approx(3 / len(medians))
    # Those below it keep the ratios that their distances and crowds give them.
    far = [math.exp(-0.5 * (math.log(m / 1.2) / 0.6) ** 2) / n for m, n in ((4, 30), (8, 60))]
    assert shares[-1] / shares[20] == pytest.approx(far[1] / far[0], rel=2e-2)
    assert (shares[1:] <= shares[:-1] + 1e-12).all()


def test_an_image_without_depth_counts_as_one_at_the_centre():
    np.testing.assert_allclose(spread([0.0, 2.0], 1.2), spread([1.2, 2.0], 1.2))


def walls(*metres: float) -> FeatureCache:
    """Cached views of flat walls; a third of each is unknown. One is known by its depth."""
    depth = np.repeat(np.float16(metres), SIZE[0] * SIZE[1]).reshape(-1, *SIZE)
    depth[:, :, : SIZE[1] // 3] = 0
    maps = np.zeros((len(metres), 1, 2, 2))
    return FeatureCache(SIZE, [maps], depth, np.stack([np.eye(3)] * len(metres)))


def test_medians_are_those_of_what_is_known(planes):
    cache = walls(1, 2.5, 9)
    cache.depth[0] = 0
    assert cache.medians() == [0, 2.5, 9]
    samples = SampleSet(planes)
    truth = [float(np.median(samples[i].depth)) for i in range(len(samples))]
    assert Source(SourceConfig(set=str(planes), size=SIZE), 6144).medians() == truth
    world = Source(SourceConfig(world='room', count=2, size=SIZE, augment='flip'), 6144)
    assert world.medians() == [
        float(np.median(world[i].depth[world[i].depth > 0])) for i in (0, 1)
    ]


def test_a_rare_source_gives_all_its_views_in_each_pass(planes, tmp_path):
    """Not only those whose number goes with the one that lets the source into the batch."""
    sources = (SourceConfig(set=str(planes), size=SIZE), SourceConfig(world='room', size=SIZE))
    sources = tuple(replace(s, weight=w) for s, w in zip(sources, (1, 15), strict=True))
    config = recipe(planes, tmp_path, sources=sources, batch=4, pixels=1)
    caches = [walls(*range(1, 9)), walls(*[100] * 8)]
    batches = Batches(config, [Source(s, 6144) for s in sources], caches)
    drawn = [d for step in range(400) for b in batches[step] for d in b.depth.flatten().tolist()]
    rare = [d for d in drawn if d < 100]
    assert len(rare) == pytest.approx(100, abs=30)  # a sixteenth of 400 x 4
    for start in range(0, len(rare) - 7, 8):
        assert sorted(rare[start : start + 8]) == list(range(1, 9))


def test_a_centre_decides_where_views_are_not_kept_too(tmp_path):
    metres = [1, 1, 2, 2, 2, 4, 8, 8]
    about = {'source': 'test', 'licence': 'Apache-2.0', 'depth_kind': 'synthetic',
             'domain': 'indoor', 'min_depth': 0.3, 'max_depth': 20.0}  # fmt: skip
    with SampleSetWriter(tmp_path / 'walls', **about) as writer:
        for i, far in enumerate(metres):
            sample = tilted(i)
            sample.depth[:] = far
            writer.add(sample)
    source = SourceConfig(set=str(tmp_path / 'walls'), size=SIZE, centre=2.0, variants=0)
    config = recipe(tmp_path / 'walls', tmp_path, sources=(source,), batch=8)
    batches = Batches(config, [Source(source, 6144)])
    found = np.bincount([i for step in range(50) for _, i in batches.images_of(step)])
    expected = 400 * spread(metres, 2.0)
    assert expected.max() > 4 * expected.min()
    # Each of 50 passes rounds by a start of its own: a variance of at most a quarter each.
    assert (np.abs(found - expected) < 4 * math.sqrt(50 / 4)).all()


def test_a_step_is_the_same_whichever_was_asked_before(planes, tmp_path):
    config = recipe(planes, tmp_path, batch=5)
    sources = [Source(s, 6144) for s in config.sources]
    forwards, backwards = Batches(config, sources), Batches(config, sources)
    steps = [forwards.images_of(step) for step in range(12)]
    assert [backwards.images_of(step) for step in reversed(range(12))] == steps[::-1]
    dense = DenseBatches(config, sources)
    assert [dense.images_of(step) for step in range(12)] == steps
    assert len({i for images in steps[:2] for _, i in images}) == 8  # the first of all planes


def test_views_that_are_not_kept_train_beside_those_that_are(planes, tmp_path):
    """Those of `variants: 0` are made anew for each step, and leave nothing on the disk."""
    kept = SourceConfig(set=str(planes), size=SIZE)
    fresh = replace(kept, variants=0)
    encoder = replace(TINY.network.encoder, frozen=True)
    model = replace(TINY, network=replace(TINY.network, encoder=encoder))
    start = Trainer(recipe(planes, tmp_path)).model
    save(tmp_path / 'frozen.safetensors', start, model)
    config = recipe(
        planes, tmp_path, model=model, sources=(kept, fresh), batch=6, steps=2,
        initial=str(tmp_path / 'frozen.safetensors'), intrinsics_dropout=0.0,
    )  # fmt: skip
    trainer = Trainer(config)
    assert [cache is None for cache in trainer.batches.caches] == [False, True]
    for step in range(2):
        drawn = trainer.batches.images_of(step)
        cached, shown = trainer.batches[step]
        assert (len(cached.depth), cached.image) == (3, None)
        assert (len(shown.depth), shown.maps) == (3, None)
        views = [
            trainer.batches.sources[s].view(i, (config.seed, step, place))
            for place, (s, i) in enumerate(drawn) if s == 1
        ]  # fmt: skip
        assert torch.equal(shown.image, images(views))
        assert torch.equal(shown.camera.K, torch.stack([view.camera.K for view in views]))
        rows = [i for s, i in drawn if s == 0]
        for i, depth, uv in zip(rows, cached.depth, cached.uv, strict=True):
            columns, lines = uv.T.int().numpy()
            np.testing.assert_array_equal(
                trainer.batches.caches[0].depth[i][lines, columns], depth[:, 0].half()
            )
    before = sorted((tmp_path / 'features').rglob('*.npy'))
    assert np.isfinite(trainer.run()).all()
    assert sorted((tmp_path / 'features').rglob('*.npy')) == before
