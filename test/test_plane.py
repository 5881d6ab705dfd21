# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The wall that stands in for a network: it is where the intrinsics put it."""

from __future__ import annotations

import time

from hypothesis import example, given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from grin_ros.camera import Camera
from grin_ros.checkpoint import ModelConfig
from grin_ros.depth import DepthConfig
from grin_ros.pipeline import DepthPipeline
from grin_ros.plane import load_plane, NORMAL, PlaneDenoiser


@settings(deadline=None, max_examples=25)
@given(
    st.floats(60, 900), st.floats(60, 900), st.floats(-20, 660), st.floats(-20, 500),
    st.sampled_from([(48, 64), (96, 128), (480, 640)]), st.integers(1, 8),
    st.sampled_from([0.0, 250.0]),
)  # fmt: skip
@example(60.0, 60.0, 562.0, 241.0, (48, 64), 1, 250.0)  # half of the rays miss the wall
def test_every_point_lies_on_the_wall(fx, fy, cx, cy, size, stride, focal):
    scale = size[0] / 480
    camera = Camera.from_intrinsics(fx * scale, fy * scale, cx * scale, cy * scale, size)
    image = np.zeros((*size, 3), np.uint8)
    config = ModelConfig(steps=1, target='x_0', depth=DepthConfig(focal=focal))
    pipeline = DepthPipeline(PlaneDenoiser(config.depth), config)
    found = pipeline.infer(image, camera, stride=stride, full_size=False)
    # K by hand: a pixel of the grid is the middle of its cells in the image.
    rows, columns = found.depth.shape
    u = (np.arange(columns) + 0.5) * size[1] / columns - 0.5
    v = (np.arange(rows) + 0.5) * size[0] / rows - 0.5
    x = (u - cx * scale) / (fx * scale)
    y = ((v - cy * scale) / (fy * scale))[:, None]
    across = NORMAL[0] * x + NORMAL[1] * y + NORMAL[2]
    with np.errstate(divide='ignore'):
        truth = np.where(across > 0.05, 4.0 / across, np.nan)
    seen = found.valid & np.isfinite(truth)
    near = truth < 15  # within what any of these focal lengths can tell
    assert near.any()
    assert seen[near].all()
    np.testing.assert_allclose(found.depth[seen], truth[seen], rtol=1e-4)
    assert not found.valid[across + 0 * x < 0].any(), 'behind the camera there is no wall'


def test_distance_and_patience_come_from_file_and_argument(tmp_path):
    file = tmp_path / 'far.txt'
    file.write_text('7.5\n')
    pipeline = load_plane(file, seconds=0.1)
    assert pipeline.checkpoint == file
    start = time.monotonic()
    found = pipeline.infer(np.zeros((49, 65, 3), np.uint8), None, steps=3, full_size=True)
    assert time.monotonic() - start >= 0.3
    assert found.depth[24, 32] == pytest.approx(7.5, rel=0.02)
    with pytest.raises(FileNotFoundError, match='no checkpoint /nowhere'):
        load_plane('/nowhere')
