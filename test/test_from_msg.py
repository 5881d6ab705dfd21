# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Image messages, of rclpy and of rosbags, against arrays that were laid out by hand."""

from __future__ import annotations

import sys
from types import ModuleType

import cv2
from exif_segment import insert, orientation_segment
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import image, kinds, make
import numpy as np
import pytest

from grin_ros.ros import from_msg
from grin_ros.ros.from_msg import read_depth, read_image

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))

# What the encodings mean, in plain NumPy: RGB (H, W, 3) uint8 -> what the camera would send.
COLOUR = {
    'rgb8': lambda rgb: rgb,
    'bgr8': lambda rgb: rgb[..., ::-1],
    'rgba8': lambda rgb: np.dstack([rgb, np.full(rgb.shape[:2], 77, np.uint8)]),
    'bgra8': lambda rgb: np.dstack([rgb[..., ::-1], np.full(rgb.shape[:2], 77, np.uint8)]),
    '8UC3': lambda rgb: rgb[..., ::-1],
    'rgb16': lambda rgb: rgb.astype(np.uint16) * 257,
    'bgr16': lambda rgb: rgb[..., ::-1].astype(np.uint16) * 257,
    'rgba16': lambda rgb: np.dstack([rgb, rgb[..., 0]]).astype(np.uint16) * 257,
    'bgra16': lambda rgb: np.dstack([rgb[..., ::-1], rgb[..., 0]]).astype(np.uint16) * 257,
}
GREY = {'mono8': 'u1', '8UC1': 'u1', 'mono16': 'u2', '16UC1': 'u2'}


@kinds
@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(COLOUR)), SIZES, SEEDS, st.integers(0, 7), st.booleans())
def test_colour_encodings(kind, encoding, size, seed, padding, big):
    rgb = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    message = image(kind, COLOUR[encoding](rgb), encoding, padding, big)
    decoded = read_image(message)
    np.testing.assert_array_equal(decoded, rgb)
    assert decoded.dtype == np.uint8


@kinds
@settings(deadline=None, max_examples=40)
@given(st.sampled_from(sorted(GREY)), SIZES, SEEDS, st.integers(0, 7), st.booleans())
def test_grey_encodings(kind, encoding, size, seed, padding, big):
    levels = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    scale = 257 if GREY[encoding] == 'u2' else 1
    pixels = levels.astype(GREY[encoding]) * np.array(scale, GREY[encoding])
    decoded = read_image(image(kind, pixels, encoding, padding, big))
    np.testing.assert_array_equal(decoded, np.dstack([levels] * 3))


def test_sixteen_bits_are_rounded_to_eight():
    pixels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    decoded = read_image(image('rosbags', pixels, 'mono16'))[..., 0]
    np.testing.assert_array_equal(decoded, np.rint(pixels * (255 / 65535)).astype(np.uint8))


@kinds
@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(['rggb', 'bggr', 'gbrg', 'grbg']), st.sampled_from([8, 16]),
    st.tuples(*[st.integers(0, 255)] * 3), st.integers(0, 5), st.booleans(),
)  # fmt: skip
def test_bayer_of_one_colour_gives_that_colour(kind, pattern, bits, colour, padding, big):
    cells = [colour['rgb'.index(letter)] for letter in pattern]
    mosaic = np.tile(np.array(cells, np.uint16).reshape(2, 2), (3, 4))
    mosaic = mosaic.astype(np.uint8) if bits == 8 else mosaic * np.uint16(257)
    decoded = read_image(image(kind, mosaic, f'bayer_{pattern}{bits}', padding, big))
    np.testing.assert_array_equal(decoded, np.broadcast_to(colour, (6, 8, 3)))


@kinds
@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(['yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv']),
    st.tuples(*[st.integers(0, 255)] * 3), st.integers(0, 5),
)  # fmt: skip
def test_yuv422_after_bt601(kind, encoding, colour, padding):
    red, green, blue = colour
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    y = round(16 + 219 / 255 * luma)
    u = round(128 + 224 / 255 * (blue - luma) / 1.772)
    v = round(128 + 224 / 255 * (red - luma) / 1.402)
    pair = (u, y, v, y) if encoding in ('yuv422', 'uyvy') else (y, u, y, v)
    pixels = np.tile(np.array(pair, np.uint8).reshape(1, 2, 2), (4, 3, 1))
    decoded = read_image(image(kind, pixels, encoding, padding))
    assert decoded.shape == (4, 6, 3)
    assert np.abs(decoded.astype(int) - colour).max() <= 3


@pytest.fixture
def bridge(monkeypatch):
    """Put a cv_bridge where the robot has one; it answers with a colour of its own."""
    package, boost, binary = (
        ModuleType(f'cv_bridge{name}') for name in ('', '.boost', '.boost.cv_bridge_boost')
    )

    class CvBridge:
        def imgmsg_to_cv2(self, message, wanted):
            assert wanted == 'rgb8'
            if message.encoding == 'yuyv':
                raise TypeError('unknown encoding')
            return np.full((message.height, message.width, 3), 99, np.uint8)

    package.CvBridge, package.boost, boost.cv_bridge_boost = CvBridge, boost, binary
    for module in (package, boost, binary):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    from_msg._cv_bridge.cache_clear()
    yield package
    from_msg._cv_bridge.cache_clear()


def test_cv_bridge_converts_what_it_knows_where_it_is_installed(bridge):
    mosaic = np.zeros((4, 4), np.uint8)
    assert read_image(image('rosbags', mosaic, 'bayer_rggb8'))[0, 0, 0] == 99
    assert read_image(image('rosbags', mosaic, 'mono8'))[0, 0, 0] == 0
    yuv = np.full((4, 4, 2), (16, 128), np.uint8)
    assert read_image(image('rosbags', yuv, 'yuyv'))[0, 0, 0] == 0


def test_a_cv_bridge_made_for_another_numpy_is_passed_over(bridge, monkeypatch):
    monkeypatch.setitem(sys.modules, 'cv_bridge.boost.cv_bridge_boost', None)
    assert read_image(image('rosbags', np.zeros((4, 4), np.uint8), 'bayer_rggb8')).max() == 0


@kinds
@settings(deadline=None, max_examples=40)
@given(SIZES, st.integers(0, 4), st.integers(1, 500))
def test_an_image_cut_short_is_refused(kind, size, padding, cut):
    pixels = np.zeros((*size, 3), np.uint8)
    whole = size[0] * (3 * size[1] + padding)
    with pytest.raises(ValueError, match=r'cut short.*step x height'):
        read_image(image(kind, pixels, 'rgb8', padding, cut=min(cut, whole)))


@kinds
def test_images_that_make_no_sense_are_refused(kind):
    def message(**changes):
        values = {'height': 2, 'width': 4, 'encoding': 'rgb8', 'step': 12, 'is_bigendian': 0}
        return make(kind, 'Image', data=bytes(24), **(values | changes))

    assert read_image(message()).shape == (2, 4, 3)
    for changes, reason in (
        ({'encoding': 'h264'}, 'encoding .h264. cannot be read.*rgb8'),
        ({'step': 11}, 'rows of 11 bytes, but its width needs 12'),
        ({'height': 0}, 'empty'),
        ({'width': 0}, 'empty'),
        ({'encoding': 'yuv422', 'width': 3, 'step': 6}, 'no image of yuv422 can have 3 x 2'),
    ):
        with pytest.raises(ValueError, match=reason):
            read_image(message(**changes))


@kinds
def test_compressed_images(kind):
    v, u = np.mgrid[:32, :48]
    rgb = np.dstack([5 * u, 8 * v, 255 - 5 * u]).astype(np.uint8)
    for suffix, tolerance in (('.png', 0), ('.jpg', 12)):
        data = cv2.imencode(suffix, rgb[..., ::-1])[1].tobytes()
        message = make(kind, 'CompressedImage', format=suffix[1:], data=data)
        assert np.abs(read_image(message).astype(int) - rgb).max() <= tolerance
    for broken in (b'', b'no picture at all', data[:40]):
        with pytest.raises(ValueError, match='cannot be decoded'):
            read_image(make(kind, 'CompressedImage', format='jpeg', data=broken))


@kinds
@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
@pytest.mark.parametrize(
    'bits, codec, compressed',
    [(8, 'jpeg', ''), (8, 'jpeg', 'bayer_{pattern}8'), (8, 'png', ''), (16, 'png', '')],
)
def test_a_compressed_mosaic_of_one_colour_gives_that_colour(
    kind, pattern, bits, codec, compressed
):
    colour = (200, 120, 40)
    cells = np.array([colour['rgb'.index(letter)] for letter in pattern]).reshape(2, 2)
    mosaic = np.tile(cells, (16, 16)).astype(np.uint8)
    pixels = mosaic * np.uint16(257) if bits == 16 else mosaic
    best = [cv2.IMWRITE_JPEG_QUALITY, 100] if codec == 'jpeg' else []
    data = cv2.imencode(f'.{codec}', pixels, best)[1].tobytes()

    def decoded(stated):
        text = f'bayer_{pattern}{bits}; {codec} compressed {stated.format(pattern=pattern)}'
        return read_image(make(kind, 'CompressedImage', format=text, data=data)).astype(int)

    assert np.abs(decoded(compressed) - colour).max() <= (4 if codec == 'jpeg' else 0)
    # Converted before it was compressed, it is grey, with a checkerboard if that is in it.
    assert np.abs(decoded('mono8') - mosaic[..., None]).max() <= 4


@kinds
def test_a_picture_in_colour_is_no_mosaic_whatever_its_format_says(kind):
    data = cv2.imencode('.png', np.full((4, 4, 3), (40, 120, 200), np.uint8))[1].tobytes()
    message = make(kind, 'CompressedImage', format='bayer_rggb8; png compressed ', data=data)
    np.testing.assert_array_equal(read_image(message)[1, 1], (200, 120, 40))


@kinds
@settings(deadline=None, max_examples=40)
@given(SIZES, SEEDS, st.integers(0, 5), st.booleans())
def test_depth_in_millimetres_and_in_metres(kind, size, seed, padding, big):
    millimetres = np.random.default_rng(seed).integers(0, 65536, size, np.uint16)
    millimetres[0, 0] = 0
    truth = np.where(millimetres == 0, np.nan, millimetres / 1000)
    depth = read_depth(image(kind, millimetres, '16UC1', padding, big))
    np.testing.assert_allclose(depth, truth, rtol=1e-6)
    metres = truth.astype(np.float32)
    np.testing.assert_array_equal(read_depth(image(kind, metres, '32FC1', padding, big)), metres)
    assert depth.dtype == np.float32


def test_depth_that_is_none_becomes_nan():
    metres = np.array([[0, -1, np.inf, -np.inf, np.nan, 2]], np.float32)
    depth = read_depth(image('rosbags', metres, '32FC1'))
    np.testing.assert_array_equal(depth, [[np.nan] * 5 + [2]])
    with pytest.raises(ValueError, match=r'depth image of encoding .rgb8.'):
        read_depth(image('rosbags', np.zeros((2, 2, 3), np.uint8), 'rgb8'))


def test_a_jpeg_is_not_turned_by_what_its_camera_notes(tmp_path):
    """As its CameraInfo describes the picture that is stored."""
    path = tmp_path / 'on_its_side.jpg'
    cv2.imwrite(str(path), np.zeros((20, 40, 3), np.uint8))
    insert(path, orientation_segment(6))
    assert cv2.imread(str(path)).shape == (40, 20, 3)
    message = make('rosbags', 'CompressedImage', format='jpeg', data=path.read_bytes())
    assert read_image(message).shape == (20, 40, 3)
