# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Bags to samples: against the formula of a wall, and on a real drive."""

from __future__ import annotations

from dataclasses import replace
import json
import os
import re
import subprocess
import sys
import time

import cv2
import numpy as np
from painted_planes import ROOT
import pytest
import rig
from rig import Rig

from grin_ros import cli
from grin_ros.training import extract_frame
from grin_ros.training.extract import extract
from grin_ros.training.extract_config import ExtractConfig
from grin_ros.training.journal import NAME
from grin_ros.training.sample import SampleSet

TOLERANCE = 0.5 / 256 + 1e-4  # metres: how finely depth is stored


def extracted(tmp_path, messages, name='set', **options):
    """Extract one bag, and return the set, and per sample its depths less the wall's."""
    bag = tmp_path / f'{name}_bag'
    rig.write(bag, messages)
    result = extract([bag], tmp_path / name, ExtractConfig(workers=1, **options), progress=False)
    samples = SampleSet(result.path)
    errors = []
    for i in range(len(samples)):
        depth = samples[i].depth
        errors.append(depth[depth > 0] - rig.true_depth(samples[i].stamp))
    return result, samples, errors


def worst(errors) -> float:
    return max(float(np.abs(error).max()) for error in errors)


def test_a_still_vehicle_needs_only_the_extrinsics(tmp_path):
    result, samples, errors = extracted(tmp_path, Rig().messages())
    assert (result.frames, result.dropped) == (5, {})
    assert samples.stems == [f'{i:06d}' for i in range(5)]
    assert worst(errors) < TOLERANCE  # every image is of its sweep's moment
    first = samples[0]
    np.testing.assert_array_equal(first.image.shape, (48, 64, 3))
    np.testing.assert_allclose(first.camera.K, np.reshape(rig.info(0).k, (3, 3)))
    assert all(len(error) > 1500 for error in errors)
    assert any(
        'not compensated (there is no odometry' in note for note in result.notes.popitem()[1]
    )


@pytest.mark.parametrize('poses', ['tf', 'odometry'])
def test_ego_motion_between_sweep_and_image(tmp_path, poses):
    messages = Rig(late=0.04, poses=poses).messages()
    result, samples, errors = extracted(tmp_path, messages)
    assert worst(errors) < TOLERANCE
    assert any("fixed frame 'odom'" in note for note in result.notes.popitem()[1])
    # The pose beside each sample is that of the optical frame in odom.
    pose = samples[2].pose
    np.testing.assert_allclose(pose[:3, :3], rig.OPTICAL.T, atol=1e-9)
    moved = rig.SPEED * (samples[2].stamp - rig.START) / 1e9
    np.testing.assert_allclose(pose[:3, 3], [moved + rig.CAMERA[0], 0, 0], atol=1e-9)
    _, _, without = extracted(tmp_path, messages, 'static', ego_motion=False)
    assert np.mean(without[0]) == pytest.approx(rig.SPEED * 0.04, abs=TOLERANCE)


@pytest.mark.parametrize('field, unit', [('t', 1e-9), ('time', 1.0), ('offset_time', 1e-6)])
def test_each_point_moves_by_its_own_time(tmp_path, field, unit):
    messages = Rig(span=90_000_000, field=field, unit=unit, poses='tf').messages()
    result, _, errors = extracted(tmp_path, messages)
    # A pose per millisecond: half of one at the speed of the vehicle.
    assert worst(errors) < TOLERANCE + rig.SPEED * 0.0005
    assert any(f'time of a point: {field} [' in note for note in result.notes.popitem()[1])
    _, _, skewed = extracted(tmp_path, messages, 'skewed', deskew=False)
    assert 0.5 < worst(skewed) == pytest.approx(rig.SPEED * 0.09, rel=0.2)


def test_accumulated_sweeps_agree_where_they_meet(tmp_path):
    messages = Rig(late=0.03, poses='tf').messages()
    _, one, _ = extracted(tmp_path, messages)
    _, several, errors = extracted(tmp_path, messages, 'accumulated', accumulate=2)
    assert worst(errors) < TOLERANCE
    counts = [[np.count_nonzero(s[i].depth) for i in range(len(s))] for s in (one, several)]
    assert all(b > a for a, b in zip(*counts))
    # A second wall that only a neighbour saw, 8 m ahead, stood in the way for a moment.
    passing = Rig(late=0.03, poses='tf').messages()
    at = next(i for i, m in enumerate(passing) if m[:2] == ('/lidar/points', rig.at(0.1)))
    ghost = rig.sweep(rig.at(0.1))
    points = np.frombuffer(ghost.data, np.float32).reshape(-1, 3) * 0.4
    ghost.data = np.frombuffer(points.tobytes(), np.uint8)
    passing[at] = (*passing[at][:2], ghost)
    _, _, errors = extracted(tmp_path, passing, 'passing', accumulate=2)
    assert worst([errors[0], *errors[2:]]) < TOLERANCE
    assert worst(errors[1:2]) > 10
    with pytest.raises(ValueError, match='accumulating sweeps needs odometry'):
        extracted(tmp_path, Rig().messages(), 'nothing', accumulate=1)


def test_the_vehicle_itself_is_left_out(tmp_path):
    mask = np.full(rig.SIZE, 255, np.uint8)
    mask[40:] = 0
    cv2.imwrite(str(tmp_path / 'mask.png'), mask)
    _, samples, _ = extracted(tmp_path, Rig(frames=1).messages(), mask=str(tmp_path / 'mask.png'))
    assert not samples[0].depth[40:].any()
    assert samples[0].depth[:40].any()
    # The wall is 20 m ahead of the LiDAR, straight on; the rest is farther.
    _, samples, _ = extracted(tmp_path, Rig(frames=1).messages(), 'near', min_range=22.0)
    v, u = np.nonzero(samples[0].depth)
    tangents = np.hypot((u - 31.5) / rig.FOCAL, (v - 23.5) / rig.FOCAL)
    assert tangents.min() == pytest.approx(np.sqrt((22 / 20) ** 2 - 1), abs=0.03)
    with pytest.raises(ValueError, match=r'no image became a sample.*too few points'):
        extracted(tmp_path, Rig(frames=1).messages(), 'far', max_depth=5.0)


D = (-0.3, 0.1, 0.001, -0.002, 0.0)


def test_a_lens_is_taken_out_or_projected_through_and_never_mixed(tmp_path):
    messages = Rig(frames=1, d=D).messages()
    _, straight, errors = extracted(tmp_path, messages)
    assert straight[0].camera.distortion is None
    assert worst(errors) < TOLERANCE
    _, bent, errors = extracted(tmp_path, messages, 'bent', rectify=False)
    assert bent[0].camera.distortion.coefficients == D
    assert worst(errors) < TOLERANCE
    # The same points, seen with and without the lens: OpenCV maps one set onto the other.
    v, u = np.nonzero(bent[0].depth)
    K = bent[0].camera.K.double().numpy()
    back = cv2.undistortPoints(np.stack([u, v], 1)[:, None].astype(float), K, np.array(D), P=K)
    back = np.rint(back[:, 0]).astype(int)
    inside = ((back >= 1) & (back < [63, 47])).all(axis=1)
    near = cv2.dilate(straight[0].depth, np.ones((3, 3)))[back[inside, 1], back[inside, 0]]
    assert inside.sum() > 1000 and (near > 0).mean() > 0.98
    # And the picture as it was recorded, byte for byte where it was a JPEG.
    rigged = Rig(frames=1, d=D, encode=rig.jpeg)
    extracted(tmp_path, rigged.messages(), 'jpeg', rectify=False)
    stored = (tmp_path / 'jpeg' / '000000.jpg').read_bytes()
    assert stored == rig.jpeg(rig.START).data.tobytes()


def test_extrinsics_from_a_file(tmp_path):
    messages = Rig(mounts=()).messages()
    with pytest.raises(
        ValueError, match=r"no transform from the LiDAR 'lidar' to the camera.*--ext"
    ):
        extracted(tmp_path, messages)
    matrix = np.eye(4)
    matrix[:3, :3] = rig.OPTICAL
    matrix[:3, 3] = rig.OPTICAL @ (np.array(rig.LIDAR) - rig.CAMERA)
    as_matrix = tmp_path / 'matrix.yaml'
    as_matrix.write_text(f'camera_from_lidar: {matrix.tolist()}')
    as_poses = tmp_path / 'poses.yaml'
    as_poses.write_text('transforms:\n' + ''.join(
        f'- {{parent: {p}, child: {c}, translation: {list(t)}, rotation: {list(q)}}}\n'
        for p, c, t, q in rig.MOUNTS
    ))  # fmt: skip
    depths = []
    for path in (as_matrix, as_poses):
        _, samples, errors = extracted(tmp_path, messages, path.stem, extrinsics=str(path))
        assert worst(errors) < TOLERANCE
        depths.append(samples[1].depth)
    np.testing.assert_array_equal(*depths)
    # A file wins over the bag: here the bag's camera is half a metre off.
    wrong = tuple((p, c, (t[0] - 0.5, *t[1:]), q) if 'cam' in c else (p, c, t, q)
                  for p, c, t, q in rig.MOUNTS)  # fmt: skip
    wrong = Rig(mounts=wrong).messages()
    assert worst(extracted(tmp_path, wrong, 'wrong')[2]) > 0.4
    assert worst(extracted(tmp_path, wrong, 'right', extrinsics=str(as_matrix))[2]) < TOLERANCE


def test_what_stays_behind_is_counted(tmp_path):
    messages = Rig(frames=8, poses='tf').messages()
    sweeps = [m for m in messages if m[0] == '/lidar/points']
    messages.remove(sweeps[3])
    messages = [m for m in messages if not (m[0] == '/tf' and m[1] > rig.at(0.65))]
    result, samples, _ = extracted(tmp_path, messages, min_points=1)
    assert result.dropped == {'no sweep within 50 ms': 1, 'no pose at its time': 1}
    assert samples.stems == ['000000', '000001', '000002', '000004', '000005', '000006']
    result, _, _ = extracted(tmp_path, messages, 'thin', every=3, start=0.25)
    assert result.dropped['not chosen by every'] == 4  # of images 2 to 7
    damaged = Rig(frames=3, encode=rig.jpeg).messages()
    next(m for m in damaged if m[0].endswith('raw'))[2].data[:] = 0
    # The first picture tells the size, so it is the second that cannot be read.
    pictures = [m for m in damaged if m[0].endswith('raw')]
    pictures[0][2].data[:] = rig.jpeg(rig.START).data
    pictures[1][2].data[:] = 0
    result, _, _ = extracted(tmp_path, damaged, 'damaged')
    assert result.dropped == {'image cannot be decoded': 1}


def files(folder) -> dict:
    return {p.name: p.read_bytes() for p in folder.iterdir()
            if not p.name.startswith('report') and p.name != NAME}  # fmt: skip


def test_shards_hold_the_same_samples(tmp_path):
    messages = Rig(frames=5).messages()
    _, plain, _ = extracted(tmp_path, messages)
    _, packed, _ = extracted(tmp_path, messages, 'packed', shards=2)
    tars = sorted(p.name for p in packed.path.glob('*.tar'))
    assert tars == ['000000.tar', '000001.tar', '000002.tar']
    assert not list(packed.path.glob('*.jpg'))
    assert packed.stems == plain.stems
    for a, b in zip(plain, packed):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.depth, b.depth)
        assert a.stamp == b.stamp
    # A tar alone, moved elsewhere, says as much.
    (tmp_path / 'moved').mkdir()
    (packed.path / '000001.tar').rename(tmp_path / 'moved' / 'x.tar')
    alone = SampleSet(tmp_path / 'moved')
    assert alone.stems == ['000002', '000003']
    assert (alone.domain, alone.max_depth) == (plain.domain, plain.max_depth)
    np.testing.assert_array_equal(alone[1].depth, plain[3].depth)


class Killed(Exception):
    pass


def test_a_broken_run_goes_on_where_it_was(tmp_path, monkeypatch):
    messages = Rig(frames=6).messages()
    _, _, _ = extracted(tmp_path, messages, 'whole')
    monkeypatch.setattr('grin_ros.training.extract.BLOCK', 2)
    replaced, left = os.replace, [7]  # two files a frame: in the middle of the fourth

    def cut(source, target):
        left[0] -= 1
        if not left[0]:
            raise Killed
        replaced(source, target)

    monkeypatch.setattr(extract_frame.os, 'replace', cut)
    with pytest.raises(Killed):
        extracted(tmp_path, messages, 'broken')
    monkeypatch.setattr(extract_frame.os, 'replace', replaced)
    broken = tmp_path / 'broken'
    assert not (broken / 'frames.json').exists()
    lines = (broken / NAME).read_text().splitlines()
    assert [json.loads(line)['stem'] for line in lines[1:]] == ['000000', '000001']
    # A loss of power may leave half a line, and a file shorter than it was.
    (broken / NAME).write_text('\n'.join(lines) + '\n{"stem": "0000')
    (broken / '000001.jpg').write_bytes(b'')
    made = []
    work = extract_frame.FrameMaker.make
    monkeypatch.setattr(
        extract_frame.FrameMaker, 'make',
        lambda self, frames: made.extend(f.stem for f in frames) or work(self, frames),
    )  # fmt: skip
    again = ExtractConfig(workers=1)
    extract([tmp_path / 'broken_bag'], broken, again, progress=False)
    assert made == ['000001', '000002', '000003', '000004', '000005']
    finished, whole = files(broken), files(tmp_path / 'whole')
    finished = {name: data for name, data in finished.items() if not name.startswith('.')}
    assert json.loads(finished.pop('frames.json'))['frames'] == json.loads(
        whole.pop('frames.json'))['frames']  # fmt: skip
    assert finished == whole
    # Once more costs nothing; other options want another folder.
    made.clear()
    extract([tmp_path / 'broken_bag'], broken, again, progress=False)
    assert not made
    with pytest.raises(FileExistsError, match='other options'):
        extract([tmp_path / 'broken_bag'], broken, replace(again, max_dt=0.04), progress=False)


def test_kill_nine_leaves_no_set_and_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(rig, 'SPEED', 0.0)  # or the wall would be passed before the end
    frames = 300
    bag, output = rig.write(tmp_path / 'bag', Rig(frames=frames).messages()), tmp_path / 'set'
    words = ('-m', 'grin_ros', 'bag', 'extract', bag, '-o', output, '--workers', '2')
    process = subprocess.Popen(
        [sys.executable, *map(str, words)], cwd=ROOT, start_new_session=True
    )

    def finished() -> int:
        return len((output / NAME).read_bytes().splitlines()) - 1 if output.exists() else 0

    wait_until(lambda: finished() > 3)
    process.kill()
    process.wait()
    with pytest.raises(FileNotFoundError):
        SampleSet(output)
    before = finished()
    assert 3 < before < frames
    wait_until(lambda: not group_exists(process.pid))
    result = extract([bag], output, ExtractConfig(workers=1), progress=False)
    assert result.frames == frames
    assert all(np.count_nonzero(sample.depth) > 500 for sample in SampleSet(output))


def wait_until(condition) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def group_exists(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_ros_1_and_compressed_bags_give_the_same_samples(tmp_path):
    messages = Rig(frames=3, late=0.02, poses='odometry', encode=rig.jpeg).messages()
    _, plain, _ = extracted(tmp_path, messages)
    rig.write_ros1(tmp_path / 'old.bag', messages)
    rig.write(tmp_path / 'small', messages, rig.StoragePlugin.SQLITE3, 'message')
    for bag in ('old.bag', 'small'):
        output = tmp_path / f'{bag}_set'
        extract([tmp_path / bag], output, ExtractConfig(workers=1), progress=False)
        other, whole = files(output), files(plain.path)
        assert json.loads(other.pop('frames.json'))['frames'] == json.loads(
            whole.pop('frames.json'))['frames']  # fmt: skip
        assert other == whole


def test_several_bags_in_several_processes_make_the_same_set(tmp_path):
    first = rig.write(tmp_path / 'morning.bag2', Rig(frames=20).messages())
    second = rig.write(tmp_path / 'noon', Rig(frames=4, late=0.01).messages())
    sets = []
    for workers in (1, 2):
        output = tmp_path / f'set{workers}'
        config = ExtractConfig(workers=workers, min_points=10)
        assert extract([first, second], output, config, progress=False).frames == 24
        sets.append(files(output))
    assert sets[0] == sets[1]
    stems = SampleSet(output).stems
    assert stems[0] == 'morning_000000' and stems[-1] == 'noon_000003'


def test_the_real_drive(tmp_path, real_data, capsys):
    output = tmp_path / 'kitti'
    start = time.process_time()
    code = cli.main(['bag', 'extract', str(real_data / 'bags' / 'kitti_drive'), '-o', str(output)])
    assert code == 0 and time.process_time() - start < 30
    samples = SampleSet(output)
    assert len(samples) == 40
    for sample in samples:
        assert sample.image.shape == (375, 1242, 3)
        assert 0.025 < np.count_nonzero(sample.depth) / sample.depth.size < 0.05
    assert samples.domain == 'outdoor'
    page = (output / 'report.html').read_text()
    assert page.count('data:image/jpeg;base64,') == 8
    assert not re.search(r'(src|href|url)\W+http', page)  # nothing is fetched from elsewhere
    assert 'calibration: plausible' in capsys.readouterr().out
