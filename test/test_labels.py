# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which pixels of a map of depth are labels: by chance, near edges, after a picture shrinks."""

from __future__ import annotations

import numpy as np
from painted_planes import tilted
import pytest

from grin_ros.training.labels import depth_edges, draw_labels
from grin_ros.training.sample import Sample
from grin_ros.training.transforms import fit


def wall_before_wall(size=(40, 60)) -> np.ndarray:
    depth = np.full(size, 6.0, np.float32)
    depth[:, 25:] = 2.0
    return depth


def test_edges_are_where_depth_jumps():
    found = depth_edges(wall_before_wall())
    assert found[:, 22:28].all()
    assert not found[:, :22].any()
    assert not found[:, 28:].any()
    slope = np.linspace(1, 9, 60, dtype=np.float32)[None].repeat(40, 0)
    assert not depth_edges(slope[:, 20:]).any()
    lidar = np.where(np.add.outer(np.arange(40), np.arange(60)) % 4 == 0, wall_before_wall(), 0)
    assert not depth_edges(lidar).any()


@pytest.mark.parametrize('share', [0.0, 0.25, 1.0])
def test_a_share_of_the_labels_lies_near_edges(share):
    depth = wall_before_wall()
    depth[:10] = 0
    uv, labels = draw_labels(depth, 100, np.random.default_rng(0), (0.1, 200.0), share)
    columns, rows = uv.T.astype(int)
    assert (rows >= 10).all()
    np.testing.assert_array_equal(labels[:, 0], depth[rows, columns])
    near = ((columns >= 22) & (columns < 28)).sum()
    assert near >= 100 * share
    assert near < 100 * share + 30  # by chance a tenth of the others


def test_points_that_move_with_a_picture_keep_what_was_measured():
    """No point of a scanner is lost to a smaller picture, except behind a nearer one."""
    rng = np.random.default_rng(0)
    sample = tilted(3, (120, 160))
    depth = np.where(rng.random((120, 160)) < 0.03, sample.depth, 0)
    small = fit(Sample(sample.image, depth, sample.camera, 'x'), (40, 80))
    expected = {}
    for v, u in zip(*np.nonzero(depth), strict=True):
        place = (v // 3, u // 2)
        expected[place] = min(expected.get(place, np.inf), depth[v, u])
    found = {(v, u): small.depth[v, u] for v, u in zip(*np.nonzero(small.depth), strict=True)}
    assert found == expected
