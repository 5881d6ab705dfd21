# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Glass and mirrors against the rooms that they stand in, and how their samples are counted."""

from __future__ import annotations

from pathlib import Path
import signal
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.training import study_modes
from grin_ros.training.sample import Sample, SampleSet
from grin_ros.training.sample_writer import SampleSetWriter
from grin_ros.training.study_depthgen import as_lidar, BEAMS, REACH, Study
from grin_ros.training.study_modes import _seen_in, draw, said, SIZE, trained
from grin_ros.training.world.drive import around
from grin_ros.training.world.pane import mirrored, Pane, pane

WIDE = (48, 96)


@pytest.mark.parametrize('kind', ['glass', 'mirror'])
def test_both_depths_and_the_picture_agree_outside_of_the_pane(kind):
    one = pane(kind, 3, WIDE)
    assert 0.05 < one.where.mean() < 0.6
    near = one.sample.depth
    assert np.array_equal(near[~one.where], one.beyond[~one.where])
    (distance,) = np.unique(near[one.where])
    assert 0.7 <= distance <= 1.1 and (one.beyond[one.where] > distance).all()
    again = pane(kind, 3, WIDE)
    assert np.array_equal(again.sample.image, one.sample.image)


def test_glass_shows_what_is_behind_it():
    one = pane('glass', 2, WIDE)
    plain, _ = around(
        'room', 2, [np.eye(4), mirrored(float(one.sample.depth[one.where][0]))], WIDE
    )
    np.testing.assert_array_equal(one.beyond[one.where], plain.depth[one.where])
    seen, behind = one.sample.image[one.where].astype(float), plain.image[one.where].astype(float)
    assert np.corrcoef(seen[:, 0], behind[:, 0])[0, 1] > 0.99


def test_a_mirror_shows_the_room_behind_the_camera():
    """Reflected back, every point seen in the mirror lies on what a camera turned round sees."""
    one = pane('mirror', 3, WIDE)
    distance = float(one.sample.depth[one.where][0])
    turned = np.diag([-1.0, 1.0, -1.0, 1.0])
    _, _, behind = around('room', 3, [np.eye(4), mirrored(distance), turned], WIDE)
    rays = one.sample.camera.unproject(torch.from_numpy(one.beyond)[None]).permute(1, 2, 0).numpy()
    points = rays[one.where] * [1, 1, -1] + [0, 0, 2 * distance]
    points = points[points[:, 2] < -1.0] @ turned[:3, :3]  # in the frame of the turned camera
    camera = behind.camera
    u = points[:, 0] / points[:, 2] * float(camera.fx) + float(camera.cx)
    v = points[:, 1] / points[:, 2] * float(camera.fy) + float(camera.cy)
    u, v = np.rint(u).astype(int), np.rint(v).astype(int)
    inside = (u >= 0) & (u < WIDE[1]) & (v >= 0) & (v < WIDE[0])
    assert inside.sum() > 100
    ratio = points[inside, 2] / behind.depth[v[inside], u[inside]]
    assert (np.abs(ratio - 1) < 0.05).mean() > 0.8  # the others are hidden from the camera
    assert np.median(np.abs(ratio - 1)) < 0.02


def test_an_unknown_pane_is_refused():
    with pytest.raises(ValueError, match='glass or mirror'):
        pane('steel', 0)


def flat():
    """A pane at 1 m over the left of the picture, 4 m before what is beyond it."""
    near, where = np.full(SIZE, 1.0, np.float32), np.zeros(SIZE, bool)
    where[:, :10] = True
    beyond = np.where(where, 4.0, near).astype(np.float32)
    image = np.zeros((*SIZE, 3), np.uint8)
    return Pane(Sample(image, near, Camera.default(SIZE), 'a'), beyond, where)


def test_samples_are_counted_by_the_depth_that_they_say():
    one = flat()
    near, beyond, where = one.sample.depth, one.beyond, one.where
    samples = np.stack([near, near * 1.1, beyond, np.where(where, 2.5, near)])
    assert said(samples, one) == (0.5, 0.25, 0.25, 1.0)
    assert said(samples[:2], one)[3] == 0
    picture = draw(samples, one)
    assert picture.shape == (4 * SIZE[0], 6 * 4 * SIZE[1], 3)
    # Bars stand where the samples are, and the two truths are marked.
    chart = picture[:, 5 * 4 * SIZE[1] :]
    blue = (chart == (42, 111, 187)).all(-1).any(0)
    assert blue[int(2.5 / 5.2 * chart.shape[1])] and not blue[int(3.2 / 5.2 * chart.shape[1])]
    assert len(np.flatnonzero((chart == (209, 73, 91)).all(-1).sum(0) > 90)) >= 4


class Halted:
    """Is told to stop the first time, as Trainer would be, and goes on the second time."""

    runs = 0

    def __init__(self, config, device):
        self.folder, self.resumed = Path(config.output), False

    def resume(self):
        self.resumed = True

    def run(self):
        Halted.runs += 1
        self.stopped = 0 if self.resumed else signal.SIGINT
        self.folder.mkdir(exist_ok=True)
        for name in ('last', 'state'):
            (self.folder / f'{name}.safetensors').write_text('some weights')


def test_what_was_stopped_is_no_result_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(study_modes, 'Trainer', Halted)
    monkeypatch.setattr(
        study_modes, 'DepthPipeline', SimpleNamespace(from_checkpoint=lambda path, device: path)
    )
    args = SimpleNamespace(output=tmp_path, rooms=1, steps=8, device='cpu')
    with pytest.raises(KeyboardInterrupt):
        trained(args, [flat()])
    for _ in range(2):
        assert trained(args, [flat()]) == tmp_path / 'run' / 'last.safetensors'
    assert Halted.runs == 2
    with pytest.raises(FileExistsError, match=r'"steps": 8.*not of .*"steps": 16'):
        trained(SimpleNamespace(**{**vars(args), 'steps': 16}), [flat()])


def test_kept_runs_are_of_the_steps_and_sets_that_are_asked_for(tmp_path):
    about = {'source': 'made', 'licence': 'none', 'depth_kind': 'synthetic', 'domain': 'outdoor'}
    sets = []
    for name in ('a', 'b'):
        with SampleSetWriter(tmp_path / name, **about, min_depth=0.5, max_depth=80) as writer:
            depth = np.full((16, 32), 9, np.float32)
            image = np.zeros((16, 32, 3), np.uint8)
            writer.add(Sample(image, depth, Camera.default((16, 32)), name))
        sets.append(SampleSet(tmp_path / name))
    args = SimpleNamespace(steps=8, batch=2)
    Study(tmp_path / 'out', *sets, args)
    (tmp_path / 'out' / 'grin_0').mkdir()
    (tmp_path / 'out' / 'grin_0' / 'last.safetensors').write_text('some weights')
    Study(tmp_path / 'out', *sets, args)
    with pytest.raises(FileExistsError, match=r'"steps": 8.*not of .*"steps": 16'):
        Study(tmp_path / 'out', *sets, SimpleNamespace(steps=16, batch=2))
    with pytest.raises(FileExistsError, match='name another folder'):
        Study(tmp_path / 'out', *sets[::-1], args)
    (tmp_path / 'out' / 'task.json').unlink()
    with pytest.raises(FileExistsError, match='nobody knows what'):
        Study(tmp_path / 'out', *sets, args)


def test_a_lidar_measures_rings_below_its_highest_beam():
    camera = Camera.from_intrinsics(60, 60, 47.5, 31.5, (64, 96))
    depth = np.full((64, 96), 9, np.float32)
    depth[:, :10] = 2 * REACH
    kept = as_lidar(depth, camera, np.random.default_rng(0)) > 0
    assert not kept[:, :10].any() and 0.05 < kept.mean() < 0.4
    top = np.nonzero(kept.any(1))[0][0]
    assert np.degrees(np.arctan2(31.5 - top, 60)) < BEAMS[-1] + 1
    middle = kept[:, 48] | kept[:, 47] | kept[:, 46] | kept[:, 49]
    assert 6 <= middle.sum() <= len(BEAMS)  # one pixel of a column for each beam


def test_the_study_leaves_rooms_out_that_stand_before_their_pane():
    shown = [one for s in range(8) if (one := pane('glass', s, SIZE)).where.any()]
    assert 3 < len(shown) < 8
    for one, again in zip(shown, _seen_in('glass', 0), strict=False):
        assert again.sample.stem == one.sample.stem
