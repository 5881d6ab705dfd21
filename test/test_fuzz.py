# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Whatever a message holds, it becomes an array of the stated size or one ValueError.

No crash, no other exception, and no memory that the message itself does not justify.
"""

from __future__ import annotations

from contextlib import contextmanager
import struct
import tracemalloc
from types import SimpleNamespace
import zlib

import cv2
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from grin_ros.camera import Camera
from grin_ros.grid import processing_size
from grin_ros.rectifier import Rectifier
from grin_ros.ros.calibration import Calibration
from grin_ros.ros.from_msg import (
    DEPTH,
    ENCODINGS,
    POINT_TYPES,
    read_camera,
    read_depth,
    read_image,
    read_points,
)
from grin_ros.ros.node_config import NodeConfig

# Small numbers, the edges of unsigned integers, and those between.
NUMBERS = st.one_of(st.integers(0, 12), st.sampled_from([2**15, 2**31, 2**32 - 1]))
REALS = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(-2e3, 2e3))
MANY = settings(deadline=None, max_examples=150)
HEADER = SimpleNamespace(stamp=SimpleNamespace(sec=0, nanosec=0), frame_id='cam')


@contextmanager
def frugal(data: bytes, times: int = 40):
    """Fail where more memory is asked for than so many times the message, and a little."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < times * len(data) + 2**20


@st.composite
def images(draw, encodings=tuple(ENCODINGS)):
    """An Image that is right, a little wrong, or complete nonsense."""
    encoding = draw(st.one_of(st.sampled_from(encodings), st.text(max_size=12)))
    height, width = draw(NUMBERS), draw(NUMBERS)
    step = draw(st.one_of(NUMBERS, st.sampled_from([width * n for n in (1, 2, 3, 4, 6, 8)])))
    size = draw(st.one_of(st.just(min(step * height, 4096)), st.integers(0, 600)))
    seed = draw(st.integers(0, 2**16))
    return SimpleNamespace(
        header=HEADER, height=height, width=width, encoding=encoding, step=step,
        is_bigendian=draw(st.sampled_from([0, 1, 255])),
        data=np.random.default_rng(seed).bytes(size),
    )  # fmt: skip


@MANY
@given(images())
def test_any_image(message):
    with frugal(message.data):
        try:
            found = read_image(message)
        except ValueError as error:
            assert str(error) and '\n' not in str(error)
        else:
            assert found.shape == (message.height, message.width, 3)
            assert found.dtype == np.uint8


@pytest.mark.parametrize('encoding', ENCODINGS)
@pytest.mark.parametrize('size', [(1, 1), (1, 2), (2, 1), (2, 2), (3, 5), (1, 400), (400, 1)])
def test_the_smallest_images_of_every_encoding(encoding, size):
    kind, channels, _ = ENCODINGS[encoding]
    step = size[1] * channels * np.dtype(kind).itemsize
    message = SimpleNamespace(
        height=size[0], width=size[1], encoding=encoding, step=step, is_bigendian=0,
        data=bytes(step * size[0]),
    )  # fmt: skip
    try:
        assert read_image(message).shape == (*size, 3)
    except ValueError as error:
        assert encoding.startswith(('bayer', 'yuv', 'uyvy', 'yuyv')), error


@MANY
@given(images(tuple(DEPTH)))
def test_any_depth_image(message):
    with frugal(message.data):
        try:
            depth = read_depth(message)
        except ValueError:
            return
        assert depth.shape == (message.height, message.width)
        assert not (depth <= 0).any() and not np.isinf(depth).any()


def encoded(suffix: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    return cv2.imencode(suffix, pixels)[1].tobytes()


GOOD = {suffix: encoded(suffix) for suffix in ('.jpg', '.png')}


@MANY
@given(
    st.sampled_from(sorted(GOOD)), st.floats(0, 1), st.lists(st.tuples(st.floats(0, 1), NUMBERS)),
    st.binary(max_size=8),
)  # fmt: skip
@example('.jpg', 0.5, [], b'')
@example('.jpg', 0.0, [], b'')
@example('.png', 0.9, [], b'')
@example('.png', 0.0, [], b'\x89PNG\r\n\x1a\n')
def test_any_compressed_image(suffix, part, spots, start):
    """Cut anywhere, and with bytes changed anywhere."""
    data = bytearray(GOOD[suffix][: round(part * len(GOOD[suffix]))])
    data[: len(start)] = start
    for place, value in spots:
        if data:
            data[int(place * (len(data) - 1))] = value % 256
    try:
        found = read_image(SimpleNamespace(format='jpeg', data=bytes(data)))
    except ValueError as error:
        assert str(error) and '\n' not in str(error)
    else:
        assert found.ndim == 3 and found.shape[2] == 3 and found.size <= 3 * 2**27


def png(height: int, width: int) -> bytes:
    """A PNG that says it is that large, of few bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack('>I', len(content)) + name + content + struct.pack('>I', checksum)

    header = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    parts = chunk(b'IHDR', header) + chunk(b'IDAT', rows) + chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + parts


def jpeg(height: int, width: int) -> bytes:
    """A JPEG whose header says it is that large."""
    data = bytearray(GOOD['.jpg'])
    frame = data.index(b'\xff\xc0')
    data[frame + 5 : frame + 9] = struct.pack('>HH', height, width)
    return bytes(data)


@pytest.mark.parametrize(
    'data', [png(30000, 30000), jpeg(65000, 65000), jpeg(65500, 2100)], ids=['png', 'jpg', 'wide']
)
def test_a_small_file_that_unfolds_to_gigabytes_is_refused(data, monkeypatch):
    monkeypatch.setattr(cv2, 'imdecode', lambda *_: pytest.fail('it was decoded'))
    with pytest.raises(ValueError, match=r'pixels, more than'):
        read_image(SimpleNamespace(format='png', data=data))


@pytest.mark.parametrize('suffix', ['.tiff', '.bmp', '.webp', '.ppm'])
def test_decoders_that_no_camera_needs_are_not_offered(suffix):
    with pytest.raises(ValueError, match='JPEG or PNG is needed'):
        read_image(SimpleNamespace(format=suffix[1:], data=encoded(suffix)))


def test_an_image_of_8k_is_read():
    height, width = 4320, 7680
    data = cv2.imencode('.jpg', np.full((height, width, 3), 90, np.uint8))[1]
    found = read_image(SimpleNamespace(format='jpeg', data=data))
    assert found.shape == (height, width, 3) and abs(int(found[-1, -1, 0]) - 90) < 3


@st.composite
def infos(draw):
    """A CameraInfo in which anything may be wrong; a right one now and then."""
    good = draw(st.booleans())
    fx, cx = draw(st.floats(20, 200)), draw(st.floats(0, 64))
    k, p = [fx, 0, cx, 0, fx, 24, 0, 0, 1], [fx, 0, cx, 0, 0, fx, 24, 0, 0, 0, 1, 0]
    d, size = draw(st.lists(REALS, max_size=14)), (48, 64)
    models = ('plumb_bob', 'rational_polynomial', 'equidistant', 'fisheye', '', 'what?')
    r = np.eye(3).ravel()
    if not good:
        k, p = (draw(st.lists(REALS, min_size=n, max_size=n)) for n in (9, 12))
        r = draw(st.lists(REALS, min_size=9, max_size=9))
        size = draw(NUMBERS), draw(NUMBERS)
    roi = dict(zip(('x_offset', 'y_offset', 'height', 'width'), draw(st.tuples(*[NUMBERS] * 4))))
    return SimpleNamespace(
        header=HEADER, height=size[0], width=size[1], k=k, p=p, r=r, d=d,
        distortion_model=draw(st.sampled_from(models)),
        roi=SimpleNamespace(**(roi if draw(st.booleans()) else dict.fromkeys(roi, 0))),
        binning_x=draw(NUMBERS), binning_y=draw(NUMBERS),
    )  # fmt: skip


IMAGE = np.full((48, 64, 3), 7, np.uint8)


@MANY
@given(infos(), st.sampled_from(['auto', 'always', 'never']))
def test_any_camera_info(info, rectify):
    """It gives a camera that an image can be rectified with, or a reason."""
    calibration = Calibration('image')
    calibration.add(info)
    try:
        view = calibration.view(HEADER, IMAGE.shape[:2], NodeConfig(rectify=rectify))
        image, camera, seen = Rectifier()(IMAGE, *view)
    except ValueError as error:
        assert str(error) and '\n' not in str(error)
        return
    assert camera.size == image.shape[:2] == IMAGE.shape[:2] and camera.distortion is None
    assert np.isfinite(camera.K.numpy()).all() and camera.fx > 0 and camera.fy > 0
    assert seen is None or seen.shape == camera.size


@MANY
@given(infos())
def test_any_camera_info_without_an_image(info):
    try:
        camera = read_camera(info)
    except ValueError:
        return
    assert isinstance(camera, Camera) and min(camera.size) >= 1


@st.composite
def clouds(draw):
    names = draw(st.lists(st.sampled_from(['x', 'y', 'z', 'rgb', 't', '']), max_size=6))
    if draw(st.booleans()):
        names = ['x', 'y', 'z', *names]
    fields = [
        SimpleNamespace(
            name=name, offset=draw(NUMBERS), count=draw(NUMBERS),
            datatype=draw(st.one_of(st.sampled_from(sorted(POINT_TYPES)), st.integers(0, 255))),
        )
        for name in names
    ]  # fmt: skip
    height, width, step = draw(st.integers(0, 4)), draw(NUMBERS), draw(NUMBERS)
    row = draw(st.one_of(NUMBERS, st.just(width * step)))
    size = draw(st.one_of(st.just(min(row * height, 4096)), st.integers(0, 600)))
    return SimpleNamespace(
        header=HEADER, height=height, width=width, point_step=step, row_step=row, fields=fields,
        is_bigendian=draw(st.booleans()), is_dense=True, data=bytes(size),
    )  # fmt: skip


@MANY
@given(clouds(), st.sampled_from([(), ('rgb',), ('t', 'rgb')]))
def test_any_cloud(message, names):
    with frugal(message.data):
        try:
            xyz, extra = read_points(message, names)
        except ValueError as error:
            assert str(error) and '\n' not in str(error)
            return
    count = message.height * message.width
    assert xyz.shape == (count, 3) and all(len(extra[name]) == count for name in names)


@MANY
@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**6))
def test_what_the_model_works_on_is_bounded_for_any_image(height, width, pixels):
    """An image of one row and a million columns must not become a million times 32 pixels."""
    assume(pixels >= 1024)
    sides = processing_size((height, width), pixels)
    assert all(side >= 32 and side % 32 == 0 for side in sides)
    assert sides[0] * sides[1] <= 2 * pixels + 1024
