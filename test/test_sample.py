# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Sample sets: what is written comes back, and every broken frame is refused by its name."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from grin_ros.camera import Camera, Distortion
from grin_ros.training.sample import Sample, SampleSet
from grin_ros.training.sample_writer import SampleSetWriter

HEADER = {
    'source': 'a test',
    'licence': 'Apache-2.0',
    'depth_kind': 'synthetic',
    'domain': 'indoor',
    'min_depth': 0.1,
    'max_depth': 10.0,
}


def make_sample(stem='0007', size=(24, 32), **kwargs):
    h, w = size
    v, u = np.mgrid[:h, :w]
    image = np.stack([u * 7, v * 9, 255 - u * 7], axis=-1).astype(np.uint8)
    depth = (0.5 + 0.01 * u + 0.1 * v).astype(np.float32)
    depth[0] = 0
    camera = Camera.from_intrinsics(30.5, 31.5, 15.25, 11.75, size, kwargs.pop('distortion', None))
    return Sample(image=image, depth=depth, camera=camera, stem=stem, **kwargs)


def write(path, *samples, **kwargs):
    with SampleSetWriter(path, **HEADER) as writer:
        for sample in samples:
            writer.add(sample, **kwargs)
    return path


def edit(path, **changes):
    data = json.loads((path / 'frames.json').read_text())
    data['frames'][0].update(changes)
    (path / 'frames.json').write_text(json.dumps(data))


@pytest.mark.parametrize('scale', [256, 1000, 5000])
def test_round_trip(tmp_path, scale):
    distortion = Distortion('plumb_bob', (0.1, -0.2, 0.0, 0.0, 0.0))
    first = make_sample('a', stamp=12_345_678_901_234_567)
    second = make_sample('b', distortion=distortion)
    found = SampleSet(write(tmp_path / 'set', first, second, depth_scale=scale))
    assert len(found) == 2
    assert found.stems == ['a', 'b']
    assert found.name == 'set'
    assert {key: getattr(found, key) for key in HEADER} == HEADER
    for truth, sample in zip((first, second), found, strict=True):
        assert sample.stem == truth.stem
        assert sample.stamp == truth.stamp
        assert sample.depth.dtype == np.float32
        np.testing.assert_allclose(sample.depth, truth.depth, atol=0.51 / scale)
        assert np.array_equal(sample.depth == 0, truth.depth == 0)
        assert np.abs(sample.image.astype(int) - truth.image.astype(int)).mean() < 4  # JPEG
        np.testing.assert_allclose(sample.camera.K, truth.camera.K)
        assert sample.camera.size == truth.camera.size
        assert sample.camera.distortion == truth.camera.distortion


def test_files_are_rgb_and_millimetres(tmp_path):
    """The stored files mean what sample_format.md says, seen by OpenCV alone."""
    sample = make_sample()
    sample.image[:] = (250, 20, 30)
    sample.depth[:] = 1.25
    write(tmp_path, sample, depth_scale=1000)
    blue, green, red = cv2.imread(str(tmp_path / '0007.jpg')).reshape(-1, 3).mean(axis=0)
    assert red > 240
    assert green < 30
    assert blue < 40
    depth = cv2.imread(str(tmp_path / '0007.depth.png'), cv2.IMREAD_UNCHANGED)
    assert depth.dtype == np.uint16
    assert (depth == 1250).all()


def test_reads_by_folder_and_by_index(tmp_path):
    write(tmp_path, make_sample())
    assert SampleSet(str(tmp_path)).stems == SampleSet(tmp_path / 'frames.json').stems == ['0007']
    assert SampleSet(tmp_path / 'frames.json').path == tmp_path
    assert SampleSet(tmp_path).rgb_path(0) == tmp_path / '0007.jpg'


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'K': [0, 30, 16, 12]}, 'positive'),
        ({'K': [30, -1, 16, 12]}, 'positive'),
        ({'K': [float('nan'), 30, 16, 12]}, 'finite'),
        ({'K': [30, float('inf'), 16, 12]}, 'finite'),
        ({'K': [30, 30, 16]}, 'four'),
        ({'K': [30, 30, 65, 12]}, 'principal point'),
        ({'K': [30, 30, 16, -24.5]}, 'principal point'),
        ({'depth_scale': 0}, 'depth_scale'),
        ({'width': 32.5}, 'pixels'),
    ],
)
def test_refuses_numbers(tmp_path, changes, words):
    write(tmp_path, make_sample())
    edit(tmp_path, **changes)
    with pytest.raises(ValueError, match=f'frame 0007: .*{words}'):
        SampleSet(tmp_path)


def test_principal_point_just_outside_is_fine(tmp_path):
    write(tmp_path, make_sample())
    edit(tmp_path, K=[30, 30, 64, -24])
    assert float(SampleSet(tmp_path)[0].camera.cx) == 64


@pytest.mark.parametrize('name', ['0007.jpg', '0007.depth.png'])
def test_refuses_missing_file(tmp_path, name):
    write(tmp_path, make_sample())
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=f'frame 0007: {name} is missing'):
        SampleSet(tmp_path)


@pytest.mark.parametrize('pixels', [np.ones((24, 32), np.uint8), np.ones((24, 32, 3), np.uint16)])
def test_refuses_depth_that_is_not_16_bit(tmp_path, pixels):
    write(tmp_path, make_sample())
    cv2.imwrite(str(tmp_path / '0007.depth.png'), pixels)
    with pytest.raises(ValueError, match=r'frame 0007: 0007\.depth\.png .* 16-bit'):
        SampleSet(tmp_path)[0]


@pytest.mark.parametrize(
    ('name', 'pixels'),
    [
        ('0007.depth.png', np.ones((32, 24), np.uint16)),
        ('0007.jpg', np.ones((25, 32, 3), np.uint8)),
    ],
)
def test_refuses_sizes_that_differ(tmp_path, name, pixels):
    write(tmp_path, make_sample())
    cv2.imwrite(str(tmp_path / name), pixels)
    with pytest.raises(ValueError, match=f'frame 0007: {name} is .* pixels'):
        SampleSet(tmp_path)[0]


def test_refuses_what_cannot_be_decoded(tmp_path):
    write(tmp_path, make_sample())
    (tmp_path / '0007.jpg').write_bytes(b'no picture')
    with pytest.raises(ValueError, match=r'frame 0007: 0007\.jpg cannot be decoded'):
        SampleSet(tmp_path)[0]


def test_refuses_sets(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'frames\.json'):
        SampleSet(tmp_path)
    write(tmp_path, make_sample())
    whole = json.loads((tmp_path / 'frames.json').read_text())
    for change, words in (
        ({'depth_kind': 'sonar'}, 'lidar, rgbd, stereo, synthetic'),
        ({'domain': 'space'}, 'indoor, outdoor, other'),
        ({'min_depth': 3, 'max_depth': 2}, 'min_depth'),
        ({'frames': whole['frames'] * 2}, 'frame 0007 is listed twice'),
        ({'frames': [{'rgb': '0007.jpg'}]}, 'number 0 lacks depth, depth_scale, K'),
    ):
        (tmp_path / 'frames.json').write_text(json.dumps({**whole, **change}))
        with pytest.raises(ValueError, match=words):
            SampleSet(tmp_path)
    for text, words in (('{', 'not JSON'), ('[]', 'object'), ('{}', 'lacks source')):
        (tmp_path / 'frames.json').write_text(text)
        with pytest.raises(ValueError, match=words):
            SampleSet(tmp_path)


def test_writer_refuses(tmp_path):
    writer = SampleSetWriter(tmp_path, **HEADER)
    writer.add(make_sample('a'))
    bad = {}
    for stem in ('nan', 'negative', 'far', 'small', 'float', 'camera'):
        bad[stem] = make_sample(stem)
    bad['nan'].depth[3, 3] = np.nan
    bad['negative'].depth[3, 3] = -1
    bad['far'].depth[3, 3] = 300
    bad['small'].depth = bad['small'].depth[:10]
    bad['camera'].camera = make_sample(size=(12, 16)).camera
    bad['float'].image = bad['float'].image.astype(np.float32)
    for stem, sample in {**bad, 'a': make_sample('a')}.items():
        with pytest.raises(ValueError, match=f'frame {stem}:'):
            writer.add(sample)
    writer.close()
    assert SampleSet(tmp_path).stems == ['a']
    with pytest.raises(FileExistsError, match='already holds'):
        SampleSetWriter(tmp_path, **HEADER)


def test_a_broken_run_leaves_no_set(tmp_path):
    with pytest.raises(RuntimeError), SampleSetWriter(tmp_path, **HEADER) as writer:
        writer.add(make_sample())
        raise RuntimeError
    assert not (tmp_path / 'frames.json').exists()


def test_real_sets(real_data):
    sets = sorted(real_data.glob('*/*/frames.json'))
    assert sets, 'GRIN_TEST_DATA holds no sample sets'
    for path in sets:
        found = SampleSet(path)
        sample = found[len(found) - 1]
        known = sample.depth[sample.depth > 0]
        assert known.size
        assert 0.05 < np.median(known) < 100
        assert sample.image.std() > 5
