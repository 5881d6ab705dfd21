# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which images a folder names, and what is read of them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from grin_ros.sources import find_sources, read_image, Source


def test_a_folder_names_its_images_and_not_what_belongs_to_them(tmp_path):
    for name in ('b.PNG', 'a.jpg', 'a.depth.png', 'a.sky.png', 'a.preview.jpg', 'notes.txt'):
        (tmp_path / name).touch()
    assert [source.path.name for source in find_sources([tmp_path])] == ['a.jpg', 'b.PNG']


@pytest.mark.parametrize('value, shift', [(63, 0), (1023, 2), (4095, 4), (65535, 8)])
def test_pictures_of_more_than_8_bits_keep_their_brightness(tmp_path, value, shift):
    stored = np.linspace(0, value, 2400).reshape(40, 60).astype(np.uint16)
    cv2.imwrite(str(tmp_path / 'a.png'), stored)
    expected = np.repeat(stored[..., None] // 2**shift, 3, axis=2)
    np.testing.assert_array_equal(read_image(Source(tmp_path / 'a.png')), expected)
