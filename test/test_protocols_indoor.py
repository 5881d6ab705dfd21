# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Protocols of rooms on miniatures of their data sets, with truths worked out by hand."""

from __future__ import annotations

import numpy as np
from protocol_files import Answer, check, put, red, window
import pytest

from grin_ros.training.evaluation import evaluate
from grin_ros.training.protocols import load_protocol


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
