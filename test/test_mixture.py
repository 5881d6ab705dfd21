# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a batch is made of: sources by weight and balance, pixels by chance and near edges."""

from __future__ import annotations

from dataclasses import replace
import json
import shutil
import signal
import time
from types import SimpleNamespace

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
from painted_planes import recipe, SIZE, write_planes
import pytest
import torch

from grin_ros.training.config import SourceConfig, StageConfig
from grin_ros.training.dataset import Batches
from grin_ros.training.loader import load_ahead
from grin_ros.training.mixture import Mixture
from grin_ros.training.sample import SampleSet
from grin_ros.training.shards import pack
from grin_ros.training.source import Source
from grin_ros.training.world import DOMAINS, render

GROUPS = [('indoor', True), ('indoor', False), ('outdoor', True), ('outdoor', False)]


def mixture(groups, weights, balance=False) -> Mixture:
    sources = [SimpleNamespace(domain=d, synthetic=s) for d, s in groups]
    return Mixture(sources, weights, balance)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(GROUPS), st.floats(0.1, 10)), min_size=1, max_size=8),
    st.integers(1, 64), st.integers(0, 1000),
)  # fmt: skip
def test_every_batch_keeps_the_shares(sources, count, seed):
    groups, weights = zip(*sources, strict=True)
    drawn = mixture(groups, weights).draw(count, np.random.default_rng(seed))
    found = np.bincount(drawn, minlength=len(weights))
    expected = count * np.array(weights) / sum(weights)
    assert len(drawn) == count
    assert (np.abs(found - expected) < 1 + 1e-9).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=6, max_size=6), st.integers(0, 1000))
def test_balance_gives_every_group_its_share_in_every_batch(weights, seed):
    """However the weights are, and however many sources a group has."""
    groups = [*GROUPS, GROUPS[0], GROUPS[2]]
    drawn = mixture(groups, weights, balance=True).draw(16, np.random.default_rng(seed))
    outdoor = sum(groups[i][0] == 'outdoor' for i in drawn)
    synthetic = sum(groups[i][1] for i in drawn)
    assert abs(outdoor - 8) <= 1
    assert abs(synthetic - 8) <= 2


def test_a_small_batch_has_one_of_each_group_where_groups_are_balanced():
    groups = [('indoor', True), ('outdoor', True)] * 2
    for seed in range(20):
        drawn = mixture(groups, [1] * 4, balance=True).draw(2, np.random.default_rng(seed))
        assert sorted(drawn % 2) == [0, 1]


def test_full_noise_is_the_end_of_the_way_with_no_step_behind_it(planes, tmp_path):
    for share in (1.0, 0.0):
        batches = batches_of(recipe(planes, tmp_path, full_noise=share))
        drawn = [batch for step in range(4) for batch in batches[step]]
        assert {bool((batch.t == 1).all()) for batch in drawn} == {share == 1}
        assert any(batch.carry.any() for batch in drawn) == (share == 0)


def test_a_source_without_weight_is_never_drawn():
    drawn = mixture(GROUPS, [0, 1, 0, 2]).draw(1000, np.random.default_rng(0))
    assert set(drawn) == {1, 3}


def batches_of(config, **place) -> Batches:
    holdout = config.validation.holdout
    return Batches(config, [Source(s, 6144, holdout) for s in config.sources], **place)


def same(a, b) -> bool:
    return all(
        torch.equal(getattr(a, name), getattr(b, name))
        for name in ('image', 'uv', 'depth', 't', 'eps', 'carry')
    ) and torch.equal(a.camera.K, b.camera.K)


@pytest.fixture(scope='module')
def planes(tmp_path_factory):
    return write_planes(tmp_path_factory.mktemp('planes'))


def test_processes_share_the_images_of_one(planes, tmp_path):
    """Two sizes, three processes, two images in a pass: each image and its noise just once."""
    small = SourceConfig(set=str(planes), size=(32, 64))
    large = SourceConfig(set=str(planes), size=SIZE)
    config = recipe(planes, tmp_path, sources=(small, large), batch=10)
    whole = batches_of(config)[5]
    assert [len(b.depth) for b in whole] == [5, 5]
    config = replace(config, microbatch=2)
    parts = [b for rank in range(3) for b in batches_of(config, rank=rank, world=3)[5]]
    assert max(len(b.depth) for b in parts) == 2
    rows = {tuple(eps[:, 0].tolist()) for b in whole for eps in b.eps}
    found = [tuple(eps[:, 0].tolist()) for b in parts for eps in b.eps]
    assert set(found) == rows
    assert len(found) == 10
    with pytest.raises(ValueError, match='too small for 11'):
        batches_of(config, rank=0, world=11)


def test_a_view_is_seeded_by_its_number_even_by_0(planes):
    """Its random numbers are others than those of what else goes by the key."""
    source = Source(SourceConfig(set=str(planes), size=SIZE), 6144)
    seeds = []

    def note(sample, size, rng, kind):
        seeds.append(rng.random())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('grin_ros.training.source.augment', note)
        for index in (0, 0, 1):
            source.view(index, (5, 7, 3))
    assert seeds[0] == seeds[1] != seeds[2]
    assert np.random.default_rng((5, 7, 3)).random() not in seeds


OUTDOORS = {
    'room': False, 'corridor': False, 'street': True, 'stairs': False, 'hall': False,
    'park': True, 'yard': True, 'terrain': True,
}  # fmt: skip


def test_worlds_under_the_sky_count_as_outdoor():
    found = {name: Source(SourceConfig(world=name, size=SIZE), 0).domain for name in DOMAINS}
    assert found == {name: 'outdoor' if out else 'indoor' for name, out in OUTDOORS.items()}


def test_some_images_hide_their_intrinsics(planes, tmp_path):
    """Such a share of them has the camera that stands for an unknown one; nothing else changes."""
    config = recipe(planes, tmp_path, batch=200)
    [some], [none] = (
        batches_of(replace(config, intrinsics_dropout=share))[1] for share in (0.3, 0.0)
    )
    unknown = torch.tensor([[48.0, 0, 48], [0, 32, 32], [0, 0, 1]])  # W / 2, H / 2
    hidden, others = ((batch.camera.K - unknown).abs().amax((1, 2)) == 0 for batch in (some, none))
    assert 40 < hidden.sum() < 80  # 60 +- 3 sigma
    assert not others.any()
    assert torch.equal(some.camera.K[~hidden], none.camera.K[~hidden])
    assert torch.equal(some.image, none.image)
    assert torch.equal(some.uv, none.uv)


@pytest.fixture
def busy_opencv():
    """OpenCV with threads of its own, as after a large picture, and an end to waiting for them."""

    def give_up(number, frame):
        raise TimeoutError

    threads, before = cv2.getNumThreads(), signal.signal(signal.SIGALRM, give_up)
    cv2.setNumThreads(4)
    cv2.GaussianBlur(np.zeros((2000, 2000), np.float32), (31, 31), 5)
    time.sleep(0.3)  # until they lie down; awake ones do no harm
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    cv2.setNumThreads(threads)


def test_loading_ahead_in_processes_changes_nothing(planes, tmp_path, busy_opencv):
    batches = batches_of(recipe(planes, tmp_path))
    for workers in (0, 2):
        loaded = list(load_ahead(batches, 3, 6, workers))
        assert len(loaded) == 3
        for step, found in zip(range(3, 6), loaded, strict=True):
            assert all(same(a, b) for a, b in zip(batches[step], found, strict=True))


def test_stages_change_weights_and_rate(planes, tmp_path):
    first = SourceConfig(set=str(planes), size=SIZE, weight=(1.0, 0.0))
    second = SourceConfig(world='room', size=SIZE, weight=(0.0, 1.0))
    stages = (StageConfig(3, lr=1e-2), StageConfig(4, full_noise=1.0, loss='l2'))
    config = recipe(planes, tmp_path, sources=(first, second), stages=stages)
    assert config.steps == 7
    drawn = [set(batches_of(config).sources_of(step)) for step in range(7)]
    assert drawn == [{0}] * 3 + [{1}] * 4
    assert [config.stage_at(s)[:2] for s in (0, 2, 3, 6)] == [(0, 0), (0, 2), (1, 0), (1, 3)]
    assert config.stage_at(2)[2].lr == 1e-2
    assert config.stage_at(3)[2].lr == config.optimiser.lr
    assert config.stage_at(2)[2].full_noise == config.full_noise
    assert [config.stage_at(s)[2].loss for s in (2, 3)] == ['l1', 'l2']
    with pytest.raises(ValueError, match='has 2 weights'):
        replace(config, stages=())
    with pytest.raises(ValueError, match="loss is 'l3'"):
        replace(config, stages=(stages[0], StageConfig(4, loss='l3')))
    with pytest.raises(ValueError, match='zero in stage 2'):
        replace(config, sources=(first,))


def test_shards_are_read_like_the_folder(planes, tmp_path):
    """The same set in tars gives the same views."""
    folder = tmp_path / 'tars'
    shutil.copytree(planes, folder)
    index = json.loads((folder / 'frames.json').read_text())
    header = {k: v for k, v in index.items() if k != 'frames'}
    pack(folder, header, index['frames'], 3)
    (folder / 'frames.json').unlink()
    assert not list(folder.glob('*.jpg'))
    assert len(SampleSet(folder)) == 8
    a, b = (Source(SourceConfig(set=str(f), size=SIZE), 6144) for f in (planes, folder))
    for i in (0, 7):
        x, y = a.view(i, (1,)), b.view(i, (1,))
        np.testing.assert_array_equal(x.image, y.image)
        np.testing.assert_array_equal(x.depth, y.depth)
        assert torch.equal(x.camera.K, y.camera.K)


def test_a_window_of_a_rendered_world_is_as_sharp_as_the_whole():
    """Worlds are rendered larger than the views cut from them, except where nothing is cut."""
    size = (64, 80)
    windows, whole = (
        Source(SourceConfig(world='room', size=size, augment=kind), 0)[5]
        for kind in ('window', 'flip')
    )
    plain = render('room', 5, size=size)
    np.testing.assert_array_equal(whole.image, plain.image)
    assert windows.image.shape == (96, 120, 3)
    # The same scene and lens: K is that of 1.5 times the pixels, depth the plain picture's.
    enlarged = plain.camera.resize((96, 120))
    np.testing.assert_allclose(windows.camera.K, enlarged.K, rtol=1e-5)
    assert np.median(windows.depth) == pytest.approx(np.median(plain.depth), rel=0.02)


def test_a_holdout_is_the_end_of_the_set(planes):
    source = Source(SourceConfig(set=str(planes), size=SIZE), 6144, holdout=0.25)
    assert source.count == 6
    assert [sample.stem for sample in source.held] == ['0006', '0007']
    assert source.held.domain == 'indoor'
    with pytest.raises(ValueError, match='too few'):
        Source(SourceConfig(set=str(planes), size=SIZE), 6144, holdout=0.95)
