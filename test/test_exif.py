# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Focal lengths out of the Exif data of photographs, against the formula and OpenCV's reader."""

from __future__ import annotations

import cv2
from exif_segment import exif_segment, insert
import numpy as np
import pytest

from grin_ros.intrinsics import read_exif

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
