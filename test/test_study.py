# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The figures of grin study, on depth whose flicker is known and on beams that were made."""

from __future__ import annotations

import argparse
from types import SimpleNamespace
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from grin_ros.camera import Camera
from grin_ros.training import study_prompt, study_sets
from grin_ros.training.sample import Sample
from grin_ros.training.sample_writer import SampleSetWriter
from grin_ros.training.study_prompt import beams_of, SPREAD, turns
from grin_ros.training.study_video import flicker

SIZE = (6, 8)


def sample(depth):
    depth = np.broadcast_to(np.float32(depth), SIZE)
    image = np.zeros((*SIZE, 3), np.uint8)
    return Sample(image, depth, Camera.default(SIZE), 'a')


def test_flicker_is_the_change_that_the_scene_does_not_explain():
    truth = [sample(4.0), sample(4.04), sample(4.04)]
    right = [one.depth for one in truth]
    assert flicker(right, truth) == pytest.approx(0, abs=1e-6)
    assert flicker([1.5 * depth for depth in right], truth) == pytest.approx(0, abs=1e-6)
    shaky = [right[0], right[1] * np.exp(0.1), right[2] * np.exp(-0.1)]
    assert flicker(shaky, truth) == pytest.approx((0.1 + 0.2) / 2, rel=1e-4)
    with pytest.raises(ValueError, match='static'):
        flicker(right[:2], [sample(4.0), sample(8.0)])


def test_prompts_and_judged_beams_never_meet():
    for beams in (*SPREAD, 64):
        for known, judged in turns(beams, 64):
            assert not set(known) & set(judged) and len(judged) in (4, 16)
            assert len(known) == (60 if beams == 64 else beams)
    assert sorted(np.concatenate([j for _, j in turns(64, 64)])) == list(turns(4, 64)[0][1])


class Sky:
    """Sees 5 m, and sky in the upper half; remembers how many rows it was told of."""

    config = SimpleNamespace(depth=SimpleNamespace(max=80.0))

    def __init__(self):
        self.told = []

    def infer(self, image, camera, prompt=None, **options):
        depth = np.full(camera.size, 5.0, np.float32)
        depth[: len(depth) // 2] = np.nan
        if prompt is not None:
            self.told.append(len(np.unique(prompt.uv[:, 1])))
        return SimpleNamespace(depth=depth)


@pytest.mark.parametrize('count, spread', [(16, [0, 1, 4]), (32, [0, 1, 4]), (64, [0, 1, 4, 16])])
def test_every_row_has_its_beams_and_sky_counts_as_far(monkeypatch, count, spread):
    """A wall at 10 m, each of whose rows of pixels one beam meets."""
    camera, pipeline = Camera.from_intrinsics(50, 50, 3.5, (count - 1) / 2, (count, 8)), Sky()
    v, u = np.mgrid[:count, :8].reshape(2, -1)
    points = 10 * np.stack([(u - 3.5) / 50, (v - (count - 1) / 2) / 50, 0 * u + 1], 1)
    frame = {
        'image': np.zeros((count, 8, 3), np.uint8), 'camera': camera, 'points': points, 'beam': v,
        'pose': np.eye(4), 'depth': np.full((count, 8), 10.0), 'winner_beam': v.reshape(count, 8),
    }  # fmt: skip
    monkeypatch.setattr(study_prompt, 'load_pipeline', lambda args: pipeline)
    monkeypatch.setattr(study_prompt, 'read_frames', lambda bag, frames: [frame])
    parser = argparse.ArgumentParser()
    study_prompt.add_arguments(parser)
    _, rows = study_prompt.measure(parser.parse_args(['a.bag']))
    assert [row['beams'] for row in rows] == [*spread, f'{count} less {count // 16}']
    assert pipeline.told == [*spread[1:], *[count - count // 16] * 4]
    # Of the judged pixels half are at half of their depth, and half of them at 80 m.
    for row in rows[:-1]:
        assert row['impute abs_rel'] == pytest.approx((0.5 + 7) / 2)


def scan(ring):
    """Ten beams of a turning LiDAR, from high to low, as KITTI writes them."""
    azimuth, height = np.linspace(0, 2 * np.pi, 90, endpoint=False), np.linspace(0.1, -0.4, 10)
    a, h = np.meshgrid(azimuth, height)
    points = np.stack([np.cos(a), np.sin(a), np.tan(h)], -1).reshape(-1, 3)
    names = {'x': 0, 'y': 4, 'z': 8}
    rows = np.zeros(len(points), [('xyz', '<f4', 3), ('ring', '<u2')])
    rows['xyz'], rows['ring'] = points, np.repeat(np.arange(10)[::-1], 90)
    fields = [SimpleNamespace(name=n, offset=o, datatype=7, count=1) for n, o in names.items()]
    if ring:
        fields.append(SimpleNamespace(name='ring', offset=12, datatype=4, count=1))
    data = np.frombuffer(rows.tobytes(), np.uint8)
    return SimpleNamespace(
        fields=fields, height=1, width=len(rows), point_step=14, row_step=14 * len(rows),
        is_bigendian=False, data=data,
    )  # fmt: skip


@pytest.mark.parametrize('ring', [False, True])
def test_rays_without_a_return_are_no_beams(ring):
    sweep = scan(ring)
    rows = sweep.data.copy().reshape(-1, 14)
    rows[100:110, :12] = 0
    sweep.data = rows.reshape(-1)
    points, beam = beams_of(sweep)
    assert len(points) == 890 and beam.tolist() == [i // 90 for i in range(900) if i // 10 != 10]


@pytest.mark.parametrize('ring', [False, True])
def test_beams_are_found_and_counted_from_above(ring):
    points, beam = beams_of(scan(ring))
    assert beam.tolist() == np.repeat(np.arange(10), 90).tolist()
    assert (np.diff([points[beam == one, 2].mean() for one in range(10)]) < 0).all()


def test_sets_are_told_by_their_depths_and_lenses_and_drawn(tmp_path):
    camera = Camera.from_intrinsics(100, 100, 99.5, 49.5, (100, 200))  # 90 degrees across
    header = {'source': 'made', 'licence': 'none', 'depth_kind': 'synthetic', 'domain': 'indoor'}
    with SampleSetWriter(tmp_path / 'one', **header, min_depth=0.1, max_depth=50) as writer:
        for k in range(10):  # 60 % of the known pixels at 2 m, 40 % at 8 m, half of all known
            depth = np.full((100, 200), 2.0 if k < 6 else 8.0, np.float32)
            depth[:50] = 0
            image = np.full((100, 200, 3), 20 * k, np.uint8)
            writer.add(Sample(image, depth, camera, f'{k}'))
    args = argparse.ArgumentParser()
    study_sets.add_arguments(args)
    words = ['--sheets', str(tmp_path), '--chart', str(tmp_path / 'all.svg'), '--count', '10']
    _, rows = study_sets.measure(args.parse_args([str(tmp_path / 'one'), *words]))
    assert rows[0]['50 %'] == '2' and rows[0]['75 %'] == '8' and rows[0]['known'] == '50 %'
    assert rows[0]['hfov'] == '90 to 90°'
    drawn = cv2.imread(str(tmp_path / 'one.jpg'))
    middles = drawn[42, 56 : 56 + 8 * 112 : 112].mean(-1)
    np.testing.assert_allclose(middles, 20 * np.arange(8), atol=4)
    bars = ElementTree.parse(tmp_path / 'all.svg').iter('{http://www.w3.org/2000/svg}rect')
    high = sorted(float(bar.get('height')) for bar in bars if bar.get('height') != '100%')
    assert high[-2] / high[-1] == pytest.approx(4 / 6, abs=0.01) and high[-3] == 0
