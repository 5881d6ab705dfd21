# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node's model when things go wrong: a lost device, a stop, an exchange, two threads."""

from __future__ import annotations

from dataclasses import replace
import threading
import time
from types import SimpleNamespace
import weakref

import numpy as np
import pytest
import torch

pytest.importorskip('rclpy')

from ros_peer import image_message

from grin_ros.camera import Camera
from grin_ros.checkpoint import ModelConfig
from grin_ros.pipeline import Prediction
from grin_ros.ros.converter import DepthConverter, Frame, OUTPUTS
from grin_ros.ros.diagnostics import ERROR, FrameMonitor, WARN
from grin_ros.ros.from_msg import read_depth
from grin_ros.ros.health import output_health
from grin_ros.ros.model import Interrupted, Model
from grin_ros.ros.node_config import NodeConfig
from grin_ros.ros.stream import CameraStream, DEBUG
from grin_ros.ros.work import bring_through
from grin_ros.uncertainty import UncertaintyConfig

LOST = """CUDA error: unspecified launch failure
CUDA kernel errors might be asynchronously reported at some other API call.
For debugging consider passing CUDA_LAUNCH_BLOCKING=1"""
IMAGE = image_message(np.zeros((4, 4, 3), np.uint8))
HEADER = IMAGE.header


class Pipeline:
    checkpoint, device, steps, config = 'none', 'cpu', 2, ModelConfig()

    def __init__(self):
        self.error, self.batches, self.inside, self.most_inside = None, [], 0, 0
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def infer_batch(self, images, cameras, *, on_step, **options):
        self.batches.append(len(images))
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            for _ in range(self.steps):
                self.begun.set()
                assert self.go_on.wait(10)
                if on_step is not None:
                    on_step()
            if self.error is not None:
                raise self.error
        finally:
            self.inside -= 1
        return ['depth'] * len(images)


class Stream:
    """A camera that takes down what becomes of its frames."""

    def __init__(self, unreadable=False):
        self.unreadable, self.refused, self.written = unreadable, [], []

    def wanted(self, header, config):
        return ['depth/image']

    def read(self, message, config):
        if self.unreadable:
            raise ValueError('no such\nencoding')
        return Frame(HEADER, np.zeros((4, 4, 3), np.uint8), None, None)

    def write(self, frame, prediction, config, begun):
        self.written.append(prediction)

    def refuse(self, reason):
        self.refused.append(reason)


@pytest.fixture
def model():
    return Model(lambda path, device: Pipeline(), NodeConfig())


def work(model, *streams, alive=lambda: True):
    return bring_through(dict.fromkeys(streams, IMAGE), model, NodeConfig(), alive)


def test_it_is_warmed_up_with_as_many_images_as_will_come():
    model = Model(lambda path, device: Pipeline(), NodeConfig(cameras='a,b,c'))
    assert model.pipeline.batches == [3]


def test_a_lost_device_is_one_sentence_with_the_remedy(model):
    model.pipeline.error = RuntimeError(LOST)
    stream = Stream()
    failure = work(model, stream)
    assert failure == (
        'cpu does not answer (CUDA error: unspecified launch failure): restart the node'
    )
    assert stream.refused == [failure] and not stream.written
    model.pipeline.error = None
    assert work(model, stream) == '' and stream.written == ['depth']


def test_whatever_else_a_model_raises_is_survived(model):
    stream = Stream()
    for error in (MemoryError('too\nlittle'), KeyError('x'), AssertionError()):
        model.pipeline.error = error
        assert work(model, stream) == stream.refused[-1]
    assert stream.refused == ['too little', "'x'", 'AssertionError']


def test_an_image_that_cannot_be_read_does_not_stop_the_others(model):
    good, bad = Stream(), Stream(unreadable=True)
    assert work(model, bad, good) == ''
    assert good.written == ['depth'] and not good.refused
    assert bad.refused == ['no such encoding'] and not bad.written
    assert work(model, bad) is None, 'which says nothing of the model'


def test_a_camera_that_nobody_wants_costs_nothing(model):
    idle, busy, begun = Stream(unreadable=True), Stream(), len(model.pipeline.batches)
    idle.wanted = lambda header, config: []
    assert work(model, idle) is None
    assert work(model, idle, busy) == '' and not idle.refused
    assert model.pipeline.batches[begun:] == [1]


class Topic:
    """A publisher that keeps what it gets."""

    def __init__(self, listeners):
        self.listeners, self.got = listeners, []
        self.get_subscription_count, self.publish = lambda: self.listeners, self.got.append


def stream_without_transform(heard, warnings):
    """Return a stream with listeners of the topics `heard`, for whose cloud a transform lacks."""

    def plane(header):
        raise ValueError('there is no\ntransform')

    stream = object.__new__(CameraStream)
    stream._outputs = {name: Topic(name in heard) for name in (*OUTPUTS, *DEBUG)}
    stream._published, stream._cloud_stamp, stream.mismatches = None, -np.inf, {}
    stream.monitor, stream.converter = FrameMonitor(), DepthConverter(None, plane)
    stream.read = Stream().read
    stream._node = SimpleNamespace(
        get_clock=lambda: SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=0)),
        get_logger=lambda: SimpleNamespace(warning=warnings.append),
    )
    return stream


def test_a_topic_that_cannot_be_made_does_not_keep_the_others():
    warnings, config, ones = [], NodeConfig(), np.ones((4, 4), np.float32)
    prediction = Prediction(5 * ones, ones, ones > 0, Camera.default((4, 4)))
    model = SimpleNamespace(infer=lambda frames, config, alive: [prediction])
    stream = stream_without_transform(OUTPUTS, warnings)
    assert work(model, stream) == work(model, stream) == ''
    counts = {name: len(stream._outputs[name].got) for name in OUTPUTS}
    assert counts == {**dict.fromkeys(OUTPUTS, 2), 'points': 0}
    assert (read_depth(stream._outputs['depth/image'].got[0]) == 5).all()
    assert warnings == ['Frame incomplete: no points: there is no transform']
    assert stream.monitor.input_figures()['refused_frames'] == '0'
    assert float(stream.monitor.output_figures()['output_rate_hz']) > 0
    level, message, _ = output_health(stream, config)
    assert (level, message) == (WARN, 'no points: there is no transform')
    for _ in range(9):
        stream.monitor.published(60.0)
    assert output_health(stream, config)[0] == ERROR  # that depth is late is worse
    assert stream._cloud_stamp == -np.inf  # the next frame may try at once
    alone = stream_without_transform(['points'], warnings)
    assert work(model, alone) == ''
    assert warnings[1:] == ['Frame refused: no points: there is no transform']
    assert alone.monitor.input_figures()['refused_frames'] == '1'
    assert alone.monitor.output_figures()['output_rate_hz'] == '0.00'


def test_a_stop_ends_the_inference_at_its_next_step_without_a_word(model):
    stream = Stream()
    assert work(model, stream, alive=lambda: False) is None
    assert not stream.refused and not stream.written
    with pytest.raises(Interrupted):
        model.infer([Frame(HEADER, np.zeros((4, 4, 3)), None, None)], NodeConfig(), lambda: False)


def test_two_threads_do_not_infer_at_once(model):
    """As after deactivate and activate, while the frame of before is in its last step."""
    pipeline = model.pipeline
    pipeline.go_on.clear()
    pipeline.begun.clear()
    streams = Stream(), Stream()
    threads = [threading.Thread(target=work, args=(model, stream)) for stream in streams]
    threads[0].start()
    assert pipeline.begun.wait(10)
    threads[1].start()
    threads[1].join(0.2)
    assert threads[1].is_alive() and pipeline.inside == 1
    pipeline.go_on.set()
    for thread in threads:
        thread.join(10)
    assert pipeline.most_inside == 1 and all(stream.written for stream in streams)


def test_nothing_keeps_a_model_that_was_let_go_of():
    model = Model(lambda path, device: Pipeline(), NodeConfig())
    work(model, Stream())
    pipeline = weakref.ref(model.pipeline)
    del model
    assert pipeline() is None


def test_figures_for_the_operator(model):
    assert model.figures(NodeConfig())['inference_p50_ms'] == ''
    begun = time.monotonic()
    work(model, Stream())
    took = 1e3 * (time.monotonic() - begun)
    figures = model.figures(NodeConfig(steps=7))
    assert 0 <= float(figures['inference_p50_ms']) <= took + 0.1
    assert (figures['device'], figures['checkpoint'], figures['steps']) == ('cpu', 'none', 7)
    assert model.figures(NodeConfig())['steps'] == 2


@pytest.mark.parametrize('there, chosen', [(True, 'cuda'), (False, 'cpu')])
def test_auto_takes_a_gpu_where_there_is_one(monkeypatch, there, chosen):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: there)
    devices = []
    for device in ('auto', 'cpu'):
        Model(lambda path, device: devices.append(device) or Pipeline(), NodeConfig(device=device))
    assert devices == [chosen, 'cpu']


@pytest.mark.parametrize('error', [None, RuntimeError('its topics went away')])
def test_what_a_stop_leaves_undone_is_not_told(model, error):
    alive, first, second = [True], Stream(), Stream()

    def write(*_):
        alive.clear()
        if error is not None:
            raise error
        return 'no points: why'

    first.write, first.miss = write, first.refused.append
    assert work(model, first, second, alive=lambda: bool(alive)) == ''
    assert first.refused == second.refused == second.written == []


def test_a_bound_on_std_needs_something_that_tells_pixels_apart():
    config = NodeConfig(max_relative_std=0.1)
    with pytest.raises(ValueError, match='one sample of none: set samples to 2'):
        Model(lambda *args, **options: Pipeline(), config)
    Model(lambda *args, **options: Pipeline(), replace(config, samples=2))
    pipeline = Pipeline()
    pipeline.config = ModelConfig(uncertainty=UncertaintyConfig(head_alone=1.0))
    Model(lambda *args, **options: pipeline, config)
