# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Bags to samples: against the formula of a wall, and on a real drive."""

from __future__ import annotations

import re
import time

import cv2
import numpy as np
import pytest
import rig
from rig import extracted, Rig

from grin_ros import cli
from grin_ros.training.sample import SampleSet

TOLERANCE = 0.5 / 256 + 1e-4  # metres: how finely depth is stored


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
    assert any('not compensated (neither odometry' in n for n in result.notes.popitem()[1])


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


def test_a_mask_is_drawn_on_the_recorded_picture(tmp_path):
    mask = np.full(rig.SIZE, 255, np.uint8)
    mask[:, :9] = mask[40:] = 0
    cv2.imwrite(str(tmp_path / 'mask.png'), mask)
    messages = Rig(frames=1, d=D).messages()
    _, whole, _ = extracted(tmp_path, messages)
    _, masked, _ = extracted(tmp_path, messages, 'masked', mask=str(tmp_path / 'mask.png'))
    # Where the lens shows each measured pixel in the recorded picture, by OpenCV.
    v, u = np.nonzero(whole[0].depth)
    K = whole[0].camera.K.double().numpy()
    rays = np.stack([u, v, np.ones(len(u))], 1) @ np.linalg.inv(K).T
    recorded = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), K, np.array(D))[0][:, 0]
    inside = (recorded[:, 0] < 8) | (recorded[:, 1] > 40)
    outside = (recorded[:, 0] > 9) & (recorded[:, 1] < 39)
    kept = masked[0].depth[v, u] > 0
    assert inside.sum() > 100 and not kept[inside].any()
    assert outside.sum() > 1000 and kept[outside].all()
    # In the picture as it is stored, that is not where it was drawn.
    assert (masked[0].depth[mask == 0] > 0).any()


CALIBRATION = """
image_width: 64
image_height: 48
camera_matrix: {{rows: 3, cols: 3, data: [60, 0, 31.5, 0, 60, 23.5, 0, 0, 1]}}
distortion_model: plumb_bob
distortion_coefficients: {{rows: 1, cols: 5, data: [-0.3, 0.1, 0.001, -0.002, 0]}}
projection_matrix: {{rows: 3, cols: 4, data: [{p}, 0, 30, 0, 0, {p}, 22, 0, 0, 0, 1, 0]}}
"""


@pytest.mark.parametrize('source', ['file', 'topic'])
@pytest.mark.parametrize('focal', [52.0, 0.0])  # of P; 0 = left empty
def test_a_rectified_image_is_not_rectified_again(tmp_path, source, focal):
    options = {'rectified': True}
    messages = Rig(frames=1, d=D, encode=rig.jpeg).messages()
    for _, _, message in messages:
        if hasattr(message, 'p'):
            message.p[[0, 2, 5, 6, 10]] = focal, 30, focal, 22, 1
            message.distortion_model = 'of_another_world'  # which nobody asks
    if source == 'file':
        (tmp_path / 'camera.yaml').write_text(CALIBRATION.format(p=focal))
        options = {'intrinsics': str(tmp_path / 'camera.yaml')}
        messages = [
            (topic.replace('image_raw', 'image_rect'), *rest)
            for topic, *rest in messages
            if not topic.endswith('camera_info')
        ]
    _, samples, _ = extracted(tmp_path, messages, **options)
    camera = samples[0].camera
    want = (focal, focal, 30, 22) if focal else (60, 60, 31.5, 23.5)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == want
    assert camera.distortion is None
    assert (tmp_path / 'set' / '000000.jpg').read_bytes() == rig.jpeg(rig.START).data.tobytes()


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
    pictures = [m for m in damaged if m[0].endswith('raw')]
    # A driver may begin with anything.
    pictures[0][2].data[:] = 0
    sweep = next(m for m in damaged if m[0] == '/lidar/points' and m[1] == pictures[1][1])[2]
    sweep.width, sweep.row_step, sweep.data = 0, 0, sweep.data[:0]
    result, samples, _ = extracted(tmp_path, damaged, 'damaged')
    assert result.dropped == {'image cannot be decoded': 1, 'sweep cannot be read': 1}
    assert samples.stems == ['000002']


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
