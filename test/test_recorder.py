# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The recorder's figures against messages that are known."""

from __future__ import annotations

import time

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
import pytest
import rclpy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from grin_ros.camera import Camera
from grin_ros.ros.diagnostics import status
from grin_ros.ros.recorder import recording
from grin_ros.ros.to_msg import camera_info, depth_image, point_cloud, rgb_image

CAMERA = Camera.from_intrinsics(20, 20, 8, 6, (12, 16))
KINDS = {
    'image': Image, 'depth/image': Image, 'depth/camera_info': CameraInfo, 'depth/std': Image,
    'points': PointCloud2, '/diagnostics': DiagnosticArray,
}  # fmt: skip


def test_the_report_tells_what_was_published(ros_domain_id):
    depths = [np.full((12, 16), d, np.float32) for d in (2.0, 4.0, 10.0)]
    depths[0][0, 0], depths[2][0, 1] = np.nan, 50.0
    images = np.random.default_rng(0).integers(0, 256, (4, 12, 16, 3), dtype=np.uint8)
    seen = []
    with recording(seen.append) as recorder:
        assert recorder.transport() is None
        node = rclpy.create_node('both')
        publishers = {name: node.create_publisher(kind, name, 10) for name, kind in KINDS.items()}

        def spin_until(condition):
            end = time.monotonic() + 20
            while not condition():
                assert time.monotonic() < end
                recorder.spin()

        spin_until(lambda: all(one.get_subscription_count() for one in publishers.values()))
        assert recorder.transport() == 'raw'
        start = time.time_ns() - 3_000_000_000
        stamps = [start + halves * 500_000_000 for halves in (0, 2, 4, 5)]
        headers = [
            Header(stamp=Time(sec=s // 10**9, nanosec=s % 10**9), frame_id='f') for s in stamps
        ]
        for k in range(4):
            publishers['image'].publish(rgb_image(images[k], headers[k]))
        spin_until(lambda: recorder.frames_in == 4)
        assert not recorder.settled()
        for depth, k in zip(depths, (0, 1, 3)):  # frame 2 is dropped
            std = np.zeros_like(depth)
            publishers['depth/image'].publish(depth_image(depth, headers[k]))
            publishers['depth/camera_info'].publish(camera_info(CAMERA, headers[k]))
            publishers['depth/std'].publish(depth_image(std, headers[k]))
            cloud = point_cloud(depth, images[k], CAMERA, headers[k])
            publishers['points'].publish(cloud)
        spin_until(lambda: len(seen) == 3)
        assert not recorder.settled() and not recorder.failure
        values = {'device': 'cpu', 'checkpoint': 'a.safetensors', 'steps': 3}
        word = status('grin_depth', 'inference', DiagnosticStatus.OK, 'running', values)
        publishers['/diagnostics'].publish(DiagnosticArray(status=[word]))
        spin_until(recorder.settled)
        report, newest = recorder.report(), recorder.newest
        word = status('grin_depth', 'inference', DiagnosticStatus.ERROR, 'no checkpoint', {})
        other = status('grin_depth', 'input', DiagnosticStatus.WARN, 'no image', {})
        publishers['/diagnostics'].publish(DiagnosticArray(status=[other, word]))
        spin_until(lambda: recorder.failure)
        assert recorder.failure == recorder.state == 'no checkpoint'
        node.destroy_node()

    counts = {key: report[key] for key in ('frames_in', 'frames_out', 'dropped')}
    assert counts == {'frames_in': 4, 'frames_out': 3, 'dropped': 1}
    assert report['depth'] == {'min': 2.0, 'median': 4.0, 'max': 50.0}
    assert {key: report[key] for key in values} == values
    # Ages at arrival: 3, 2 and 0.5 s, and what it took to send them.
    assert 2000 < report['latency_ms']['p50'] < 12000
    assert report['latency_ms']['p99'] == pytest.approx(report['latency_ms']['p50'] + 980, abs=150)
    assert newest is seen[-1] and [frame.stamp for frame in seen] == [stamps[k] for k in (0, 1, 3)]
    np.testing.assert_array_equal(newest.image, images[3])
    np.testing.assert_array_equal(newest.depth, depths[2])
    np.testing.assert_array_equal(newest.colours, images[3])
    np.testing.assert_allclose(newest.points[..., 2], depths[2])
    np.testing.assert_allclose(newest.points[6, 8, :2], 0, atol=1e-6)
    np.testing.assert_array_equal(seen[0].std, np.where(np.isnan(depths[0]), np.nan, 0))
    assert newest.camera.size == (12, 16) and float(newest.camera.fx) == 20


def test_nothing_recorded_is_a_report_too(ros_domain_id):
    with recording() as recorder:
        report = recorder.report()
    assert (report['frames_in'], report['frames_out'], report['dropped']) == (0, 0, 0)
    assert report['depth'] == {'min': None, 'median': None, 'max': None}
