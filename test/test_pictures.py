# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pictures keep their metres: a depth has the colour that the legend shows beside its number."""

from __future__ import annotations

import cv2
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from grin_ros import pictures

GREY = np.array(pictures.UNKNOWN)
ranges = st.tuples(st.floats(0.1, 20), st.floats(1.2, 300)).map(lambda r: (r[0], r[0] * r[1]))


def closest_row(colour, near, far, height=600):
    """Look a colour up in a drawn legend; the part of the way from near (0) to far (1)."""
    bar = pictures.legend(near, far, height)[:, 3].astype(int)
    rows = np.flatnonzero((bar == np.asarray(colour, int)).all(axis=1))
    return 1 - rows.mean() / (height - 1)


@given(ranges, st.floats(0, 1))
def test_a_depth_is_found_in_the_legend_at_its_logarithm(near_far, part):
    near, far = near_far
    depth = near * (far / near) ** part
    colour = pictures.colorize(np.full((1, 1), depth), near, far)[0, 0]
    assert closest_row(colour, near, far) == pytest.approx(part, abs=1 / 255)


def test_ticks_stand_at_the_row_of_their_depth():
    near, far, height = 1.0, 100.0, 401
    assert pictures.legend_row(near, near, far, height) == height - 1
    assert pictures.legend_row(far, near, far, height) == 0
    assert pictures.legend_row(10.0, near, far, height) == 200
    drawn = pictures.legend(near, far, height)
    for value in pictures.ticks(near, far, 8):
        row = pictures.legend_row(value, near, far, height)
        bar_colour = drawn[row, 3].astype(int)
        expected = pictures.colorize(np.full((1, 1), value), near, far)[0, 0].astype(int)
        assert np.abs(bar_colour - expected).max() <= 8  # neighbouring colours of the map
        line = drawn[row, :40]
        assert (line == 240).all(axis=1).any(), f'no tick at {value} m'


@given(ranges, st.integers(3, 8))
def test_ticks_lie_apart_in_range_and_are_at_least_two(near_far, count):
    near, far = near_far
    values = pictures.ticks(near, far, count)
    assert 2 <= len(values) <= count + 1
    assert values == sorted(values) and near <= values[0] and values[-1] <= far
    gaps = np.diff(np.log(values))
    assert (gaps >= np.log(far / near) / count * 0.999).all()


def test_warm_is_near_and_cold_is_far():
    near, far = pictures.colorize(np.array([[1.3, 60.0]]), 1.0, 80.0)[0].astype(int)
    assert near[0] > near[2] and far[2] > far[0]


@pytest.mark.parametrize('unknown', [np.nan, np.inf, 0.0, -1.0])
def test_unknown_is_grey_and_no_depth_is(unknown):
    depth = np.geomspace(0.5, 100, 500, dtype=np.float32)[None]
    depth[0, 7] = unknown
    grey = (pictures.colorize(depth, 1.0, 80.0) == GREY).all(axis=-1)[0]
    assert np.flatnonzero(grey).tolist() == [7]


def test_depth_range_ignores_unknown_pixels_and_outliers():
    depth = np.full((100, 100), 5.0)
    depth[:50] = 10.0
    depth[0, :20], depth[0, 20], depth[0, 21], depth[0, 22] = 0, np.nan, np.inf, 500
    near, far = pictures.depth_range(depth)
    assert 4.5 < near < 5 and 10 < far < 11
    assert pictures.depth_range(depth, np.full((2, 5000), 2.0))[0] == pytest.approx(2 / 1.02)


def test_a_flat_wall_and_an_empty_map_still_have_a_legend():
    for depth in (np.full((4, 4), 3.0), np.zeros((4, 4))):
        near, far = pictures.depth_range(depth)
        assert far / near >= 1.2
        assert len(pictures.ticks(near, far, 6)) >= 2
        shown = pictures.with_legend(pictures.colorize(depth, near, far), near, far)
        assert shown.shape[0] == 4 and shown.shape[1] > 4


def test_overlay_mixes_where_depth_is_known():
    image = np.full((1, 2, 3), 100, np.uint8)
    depth = np.array([[2.0, np.nan]])
    colour = pictures.colorize(depth, 1.0, 4.0)[0, 0].astype(float)
    mixed = pictures.overlay(image, depth, 1.0, 4.0, opacity=0.25)
    assert np.abs(mixed[0, 0] - (75 + 0.25 * colour)).max() <= 0.5
    assert mixed[0, 1].tolist() == [100, 100, 100]


def test_error_map_blue_white_red_and_grey():
    truth = np.array([[4.0, 4.0, 4.0, 0.0, 4.0]])
    near, right, far, no_truth, no_prediction = pictures.error_map(
        np.array([[2.5, 4.0, 7.0, 4.0, np.nan]]), truth
    )[0].astype(int)
    assert near[2] > near[0] + 50 and far[0] > far[2] + 50 and right.min() > 235
    assert no_truth.tolist() == no_prediction.tolist() == GREY.tolist()


def test_error_map_does_not_depend_on_the_distance():
    truth = np.array([[1.0, 10.0, 80.0]])
    row = pictures.error_map(1.3 * truth, truth)[0]
    assert (row == row[0]).all()


def test_thicken_keeps_points_and_lets_the_nearest_cover_its_neighbours():
    depth = np.zeros((5, 9), np.float32)
    depth[2, 2], depth[2, 4] = 7, 3
    expected = np.zeros_like(depth)
    expected[1:4, 1:4], expected[1:4, 3:6] = 7, 3
    expected[2, 2], expected[2, 4] = 7, 3
    assert pictures.thicken(depth, 1).tolist() == expected.tolist()


def test_label_and_fit_and_write(tmp_path):
    picture = np.full((90, 200, 3), (200, 60, 10), np.uint8)
    labelled = pictures.label(picture, '3.2 m')
    assert (picture == (200, 60, 10)).all(), 'the original must stay'
    assert labelled.shape == picture.shape and (labelled[:20, :60] != picture[:20, :60]).any()
    assert (labelled[60:] == picture[60:]).all()
    fitted = pictures.fit(picture, (100, 100))
    assert fitted.shape == (100, 100, 3)
    rows = (fitted[:, 50] == (200, 60, 10)).all(axis=1)
    assert rows.sum() == 45 and not rows[:27].any()  # 200 x 90 keeps its shape, in the middle
    path = tmp_path / 'new' / 'a.png'
    pictures.write(path, picture)
    assert (cv2.imread(str(path))[..., ::-1] == picture).all()
    with pytest.raises(ValueError, match='no picture by its name'):
        pictures.write(tmp_path / 'a.docx', picture)
