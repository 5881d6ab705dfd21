# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The evaluation protocol with pipelines whose score is known beforehand."""

from __future__ import annotations

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from grin_ros import cli
from grin_ros.camera import Camera, Distortion
from grin_ros.pipeline import DepthPipeline, Prediction
from grin_ros.training.evaluation import domain_means, evaluate
from grin_ros.training.metrics import METRICS
from grin_ros.training.sample import Sample, SampleSet
from grin_ros.training.sample_writer import SampleSetWriter

SIZE = (24, 32)


class KnownDepth:
    """
    A pipeline that answers factor x truth; the truth is told by the image's first pixel.

    change: applied to the answered depth
    """

    device, steps, checkpoint = 'cpu', 4, 'known.safetensors'
    config = SimpleNamespace(stride=4)

    def __init__(self, truths, change=lambda depth: depth):
        self.truths, self.change, self.calls, self.cameras = truths, change, [], []

    def infer(self, image, camera, **options):
        self.calls.append(options)
        self.cameras.append(camera)
        key = int(image[8:16, 8:16].mean() / 10 + 0.5)  # JPEG changes a pixel a little
        depth = self.change(self.truths[key].astype(np.float32))
        return Prediction(depth, np.zeros_like(depth), np.isfinite(depth), camera)


def truth(i):
    depth = np.linspace(1, 4 + i, SIZE[0] * SIZE[1]).reshape(SIZE)
    return np.rint(1000 * depth) / 1000  # what a depth_scale of 1000 stores exactly


def write_set(folder, frames=(1, 2, 3), domain='indoor', max_depth=10.0, depth=truth):
    camera = Camera.from_intrinsics(30, 30, 15.5, 11.5, SIZE)
    with SampleSetWriter(
        folder, source='test', licence='CC0', depth_kind='synthetic', domain=domain,
        min_depth=0.5, max_depth=max_depth,
    ) as writer:  # fmt: skip
        for i in frames:
            image = np.full((*SIZE, 3), 10 * i, np.uint8)
            writer.add(Sample(image, depth(i).astype(np.float32), camera, f'{i:04d}'), 1000)
    return SampleSet(folder)


TRUTHS = {i: truth(i) for i in range(20)}


def test_the_truth_itself_is_faultless(tmp_path):
    report = evaluate(KnownDepth(TRUTHS), write_set(tmp_path / 'a'))
    assert (report['name'], report['domain'], report['frames']) == ('a', 'indoor', 3)
    assert report['coverage'] == 1 and report['ms_per_frame'] > 0
    for key in ('metrics', 'scaled'):
        assert report[key]['abs_rel'] == pytest.approx(0, abs=1e-6)
        assert report[key]['rmse'] == pytest.approx(0, abs=1e-5)
        assert report[key]['delta1'] == 1


def test_a_common_factor_is_an_error_and_scaling_removes_it(tmp_path):
    report = evaluate(KnownDepth(TRUTHS, lambda d: 1.2 * d), write_set(tmp_path / 'a'))
    assert report['metrics']['abs_rel'] == pytest.approx(0.2, abs=1e-6)
    assert report['metrics']['rmse_log'] == pytest.approx(np.log(1.2), abs=1e-6)
    assert report['scaled']['abs_rel'] == pytest.approx(0, abs=1e-6)


def test_scale_is_found_per_frame_and_figures_are_means_over_frames(tmp_path):
    sample_set = write_set(tmp_path / 'a', frames=(1, 2))
    answers = {1: 1.1 * TRUTHS[1], 2: 1.5 * TRUTHS[2]}
    report = evaluate(KnownDepth(answers), sample_set)
    assert report['metrics']['abs_rel'] == pytest.approx(0.3, abs=1e-6)
    assert report['metrics']['delta1'] == 0.5
    assert report['scaled']['abs_rel'] == pytest.approx(0, abs=1e-6)


def test_only_truth_inside_the_range_of_the_set_counts(tmp_path):
    sample_set = write_set(tmp_path / 'a', max_depth=2.0)

    def wrong_beyond_two_metres(depth):
        return np.where(depth <= 2, depth, 77)

    report = evaluate(KnownDepth(TRUTHS, wrong_beyond_two_metres), sample_set)
    assert report['metrics']['abs_rel'] == pytest.approx(0, abs=1e-6)
    near = write_set(tmp_path / 'b', depth=lambda i: np.where(truth(i) < 1.5, 0.3, truth(i)))
    far_off = {i: np.where(truth(i) < 1.5, 77, truth(i)) for i in TRUTHS}
    report = evaluate(KnownDepth(far_off), near)
    assert report['metrics']['abs_rel'] == pytest.approx(0, abs=1e-6)
    # Predictions are not clamped to that range.
    report = evaluate(KnownDepth(TRUTHS, lambda d: np.full_like(d, 50)), sample_set)
    assert report['metrics']['rmse'] > 45


@pytest.mark.parametrize('unknown', [np.nan, 0.0, np.inf])
def test_an_unknown_pixel_counts_as_min_depth_and_lowers_the_coverage(tmp_path, unknown):
    def left_out(depth):
        depth = depth.copy()
        depth[:, ::2] = unknown
        return depth

    report = evaluate(KnownDepth(TRUTHS, left_out), write_set(tmp_path / 'a', frames=(1,)))
    assert report['coverage'] == 0.5
    expected = np.where(np.arange(SIZE[1]) % 2 == 0, 1 - 0.5 / TRUTHS[1], 0).mean()
    for key in ('metrics', 'scaled'):
        assert report[key]['abs_rel'] == pytest.approx(expected, rel=1e-5)
        assert report[key]['delta1'] == pytest.approx(0.5)


def test_a_frame_without_truth_is_left_out_and_a_set_without_any_refused(tmp_path):
    def empty_second(i):
        return truth(i) * (i != 2)

    answers = {**TRUTHS, 2: np.full(SIZE, 3.0)}
    report = evaluate(KnownDepth(answers), write_set(tmp_path / 'a', depth=empty_second))
    assert report['frames'] == 2 and report['metrics']['abs_rel'] == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match='none of the 3 frames has ground truth inside'):
        evaluate(KnownDepth(TRUTHS), write_set(tmp_path / 'b', depth=lambda i: 40 + 0 * truth(i)))


def test_limit_spreads_over_the_set_and_options_reach_the_pipeline(tmp_path):
    sample_set = write_set(tmp_path / 'a', frames=range(1, 10), max_depth=20.0)
    seen = []
    pipeline = KnownDepth(TRUTHS)
    evaluate(
        pipeline, sample_set, steps=2, samples=3, stride=8, limit=3,
        on_frame=lambda sample, depth, valid: seen.append((sample.stem, depth.shape, valid.all())),
    )  # fmt: skip
    assert seen == [('0001', SIZE, True), ('0005', SIZE, True), ('0009', SIZE, True)]
    assert pipeline.calls == 3 * [{'steps': 2, 'samples': 3, 'stride': 8}]


def test_domain_means_count_every_set_once_and_leave_other_out():
    def report(domain, value, frames):
        figures = dict.fromkeys(METRICS, value)
        return {'domain': domain, 'frames': frames, 'metrics': figures, 'scaled': figures}

    means = domain_means(
        [report('indoor', 0.1, 1000), report('indoor', 0.3, 1), report('other', 9.0, 5)]
    )
    assert list(means) == ['indoor'] and means['indoor']['sets'] == 2
    assert means['indoor']['metrics']['abs_rel'] == pytest.approx(0.2)


def test_a_distorted_set_is_rectified_before_the_pipeline_sees_it(tmp_path):
    lens = Distortion('plumb_bob', (-0.5, 0.1, 0.0, 0.0, 0.0))
    camera = Camera.from_intrinsics(30, 30, 15.5, 11.5, SIZE, lens)
    with SampleSetWriter(
        tmp_path / 'a', source='test', licence='CC0', depth_kind='synthetic', domain='indoor',
        min_depth=0.5, max_depth=10,
    ) as writer:  # fmt: skip
        writer.add(Sample(np.full((*SIZE, 3), 10, np.uint8), truth(1).astype(np.float32), camera,
                          '0001'), 1000)  # fmt: skip
    depths, pipeline = [], KnownDepth({1: np.full(SIZE, 2.0)})
    evaluate(
        pipeline, SampleSet(tmp_path / 'a'),
        on_frame=lambda sample, *_: depths.append(sample.depth),
    )  # fmt: skip
    assert pipeline.cameras[0].distortion is None
    # The barrel lens pulled the corners in: rectified, the corner shows what was further inside.
    expected = cv2.undistort(
        truth(1), np.array([[30, 0, 15.5], [0, 30, 11.5], [0, 0, 1]]), np.array(lens.coefficients)
    )
    assert np.abs(depths[0] - expected).max() < 0.12  # half a row: no depth is interpolated
    assert np.abs(depths[0] - truth(1)).max() > 0.2


@pytest.fixture
def known_pipeline(monkeypatch):
    pipeline = KnownDepth(TRUTHS, lambda d: 1.2 * d)
    monkeypatch.setattr(DepthPipeline, 'from_checkpoint', lambda path, device: pipeline)
    return pipeline


def test_command_prints_tables_and_writes_json_and_sheet(tmp_path, known_pipeline, capsys):
    write_set(tmp_path / 'room')
    write_set(tmp_path / 'hall', frames=(4, 5, 6))
    write_set(tmp_path / 'road', domain='outdoor')
    write_set(tmp_path / 'yard', domain='other')
    sets = [str(tmp_path / name) for name in ('room', 'yard', 'hall', 'road')]
    out = tmp_path / 'new' / 'val.json'
    assert cli.main(['eval', *sets, '--json', str(out), '--steps', '2', '--limit', '2']) == 0
    printed = capsys.readouterr().out
    for word in ('metric depth', 'after median scaling', 'rmse_log', 'delta3', 'coverage'):
        assert word in printed
    rows = [line.split() for line in printed.splitlines()]
    for start in (
        ['room', 'indoor', '0.200'], ['yard', 'other', '0.200'], ['road', 'outdoor', '0.000'],
        ['mean', 'of', '2', 'indoor', '0.200'], ['mean', 'of', '1', 'outdoor', '0.000'],
    ):  # fmt: skip
        assert start in [row[: len(start)] for row in rows]
    data = json.loads(out.read_text())
    assert (data['steps'], data['samples'], data['stride']) == (2, 1, 4)
    assert [s['name'] for s in data['sets']] == ['room', 'yard', 'hall', 'road']
    assert data['sets'][0]['frames'] == 2 and list(data['domains']) == ['indoor', 'outdoor']
    assert data['domains']['indoor']['metrics']['abs_rel'] == pytest.approx(0.2, abs=1e-6)
    sheet = cv2.imread(str(out.with_suffix('.png')))
    assert sheet.shape[0] > 8 * 96 and sheet.shape[1] > 4 * 300


def test_the_command_can_keep_the_camera_to_itself(tmp_path, known_pipeline):
    write_set(tmp_path / 'room', frames=(1, 2))
    out = tmp_path / 'val.json'
    for options, known in (([], True), (['--no-intrinsics'], False)):
        known_pipeline.cameras.clear()
        assert cli.main(['eval', str(tmp_path / 'room'), '--json', str(out), *options]) == 0
        assert [camera is not None for camera in known_pipeline.cameras] == [known] * 2
        assert json.loads(out.read_text())['intrinsics'] == known


def test_command_refuses_before_it_computes(tmp_path, known_pipeline, capsys):
    write_set(tmp_path / 'room')
    assert cli.main(['eval', str(tmp_path / 'room'), str(tmp_path / 'none')]) == 2
    assert 'is no sample set' in capsys.readouterr().err and not known_pipeline.calls


# The rows of the reference table; the constant is the median of the domain's frame medians.
ORACLE = {
    'indoor': (1.615, 0.331, 0.420, 0.221, 0.616),
    'outdoor': (5.965, 0.311, 0.397, 0.311, 0.397),
}


@pytest.mark.parametrize('domain', ORACLE)
def test_reference_row_of_a_constant_depth_is_reproduced(real_data, domain):
    sets = [SampleSet(path) for path in sorted((real_data / 'val').iterdir()) if path.is_dir()]
    sets = [s for s in sets if s.domain == domain]
    medians = []
    for sample_set in sets:
        for i in range(len(sample_set)):
            depth = sample_set[i].depth
            inside = (depth >= sample_set.min_depth) & (depth <= sample_set.max_depth)
            medians.append(np.median(depth[inside]))
    constant, *expected = ORACLE[domain]
    assert np.median(medians) == pytest.approx(constant, abs=1e-3)

    class Constant:
        def infer(self, image, camera, **options):
            depth = np.full(image.shape[:2], np.median(medians), np.float32)
            return Prediction(depth, depth * 0, depth > 0, camera)

    mean = domain_means([evaluate(Constant(), s) for s in sets])[domain]
    found = [mean[kind][name] for kind in ('metrics', 'scaled') for name in ('abs_rel', 'delta1')]
    assert found == pytest.approx(expected, abs=6e-4)
