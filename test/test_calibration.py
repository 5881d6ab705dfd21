# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""CameraInfo in full: which camera belongs to an image, and where a rectified pixel lands."""

from __future__ import annotations

from dataclasses import replace
import threading
import time

import cv2
from messages import camera_info
import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from grin_ros.camera import Camera, Distortion
from grin_ros.rectifier import Rectifier
from grin_ros.ros import calibration as calibration_module
from grin_ros.ros.calibration import Calibration, named_rectified
from grin_ros.ros.node_config import NodeConfig

DEFAULT = NodeConfig()
SIZE = (240, 320)
K = (200, 0, 158, 0, 205, 121, 0, 0, 1)
P = (180, 0, 150, 0, 0, 185, 118, 0, 0, 0, 1, 0)
RADIAL = [-0.28, 0.09, 0.002, -0.001, -0.01]
TURN = cv2.Rodrigues(np.array([0.01, -0.03, 0.02]))[0]
LENSES = {
    'plumb_bob': RADIAL,
    'rational_polynomial': [0.4, 0.1, 0.001, -0.002, 0.02, 0.7, 0.2, 0.03],
    'equidistant': [0.05, -0.02, 0.01, -0.003],
    'five-number equidistant': [0.05, -0.02, 0.01, -0.003, 0.0],
}


def info(sec=0, frame='', **values):
    message = camera_info('rclpy', **({'k': K, 'p': P, 'size': SIZE} | values))
    message.header = Header(stamp=Time(sec=sec), frame_id=frame)
    return message


def header(sec=0, frame=''):
    return Header(stamp=Time(sec=sec), frame_id=frame)


def view(message, config=DEFAULT, size=SIZE, topic='/camera/image_raw', stamp=0):
    calibration = Calibration(topic)
    calibration.add(message)
    return calibration.view(header(stamp), size, config)


def shown(points, k, model, d):
    """Where a real lens shows points of its frame, by OpenCV."""
    project = cv2.fisheye.projectPoints if model == 'equidistant' else cv2.projectPoints
    k, d = np.array(k, float).reshape(3, 3), np.array(d[:4] if model == 'equidistant' else d)
    return project(points.reshape(-1, 1, 3), np.zeros(3), np.zeros(3), k, d)[0].reshape(-1, 2)


def dot(uv, size):
    """A picture with a soft dot at uv."""
    v, u = np.mgrid[: size[0], : size[1]]
    bright = 250 * np.exp(-((u - uv[0]) ** 2 + (v - uv[1]) ** 2) / 18)
    return np.repeat(bright[..., None], 3, axis=2).astype(np.uint8)


def centre(picture):
    weights = picture[..., 0].astype(float)
    v, u = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return np.array([(u * weights).sum(), (v * weights).sum()]) / weights.sum()


@pytest.mark.parametrize('lens', LENSES)
@pytest.mark.parametrize('point', [(0.25, 0.2, 1.0), (-0.3, 0.1, 1.0)])
def test_a_raw_image_is_brought_to_r_and_p(lens, point):
    """A dot that the lens shows is found where P shows the point, turned by R: as image_proc."""
    model = lens.rsplit(' ')[-1]
    message = info(distortion_model=model, d=LENSES[lens], r=TURN.ravel())
    points = np.array([point])
    (raw,) = shown(points, K, model, LENSES[lens])
    x, y, z = TURN @ points[0]
    expected = np.array([180 * x / z + 150, 185 * y / z + 118])
    assert np.abs(raw - expected).max() > 4
    picture, camera, _ = Rectifier()(dot(raw, SIZE), *view(message))
    np.testing.assert_allclose(centre(picture), expected, atol=0.3)
    assert camera.distortion is None and camera.size == SIZE
    np.testing.assert_allclose(camera.K.ravel(), np.array(P).reshape(3, 4)[:, :3].ravel())


def test_without_p_the_middle_keeps_its_resolution():
    for p in ([0] * 12, [np.nan] * 12):
        camera, target, rotation = view(info(d=RADIAL, p=p, r=[0] * 9))
        assert target is None and rotation is None
        _, pinhole, _ = Rectifier()(dot((100, 100), SIZE), camera, target, rotation)
        np.testing.assert_allclose(pinhole.K.ravel(), K)


def test_an_uncalibrated_r_does_not_turn():
    _, target, rotation = view(info(d=RADIAL, r=[0] * 9))
    assert target is not None and rotation is None


@pytest.mark.parametrize(
    ('topic', 'rectify', 'expected'),
    [
        ('/camera/image_raw', 'auto', False),
        ('/camera/image_rect', 'auto', True),
        ('/camera/image_rect_color', 'auto', True),
        ('/rectangle/image', 'auto', False),
        ('/camera/image_corrected', 'auto', False),
        ('/camera/image_rect', 'always', False),
        ('/camera/image_raw', 'never', True),
    ],
)
def test_what_counts_as_rectified(topic, rectify, expected):
    camera, _, _ = view(info(d=RADIAL), replace(DEFAULT, rectify=rectify), topic=topic)
    if expected:
        assert camera.distortion is None and float(camera.fx) == 180
    else:
        assert camera.distortion == Distortion('plumb_bob', tuple(RADIAL))
        assert float(camera.fx) == 200


def test_rect_is_a_word_of_the_last_part_of_the_name():
    for name in ('image_rect', 'rect', 'rect_color', 'left_rectified', 'image_rect/compressed'):
        assert named_rectified(f'/camera/{name}'), name
    for name in ('image', 'image_corrected', 'direct', 'rectangle', 'image_rect/raw'):
        assert not named_rectified(f'/camera/{name}'), name


@pytest.mark.parametrize('model', ['plumb_bob', 'equidistant'])
def test_region_binning_and_another_size_with_a_lens(model):
    """The image of the lens is cut, binned and scaled: the dot is where the camera says."""
    d = LENSES[model]
    region = {'x_offset': 40, 'y_offset': 20, 'width': 240, 'height': 200}
    message = info(distortion_model=model, d=d, roi=region, binning_x=2, binning_y=2, p=[0] * 12)
    point = np.array([[0.2, 0.15, 1.0]])
    (raw,) = shown(point, K, model, d)
    size = (50, 60)  # the driver halves what is left once more
    there = (raw - [40, 20] + 0.5) / 4 - 0.5
    camera, target, rotation = view(message, size=size)
    picture, pinhole, _ = Rectifier()(dot(there, size), camera, target, rotation)
    x, y, _ = point[0]
    expected = [
        float(pinhole.fx) * x + float(pinhole.cx),
        float(pinhole.fy) * y + float(pinhole.cy),
    ]
    np.testing.assert_allclose(centre(picture), expected, atol=0.3)
    np.testing.assert_allclose(float(pinhole.fx), 200 / 4, rtol=1e-6)


def test_where_the_polynomial_folds_back_nothing_was_seen():
    """Beyond 45 degrees this lens would show the middle of the picture a second time."""
    k1 = -1 / 3  # r (1 + k1 r^2) turns round at r = 1
    camera = Camera.from_intrinsics(40, 40, 79.5, 59.5, (120, 160), Distortion('plumb_bob', (k1,)))
    assert camera.distortion.limit == pytest.approx(1, abs=2e-3)
    _, pinhole, seen = Rectifier()(np.zeros((120, 160, 3), np.uint8), camera)
    x, y, z = pinhole.rays().numpy()
    radius = np.hypot(x, y) / z
    assert not seen[radius > 1.01].any() and seen[radius < 0.99].all()


@pytest.mark.parametrize(
    ('model', 'd', 'limit'),
    [
        ('plumb_bob', (0.2, 0.1), np.inf),
        ('plumb_bob', (-0.3, 0.1), np.inf),
        ('plumb_bob', (-0.3,), np.sqrt(1 / 0.9)),
        ('equidistant', (), np.inf),
        ('equidistant', (-1 / 3,), np.tan(1.0)),
        ('rational_polynomial', (0, 0, 0, 0, 0, 1.0), 1.0),  # r / (1 + r^2)
        ('rational_polynomial', (0, 0, 0, 0, 0, -0.25), 2.0),  # a pole
    ],
)
def test_limits_of_lenses(model, d, limit):
    assert Distortion(model, d).limit == pytest.approx(limit, rel=3e-3)


def test_intrinsics_from_parameters():
    config = NodeConfig(intrinsics='parameters', fx=210.0)
    camera, target, rotation = Calibration('/image').view(header(), SIZE, config)
    assert (target, rotation, camera.distortion) == (None, None, None)
    np.testing.assert_allclose(camera.K, [[210, 0, 159.5], [0, 210, 119.5], [0, 0, 1]])
    config = replace(
        config, fy=220.0, cx=150.0, cy=110.0, distortion_model='equidistant',
        distortion=(0.1, 0.0, 0.0, 0.0),
    )  # fmt: skip
    camera, _, _ = Calibration('/image').view(header(), SIZE, config)
    np.testing.assert_allclose(camera.K, [[210, 0, 150], [0, 220, 110], [0, 0, 1]])
    assert camera.distortion == Distortion('equidistant', (0.1, 0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match='no image came yet'):
        Calibration('/image').view(None, None, config)


def test_unknown_intrinsics_and_missing_ones():
    calibration = Calibration('/image')
    assert calibration.view(header(), SIZE, NodeConfig(intrinsics='none')) is None
    with pytest.raises(ValueError, match='remap camera_info, or set intrinsics to parameters'):
        calibration.view(header(), SIZE, DEFAULT)


def test_the_info_of_the_same_stamp_counts_else_the_newest():
    """A zoom lens: image and CameraInfo of one moment belong together, however they overtake."""
    calibration = Calibration('/image')
    for sec in range(5):
        calibration.add(info(sec, k=(200 + sec, 0, 158, 0, 205, 121, 0, 0, 1)))
    focal = [float(calibration.view(header(sec), SIZE, DEFAULT)[0].fx) for sec in (2, 4, 3, 9)]
    assert focal == [202, 204, 203, 204]


def test_an_image_that_overtakes_its_info_waits_where_there_is_one_of_its_own(monkeypatch):
    monkeypatch.setattr(calibration_module, 'PATIENCE', 5.0)
    calibration = Calibration('/image')

    def focal(sec):
        calibration.wait(header(sec))
        return float(calibration.view(header(sec), SIZE, DEFAULT)[0].fx)

    def zoomed(sec):
        return info(sec, k=(200 + sec, 0, 158, 0, 205, 121, 0, 0, 1))

    calibration.add(zoomed(1))
    assert focal(2) == 201, 'nothing says that another one comes'
    calibration.add(zoomed(2))
    assert focal(2) == 202
    late = threading.Timer(0.05, calibration.add, [zoomed(3)])
    late.start()
    assert focal(3) == 203
    monkeypatch.setattr(calibration_module, 'PATIENCE', 0.01)
    assert focal(4) == 203, 'it was lost'
    monkeypatch.setattr(calibration_module, 'PATIENCE', 60.0)
    begun = time.monotonic()
    assert focal(5) == 203 and time.monotonic() < begun + 30, 'and is not waited for again'


def test_an_info_from_another_time_is_refused_only_if_asked():
    strict = replace(DEFAULT, max_info_age=0.5)
    assert view(info(3), stamp=100) is not None
    assert view(info(100), strict, stamp=100) is not None
    with pytest.raises(ValueError, match='97 s apart, more than max_info_age'):
        view(info(3), strict, stamp=100)
    with pytest.raises(ValueError, match='97 s apart'):
        view(info(100), strict, stamp=3)


def test_frames_that_differ_are_doubted_and_not_refused():
    calibration = Calibration('/image')
    assert calibration.doubt(header(frame='right'), DEFAULT) == ''
    for frame, doubtful in (('left', True), ('right', False), ('', False)):
        calibration.add(info(frame=frame))
        assert calibration.view(header(frame='right'), SIZE, DEFAULT) is not None
        assert ("'left'" in calibration.doubt(header(frame='right'), DEFAULT)) == doubtful


def test_maps_are_made_once_per_calibration(monkeypatch):
    made = []
    original = Camera.rectification

    def counted(*arguments):
        made.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(Camera, 'rectification', counted)
    rectify, picture = Rectifier(), np.full((*SIZE, 3), 255, np.uint8)
    changes = [{}, {}, {'d': [0.1]}, {'d': [0.1]}, {'d': [0.1], 'r': TURN.ravel()}]
    changes += [{'d': [0.1], 'p': (fx, *P[1:])} for fx in (150, 140)] + [{'k': (190, *K[1:])}]
    for values in changes:
        sight = view(info(**({'d': RADIAL} | values)))
        rectified, camera, seen = rectify(picture, *sight)
        np.testing.assert_array_equal(camera.K, sight[1].K)
        assert rectified[seen].min() == 255, 'what was seen has nothing of the black around it'
    assert len(made) == 6


def test_what_a_turned_lens_saw_are_the_rays_that_it_has():
    lens = Distortion('plumb_bob', (-0.4, 0.0, 0.0, 0.0, 0.0))  # folds back beyond its limit
    raw = Camera.from_intrinsics(150, 150, 159.5, 119.5, SIZE, lens)
    wide = Camera.from_intrinsics(60, 60, 159.5, 119.5, SIZE)
    turn, _ = cv2.Rodrigues(np.array([0.0, np.radians(20), 0.0]))
    _, _, seen = Rectifier()(np.zeros((*SIZE, 3), np.uint8), raw, wide, turn)
    x, y, z = np.einsum('ji,jhw->ihw', turn, wide.rays().double().numpy())  # into the lens's frame
    uv = shown(np.stack([x, y, z], -1), raw.K.ravel(), 'plumb_bob', lens.vector).reshape(*SIZE, 2)
    inside = (z > 0) & (np.hypot(x, y) < lens.limit * z)
    inside &= (uv >= 0).all(-1) & (uv <= [319, 239]).all(-1)
    assert 0.05 < inside.mean() < 0.5
    assert (seen != inside).mean() < 1e-3


def test_a_lens_that_sees_nothing_is_refused():
    camera, target, rotation = view(info(d=[1e300] * 5))
    with pytest.raises(ValueError, match=r'1e\+300.* next to nothing .* calibrate the camera'):
        Rectifier()(np.zeros((*SIZE, 3), np.uint8), camera, target, rotation)
