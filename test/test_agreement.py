# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Extracted depth against rendered depth, and what breaks when the extraction is broken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.cli import main
from grin_ros.training import extract_frame, lidar
from grin_ros.training import recording as recordings
from grin_ros.training.sample import Sample, SampleSet
from grin_ros.training.sample_writer import SampleSetWriter
from grin_ros.training.world.agreement import agreement, judge
from grin_ros.training.world.robot import Robot
from grin_ros.training.world.robot_bag import record


@pytest.fixture(scope='module')
def drive(tmp_path_factory):
    """A street with much in it; the robot winds at 6 m/s."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp('drive') / 'drive'
    record(Robot('street', 5, seconds=0.4), folder)
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture(scope='module')
def good(drive):
    return judge(drive)


def assert_agrees(found):
    """What docs/extraction.md says, with little room: a beam's noise and half a pixel remain."""
    assert found.median < 0.004
    assert found.p95 < 0.03
    assert found.wrong < 0.03


def test_extracted_depth_agrees_with_what_was_rendered(good):
    assert good.frames == 6
    assert good.points > 15_000
    assert_agrees(good)


def test_each_compensation_is_needed(drive, good):
    for motion in ('deskew', 'ego_motion'):
        found = judge(drive, **{motion: False})
        assert found.median > 3 * good.median, motion
        assert found.p95 > 3 * good.p95, motion
    found = judge(drive, occlusion=False)
    assert found.points > good.points
    assert found.wrong > 3 * good.wrong
    assert found.p95 > 3 * good.p95


def backwards(offsets):
    return lambda self, values, stamp: -offsets(self, values, stamp)


def at_the_image(look_up):
    return lambda self, image_stamp, stamps: look_up(self, image_stamp, 0 * stamps + image_stamp)


def late(look_up):
    return lambda self, image_stamp, stamps: look_up(self, image_stamp - 30_000_000, stamps)


def blind(hidden):
    return lambda depth, parallax: np.zeros(depth.shape, bool)


def turned(look_up):
    """Half a degree about the camera's vertical axis: a calibration that has slipped."""
    turn = np.eye(4)
    turn[0, 2], turn[2, 0] = np.sin(np.radians(0.5)), -np.sin(np.radians(0.5))
    return lambda self, image_stamp, stamps: turn @ look_up(self, image_stamp, stamps)


def one_pixel_off(project):
    def broken(points, camera):
        uv, index = project(points, camera)
        return np.clip(uv + [0, 1], 0, np.array(camera.size[::-1]) - 1), index

    return broken


@pytest.mark.parametrize(
    ('place', 'name', 'breaking'),
    [
        (lidar.PointTime, 'offsets', backwards),
        (recordings.Recording, 'lidar_to_camera', at_the_image),
        (recordings.Recording, 'lidar_to_camera', late),
        (extract_frame, 'hidden', blind),
        (recordings.Recording, 'lidar_to_camera', turned),
        (extract_frame, 'project', one_pixel_off),
    ],
)
def test_breaking_the_extraction_is_noticed(drive, monkeypatch, place, name, breaking):
    monkeypatch.setattr(place, name, breaking(getattr(place, name)))
    with pytest.raises(AssertionError):
        assert_agrees(judge(drive))


def written(folder, depth, stamp=7):
    camera = Camera.from_intrinsics(10, 10, 2, 1, depth.shape)
    with SampleSetWriter(
        folder, source='s', licence='l', depth_kind='lidar', domain='indoor',
        min_depth=0.1, max_depth=100.0,
    ) as writer:  # fmt: skip
        image = np.zeros((*depth.shape, 3), np.uint8)
        writer.add(Sample(image, depth.astype(np.float32), camera, 'a', stamp))
    return SampleSet(folder)


def test_the_figures_by_hand(tmp_path):
    truth = written(tmp_path / 'truth', np.array([[10.0, 10, 10, 10, 0]]))
    found = agreement(written(tmp_path / 'a', np.array([[10.5, 8, 0, 10, 3]])), truth)
    # 5 %, 20 %, not measured, none, and a point where the sky is.
    assert (found.frames, found.points) == (1, 4)
    assert found.median == pytest.approx(0.05)
    assert found.p95 == pytest.approx(0.2)
    assert found.wrong == 0.5
    with pytest.raises(ValueError, match='no frame of the stamp 8'):
        agreement(written(tmp_path / 'b', np.ones((1, 5)), stamp=8), truth)


def test_command(tmp_path, capsys):
    words = ['bag', 'simulate', '-o', str(tmp_path / 'out'), '--seconds', '0.1', '--seed', '1']
    assert main([*words, '--size', '48x96', '--world', 'corridor', '--check']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split('  ')[0].strip() for line in lines[1:4]] == [
        'everything on',
        'no deskewing',
        'no ego-motion',
    ]
