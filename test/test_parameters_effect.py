# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""No parameter without an effect: each is changed, and something has to come out otherwise."""

from __future__ import annotations

from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

import rclpy
from rclpy.parameter import Parameter
from ros_peer import cloud_message, image_message, info_message

from grin_ros.camera import Camera
from grin_ros.pipeline import Prediction
from grin_ros.ros import depth_node
from grin_ros.ros.calibration import Calibration
from grin_ros.ros.converter import DepthConverter, Frame, select
from grin_ros.ros.diagnostics import FrameMonitor
from grin_ros.ros.health import input_health, output_health
from grin_ros.ros.model import Model
from grin_ros.ros.newest import NewestWorker
from grin_ros.ros.node_config import NodeConfig
from grin_ros.ros.prompt_topic import PromptTopic
from grin_ros.ros.stream import CameraStream

IMAGE = image_message(np.full((12, 16, 3), 50, np.uint8), sec=100)
PREDICTION = Prediction(
    np.full((12, 16), 5, np.float32), np.full((12, 16), 1, np.float32), np.ones((12, 16), bool),
    Camera.default((12, 16)),
)  # fmt: skip


class Pipeline:
    checkpoint = device = 'none'
    steps = 1

    def __init__(self, *arguments):
        self.calls = [arguments]

    def infer_batch(self, images, cameras, **options):
        options.pop('on_step')
        self.calls.append(options)
        return [PREDICTION] * len(images)


def model(config):
    """What the pipeline is asked for."""
    made = Model(lambda path, device: Pipeline(path, device), config)
    made.infer([Frame(IMAGE.header, np.zeros((12, 16, 3)), None, None)], config, lambda: True)
    return made.pipeline.calls


def camera(config):
    """How the camera is understood."""
    calibration = Calibration('/image_rect')
    calibration.add(info_message(16, 12, fx=30.0, d=[0.1]))
    calibration.add(info_message(16, 12, fx=40.0, d=[0.1]))
    try:
        view = calibration.view(IMAGE.header, (12, 16), config)
    except ValueError as error:
        return str(error)
    return view and (view[0].K.tolist(), view[0].distortion)


def selected(config):
    """What is published as unknown."""
    return select(PREDICTION, config, None).tolist()


class FakeClock:
    now = 0.0

    def __call__(self):
        return self.now


def health(config):
    """The diagnostics of a camera that fell silent, of odd stamps, and of a slow model."""
    nobody = SimpleNamespace(
        get_publishers_info_by_topic=lambda topic: [], count_publishers=lambda topic: 0
    )
    levels = []
    for silence in (1, 3, 30):
        clock = FakeClock()
        stream = SimpleNamespace(
            monitor=FrameMonitor(clock), image_topic='/image', mismatches={}, wanted=list
        )
        clock.now = silence
        levels.append(input_health(nobody, stream, config, 0)[0])
        stream.monitor.received(stamp=50.0, now=53.0)
        levels.append(input_health(nobody, stream, config, 0)[0])
        stream.monitor.published(float(silence))
        levels.append(output_health(stream, config)[0])
    return levels


def cloud(config):
    """What the cloud of a step at 1 and 5 m with noise and sky holds."""
    depth = np.where(np.arange(16) < 9, 1, 5) * np.ones((12, 1), np.float32)
    depth[3, 4], depth[:2] = 0.9, np.nan
    prediction = Prediction(depth, 0 * depth, np.isfinite(depth), Camera.default((12, 16)))
    frame = Frame(IMAGE.header, np.zeros((12, 16, 3), np.uint8), None, None)
    converter = DepthConverter(Calibration('/image'))
    ((_, make),) = converter.write(frame, prediction, config, ['points'])
    message = make()
    return message.height, message.width, message.is_dense, bytes(message.data)


def rate(config):
    """At which frames of a camera of 10 Hz clouds come."""
    published, stream = [], object.__new__(CameraStream)
    stream._outputs = {'points': SimpleNamespace(get_subscription_count=lambda: 1)}
    stream._cloud_stamp = -np.inf
    for index in range(10):
        stamp = SimpleNamespace(sec=100, nanosec=index * 10**8)
        if stream.wanted(SimpleNamespace(stamp=stamp), config):
            published.append(index)
            stream._cloud_stamp = 100 + index / 10
    return published


def prompted(config):
    """What the prompt of an image is, from clouds of two instants."""
    topic = PromptTopic(None)
    camera = Camera.from_intrinsics(20, 20, 8, 6, (12, 16))
    points = np.random.default_rng(0).uniform([-1, -1, 3], [1, 1, 5], (30, 3))
    for nanosec in (0, 3 * 10**8):
        topic.add(cloud_message(points + 1e-9 * nanosec, sec=100, nanosec=nanosec))
    header = image_message(np.zeros((12, 16, 3), np.uint8), sec=100).header
    header.stamp.nanosec = 5 * 10**8
    try:
        prompt = topic.prompt(header, camera, config)
    except ValueError as error:
        return str(error)
    return prompt.uv.tolist(), prompt.weight, prompt.resample, prompt.scale_only


def followed(config):
    """How the frames of a video follow each other."""
    stream = object.__new__(CameraStream)
    stream._video, seen = None, []
    for nanosec in (0, 3 * 10**8):
        header = SimpleNamespace(stamp=SimpleNamespace(sec=100, nanosec=nanosec))
        frame = Frame(header, np.zeros((12, 16, 3), np.uint8), None, None)
        video = stream._follow(frame, config)
        if video is not None:
            seen += [video.start, video.hold, bool(video._kept)]
            video.keep(0, None, None)
    return seen


@pytest.fixture
def node(ros_domain_id, monkeypatch):
    """Return a function: configuration -> what a real node does with it, in this process."""
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=ros_domain_id)
    windows = []

    def worker(work, sources, window):
        windows.append(window)
        return NewestWorker(work, sources, window)

    monkeypatch.setattr(depth_node, 'NewestWorker', worker)

    def observe(config):
        given = [Parameter(item.name, value=getattr(config, item.name)) for item in fields(config)]
        made = depth_node.DepthNode(
            lambda path, device: Pipeline(), context=context, parameter_overrides=given
        )
        windows.clear()
        made.start()
        own = (made.get_name(), made.get_namespace())
        topics = made.get_subscriber_names_and_types_by_node(*own)
        seen = [*windows, *(name for name, _ in topics)]
        for stream in made._streams:
            try:
                stream.read(IMAGE, config)
            except ValueError as error:
                seen.append(str(error).split(' is ')[0])
        made.release()
        made.join()
        made.destroy_node()
        return seen

    yield observe
    context.try_shutdown()


KNOWN = {'intrinsics': 'parameters', 'fx': 30.0}
TWO = {'cameras': 'left,right'}
EXTRINSIC = {'prompt_extrinsic': (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)}
PROMPT = {'prompt': 'impute', 'prompt_max_offset': 1.0} | EXTRINSIC
# parameter: (where to look, another value, what has to be so besides)
EXPERIMENTS = {
    'checkpoint': (model, 'other.safetensors', {}),
    'device': (model, 'cuda:7', {}),
    'steps': (model, 3, {}),
    'samples': (model, 3, {}),
    'stride': (model, 3, {}),
    'full_size': (model, False, {}),
    'seed': (model, 3, {}),
    'intrinsics': (camera, 'none', {}),
    'fx': (camera, 31.0, KNOWN),
    'fy': (camera, 31.0, KNOWN),
    'cx': (camera, 3.0, KNOWN),
    'cy': (camera, 3.0, KNOWN),
    'distortion_model': (camera, 'equidistant', KNOWN | {'distortion': (0.1,)}),
    'distortion': (camera, (0.1,), KNOWN),
    'rectify': (camera, 'always', {}),
    'max_info_age': (camera, 1.0, {}),
    'min_depth': (selected, 6.0, {}),
    'max_depth': (selected, 4.0, {}),
    'max_relative_std': (selected, 0.1, {'samples': 2}),
    'max_age': ('node', 1.0, {'intrinsics': 'none'}),
    'warn_silence': (health, 5.0, {}),
    'error_silence': (health, 2.5, {}),
    'warn_stamp_offset': (health, 1.0, {}),
    'warn_latency': (health, 5.0, {}),
    'error_latency': (health, 2.5, {}),
    'image_transport': ('node', 'compressed', {}),
    'cameras': ('node', 'left,right', {}),
    'batch_window': ('node', 0.5, TWO),
    'autostart': ('node', False, {}),
    'cloud_organized': (cloud, False, {}),
    'cloud_stride': (cloud, 2, {}),
    'cloud_rate': (rate, 4.0, {}),
    'cloud_min_range': (cloud, 2.0, {}),
    'cloud_max_range': (cloud, 2.0, {}),
    'cloud_min_height': (cloud, 0.1, {}),
    'cloud_max_height': (cloud, 0.1, {}),
    'cloud_height_frame': ('node', 'base_link', {}),
    'cloud_edge': (cloud, 0.2, {}),
    'cloud_median': (cloud, 3, {}),
    'cloud_voxel': (cloud, 0.5, {}),
    'invalid_depth': (cloud, 30.0, {}),
    'prompt': ('node', 'scale', EXTRINSIC),
    'prompt_weight': (prompted, 0.5, PROMPT),
    'prompt_resample': (prompted, 2, PROMPT),
    'prompt_points': (prompted, 3, PROMPT),
    'prompt_max_offset': (prompted, 0.1, {'prompt': 'impute'} | EXTRINSIC),
    'prompt_extrinsic': (prompted, (0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0), PROMPT),
    'prompt_fixed_frame': ('node', 'odom', {'prompt': 'impute'} | EXTRINSIC),
    'video_start': (followed, 0.5, {}),
    'video_hold': (followed, 0.5, {'video_start': 0.4}),
    'video_max_gap': (followed, 0.2, {'video_start': 0.4}),
}


def test_every_parameter_has_an_experiment():
    assert {item.name for item in fields(NodeConfig)} == EXPERIMENTS.keys()


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_a_changed_parameter_changes_something(name, request):
    look, value, besides = EXPERIMENTS[name]
    if look == 'node':
        look = request.getfixturevalue('node')
    base = replace(NodeConfig(), **besides)
    assert look(base) == look(base), 'what differs by itself shows nothing'
    assert look(base) != look(replace(base, **{name: value}))
