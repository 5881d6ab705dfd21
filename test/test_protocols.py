# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Each protocol on a miniature of its data set's own layout, with truths worked out by hand."""

from __future__ import annotations

import hashlib
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from grin_ros.cli import main
from grin_ros.pipeline import Prediction
from grin_ros.training.evaluation import evaluate
from grin_ros.training.protocols import load_protocol, PROTOCOLS
from grin_ros.training.protocols.kitti import EIGEN
from grin_ros.training.protocols.nuscenes import VALIDATION
from grin_ros.training.protocols.protocol import numbers


def put(path, content):
    """Write text, bytes, an RGB picture or an array as the ending of the file asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, (str, bytes)):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    elif path.suffix == '.npy':
        np.save(path, content)
    else:
        content = content[..., ::-1] if content.ndim == 3 else content
        cv2.imwrite(str(path), content)
    return path


def red(height, width):
    """A picture whose first channel tells RGB from BGR."""
    return np.full((height, width, 3), (200, 100, 50), np.uint8)


def check(sample, size, K):
    assert sample.image.shape == (*size, 3)
    assert sample.depth.shape == size
    assert sample.camera.size == size
    assert sample.depth.dtype == np.float32
    np.testing.assert_allclose(sample.image.reshape(-1, 3).mean(0), (200, 100, 50), atol=3)
    found = (sample.camera.fx, sample.camera.fy, sample.camera.cx, sample.camera.cy)
    np.testing.assert_allclose([float(k) for k in found], K, rtol=1e-6)


def window(mask):
    """First and last row and column that count."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    return rows[0], rows[-1], columns[0], columns[-1]


class Answer:
    """A pipeline that says the same depth everywhere."""

    device, steps, checkpoint, config = 'cpu', 1, 'none', SimpleNamespace(stride=1)

    def __init__(self, depth):
        self.depth = depth

    def infer(self, image, camera, **options):
        depth = np.full(camera.size, self.depth, np.float32)
        return Prediction(depth, np.zeros_like(depth), np.isfinite(depth), camera)


def kitti(root):
    """Two frames, of which one has no ground truth, and a frame that is not Eigen's."""
    depth = np.zeros((370, 1224), np.uint16)
    depth[200, 600] = 20 * 256
    depth[100, 600] = 256  # above the crop, which begins at int(0.40810811 * 370) = 151
    depth[201, 600] = 80 * 256  # at the limit of the range
    P = '7.07e+02 0 6.01e+02 4.6e+01 0 7.08e+02 1.83e+02 1e-01 0 0 1 3e-03'
    put(root / '2011_09_30/calib_cam_to_cam.txt', f'calib_time: x\nP_rect_02: {P}\n')
    drive = '2011_09_30_drive_0016_sync'
    for number in (11, 22, 12):
        put(root / f'2011_09_30/{drive}/image_02/data/{number:010d}.png', red(370, 1224))
    for number in (22, 12):
        inside = f'{drive}/proj_depth/groundtruth/image_02/{number:010d}.png'
        put(root / 'data_depth_annotated/val' / inside, depth)


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


def test_numbers():
    assert numbers('3 8-10 20-40/10') == [3, 8, 9, 10, 20, 30, 40]


def test_nyu_as_extracted(tmp_path):
    depth = np.full((480, 640), 2500, np.uint16)
    depth[100, 100] = 0
    folder = tmp_path / 'official_splits/test/bathroom'
    put(folder / 'rgb_00045.jpg', red(480, 640))
    put(folder / 'sync_depth_00045.png', depth)
    put(tmp_path / 'official_splits/train/bathroom/rgb_00001.jpg', red(480, 640))
    (found,) = load_protocol('nyu', tmp_path)
    assert found.stems == ['bathroom_00045']
    check(found[0], (480, 640), (518.857901, 519.469611, 325.582449, 253.736166))
    counted = found.counted(found[0].depth)
    assert counted.sum() == 426 * 560 - 1
    assert window(found.counted(np.full((480, 640), 9.9))) == (45, 470, 41, 600)
    assert not found.counted(np.full((480, 640), 10.0)).any()
    assert evaluate(Answer(2), found)['metrics']['abs_rel'] == pytest.approx(0.2)


def test_nyu_as_published(tmp_path):
    h5py, scipy_io = pytest.importorskip('h5py'), pytest.importorskip('scipy.io')
    with h5py.File(tmp_path / 'nyu_depth_v2_labeled.mat', 'w') as data:
        images = np.zeros((3, 3, 640, 480), np.uint8)
        images[1] = np.array([200, 100, 50])[:, None, None]
        data['images'] = images
        depths = np.full((3, 640, 480), 1.0, np.float32)
        depths[1, 7, 60] = 4.25  # column 7, row 60
        data['rawDepths'] = depths
    scipy_io.savemat(tmp_path / 'splits.mat', {'testNdxs': np.array([[2]], np.uint16)})
    (found,) = load_protocol('nyu', tmp_path)
    assert found.stems == ['00001']
    check(found[0], (480, 640), (518.857901, 519.469611, 325.582449, 253.736166))
    assert np.argwhere(found[0].depth != 1).tolist() == [[60, 7]]
    assert found[0].depth[60, 7] == 4.25


def xyz(x, y, z):
    return dict(zip('xyz', (x, y, z)))


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


def test_sunrgbd(tmp_path):
    scipy_io = pytest.importorskip('scipy.io')
    folder = tmp_path / 'SUNRGBD/kv2/kinect2data/000065_2014'
    put(folder / 'image/0000065.jpg', red(530, 730))
    stored = np.zeros((530, 730), np.uint16)
    # 2.5 m = 2500 mm = 0b100111000100; turned left by three bits 20000. 65535 is 65.535 m.
    stored[300, 200], stored[300, 201] = 20000, 65535
    # 8193 mm is 0b10000000000001, whose highest bit comes round: 65544 - 65536 = 8, and 1.
    stored[300, 202] = 9
    put(folder / 'depth_bfx/0000065.png', stored)
    put(folder / 'intrinsics.txt', '529.5 0 365 0 529.4 265 0 0 1 ')
    cells = np.empty((1, 2), object)
    cells[0, 0] = '/n/fs/sun3d/data/SUNRGBD/kv2/kinect2data/000065_2014'
    cells[0, 1] = '/n/fs/sun3d/data/SUNRGBD/kv1/missing/'
    split = tmp_path / 'SUNRGBDtoolbox/traintestSUNRGBD'
    split.mkdir(parents=True)
    scipy_io.savemat(split / 'allsplit.mat', {'alltest': cells})
    (found,) = load_protocol('sunrgbd', tmp_path)
    assert (found.stems, found.expected) == (['kv2_kinect2data_000065_2014'], 5050)
    check(found[0], (530, 730), (529.5, 529.4, 365, 265))
    np.testing.assert_allclose(found[0].depth[300, 200:203], [2.5, 65.535, 8.193], rtol=1e-6)
    assert np.argwhere(found.counted(found[0].depth)).tolist() == [[300, 200]]


def test_diode(tmp_path):
    for part, name in (('indoors', '00019'), ('outdoor', '00022')):
        image = put(tmp_path / f'val/{part}/scene_1/scan_2/{name}.png', red(768, 1024))
        depth, mask = np.full((768, 1024, 1), 3.5, np.float32), np.ones((768, 1024))
        depth[400, 500] = 60
        mask[400, 501] = 0
        put(image.with_name(f'{name}_depth.npy'), depth)
        put(image.with_name(f'{name}_depth_mask.npy'), mask)
    indoor, outdoor = load_protocol('diode', tmp_path)
    assert (indoor.name, indoor.expected, indoor.stems) == ('diode_indoor', 325, ['00019'])
    assert (outdoor.name, outdoor.expected, outdoor.stems) == ('diode_outdoor', 446, ['00022'])
    check(indoor[0], (768, 1024), (886.81, 927.06, 512, 384))
    assert indoor[0].depth[400, 499:503].tolist() == [3.5, 60, 0, 3.5]
    assert indoor.counted(indoor[0].depth).sum() == 426 * 560 - 2
    # Garg: rows 313 to 760, columns 36 to 986.
    assert window(outdoor.counted(np.full((768, 1024), 79.0))) == (313, 760, 36, 986)
    assert outdoor.counted(outdoor[0].depth).sum() == 448 * 951 - 1


def test_ibims1(tmp_path):
    root = tmp_path / 'ibims1_core_raw'
    put(tmp_path / 'imagelist.txt', 'corridor_01\noffice_02\n')
    put(root / 'rgb/corridor_01.png', red(480, 640))
    stored = np.full((480, 640), 6554, np.uint16)
    stored[100, 100] = 65535  # 50 m
    put(root / 'depth/corridor_01.png', stored)
    for name, column in (('mask_invalid', 101), ('mask_transp', 102)):
        mask = np.full((480, 640), 255, np.uint8)
        mask[100, column] = 0
        put(root / f'{name}/corridor_01.png', mask)
    put(root / 'calib/corridor_01.txt', '550.39,548.55,319.4,239.9')
    for path in (tmp_path, root):
        (found,) = load_protocol('ibims1', path)
        assert (found.stems, found.expected) == (['corridor_01'], 100)
    check(found[0], (480, 640), (550.39, 548.55, 319.4, 239.9))
    np.testing.assert_allclose(found[0].depth[100, 99:104], [5.0004, 50, 0, 0, 5.0004], rtol=1e-4)
    assert found.counted(found[0].depth).sum() == 426 * 560 - 3


def eth3d(root, lens, depth):
    scene = root / 'courtyard'
    put(scene / 'images/dslr_images/DSC_0286.JPG', red(40, 60))
    put(scene / 'ground_truth_depth/dslr_images/DSC_0286.JPG', depth.astype('<f4').tobytes())
    numbers = ' '.join(str(value) for value in (50, 50, 30.5, 20.5, *lens))
    put(scene / 'dslr_calibration_jpg/cameras.txt', f'# c\n0 THIN_PRISM_FISHEYE 60 40 {numbers}\n')
    lines = '# i\n3 1 0 0 0 0 0 0 0 dslr_images/DSC_0286.JPG\n\n'
    lines += '4 1 0 0 0 0 0 0 0 dslr_images/DSC_0287.JPG\n1.0 2.0 -1\n'
    put(scene / 'dslr_calibration_jpg/images.txt', lines)


def test_eth3d(tmp_path):
    """
    The depth at a pixel of the pinhole camera is that of the distorted pixel on the same ray.

    At the tangents (0.4, 0.2) the angle is atan(sqrt(0.2)) = 0.42053 and bends them to
    (0.37614, 0.18807). With k1 = 0.1, p1 = 0.01, sx = -0.02 and theta^2 = 0.17685 they become
    (0.37614 * 1.017685 + 2 * 0.01 * 0.07074 - 0.02 * 0.17685,
     0.18807 * 1.017685 + 0.01 * (0.17685 + 2 * 0.03537)) = (0.38067, 0.19387),
    in pixels (49.03, 29.69): the ray of pixel (50, 30) was photographed by (49, 30).
    """
    depth = np.full((40, 60), 7.0)
    depth[30, 49], depth[20, 30], depth[5, 30] = 3.0, 4.0, np.inf
    eth3d(tmp_path, (0.1, 0, 0.01, 0, 0, 0, -0.02, 0), depth)
    (found,) = load_protocol('eth3d', tmp_path)
    assert (found.stems, found.expected) == (['courtyard_DSC_0286'], 454)
    sample = found[0]
    assert sample.depth[30, 50] == 3
    assert sample.depth[20, 30] == 4  # the axis stays where it is
    assert (sample.depth[:8, 30] == 0).any()  # inf is unknown
    middle = sample.image[10:30, 20:40]
    np.testing.assert_allclose(middle.reshape(-1, 3).mean(0), (200, 100, 50), atol=3)
    assert (float(sample.camera.cx), float(sample.camera.cy)) == (30, 20)
    text = (tmp_path / 'courtyard/dslr_calibration_jpg/cameras.txt').read_text()
    put(tmp_path / 'courtyard/dslr_calibration_jpg/cameras.txt', text.replace('THIN_PRISM', 'X'))
    with pytest.raises(ValueError, match='X_FISHEYE is not THIN_PRISM_FISHEYE'):
        load_protocol('eth3d', tmp_path)[0][0]


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


def test_the_command_says_how_much_of_the_protocol_was_there(tmp_path, capsys, monkeypatch):
    kitti(tmp_path / 'kitti')
    monkeypatch.setattr('grin_ros.training.evaluate.load_pipeline', lambda args: Answer(30))
    words = ['eval', '--protocol', 'kitti_eigen', str(tmp_path / 'kitti')]
    assert main([*words, '--json', str(tmp_path / 'out.json')]) == 0
    assert '1 of the 652 frames' in capsys.readouterr().out
    found = json.loads((tmp_path / 'out.json').read_text())
    assert found['protocol'] == 'kitti_eigen'
    assert found['sets'][0]['metrics']['abs_rel'] == pytest.approx(0.5)
    assert (tmp_path / 'out.png').is_file()


@pytest.mark.parametrize('name', PROTOCOLS)
def test_an_empty_folder_is_refused_in_one_sentence(name, tmp_path, capsys):
    assert main(['eval', '--protocol', name, str(tmp_path)]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith('grin: ') and error.count('\n') == 0
    assert str(tmp_path) in error
    assert main(['eval', '--protocol', name, str(tmp_path / 'nowhere')]) == 2
    assert 'no such folder' in capsys.readouterr().err


def test_a_missing_or_broken_file_is_named(tmp_path):
    kitti(tmp_path)
    (found,) = load_protocol('kitti_eigen', tmp_path)
    image = next(tmp_path.rglob('image_02/data/0000000022.png'))
    image.write_bytes(b'no png')
    with pytest.raises(ValueError, match=r'0000000022\.png cannot be decoded'):
        found[0]
    image.unlink()
    with pytest.raises(FileNotFoundError, match=r'0000000022\.png is missing'):
        found[0]
    with pytest.raises(ValueError, match='kitti_eigen, nyu, ddad'):
        load_protocol('cityscapes', tmp_path)
