# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What of a frozen encoder's features is kept on disk, and until when."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
import shutil
import signal
from types import SimpleNamespace

import numpy as np
from painted_planes import SIZE, write_planes
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.training.config import SourceConfig
from grin_ros.training.features import FeatureCache
from grin_ros.training.sample import Sample
from grin_ros.training.sample_writer import SampleSetWriter
from grin_ros.training.shards import pack
from grin_ros.training.source import Source


class Halves(torch.nn.Module):
    """An encoder whose map is the picture at half its size; `before` each batch it does that."""

    strides, channels = (2,), (3,)

    def __init__(self, before=lambda: None):
        super().__init__()
        self.before, self.batches = before, 0

    def forward(self, image):
        assert not self.training
        self.before()
        self.batches += 1
        return [torch.nn.functional.avg_pool2d(image, 2)]


def source_of(folder: Path, **changes) -> Source:
    config = SourceConfig(set=str(folder), size=SIZE, augment='flip', variants=3)
    return Source(config, 6144, **changes)


def open_cache(folder: Path, source: Source, encoder: Halves) -> FeatureCache:
    model = SimpleNamespace(encoder=encoder)
    return FeatureCache.open(folder, source, model, torch.device('cpu'), 0)


def write_walls(folder: Path, metres: float, fx: float, tars: bool) -> None:
    """Write three frames of a wall; every file has the same name and size, whatever the wall."""
    about = {'source': 'test', 'licence': 'Apache-2.0', 'depth_kind': 'synthetic',
             'domain': 'indoor', 'min_depth': 0.3, 'max_depth': 20.0}  # fmt: skip
    camera = Camera.from_intrinsics(fx, 80, 47, 31, SIZE)
    grey, depth = np.full((*SIZE, 3), 99, np.uint8), np.full(SIZE, metres, np.float32)
    with SampleSetWriter(folder, **about) as writer:
        for stem in 'abc':
            writer.add(Sample(grey, depth, camera, stem))
    if tars:
        frames = json.loads((folder / 'frames.json').read_text())['frames']
        pack(folder, about, frames, 2)
        (folder / 'frames.json').unlink()


@pytest.mark.parametrize('tars', [False, True])
@pytest.mark.parametrize(('metres', 'fx'), [(5.0, 80.0), (4.0, 90.0)])
def test_a_set_made_again_in_its_place_is_encoded_again(tmp_path, metres, fx, tars):
    folder, encoder = tmp_path / 'walls', Halves()
    sizes = []
    for wanted in ((4.0, 80.0), (4.0, 80.0), (metres, fx)):
        if wanted == (metres, fx):
            shutil.rmtree(folder)
        if not folder.exists():
            write_walls(folder, *wanted, tars)
        sizes.append([(path.name, path.stat().st_size) for path in source_of(folder).files()])
        cache = open_cache(tmp_path / 'features', source_of(folder), encoder)
        assert [float(d.max()) for d in cache.depth] == [wanted[0]] * 9
        assert {K[0, 0] for K in cache.K} == {wanted[1]}
    assert sizes[0] == sizes[2]
    assert encoder.batches == 4  # two each for the first and the last


def test_intrinsics_that_were_corrected_are_taken_over(tmp_path):
    index = tmp_path / 'walls' / 'frames.json'
    for fx in (80.0, 90.0):
        if index.exists():
            index.write_text(index.read_text().replace('80.0', '90.0'))
        else:
            write_walls(index.parent, 4.0, fx, tars=False)
        cache = open_cache(tmp_path / 'features', source_of(index.parent), Halves())
        assert {K[0, 0] for K in cache.K} == {fx}


def test_a_full_disk_is_told_before_anything_is_encoded_and_nothing_stays(tmp_path, monkeypatch):
    source = source_of(write_planes(tmp_path / 'planes'))

    def full(file, start, size):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, 'posix_fallocate', full)
    with pytest.raises(OSError, match=r'features: no room for 0\.0 GiB of features \(No space'):
        open_cache(tmp_path / 'features', source, Halves())
    assert not list((tmp_path / 'features').iterdir())


@pytest.mark.skipif(not hasattr(os, 'posix_fallocate'), reason='not on macOS')
def test_all_room_is_taken_when_the_first_views_are_encoded(tmp_path):
    """A hole in a mapped file would kill the process when the disk is full."""
    source = source_of(write_planes(tmp_path / 'planes'))
    found = []

    def look():
        states = [p.stat() for p in (tmp_path / 'features').rglob('filling-*/*/*.npy')]
        found.append([(s.st_blocks * 512 >= s.st_size, s.st_size > 50_000) for s in states])

    open_cache(tmp_path / 'features', source, Halves(look))
    assert [len(states) for states in found] == [0, 3, 3]
    assert all(whole for states in found for whole, _ in states)
    assert sum(large for _, large in found[1]) == 2


@pytest.fixture
def interruptible():
    """A shell that runs this in the background lets it ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(('number', 'raised'), [(signal.SIGTERM, SystemExit),
                                                (signal.SIGINT, KeyboardInterrupt)])  # fmt: skip
def test_a_signal_leaves_no_half_filled_cache(tmp_path, interruptible, number, raised):
    source = source_of(write_planes(tmp_path / 'planes'))
    before = signal.getsignal(number)
    encoder = Halves(lambda: encoder.batches and os.kill(os.getpid(), number))
    with pytest.raises(raised) as stop:
        open_cache(tmp_path / 'features', source, encoder)
    assert getattr(stop.value, 'code', 128 + signal.SIGINT) == 128 + number
    assert encoder.batches < 3
    assert not list((tmp_path / 'features').iterdir())
    assert signal.getsignal(number) == before


def test_a_share_of_the_labels_is_one_share_for_all_views(tmp_path):
    """Mirrored or not, the views of a frame show the same pixels; maps serve every share."""
    folder = write_planes(tmp_path / 'planes', 3)
    encoder = Halves()
    whole = open_cache(tmp_path / 'features', source_of(folder), encoder)
    assert encoder.batches == 2
    few = open_cache(tmp_path / 'features', source_of(folder, labels=0.1), encoder)
    assert encoder.batches == 2
    for frame in range(3):
        used = np.zeros(SIZE, bool)
        for view in range(3 * frame, 3 * frame + 3):
            assert (few.depth[view] > 0).mean() == pytest.approx(0.1, abs=0.02)
            mirrored = few.K[view][0, 2] > 47.5  # the planes have cx 47 of 96 pixels
            kept = few.depth[view] > 0
            np.testing.assert_array_equal(few.depth[view][kept], whole.depth[view][kept])
            used |= kept[:, ::-1] if mirrored else kept
        assert used.mean() == pytest.approx(0.1, abs=0.02)
