# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Rows on disk are those of the array that was saved."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
import numpy as np
import pytest

from grin_ros.training.rows import Rows

SHAPES = arrays.array_shapes(min_dims=2, max_dims=4, max_side=5)
ARRAYS = st.sampled_from(['f2', 'f4', 'u1']).flatmap(lambda kind: arrays.arrays(kind, SHAPES))


@given(array=ARRAYS)
def test_rows_are_the_arrays(tmp_path_factory, array):
    path = tmp_path_factory.mktemp('rows') / 'a.npy'
    np.save(path, array)
    rows = Rows(path)
    assert len(rows) == len(array) and rows.dtype == array.dtype
    for row, same in zip(rows, array, strict=True):
        np.testing.assert_array_equal(row, same)
        assert row.shape == same.shape and row.dtype == same.dtype


def test_a_row_is_the_callers_own(tmp_path):
    np.save(tmp_path / 'a.npy', np.zeros((2, 3)))
    rows = Rows(tmp_path / 'a.npy')
    rows[1][:] = 5
    assert not rows[1].any()


def test_another_process_can_have_them(tmp_path):
    np.save(tmp_path / 'a.npy', np.arange(6.0).reshape(2, 3))
    rows = pickle.loads(pickle.dumps(Rows(tmp_path / 'a.npy')))
    np.testing.assert_array_equal(rows[1], [3, 4, 5])


def test_rows_that_are_not_there_are_refused(tmp_path):
    np.save(tmp_path / 'a.npy', np.zeros((2, 3)))
    rows = Rows(tmp_path / 'a.npy')
    for i in (-1, 2):
        with pytest.raises(IndexError, match='which has 2'):
            rows[i]
    with open(tmp_path / 'a.npy', 'rb+') as file:
        file.truncate(150)
    with pytest.raises(OSError, match='ends within row 1'):
        rows[1]
