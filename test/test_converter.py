# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What becomes of one frame, in one process: every parameter counts, lenses are taken out."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy')

from ros_peer import image_message, info_message

from grin_ros.camera import Camera, Distortion
from grin_ros.pipeline import Prediction
from grin_ros.ros.calibration import Calibration
from grin_ros.ros.converter import DepthConverter, OUTPUTS, select
from grin_ros.ros.from_msg import read_camera, read_depth, read_image
from grin_ros.ros.model import Model
from grin_ros.ros.node_config import NodeConfig

DEFAULT = NodeConfig()


class Pipeline:
    """Depth is the red channel in decimetres; the call is kept."""

    checkpoint = device = None

    def infer_batch(self, images, cameras, **options):
        self.options = options
        return [self.infer(*one) for one in zip(images, cameras)]

    def infer(self, image, camera):
        self.image, self.camera = image, camera
        camera = camera or Camera.default(image.shape[:2])
        depth = image[..., 0].astype(np.float32) / 10
        return Prediction(depth, 0.1 * depth, depth > 0, camera)


def make_convert():
    """Return what the node does with a message: read, infer, write."""
    calibration, pipeline = Calibration('/image'), Pipeline()
    converter = DepthConverter(calibration)
    model = Model(lambda path, device: pipeline, DEFAULT)

    def convert(config=DEFAULT, message=None, info=None, wanted=tuple(OUTPUTS)):
        message = message or image_message(np.full((24, 32, 3), 20, np.uint8))
        calibration.add(info or info_message(message.width, message.height))
        frame = converter.read(message, config)
        (prediction,) = model.infer([frame], config, lambda: True)
        written = converter.write(frame, prediction, config, wanted)
        return {name: make() for name, make in written}

    convert.model = pipeline
    return convert


@pytest.fixture(name='convert')
def fixture_of_convert():
    return make_convert()


def test_only_what_is_wanted_is_made(convert):
    assert list(convert(wanted=['points'])) == ['points']
    assert list(convert()) == list(OUTPUTS)


def test_the_checkpoints_defaults_are_left_to_the_pipeline(convert):
    convert()
    convert.model.options.pop('on_step')
    assert convert.model.options == {
        'stride': None, 'steps': None, 'samples': 1, 'full_size': True, 'seed': 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ('name', 'value'),
    [('stride', 8), ('steps', 2), ('samples', 5), ('full_size', False), ('seed', 7)],
)
def test_parameters_reach_the_model(convert, name, value):
    convert(replace(DEFAULT, **{name: value}))
    assert convert.model.options[name] == value


def test_unknown_intrinsics_need_no_camera_info(convert):
    convert(replace(DEFAULT, intrinsics='none'))
    assert convert.model.camera is None


def test_depth_outside_the_limits_and_too_uncertain_is_unknown():
    depth = np.array([[0.4, 1, 2, 3, np.nan, 2]], np.float32)
    std = np.array([[0.0, 0.0, 0.1, 0.0, 0.0, 0.5]], np.float32)
    valid = np.array([[True, False, True, True, False, True]])
    prediction = Prediction(depth, std, valid, None)
    near = NodeConfig(min_depth=0.5, max_depth=2.5)
    np.testing.assert_array_equal(
        select(prediction, near, None), [[np.nan, np.nan, 2, np.nan, np.nan, 2]]
    )
    sure = NodeConfig(min_depth=0.5, samples=2, max_relative_std=0.1)
    np.testing.assert_array_equal(
        select(prediction, sure, None), [[np.nan, np.nan, 2, 3, np.nan, np.nan]]
    )


def test_std_is_published_where_the_model_knows_the_depth(convert):
    pixels = np.full((24, 32, 3), 20, np.uint8)
    pixels[0, 0] = 0
    made = convert(replace(DEFAULT, max_depth=1.5), image_message(pixels))
    assert np.isnan(read_depth(made['depth/image'])).all()
    std = np.frombuffer(made['depth/std'].data, np.float32).reshape(24, 32)
    assert np.isnan(std[0, 0]) and np.allclose(std[1:], 0.2)


def test_a_distorted_image_is_rectified(convert):
    """A pattern painted through the lens is found where a pinhole camera sees it."""
    lens = (-0.3, 0.1, 0.01, -0.01, 0.0)
    info = info_message(320, 240, fx=200.0, d=lens)
    bent = Camera.from_intrinsics(
        200, 200, 159.5, 119.5, (240, 320), Distortion('plumb_bob', lens)
    )
    pinhole = replace(bent, distortion=None)
    corner = np.array([[0.45, 0.3, 1.0]])
    there, here = (
        cv2.projectPoints(corner, np.zeros(3), np.zeros(3), bent.K.double().numpy(), np.array(d))[
            0
        ]
        for d in (lens, (0.0,) * 5)
    )
    assert np.abs(there - here).max() > 5, 'a lens that bends nothing would test nothing'
    pixels = np.full((240, 320, 3), 20, np.uint8)
    cv2.circle(pixels, tuple(np.rint(there.ravel()).astype(int).tolist()), 4, (200, 0, 0), -1)
    message = image_message(pixels)

    made = convert(message=message, info=info)
    v, u = np.argwhere(convert.model.image[..., 0] > 150).mean(axis=0)
    np.testing.assert_allclose([u, v], here.ravel(), atol=1.5)
    assert convert.model.camera.distortion is None
    assert np.array_equal(convert.model.camera.K, pinhole.K)
    published = read_camera(made['depth/camera_info'])
    assert published.distortion is None and np.array_equal(published.K, pinhole.K)

    straight = convert(replace(DEFAULT, rectify='never'), message, info)
    np.testing.assert_array_equal(convert.model.image, pixels)
    assert read_camera(straight['depth/camera_info']).distortion is None


def test_pixels_that_the_lens_did_not_see_are_unknown(convert):
    """A pincushion lens bends the edge out of the picture, so that black has to be invented."""
    info = info_message(320, 240, fx=200.0, d=(0.3, 0.0, 0.0, 0.0, 0.0))
    made = convert(message=image_message(np.full((240, 320, 3), 20, np.uint8)), info=info)
    depth = read_depth(made['depth/image'])
    assert np.isnan(depth[0, 0]) and np.isnan(depth[-1, -1])
    np.testing.assert_allclose(depth[60:180, 80:240], 2.0)
    assert not np.isnan(depth[120]).all()


def test_a_changed_calibration_or_size_counts_at_once(convert):
    for width, height, fx in ((32, 24, 50.0), (32, 24, 60.0), (64, 48, 60.0)):
        for d in ((), (0.1, 0.0, 0.0, 0.0, 0.0)):
            message = image_message(np.full((height, width, 3), 20, np.uint8))
            made = convert(message=message, info=info_message(width, height, fx, d))
            camera = read_camera(made['depth/camera_info'])
            assert (float(camera.fx), camera.size) == (fx, (height, width))


def test_preview_has_the_picture_a_legend_and_calm_colours(convert):
    """Somebody far away comes in: the wall at 4 m keeps nearly the colour that it had."""
    pixels = np.full((96, 64, 3), 20, np.uint8)
    pixels[:, 20:40], pixels[:, 40:] = 40, 80
    first, then = image_message(pixels), pixels.copy()
    then[:, 40:] = 250
    then = image_message(then)

    def colour(made):
        return read_image(made['depth/preview'])[50, 30].astype(int)

    picture = read_image(convert(message=first)['depth/preview'])
    assert picture.shape[0] == 96 and picture.shape[1] > 64
    assert (picture[:, :20] == picture[0, 0]).all() and (picture[0, 0] != picture[0, 30]).any()
    before, after = colour(convert(message=first)), colour(convert(message=then))
    abrupt = colour(make_convert()(message=then))
    assert np.abs(after - before).sum() < 0.3 * np.abs(abrupt - before).sum()
