# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The complete command, from files to files, and every form in which depth can be known."""

from __future__ import annotations

import io
import json

import cv2
from exif_segment import insert, orientation_segment
import numpy as np
import pytest

from grin_ros import cli
from grin_ros.camera import Camera, Distortion
from grin_ros.checkpoint import build_model, ModelConfig
from grin_ros.config import load as load_config
from grin_ros.known import KnownDepth, pose_of, undistort
from grin_ros.pipeline import DepthPipeline, Prediction

SIZE = (40, 60)
NUMBERS = ['--fx', '50', '--fy', '50', '--cx', '30', '--cy', '20']
CAMERA = Camera.from_intrinsics(50, 50, 30, 20, SIZE)


class Pipeline:
    """Answers 1 m everywhere, and remembers the prompts."""

    def __init__(self):
        self.prompts = []

    def infer(self, image, camera, *, prompt, **options):
        self.prompts.append(prompt)
        depth = np.ones(image.shape[:2], np.float32)
        return Prediction(depth, 0 * depth, depth > 0, camera, known=len(prompt))


@pytest.fixture
def pipeline(monkeypatch):
    fake = Pipeline()
    monkeypatch.setattr(DepthPipeline, 'from_checkpoint', lambda path, device: fake)
    return fake


def photo(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*SIZE, 3), 90, np.uint8))
    return path


def sparse():
    depth = np.zeros(SIZE, np.float32)
    depth[10, 20], depth[30, 50] = 2.5, 7.0
    return depth


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def complete(*words):
    return cli.main(['complete', *map(str, words)])


def values(prompt):
    return sorted((*uv, d) for uv, d in zip(prompt.uv.tolist(), prompt.depth.tolist()))


def write(path):
    """Write the two known pixels in the form that the name of the file asks for."""
    if path.suffix == '.png':
        cv2.imwrite(str(path), (sparse() * 1000).astype(np.uint16))
    elif path.suffix == '.npy':
        np.save(path, np.where(sparse() > 0, sparse(), np.nan))
    elif path.suffix == '.csv':
        path.write_text('u,v,depth\n# landmarks\n20,10,2.5\n50,30,7\n')
    else:
        o3d = pytest.importorskip('open3d', exc_type=ImportError)
        # A sensor 1 m ahead of the camera, x forward, y left, z up.
        points = [[1.5, 0.5, 0.5], [6.0, -2.8, -1.4]]
        cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(np.array(points)))
        o3d.io.write_point_cloud(str(path), cloud)
    return path


@pytest.mark.parametrize('ending', ['png', 'npy', 'csv', 'ply', 'pcd'])
def test_known_depth_is_read_in_every_form(tmp_path, pipeline, ending):
    known = write(tmp_path / f'known.{ending}')
    arguments = ['--known', known, '--depth-scale', '1000']
    arguments += ['--extrinsic', 0, 0, 1, 0.5, -0.5, 0.5, 0.5]
    assert complete(photo(tmp_path / 'a.jpg'), '-o', tmp_path / 'out', *NUMBERS, *arguments) == 0
    expected = [(20, 10, 2.5), (50, 30, 7)]
    np.testing.assert_allclose(values(pipeline.prompts[0]), expected, atol=1e-3)
    assert np.load(tmp_path / 'out' / 'a.npy').shape == SIZE


def test_a_folder_gives_each_image_its_own(tmp_path, pipeline):
    for stem, depth in (('a', 2.0), ('b', 3.0)):
        photo(tmp_path / 'images' / f'{stem}.jpg')
        known = np.zeros(SIZE)
        known[4, 5] = depth
        (tmp_path / 'known').mkdir(exist_ok=True)
        np.save(tmp_path / 'known' / f'{stem}.npy', known)
    options = ['--known', tmp_path / 'known', '--weight', '0.5', '--resample', '3']
    assert complete(tmp_path / 'images', '-o', tmp_path / 'out', *NUMBERS, *options) == 0
    assert [values(p) for p in pipeline.prompts] == [[(5, 4, 2.0)], [(5, 4, 3.0)]]
    assert all((p.weight, p.resample, p.scale_only) == (0.5, 3, False) for p in pipeline.prompts)


def test_a_sample_set_brings_its_own_depth_and_scale(tmp_path, pipeline):
    photo(tmp_path / 'a.jpg')
    cv2.imwrite(str(tmp_path / 'a.depth.png'), (sparse() * 512).astype(np.uint16))
    frame = {'rgb': 'a.jpg', 'depth': 'a.depth.png', 'depth_scale': 512, 'K': [50, 50, 30, 20]}
    frames = {'frames': [{**frame, 'width': 60, 'height': 40}]}
    (tmp_path / 'frames.json').write_text(json.dumps(frames))
    assert complete(tmp_path, '-o', tmp_path / 'out', '--scale-only') == 0
    assert values(pipeline.prompts[0]) == [(20, 10, 2.5), (50, 30, 7)]
    assert pipeline.prompts[0].scale_only


@pytest.mark.parametrize('model', ['plumb_bob', 'equidistant'])
def test_pixels_of_a_raw_image_follow_rectification(model):
    lens = Camera.from_intrinsics(50, 50, 30, 20, SIZE, Distortion(model, (-0.1, 0.01)))
    points = np.array([[0.3, -0.2, 1.0], [-0.4, 0.1, 2.0]])
    raw = lens.distortion.project(points, lens.K.double().numpy())
    pinhole = points[:, :2] / points[:, 2:] * 50 + [30, 20]
    np.testing.assert_allclose(undistort(raw, lens, CAMERA), pinhole, atol=1e-2)


def test_the_corners_of_a_wide_lens_come_to_the_right_pixel():
    """Projected and brought back: the five steps that OpenCV takes of itself are 4 pixels off."""
    size = (480, 640)
    wide = Distortion('plumb_bob', (-0.24, 0.045, 0.0, 0.0, -0.0035))
    lens = Camera.from_intrinsics(320, 320, 319.5, 239.5, size, wide)
    pinhole = Camera.from_intrinsics(320, 320, 319.5, 239.5, size)
    x, y = np.meshgrid(np.linspace(-1.2, 1.2, 25), np.linspace(-0.9, 0.9, 19))
    points = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3)
    K = lens.K.double().numpy()
    raw = wide.project(points, K)
    inside = ((raw >= 0) & (raw <= (639, 479))).all(1)
    assert inside[points[:, 0] > 0.95].any()  # the corners are among them
    expected = points[:, :2] * 320 + [319.5, 239.5]
    np.testing.assert_allclose(undistort(raw, lens, pinhole)[inside], expected[inside], atol=1e-3)


def test_the_pose_is_that_of_ros():
    turn = np.sqrt(0.5)
    pose = pose_of([1, 2, 3, 0, 0, turn, turn])  # a quarter to the left
    np.testing.assert_allclose(pose @ [1, 0, 0, 1], [1, 3, 3, 1], atol=1e-12)


@pytest.mark.parametrize(
    'name, content, message',
    [
        ('a.csv', '1,2\n', 'three numbers'),
        ('a.csv', '1,2,3,4,5,6\n', 'three numbers'),
        ('a.csv', '1,2,x\n', 'three numbers'),
        ('a.csv', '1,2,-3\n', 'a.csv must have'),
        ('a.csv', '1,2,nan\n', 'a.csv must have'),
        ('a.csv', b'1,2,3\xff\n', 'a.csv must have'),
        ('a.png', 'no image', '16-bit'),
        ('a.npy', 'no array', 'a.npy is no .npy'),
        ('a.npy', '', 'a.npy is no .npy'),
        ('a.npy', npy(np.ones(SIZE, complex)), 'a.npy is no .npy of numbers'),
        ('a.npy', npy(np.full(SIZE, 'a')), 'a.npy is no .npy of numbers'),
        ('a.xyz', '1 2 3', 'by its name'),
    ],
)
def test_unusable_files_are_refused_in_one_sentence(
    tmp_path, pipeline, capsys, name, content, message
):
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    image = photo(tmp_path / 'i' / 'a.jpg')
    assert complete(image, '-o', tmp_path / 'out', *NUMBERS, '--known', tmp_path / name) == 2
    error = capsys.readouterr().err
    assert error.startswith('grin: ') and message in error and error.count('\n') == 1


def test_a_list_may_begin_with_the_mark_of_a_spreadsheet(tmp_path, pipeline):
    (tmp_path / 'a.csv').write_bytes(b'\xef\xbb\xbfu,v,depth\r\n20,10,2.5\r\n50,30,7\r\n')
    assert complete(photo(tmp_path / 'a.jpg'), '-o', tmp_path / 'out', *NUMBERS) == 0
    assert values(pipeline.prompts[0]) == [(20, 10, 2.5), (50, 30, 7)]


def test_what_is_missing_or_of_another_size_is_said(tmp_path, pipeline, capsys):
    image = photo(tmp_path / 'a.jpg')
    assert complete(image, '-o', tmp_path / 'out', *NUMBERS) == 2
    assert 'no known depth of a.jpg' in capsys.readouterr().err
    np.save(tmp_path / 'k.npy', np.ones((4, 5)))
    assert complete(image, '-o', tmp_path / 'out', *NUMBERS, '--known', tmp_path / 'k.npy') == 2
    assert '4 x 5, its image 40 x 60' in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match='nowhere'):
        KnownDepth(tmp_path / 'nowhere', None, np.eye(4))
    with pytest.raises(ValueError, match='quaternion'):
        pose_of([0, 0, 0, 0, 0, 0, 0])


def test_a_calibration_belongs_to_the_stored_pixels(tmp_path, pipeline):
    image, info = photo(tmp_path / 'a.jpg'), tmp_path / 'a.yaml'
    insert(image, orientation_segment(6))  # upright it would be 60 high and 40 wide
    matrix = '{data: [50, 0, 30, 0, 50, 20, 0, 0, 1]}'
    info.write_text(f'image_height: 40\nimage_width: 60\ncamera_matrix: {matrix}\n')
    write(tmp_path / 'a.npy')
    assert complete(image, '-o', tmp_path / 'out', '--camera-info', info) == 0
    assert values(pipeline.prompts[0]) == [(20, 10, 2.5), (50, 30, 7)]
    assert np.load(tmp_path / 'out' / 'a.npy').shape == SIZE


def test_an_archive_is_no_array(tmp_path, pipeline, capsys):
    np.savez(tmp_path / 'k.npz', sparse())
    known = (tmp_path / 'k.npz').rename(tmp_path / 'k.npy')
    image = photo(tmp_path / 'a.jpg')
    assert complete(image, '-o', tmp_path / 'out', *NUMBERS, '--known', known) == 2
    assert 'k.npy is no .npy of numbers' in capsys.readouterr().err


@pytest.mark.parametrize(
    'name, options', [('b.ply', ['--cloud']), ('b.png', ['--format', 'png']), ('b.npy', [])]
)
def test_known_depth_is_never_overwritten(tmp_path, pipeline, capsys, name, options):
    image, known = photo(tmp_path / 'b.jpg'), tmp_path / name
    known.write_bytes(b'what the LiDAR saw')
    assert complete(image, '-o', tmp_path, *NUMBERS, *options) == 2
    assert f'{name}, an image or known depth, would be overwritten' in capsys.readouterr().err
    assert known.read_bytes() == b'what the LiDAR saw' and not pipeline.prompts


def test_a_folder_is_its_photographs_the_second_time_too(tmp_path, pipeline):
    for stem, ending in (('a', '.depth.png'), ('b', '.png')):
        photo(tmp_path / f'{stem}.jpg')
        write(tmp_path / f'{stem}{ending}')
    for _ in range(2):
        assert complete(tmp_path, '-o', tmp_path, *NUMBERS, '--depth-scale', '1000') == 0
    expected = [(20, 10, 2.5), (50, 30, 7)]
    assert [values(prompt) for prompt in pipeline.prompts] == [expected] * 4
    assert {path.stem for path in tmp_path.glob('*.npy')} == {'a', 'b'}


@pytest.mark.parametrize(
    'known', ['', '20,10,2500\n', '80,10,2.5\n', '20,10,0.01\n', '20,10,2.5\n80,10,2.5\n']
)
def test_depth_that_tells_nothing_is_refused(tmp_path, monkeypatch, capsys, known):
    config = load_config(ModelConfig, 'config/grin_tiny.yaml')
    tiny = DepthPipeline(build_model(config), config)
    monkeypatch.setattr(DepthPipeline, 'from_checkpoint', lambda path, device: tiny)
    (tmp_path / 'a.csv').write_text(known)
    out, useful = tmp_path / 'out', '20,10,2.5' in known
    code = complete(photo(tmp_path / 'a.jpg'), '-o', out, *NUMBERS, '--steps', '1')
    said = capsys.readouterr()
    assert code == (0 if useful else 2) and (out / 'a.npy').is_file() == useful
    if useful:
        assert '1 known pixels used' in said.out
    else:
        assert 'a.csv has no depth in the image' in said.err and '--extrinsic' in said.err
