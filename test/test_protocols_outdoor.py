# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Protocols of the road on miniatures of their data sets, with truths worked out by hand."""

from __future__ import annotations

import hashlib
import json

import numpy as np
from protocol_files import Answer, check, kitti, put, red, window
import pytest

from grin_ros.training.evaluation import evaluate
from grin_ros.training.protocols import load_protocol
from grin_ros.training.protocols.kitti import EIGEN
from grin_ros.training.protocols.nuscenes import VALIDATION
from grin_ros.training.protocols.protocol import numbers


def xyz(x, y, z):
    return dict(zip('xyz', (x, y, z)))


def test_kitti(tmp_path):
    kitti(tmp_path)
    (found,) = load_protocol('kitti_eigen', tmp_path)
    assert found.stems == ['2011_09_30_drive_0016_0000000022']
    assert (found.domain, found.expected) == ('outdoor', 652)
    sample = found[0]
    check(sample, (370, 1224), (707, 708, 601, 183))
    assert np.argwhere(found.counted(sample.depth)).tolist() == [[200, 600]]
    assert sample.depth[200, 600] == 20
    assert window(found.counted(np.full((370, 1224), 5.0))) == (151, 365, 43, 1179)
    report = evaluate(Answer(25), found)
    assert report['metrics']['abs_rel'] == pytest.approx(0.25)
    # Clamped to 80 m: (80 - 20) / 20.
    assert evaluate(Answer(500), found)['metrics']['abs_rel'] == pytest.approx(3)
    # The scale is found first: 500 * 0.04 = 20.
    assert evaluate(Answer(500), found)['scaled']['abs_rel'] == pytest.approx(0)


def test_the_split_of_eigen_is_the_published_one():
    """697 frames of 28 drives; the digest is that of the published list, sorted."""
    listed = sorted(f'{drive} {n}' for drive, which in EIGEN.items() for n in numbers(which))
    assert (len(listed), len(EIGEN)) == (697, 28)
    digest = hashlib.sha256('\n'.join(listed).encode()).hexdigest()
    assert digest == '8c5221c232e24df6c11a59931abd5dbd6325fe7a56f22f7c9729a815cbfbe85a'


def test_ddad(tmp_path):
    scene = tmp_path / 'ddad_train_val/000150'
    unturned = {'qw': 1.0, 'qx': 0.0, 'qy': 0.0, 'qz': 0.0}
    # World from camera: at (1, 2, 0) and looking along the world's x, so that the camera's
    # x (right), y (down), z (ahead) are the world's -y, -z, x.
    ahead = {'qw': 0.5, 'qx': -0.5, 'qy': 0.5, 'qz': -0.5}
    image = {'filename': 'rgb/CAMERA_01/7.png'}
    image['pose'] = {'translation': xyz(1, 2, 0), 'rotation': ahead}
    lidar = {'filename': 'point_cloud/LIDAR/7.npz'}
    lidar['pose'] = {'translation': xyz(0, 0, 3), 'rotation': unturned}
    data = [
        {'key': 'a', 'id': {'name': 'CAMERA_01'}, 'datum': {'image': image}},
        {'key': 'b', 'id': {'name': 'LIDAR'}, 'datum': {'point_cloud': lidar}},
        {'key': 'c', 'id': {'name': 'CAMERA_02'}, 'datum': {'image': image}},
    ]
    samples = [{'calibration_key': 'k', 'datum_keys': ['a', 'b', 'c']}]
    put(scene / 'scene_x.json', json.dumps({'data': data, 'samples': samples}))
    splits = {'0': {'filenames': ['none.json']}, '1': {'filenames': ['000150/scene_x.json']}}
    put(tmp_path / 'ddad_train_val/ddad.json', json.dumps({'scene_splits': splits}))
    K = [{}, {'fx': 10.0, 'fy': 20.0, 'cx': 16.0, 'cy': 12.0, 'skew': 0.0}]
    known = json.dumps({'names': ['LIDAR', 'CAMERA_01'], 'intrinsics': K})
    put(scene / 'calibration/k.json', known)
    put(scene / 'rgb/CAMERA_01/7.png', red(24, 32))
    # The world's (6, 1, -1) is 5 m ahead of the camera, 1 m to its right and 1 m below: pixel
    # (10 / 5 + 16, 20 / 5 + 12) = (18, 16). A second point falls on the same pixel and is last.
    points = np.array([[6, 1, -4, 9], [11.2, -0.04, -5.04, 9], [-9, 2, -3, 9]], np.float32)
    (scene / 'point_cloud/LIDAR').mkdir(parents=True)
    np.savez(scene / 'point_cloud/LIDAR/7.npz', data=points)
    (found,) = load_protocol('ddad', tmp_path)
    assert (found.stems, found.expected) == (['000150_CAMERA_01_7'], 23700)
    check(found[0], (24, 32), (10, 20, 16, 12))
    assert np.argwhere(found[0].depth).tolist() == [[16, 18]]
    assert found[0].depth[16, 18] == pytest.approx(10.2)
    assert window(found.counted(np.full((24, 32), 199.0))) == (0, 23, 0, 31)


def test_nuscenes(tmp_path):
    # The camera looks along the vehicle's x from (1, 0, 1), the LiDAR sits at (0, 0, 2). Between
    # them the vehicle drives 2 m and turns left by 90 degrees: at the LiDAR's stamp it is at
    # (10, 0, 0) and heads along x, at the camera's at (12, 0, 0) and heads along y.
    half = 0.5**0.5
    upright = [1.0, 0.0, 0.0, 0.0]
    tables = {
        'scene': [{'token': 's', 'name': 'scene-0003'}, {'token': 't', 'name': 'scene-0001'}],
        'sample': [
            {'token': 'k', 'scene_token': 's', 'timestamp': 1},
            {'token': 'l', 'scene_token': 't', 'timestamp': 2},
        ],
        'sensor': [
            {'token': 'cam', 'channel': 'CAM_BACK'},
            {'token': 'top', 'channel': 'LIDAR_TOP'},
        ],
        'calibrated_sensor': [
            {
                'token': 'c', 'sensor_token': 'cam', 'translation': [1.0, 0.0, 1.0],
                'rotation': [0.5, -0.5, 0.5, -0.5],
                'camera_intrinsic': [[10.0, 0.0, 16.0], [0.0, 20.0, 12.0], [0.0, 0.0, 1.0]],
            },
            {
                'token': 'd', 'sensor_token': 'top', 'translation': [0.0, 0.0, 2.0],
                'rotation': upright, 'camera_intrinsic': [],
            },
        ],
        'ego_pose': [
            {'token': 'e', 'translation': [12.0, 0.0, 0.0], 'rotation': [half, 0.0, 0.0, half]},
            {'token': 'f', 'translation': [10.0, 0.0, 0.0], 'rotation': upright},
        ],
        'sample_data': [
            {
                'token': f'{name}{sample}{key}', 'sample_token': sample, 'is_key_frame': key,
                'filename': file, 'calibrated_sensor_token': mount, 'ego_pose_token': pose,
            }
            for sample in 'kl' for key in (True, False)
            for name, file, mount, pose in (
                ('i', 'samples/CAM_BACK/i.jpg', 'c', 'e'),
                ('p', 'samples/LIDAR_TOP/p.pcd.bin', 'd', 'f'),
            )
        ],
    }  # fmt: skip
    for name, rows in tables.items():
        put(tmp_path / f'v1.0-trainval/{name}.json', json.dumps(rows))
    put(tmp_path / 'samples/CAM_BACK/i.jpg', red(24, 32))
    # The LiDAR's (3, 6, -2) is the world's (13, 6, 0) and, from the turned vehicle, 6 m ahead and
    # 1 m to the right; from the camera 5 m ahead, 1 m right and 1 m below: pixel (18, 16).
    points = np.array([[3, 6, -2, 0, 0], [2, 1.5, -1, 0, 0]], np.float32)  # the second at 0.5 m
    put(tmp_path / 'samples/LIDAR_TOP/p.pcd.bin', points.tobytes())
    (found,) = load_protocol('nuscenes', tmp_path)
    assert (found.stems, found.expected) == (['i'], 36114)
    check(found[0], (24, 32), (10, 20, 16, 12))
    assert np.argwhere(found[0].depth).tolist() == [[16, 18]]
    assert found[0].depth[16, 18] == pytest.approx(5)


def test_the_split_of_nuscenes():
    found = numbers(VALIDATION)
    assert (len(found), len(set(found))) == (150, 150)
    assert found == sorted(found)
    assert {3, 221, 775, 802, 1073} < set(found)
    assert not {1, 11, 19, 37, 626 + 2, 631, 801, 918, 964, 970, 1074} & set(found)


def test_vkitti2(tmp_path):
    folder = tmp_path / 'Scene01/15-deg-left'
    rows = 'frame cameraID K[0,0] K[1,1] K[0,2] K[1,2]\n'
    for number in range(25):
        put(folder / f'frames/rgb/Camera_0/rgb_{number:05d}.jpg', red(375, 1242))
        depth = np.full((375, 1242), 1000 + number, np.uint16)
        depth[0] = 65535
        put(folder / f'frames/depth/Camera_0/depth_{number:05d}.png', depth)
        rows += f'{number} 0 725.0087 725.0087 620.5 187\n{number} 1 1 1 1 1\n'
    put(folder / 'intrinsic.txt', rows)
    (found,) = load_protocol('vkitti2', tmp_path)
    # 8 % of 25 frames, from the middle of each half.
    assert found.stems == ['Scene01_15-deg-left_00006', 'Scene01_15-deg-left_00018']
    check(found[1], (375, 1242), (725.0087, 725.0087, 620.5, 187))
    assert found[1].depth[1, 1] == pytest.approx(10.18)
    # The benchmark's 352 x 1216 begins at (23, 13); Garg's part of it at (143, 43).
    assert window(found.counted(found[1].depth)) == (166, 371, 56, 1184)
