# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What of one frame becomes points: far values, edges, and what the lens did not see."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from ros_node import nodes
from ros_peer import info_message

from grin_ros.camera import Camera
from grin_ros.pipeline import Prediction
from grin_ros.ros import stream as stream_module
from grin_ros.ros.calibration import Calibration
from grin_ros.ros.converter import DepthConverter, Frame
from grin_ros.ros.from_msg import read_points
from grin_ros.ros.node_config import NodeConfig

SIZE = (24, 32)


def cloud(depth, spacing=1.0, seen=None, **options) -> np.ndarray:
    """Return z of the points (24, 32) of a predicted depth, where 0 is sky."""
    depth = np.broadcast_to(np.float32(depth), SIZE)
    camera = Camera.from_intrinsics(30, 30, 15.5, 11.5, SIZE)
    prediction = Prediction(depth, 0 * depth, depth > 0, camera, spacing)
    frame = Frame(info_message(32, 24).header, np.zeros((*SIZE, 3), np.uint8), camera, seen)
    convert = DepthConverter(Calibration('/image')).write
    ((_, make),) = convert(frame, prediction, NodeConfig(**options), ['points'])
    return read_points(make())[0][:, 2].reshape(SIZE)


def test_points_that_hang_before_what_is_too_far_are_cut():
    depth = np.repeat([2.0, 3.5, 6.0], [16, 1, 15])  # one column hangs
    z = cloud(depth, cloud_edge=0.15, max_depth=5.0)
    assert np.isfinite(z[:, :15]).all() and np.isnan(z[:, 16:]).all()


def test_where_trust_ends_on_a_wall_no_points_are_cut():
    depth = 1 / np.linspace(0.5, 0.05, 32)  # a plane, which passes max_depth
    z = cloud(depth, cloud_edge=0.15, max_depth=5.0)
    np.testing.assert_array_equal(np.isfinite(z), np.broadcast_to(depth <= 5, SIZE))


def test_ramps_are_as_wide_as_the_pixels_that_were_queried_are_apart():
    depth = 2 + 4 * np.clip((np.arange(32) - 14) / 6, 0, 1)
    z = cloud(depth, 6.0, cloud_edge=0.15)
    assert not np.isfinite(z[:, 15:20]).any()
    assert (z[:, :6] == 2).all() and (z[:, -4:] == 6).all()


def test_the_far_value_is_for_sky_and_what_is_too_far_and_was_seen():
    depth = np.repeat([2.0, 6.0, 0.0], [10, 10, 12])
    seen = np.ones(SIZE, bool)
    seen[:6] = False
    z = cloud(depth, seen=seen, invalid_depth=50.0, max_depth=5.0)
    assert np.isnan(z[:6]).all()
    assert (z[6:, :10] == 2).all() and (z[6:, 10:] == 50).all()


class Mast:
    """Transforms of a camera 1.2 m above the floor that looks ahead, along x of base_link."""

    def __init__(self, node, needed_by):
        self.poses = {('base_link', 'cam'): np.array(
            [[0, 0, 1, 0.5], [-1, 0, 0, 0], [0, -1, 0, 1.2], [0, 0, 0, 1]]
        )}  # fmt: skip
        self.poses['cam', 'base_link'] = np.linalg.inv(self.poses['base_link', 'cam'])

    def pose(self, target, source, stamp):
        return self.poses[target, source]

    def close(self):
        pass


def test_heights_are_those_above_the_frame_that_is_named(ros_domain_id, monkeypatch):
    monkeypatch.setattr(stream_module, 'Transforms', Mast)
    with nodes(ros_domain_id) as make:
        node, _ = make(cloud_height_frame='base_link')
        (stream,) = node._streams
        a, b, c, d = stream.converter.plane(SimpleNamespace(frame_id='cam', stamp=None))
    for x, y, z in ((0, 1.2, 3), (2, 1.2, 9), (-1, 0.2, 5)):  # right, down, ahead
        assert a * x + b * y + c * z + d == pytest.approx(1.2 - y)
