# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The topic points_prompt in the node: which cloud, where its points are, and what goes wrong."""

from __future__ import annotations

from dataclasses import replace
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from ros_node import nodes
from ros_peer import cloud_message, image_message, info_message

from grin_ros.camera import Camera
from grin_ros.ros import transforms as transforms_module
from grin_ros.ros.diagnostics import OK, WARN
from grin_ros.ros.health import output_health
from grin_ros.ros.node_config import NodeConfig
from grin_ros.ros.prompt_topic import PromptTopic
from grin_ros.ros.transforms import Transforms

CAMERA = Camera.from_intrinsics(50, 50, 32, 24, (48, 64))
IDENTITY = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
CONFIG = NodeConfig(prompt='impute', prompt_extrinsic=IDENTITY)


def header(sec=100, nanosec=0, frame='cam'):
    return SimpleNamespace(frame_id=frame, stamp=Time(sec=sec, nanosec=nanosec))


def wall(z, count=20, seed=0):
    xy = np.random.default_rng(seed).uniform(-0.3, 0.3, (count, 2)) * z
    return np.column_stack([xy, np.full(count, z)])


def test_the_nearest_cloud_in_time_is_taken():
    topic = PromptTopic(None)
    for nanosec, z in ((0, 2.0), (50_000_000, 3.0), (180_000_000, 4.0)):
        topic.add(cloud_message(wall(z), sec=100, nanosec=nanosec))
    prompt = topic.prompt(header(nanosec=70_000_000), CAMERA, CONFIG)
    assert set(prompt.depth.tolist()) == {3.0}


def test_a_sweep_of_10_hz_that_is_stamped_at_its_start_comes_in_time():
    topic = PromptTopic(None)  # the next one, of 0.1 s later, is not complete
    topic.add(cloud_message(wall(3.0), sec=100))
    assert len(topic.prompt(header(nanosec=199_000_000), CAMERA, CONFIG)) == 20
    with pytest.raises(ValueError, match='start of their sweep'):
        topic.prompt(header(nanosec=301_000_000), CAMERA, CONFIG)


def test_rays_without_a_return_are_no_points():
    points = wall(3.0)
    points[:5], points[5:8] = np.nan, 0.0
    topic = PromptTopic(None)
    topic.add(cloud_message(points, sec=100))
    behind = replace(CONFIG, prompt_extrinsic=(0.0, 0.0, 1.0, *IDENTITY[3:]))  # 0 is in its view
    assert len(topic.prompt(header(), CAMERA, CONFIG)) == 12
    assert set(topic.prompt(header(), CAMERA, behind).depth.tolist()) == {4.0}


@pytest.mark.parametrize(
    'clouds, camera, message',
    [
        ([], CAMERA, 'no cloud came'),
        ([cloud_message(wall(3.0), sec=90)], CAMERA, 'prompt_max_offset'),
        ([cloud_message(-wall(3.0), sec=100)], CAMERA, 'check the extrinsic'),
        ([cloud_message(wall(3.0), sec=100)], None, 'intrinsics'),
    ],
)
def test_why_there_is_no_prompt_is_said(clouds, camera, message):
    topic = PromptTopic(None)
    for cloud in clouds:
        topic.add(cloud)
    with pytest.raises(ValueError, match=message):
        topic.prompt(header(), camera, CONFIG)


@pytest.fixture
def tf2(monkeypatch):
    """
    Stand in for tf2_ros, which PyPI does not have: the lidar is 1 m left of the camera.

    Both drive at 5 m/s along the optical axis, as seen from odom.
    """
    asked = []

    def pose(x, z):
        return SimpleNamespace(
            transform=SimpleNamespace(
                translation=SimpleNamespace(x=x, y=0.0, z=z),
                rotation=SimpleNamespace(x=0.0, y=0.0, z=0.0, w=1.0),
            )
        )

    class Missing(Exception):
        pass

    class Buffer:
        def lookup_transform(self, target, source, time, timeout):
            asked.append((target, source, time.nanoseconds))
            if source != 'lidar':
                raise Missing(f'{source} does not exist')
            return pose(-1.0, 0.0)

        def lookup_transform_full(self, target, target_time, source, source_time, fixed, timeout):
            asked.append((target, source, fixed))
            if fixed != 'odom':
                raise Missing(f'{fixed} does not exist')
            sides = {'cam': 0.0, 'lidar': -1.0}
            ahead = 5.0 * (source_time.nanoseconds - target_time.nanoseconds) * 1e-9
            return pose(sides[source] - sides[target], ahead)

    module = ModuleType('tf2_ros')
    module.Buffer, module.TransformException = Buffer, Missing
    module.TransformListener = lambda buffer, node: SimpleNamespace()
    monkeypatch.setitem(sys.modules, 'tf2_ros', module)
    return asked


def test_tf_says_where_the_sensor_is(tf2):
    topic = PromptTopic(Transforms(None, 'test'))
    topic.add(cloud_message([[1.24, 0.08, 4.0]], sec=100))
    config = NodeConfig(prompt='impute')
    prompt = topic.prompt(header(), CAMERA, config)
    assert tf2.pop() == ('cam', 'lidar', 100 * 10**9)
    np.testing.assert_array_equal(prompt.uv, [[35, 25]])  # 0.24 / 4 * 50 + 32
    topic.prompt(header(nanosec=100_000_000), CAMERA, config)
    assert tf2.pop() == ('cam', 'lidar', 100 * 10**9), 'when the points were measured'
    topic.add(cloud_message([[1.24, 0.08, 4.0]], sec=200, frame='elsewhere'))
    with pytest.raises(ValueError, match="no transform from 'elsewhere' to 'cam'"):
        topic.prompt(header(sec=200), CAMERA, config)


@pytest.mark.parametrize('extrinsic', [(0.0,), (-1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)])
@pytest.mark.parametrize('late, depth', [(0, 4.0), (200_000_000, 3.0)])
def test_what_the_vehicle_moved_since_the_cloud_is_taken_out(tf2, extrinsic, late, depth):
    topic = PromptTopic(Transforms(None, 'test'))
    topic.add(cloud_message([[1.24, 0.06, 4.0]], sec=100))  # and the camera drives towards it
    config = NodeConfig(
        prompt='impute', prompt_extrinsic=extrinsic, prompt_fixed_frame='odom'
    )  # fmt: skip
    prompt = topic.prompt(header(nanosec=late), CAMERA, config)
    np.testing.assert_allclose(prompt.depth, depth, rtol=1e-6)
    expected = np.round([0.24 / depth * 50 + 32, 0.06 / depth * 50 + 24])
    np.testing.assert_array_equal(prompt.uv, [expected])
    unknown = NodeConfig(
        prompt='impute', prompt_extrinsic=extrinsic, prompt_fixed_frame='mars'
    )  # fmt: skip
    with pytest.raises(ValueError, match="to 'cam' by way of 'mars': mars does not exist"):
        topic.prompt(header(), CAMERA, unknown)


def test_motion_is_along_the_axes_of_the_camera_and_not_of_the_lidar(tf2):
    topic = PromptTopic(Transforms(None, 'test'))
    topic.add(cloud_message([[4.0, -0.24, -0.06]], sec=100))  # x ahead, y left, z up
    turned = (0.0, 0.0, 0.0, 0.5, -0.5, 0.5, 0.5)
    config = NodeConfig(prompt='impute', prompt_extrinsic=turned, prompt_fixed_frame='odom')
    prompt = topic.prompt(header(nanosec=200_000_000), CAMERA, config)
    np.testing.assert_allclose(prompt.depth, 3.0, rtol=1e-6)
    np.testing.assert_array_equal(prompt.uv, [[36, 25]])


def test_without_tf2_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    with pytest.raises(ValueError, match='prompt needs tf2_ros, which is not installed'):
        transforms_module.Transforms(None, 'prompt')


@pytest.fixture
def node(ros_domain_id):
    with nodes(ros_domain_id) as make:
        yield make


def test_a_cloud_reaches_the_model_and_frames_without_one_still_go_through(node):
    made, pipeline = node(prompt='impute', prompt_extrinsic=list(IDENTITY), video_start=0.5)
    (stream,) = made._streams
    image = image_message(np.zeros((48, 64, 3), np.uint8), sec=100)
    stream.calibration.add(info_message(64, 48, fx=50.0))
    config, model = made._config, made._model
    pipeline.options.clear()
    bare = stream.read(image, config)
    stream._prompts.add(cloud_message(wall(3.0), sec=100))
    frame = stream.read(image, config)
    for one in (bare, frame):
        model.infer([one], config, lambda: True)
    without, given = pipeline.options
    assert 'prompts' not in without and len(given['prompts'][0]) > 15
    assert given['videos'][0] is without['videos'][0] is not None


def test_why_there_is_no_prompt_is_in_the_diagnostics(node):
    made, _ = node(prompt='impute', prompt_extrinsic=list(IDENTITY), intrinsics='none')
    (stream,) = made._streams
    assert output_health(stream, made._config)[0] == OK
    stream.read(image_message(np.zeros((48, 64, 3), np.uint8), sec=100), made._config)
    level, message, _ = output_health(stream, made._config)
    assert level == WARN and message == (
        'no prompt: a prompt needs intrinsics: set intrinsics to camera_info'
    )


def test_transforms_are_heard_again_where_a_bag_begins_anew(tf2, node):
    """tf2 keeps 10 s, and takes nothing that is older than that by its newest."""

    class Cache(sys.modules['tf2_ros'].Buffer):
        def __init__(self):
            self.stamps = []

        def add(self, sec):
            if sec > max(self.stamps, default=sec) - 10:
                self.stamps.append(sec)

        def clear(self):
            self.stamps = []

        def lookup_transform(self, target, source, time, timeout):
            if time.nanoseconds * 1e-9 not in self.stamps:
                raise sys.modules['tf2_ros'].TransformException('it is out of the cache')
            return super().lookup_transform(target, source, time, timeout)

    cache = Cache()
    sys.modules['tf2_ros'].Buffer = lambda: cache
    made, _ = node(prompt='impute')
    (stream,) = made._streams
    stream.calibration.add(info_message(64, 48, fx=50.0))
    prompts = []
    for sec in (100, 130, 129, 100, 101):
        image = image_message(np.zeros((48, 64, 3), np.uint8), sec=sec)
        stream._inputs[0].callback(image)
        cache.add(sec)
        stream._prompts.add(cloud_message(wall(3.0) + [1.0, 0, 0], sec=sec))
        prompts.append(stream.read(image, made._config).prompt)
        if sec == 129:  # swapped with the frame before it
            assert cache.stamps == [100, 130, 129]
    assert all(prompt is not None for prompt in prompts)


def test_a_node_that_lacks_tf2_does_not_activate_and_says_why(node, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    made, _ = node(prompt='impute')
    assert made._worker is None
    made, _ = node(prompt='impute', prompt_extrinsic=list(IDENTITY))
    assert made._worker is not None


@pytest.mark.parametrize(
    'values, message',
    [
        ({'prompt_extrinsic': (1.0, 2.0)}, 'prompt_extrinsic'),
        ({'prompt': 'maybe'}, 'impute'),
        ({'video_hold': 0.5}, 'video_start'),
        ({'cloud_median': 4}, 'cloud_median'),
        ({'cloud_min_range': 3.0, 'cloud_max_range': 2.0}, 'cloud_max_range'),
        ({'cloud_min_height': 3.0, 'cloud_max_height': 2.0}, 'cloud_max_height'),
    ],
)
def test_what_does_not_go_together_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        NodeConfig(**values)
