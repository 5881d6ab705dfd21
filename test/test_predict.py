# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The predict command, from files to files, around a pipeline that answers a known plane."""

from __future__ import annotations

import cv2
from exif_segment import exif_segment, insert, orientation_segment
import numpy as np
import pytest

from grin_ros import cli, pictures
from grin_ros.camera import Camera
from grin_ros.pipeline import DepthPipeline, Prediction
from grin_ros.predict import encode_png
from grin_ros.training.sample import Sample
from grin_ros.training.sample_writer import SampleSetWriter

SIZE = (40, 60)
NUMBERS = ['--fx', '50', '--fy', '52', '--cx', '29', '--cy', '20']
CALIBRATION = """
image_width: 60
image_height: 40
camera_name: front
camera_matrix:
  rows: 3
  cols: 3
  data: [50.5, 0.0, 29.0, 0.0, 52.0, 20.0, 0.0, 0.0, 1.0]
distortion_model: {model}
distortion_coefficients:
  rows: 1
  cols: 5
  data: {coefficients}
rectification_matrix:
  rows: 3
  cols: 3
  data: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
"""


def plane(size):
    """Depth that grows from 2 m at the top to 5 m, unknown in the first column."""
    depth = np.repeat(np.linspace(2, 5, size[0], dtype=np.float32)[:, None], size[1], axis=1)
    depth[:, 0] = np.nan
    return depth


class Plane:
    def __init__(self):
        self.calls = []

    def infer(self, image, camera, **options):
        self.calls.append((image, camera, options))
        depth = plane(image.shape[:2])
        camera = Camera.default(image.shape[:2]) if camera is None else camera
        return Prediction(depth, 0 * depth, np.isfinite(depth), camera)


@pytest.fixture
def pipeline(monkeypatch):
    plane, asked = Plane(), []

    def from_checkpoint(path, device):
        asked.append((path, device))
        return plane

    monkeypatch.setattr(DepthPipeline, 'from_checkpoint', from_checkpoint)
    plane.asked = asked
    return plane


def photo(path, size=SIZE, colour=(10, 120, 240)):
    """Write a picture whose left half is `colour` (RGB), and return its path."""
    image = np.zeros((*size, 3), np.uint8)
    image[:, : size[1] // 2] = colour
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[..., ::-1])
    return path


def predict(*words):
    return cli.main(['predict', *map(str, words)])


def test_an_image_becomes_metres_and_a_preview(tmp_path, pipeline):
    out = tmp_path / 'deep' / 'out'
    options = ['--steps', '2', '--samples', '3', '--stride', '8']
    more = ['--checkpoint', 'x.safetensors', '--device', 'cpu']
    assert predict(photo(tmp_path / 'a.png'), '-o', out, *NUMBERS, *options, *more) == 0
    assert sorted(p.name for p in out.iterdir()) == ['a.npy', 'a.preview.jpg']
    depth = np.load(out / 'a.npy')
    assert depth.dtype == np.float32 and np.array_equal(depth, plane(SIZE), equal_nan=True)
    (image, camera, given), *_ = pipeline.calls
    assert image[5, 5].tolist() == [10, 120, 240], 'the pipeline takes RGB'
    assert [float(x) for x in (camera.fx, camera.fy, camera.cx, camera.cy)] == [50, 52, 29, 20]
    assert given == {'steps': 2, 'samples': 3, 'stride': 8}
    assert pipeline.asked == [('x.safetensors', 'cpu')]
    preview = cv2.imread(str(out / 'a.preview.jpg'))[..., ::-1].astype(int)
    assert preview.shape[0] == SIZE[0] and preview.shape[1] > SIZE[1], 'no legend'
    expected = pictures.colorize(plane(SIZE), *pictures.depth_range(plane(SIZE))).astype(int)
    assert np.abs(preview[:, 10:50] - expected[:, 10:50]).mean() < 12  # it is a JPEG


def test_png_holds_metres_times_256(tmp_path, pipeline):
    arguments = ['--format', 'png', '--no-preview', '--no-intrinsics']
    assert predict(photo(tmp_path / 'a.jpg'), '-o', tmp_path / 'out', *arguments) == 0
    assert [p.name for p in (tmp_path / 'out').iterdir()] == ['a.png']
    stored = cv2.imread(str(tmp_path / 'out' / 'a.png'), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16 and (stored[:, 0] == 0).all()
    assert np.abs(stored[:, 1:] / 256 - plane(SIZE)[:, 1:]).max() <= 0.5 / 256
    assert pipeline.calls[0][1] is None


def test_png_marks_what_16_bits_cannot_hold_as_unknown():
    depth = np.array([[np.nan, np.inf, 0.5, 255.99, 300.0]], np.float32)
    assert encode_png(depth).tolist() == [[0, 0, 128, 65533, 0]]


def test_cloud_is_the_coloured_lift_of_the_depth(tmp_path, pipeline):
    o3d = pytest.importorskip('open3d', exc_type=ImportError)
    assert predict(photo(tmp_path / 'a.png'), '-o', tmp_path / 'out', *NUMBERS, '--cloud') == 0
    cloud = o3d.io.read_point_cloud(str(tmp_path / 'out' / 'a.ply'))
    points, colours = np.asarray(cloud.points), np.asarray(cloud.colors)
    assert len(points) == SIZE[0] * (SIZE[1] - 1), 'unknown pixels make no points'
    u = points[:, 0] / points[:, 2] * 50 + 29
    v = points[:, 1] / points[:, 2] * 52 + 20
    assert np.allclose(np.sort(np.unique(u.round(2))), np.arange(1, 60))
    assert np.allclose(points[:, 2], 2 + 3 * v / (SIZE[0] - 1), atol=1e-3)
    left = u < 29.5
    assert np.allclose(colours[left] * 255, (10, 120, 240), atol=0.6)
    assert (colours[~left] == 0).all()


def test_a_folder_of_images_is_read_in_order_and_other_files_are_not(tmp_path, pipeline):
    for name, size in (('b.PNG', (30, 50)), ('a.jpg', SIZE), ('c.bmp', (20, 20))):
        photo(tmp_path / 'in' / name, size)
    (tmp_path / 'in' / 'notes.txt').write_text('hello')
    assert predict(tmp_path / 'in', '-o', tmp_path / 'out', '--no-intrinsics') == 0
    shapes = {p.stem: np.load(p).shape for p in (tmp_path / 'out').glob('*.npy')}
    assert shapes == {'a': SIZE, 'b': (30, 50), 'c': (20, 20)}
    assert [call[0].shape[:2] for call in pipeline.calls] == [SIZE, (30, 50), (20, 20)]


@pytest.mark.parametrize(
    'name, options',
    [('a.png', ['--format', 'png']), ('a.ply', ['--cloud']), ('a.preview.jpg', []),
     ('a.rectified.png', [])],
)  # fmt: skip
def test_images_and_known_depth_are_never_overwritten(tmp_path, pipeline, capsys, name, options):
    path, other = photo(tmp_path / 'a.jpg'), tmp_path / name
    other.write_bytes(b'of use')
    sources = [path, other] if name.count('.') > 1 else [path]
    error = refused(capsys, *sources, '-o', tmp_path, '--no-intrinsics', *options)
    assert f'{name}, an image or known depth, would be overwritten' in error
    assert other.read_bytes() == b'of use'


def test_a_run_may_be_repeated_in_the_folder_of_its_images(tmp_path, pipeline):
    path = photo(tmp_path / 'a.jpg')
    assert predict(path, '-o', tmp_path, '--no-intrinsics') == 0
    np.save(tmp_path / 'a.npy', np.zeros(3))
    assert predict(path, '-o', tmp_path, '--no-intrinsics') == 0
    assert np.load(tmp_path / 'a.npy').shape == SIZE


@pytest.mark.parametrize('name', ['', 'frames.json'])
def test_a_sample_set_brings_its_cameras(tmp_path, pipeline, name):
    with SampleSetWriter(
        tmp_path / 'set', source='test', licence='CC0', depth_kind='synthetic', domain='indoor',
        min_depth=0.5, max_depth=10,
    ) as writer:  # fmt: skip
        for i in range(2):
            camera = Camera.from_intrinsics(50 + i, 51, 29, 20, SIZE)
            image, depth = np.zeros((*SIZE, 3), np.uint8), np.ones(SIZE, np.float32)
            writer.add(Sample(image, depth, camera, f'{i:04d}'))
    assert predict(tmp_path / 'set' / name, '-o', tmp_path / 'out') == 0
    assert sorted(p.name for p in (tmp_path / 'out').glob('*.npy')) == ['0000.npy', '0001.npy']
    assert [float(camera.fx) for _, camera, _ in pipeline.calls] == [50, 51]
    # What the command line says wins, which is how to try a set without its intrinsics.
    assert predict(tmp_path / 'set', '-o', tmp_path / 'out', '--no-intrinsics') == 0
    assert pipeline.calls[-1][1] is None


def test_fx_alone_means_square_pixels_and_the_middle(tmp_path, pipeline):
    assert predict(photo(tmp_path / 'a.png'), '-o', tmp_path / 'out', '--fx', '50') == 0
    camera = pipeline.calls[0][1]
    assert [float(x) for x in (camera.fy, camera.cx, camera.cy)] == [50, 29.5, 19.5]


def test_calibration_without_distortion(tmp_path, pipeline):
    info = tmp_path / 'front.yaml'
    info.write_text(CALIBRATION.format(model='plumb_bob', coefficients=[0.0] * 5))
    arguments = ['-o', tmp_path / 'out', '--camera-info', info]
    path = photo(tmp_path / 'a.jpg')
    insert(path, orientation_segment(3))  # as the stored pixels are, so is what was calibrated
    assert predict(path, *arguments) == 0
    image, camera, _ = pipeline.calls[0]
    assert image[:, :20].mean() > 100 > image[:, 40:].mean(), 'the photograph was turned'
    expected = [[50.5, 0, 29], [0, 52, 20], [0, 0, 1]]
    assert camera.K.tolist() == expected and camera.size == SIZE
    assert not (tmp_path / 'out' / 'a.rectified.png').exists()


def test_a_distorted_image_is_rectified_first_and_says_so(tmp_path, pipeline, capsys):
    info = tmp_path / 'front.yaml'
    lens = [0.4, 0.1, 0.0, 0.0, 0.0]  # pincushion: the corners come from outside the image
    info.write_text(CALIBRATION.format(model='plumb_bob', coefficients=lens))
    path = photo(tmp_path / 'a.png')
    assert predict(path, '-o', tmp_path / 'out', '--camera-info', info) == 0
    image, camera, _ = pipeline.calls[0]
    assert camera.distortion is None
    K = np.array([[50.5, 0, 29], [0, 52, 20], [0, 0, 1]])
    expected = cv2.undistort(cv2.imread(str(path)), K, np.array(lens))[..., ::-1]
    assert np.abs(image.astype(int) - expected).mean() < 2
    written = cv2.imread(str(tmp_path / 'out' / 'a.rectified.png'))[..., ::-1]
    assert (written == image).all()
    depth = np.load(tmp_path / 'out' / 'a.npy')
    assert np.isnan(depth[0, -1]) and np.isfinite(depth[20, 30])
    assert '1 images had lens distortion' in capsys.readouterr().out


def test_exif_gives_the_camera(tmp_path, pipeline):
    path = photo(tmp_path / 'a.jpg', (200, 300))
    insert(path, exif_segment(36))
    assert predict(path, '-o', tmp_path / 'out') == 0
    assert float(pipeline.calls[0][1].fx) == pytest.approx(300)


def refused(capsys, *words):
    """Run a command that must be refused; return its one sentence."""
    assert predict(*words) == 2
    error = capsys.readouterr().err
    assert error.startswith('grin: ') and error.count('\n') == 1
    return error


def test_a_plain_image_without_intrinsics_is_refused(tmp_path, pipeline, capsys):
    error = refused(capsys, photo(tmp_path / 'a.png'), '-o', tmp_path / 'out')
    for option in ('--fx', '--camera-info', '--no-intrinsics'):
        assert option in error
    assert not pipeline.calls


@pytest.mark.parametrize(
    ('words', 'says'),
    [
        (['in/a.png', 'in/b.txt'], 'b.txt is not an image by its name'),
        (['in/missing.png'], 'missing.png does not exist'),
        (['empty'], 'empty holds no image'),
        (['in/a.png', 'other/a.jpg'], 'would both write a.*'),
        (['in/a.png', 'in/a.png'], 'would both write a.*'),
        (['in/broken.png'], 'broken.png cannot be decoded'),
        (['in/a.png', '--fx', '50'], 'only one of them'),
        (['in/a.png', '--fx', '-5'], 'positive'),
        (['in/a.png', '--cx', '5'], 'need --fx'),
        (['in/a.png', '--camera-info', 'in/b.txt'], 'is no camera-info YAML'),
        (['in/a.png', '--camera-info', 'none.yaml'], 'no such YAML file'),
        (['in/a.png', '--camera-info', 'other.yaml'], 'but other.yaml describes 60 x 44'),
        (['in/set.json'], 'is no sample set'),
        (['in/a.png', '--format', 'png', '-o', 'in'], 'would be overwritten'),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, pipeline, capsys, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    photo(tmp_path / 'in' / 'a.png')
    photo(tmp_path / 'other' / 'a.jpg')
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'in' / 'b.txt').write_text('a: 1')
    (tmp_path / 'in' / 'broken.png').write_bytes(b'no picture')
    (tmp_path / 'in' / 'set.json').write_text('{"frames": [{"rgb": "a.png"}]}')
    calibration = CALIBRATION.format(model='plumb_bob', coefficients=[0.0])
    (tmp_path / 'other.yaml').write_text(calibration.replace('height: 40', 'height: 44'))
    if not any(word.startswith(('--fx', '--cx', '--camera')) for word in words) or says.startswith(
        'only'
    ):
        words = [*words, '--no-intrinsics']
    if '-o' not in words:
        words = [*words, '-o', 'out']
    assert says in refused(capsys, *words)
    assert not pipeline.calls
    assert cv2.imread('in/a.png').shape == (*SIZE, 3), 'an input was touched'


@pytest.mark.parametrize('value', ['0', '-1', 'two', '1.5'])
def test_counts_are_whole_numbers_from_one(tmp_path, value, capsys):
    with pytest.raises(SystemExit):
        predict(tmp_path, '-o', tmp_path, '--steps', value)
    assert 'is not a whole number from 1 up' in capsys.readouterr().err
