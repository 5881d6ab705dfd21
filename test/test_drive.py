# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
import torch

from grin_ros.training.world.drive import drive, STRIDE

pytestmark = pytest.mark.usefixtures('one_thread')


def test_a_drive_is_one_world_seen_from_a_camera_that_moves_ahead():
    frames = before, after = list(drive('street', 3, 2, size=(64, 160)))
    again = next(drive('street', 3, 1, size=(64, 160)))
    np.testing.assert_array_equal(frames[0].image, again.image)
    assert before.stem != after.stem
    assert (before.image != after.image).mean() > 0.1
    # What was seen at depth z is one stride nearer now, and where the camera projects it.
    points = before.camera.unproject(torch.from_numpy(before.depth)[None]).flatten(1).T
    points = points[(points[:, 2] > 2) & (points[:, 2] < 30)]
    points[:, 2] -= STRIDE
    uv, z = after.camera.project(points)
    column, row = uv.round().long().T
    inside = (row >= 0) & (row < 64) & (column >= 0) & (column < 160)
    seen = torch.from_numpy(after.depth)[row[inside], column[inside]]
    ratio = seen[seen > 0] / z[inside][seen > 0]
    assert len(ratio) > 1000
    assert 0.998 < ratio.median() < 1.002
    assert ((ratio - 1).abs() < 0.06).float().mean() > 0.8
