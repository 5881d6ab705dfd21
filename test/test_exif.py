# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Focal length and orientation in the Exif data of photographs, against formula and OpenCV."""

from __future__ import annotations

import cv2
from exif_segment import exif_segment, insert, orientation_segment
import numpy as np
import pytest

from grin_ros.intrinsics import read_exif
from grin_ros.sources import read_image, Source

SIZE = (40, 60)


def photograph(path, size=SIZE):
    cv2.imwrite(str(path), np.zeros((*size, 3), np.uint8))
    return path


@pytest.mark.parametrize('order', ['<', '>'])
@pytest.mark.parametrize('size', [(200, 300), (300, 200)])
def test_exif_focal_length(tmp_path, order, size):
    path = photograph(tmp_path / 'a.jpg', size)
    insert(path, exif_segment(36, order))
    camera = read_exif(path, size)
    # 36 x 24 mm film and a 36 mm lens: one radian-tangent per image width, in either orientation.
    assert float(camera.fx) == pytest.approx(300) and float(camera.fy) == pytest.approx(300)
    assert float(camera.cx) == (size[1] - 1) / 2
    # OpenCV's own reader finds the same bytes.
    if hasattr(cv2, 'imreadWithMetadata'):
        _, kinds, blocks = cv2.imreadWithMetadata(str(path))
        raw = bytes(np.asarray(blocks[list(kinds).index(cv2.IMAGE_METADATA_EXIF)]))
        assert raw in exif_segment(36, order)


@pytest.mark.parametrize('cut', [8, 14, 20, 30, 40, 44])
def test_damaged_exif_is_no_exif(tmp_path, cut):
    path = tmp_path / 'a.jpg'
    path.write_bytes(b'\xff\xd8' + exif_segment(36)[:cut])
    assert read_exif(path, SIZE) is None


def test_exif_that_does_not_know_the_focal_length(tmp_path):
    path = photograph(tmp_path / 'a.jpg')
    insert(path, exif_segment(0))
    assert read_exif(path, SIZE) is None


@pytest.mark.parametrize(
    'orientation, turned', [(3, cv2.ROTATE_180), (6, cv2.ROTATE_90_CLOCKWISE)]
)
def test_only_a_picture_without_calibration_is_turned_upright(tmp_path, orientation, turned):
    path = tmp_path / 'a.jpg'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    stored = cv2.imread(str(path))[..., ::-1]
    insert(path, orientation_segment(orientation))
    assert np.array_equal(read_image(Source(path), stored=True), stored)
    assert np.array_equal(read_image(Source(path)), cv2.rotate(stored, turned))
