# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the viewer is given, by a stand-in for rerun that keeps it."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest

from grin_ros.camera import Camera
from grin_ros.ros.recorder import RecordedFrame


@pytest.fixture
def rerun(monkeypatch):
    stand_in = ModuleType('rerun')
    stand_in.calls, stand_in.logged = [], {}
    stand_in.init = lambda name: stand_in.calls.append(name)
    stand_in.spawn = lambda executable_path: stand_in.calls.append(executable_path)
    stand_in.set_time = lambda timeline, timestamp: stand_in.calls.append((timeline, timestamp))
    stand_in.log = lambda path, thing, static=False: stand_in.logged.update(
        {(path, thing if isinstance(thing, str) else thing[0]): thing}
    )
    stand_in.ViewCoordinates = type('ViewCoordinates', (), {'RDF': 'right, down, forward'})
    for kind in ('Pinhole', 'Image', 'DepthImage', 'Points3D'):
        make = lambda *args, kind=kind, **kwargs: (kind, *args, kwargs)
        setattr(stand_in, kind, make)
    monkeypatch.setitem(sys.modules, 'rerun', stand_in)
    monkeypatch.delitem(sys.modules, 'grin_ros.live_view', raising=False)
    yield stand_in
    sys.modules.pop('grin_ros.live_view', None)


def test_a_frame_is_shown(rerun, tmp_path, monkeypatch):
    from grin_ros.live_view import LiveView

    monkeypatch.setattr(sys, 'executable', str(tmp_path / 'python'))
    monkeypatch.setenv('PATH', '')
    with pytest.raises(FileNotFoundError, match='pip install rerun-sdk'):
        LiveView()
    (tmp_path / 'rerun').touch(mode=0o755)
    show = LiveView()
    assert rerun.calls == ['grin_ros', str(tmp_path / 'rerun')]

    camera = Camera.from_intrinsics(9, 9, 2, 1, (3, 4))
    depth = np.full((3, 4), 2.0, np.float32)
    depth[0, 0] = np.nan
    points = np.dstack([depth, depth, depth])
    image = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    show(RecordedFrame(5 * 10**9, image, depth, 0 * depth, camera, points, image))
    assert rerun.calls[-1] == ('stamp', 5.0)
    _, pinhole = rerun.logged['camera/image', 'Pinhole']
    np.testing.assert_array_equal(pinhole['image_from_camera'], camera.K.numpy())
    assert pinhole['resolution'] == [4, 3]
    np.testing.assert_array_equal(rerun.logged['camera/image', 'Image'][1], image)
    _, shown, scale = rerun.logged['camera/image/depth', 'DepthImage']
    np.testing.assert_array_equal(shown, np.nan_to_num(depth))
    assert scale == {'meter': 1.0}
    _, shown, colours = rerun.logged['camera/points', 'Points3D']
    np.testing.assert_array_equal(shown, np.full((11, 3), 2.0))
    np.testing.assert_array_equal(colours['colors'], image.reshape(-1, 3)[1:])
