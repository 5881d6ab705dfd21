# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the diagnostics say of a camera that is idle, slow, changed or gone."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

from ros_peer import image_message, info_message, picture

from grin_ros.ros.calibration import Calibration
from grin_ros.ros.converter import DepthConverter
from grin_ros.ros.depth_node import DepthNode
from grin_ros.ros.diagnostics import ERROR, FrameMonitor, OK, WARN
from grin_ros.ros.health import camera_health, input_health, output_health
from grin_ros.ros.node_config import NodeConfig

SIZE = (48, 64)
NOBODY = SimpleNamespace(
    get_publishers_info_by_topic=lambda topic: [], count_publishers=lambda topic: 0
)


def info(size, sec):
    message = info_message(size[1], size[0])
    message.header.stamp.sec = sec
    return message


def stream(wanted=(), clock=time.monotonic):
    """A camera whose topics are fed by hand."""
    calibration = Calibration('/image')
    return SimpleNamespace(
        calibration=calibration, converter=DepthConverter(calibration), wanted=lambda: wanted,
        header=None, size=None, mismatches={}, monitor=FrameMonitor(clock), image_topic='/image',
        info_topic='/camera_info',
    )  # fmt: skip


def receive(one, image):
    one.header, one.size = image.header, (image.height, image.width)


def test_a_slow_model_is_not_a_calibration_that_lags():
    """Images and CameraInfo of one stamp; the newest CameraInfo is younger than the last image."""
    one, config = stream(['depth/image']), NodeConfig(max_info_age=0.1)
    image = image_message(picture(*SIZE), sec=100)
    one.calibration.add(info(SIZE, sec=100))
    one.converter.read(image, config)
    for sec in range(101, 120):  # while the model works on that one
        one.calibration.add(info(SIZE, sec=sec))
        receive(one, image_message(picture(*SIZE), sec=sec))
    level, message, values = camera_health(NOBODY, one, config)
    assert (level, message, values['width']) == (OK, 'usable', SIZE[1])


def test_a_calibration_that_does_lag_is_told():
    one, config = stream(['depth/image']), NodeConfig(max_info_age=0.1)
    one.calibration.add(info(SIZE, sec=90))
    with pytest.raises(ValueError, match='10 s apart'):
        one.converter.read(image_message(picture(*SIZE), sec=100), config)
    level, message, _ = camera_health(NOBODY, one, config)
    assert level == ERROR and '10 s apart' in message


def test_an_idle_node_judges_the_camera_that_is_there_now():
    one, config = stream(), NodeConfig()
    one.calibration.add(info(SIZE, sec=1))
    one.converter.read(image_message(picture(*SIZE), sec=1), config)  # when somebody listened
    one.calibration.add(info((72, 128), sec=2))
    receive(one, image_message(picture(72, 128), sec=2))
    level, _, values = camera_health(NOBODY, one, config)
    assert (level, values['width']) == (OK, 128)


def test_an_idle_node_with_its_own_intrinsics_is_well():
    one, config = stream(), NodeConfig(intrinsics='parameters', fx=60.0)
    assert camera_health(NOBODY, one, config)[:2] == (OK, 'no image was looked at yet')
    receive(one, image_message(picture(*SIZE)))
    level, _, values = camera_health(NOBODY, one, config)
    assert (level, values['fx'], values['cx']) == (OK, '60.00', '31.50')


@pytest.mark.parametrize('intrinsics', ['parameters', 'none'])
def test_images_without_a_frame_are_told_whatever_the_intrinsics(intrinsics):
    one, config = stream(), NodeConfig(intrinsics=intrinsics, fx=60.0)
    for frame, expected in (('', WARN), ('cam', OK), ('', WARN)):
        receive(one, image_message(picture(*SIZE), frame=frame))
        level, sentence, _ = camera_health(NOBODY, one, config)
        assert (level, 'set it in the camera' in sentence) == (expected, expected == WARN)


def test_a_mismatch_explains_silence_only_while_somebody_publishes():
    times = iter([0.0, *[60.0] * 20])
    one, config = stream(clock=lambda: next(times)), NodeConfig()
    one.mismatches['/image'] = 'it offers less reliability'
    there = SimpleNamespace(topic_type='sensor_msgs/msg/Image')
    somebody = SimpleNamespace(
        get_publishers_info_by_topic=lambda topic: [there], count_publishers=lambda topic: 1
    )
    assert 'less reliability' in input_health(somebody, one, config, 0)[1]
    assert 'nobody publishes /image' in input_health(NOBODY, one, config, 0)[1]


@pytest.mark.parametrize('senders', [1, 2])
def test_two_cameras_on_one_topic_are_told(senders):
    one, node = stream(), SimpleNamespace(count_publishers=lambda topic: senders)
    for stamp in (9.0, 9.02, 9.01):
        one.monitor.received(stamp, stamp)
    level, message, _ = input_health(node, one, NodeConfig(), 0)
    assert level == WARN and message.startswith('stamps went back by 0.01 s')
    assert ('2 publishers send /image: stop or remap' in message) == (senders == 2)


def test_the_console_says_that_images_come_only_when_they_do():
    said, now = [], [0.0]
    log = SimpleNamespace(warning=said.append, info=said.append)
    node, one = SimpleNamespace(get_logger=lambda: log), stream(clock=lambda: now[0])
    one.silence, one.silent_since = '', 0.0

    def report(level):
        DepthNode._report_silence(node, one, level, 'no image for 6 s: nobody publishes it')
        return said[-1].rpartition(': ')[2] if said else ''

    assert report(OK) == ''
    now[0] = 6.0
    assert report(ERROR) == 'nobody publishes it'
    assert report(WARN) == report(ERROR) == 'nobody publishes it'  # error_silence was raised
    assert len(said) == 1
    one.monitor.received(stamp=7.0, now=7.0)
    assert report(OK) == 'images come'
    report(OK)
    assert len(said) == 2


def graph(types):
    """A node that sees these publishers, topic -> type."""

    def publishers(topic):
        return [SimpleNamespace(topic_type=types[topic])] if topic in types else []

    return SimpleNamespace(
        get_publishers_info_by_topic=publishers, count_publishers=lambda t: len(publishers(t))
    )


IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'


@pytest.mark.parametrize(
    'topic, there, reason',
    [
        ('/image', {}, 'nobody publishes /image: start the camera'),
        ('/image', {'/image': IMAGE}, 'a publisher that is silent'),
        ('/image', {'/image': COMPRESSED}, f'is of type {COMPRESSED}, not {IMAGE}: remap'),
        ('/image', {'/image/compressed': COMPRESSED}, 'set image_transport to compressed'),
        ('/image/compressed', {'/image': IMAGE}, 'set image_transport to raw'),
        ('/image/compressed', {'/image/compressed': COMPRESSED}, 'a publisher that is silent'),
    ],
)
def test_silence_is_explained_by_what_is_published(topic, there, reason):
    now = [0.0]
    one, config = stream(clock=lambda: now[0]), NodeConfig(warn_silence=1.0, error_silence=5.0)
    one.image_topic = topic
    for seconds, expected in ((0.9, OK), (1.1, WARN), (4.9, WARN), (5.1, ERROR)):
        now[0] = seconds
        level, message, _ = input_health(graph(there), one, config, 0)
        assert level == expected and (level == OK or reason in message)


@pytest.mark.parametrize(
    'behind, level, words',
    [(30.0, WARN, '30 s behind the clock'), (-30.0, WARN, '30 s ahead of the clock'),
     (0.3, OK, 'images come')],
)  # fmt: skip
def test_clocks_that_differ_are_told_and_are_not_called_a_slow_model(behind, level, words):
    one, config = stream(['depth/image']), NodeConfig(warn_stamp_offset=1.0, warn_latency=0.5)
    one.monitor.received(1000.0 - behind, 1000.0)
    found, message, _ = input_health(NOBODY, one, config, 0)
    assert found == level and words in message
    one.monitor.published(behind + 0.6)
    assert ('use a faster device' in output_health(one, config)[1]) == (level == OK)


def test_a_listener_whom_nothing_reaches_is_told_and_only_that_one():
    one, config = stream(['depth/image']), NodeConfig()
    one.mismatches['/depth/image'] = 'it asks for more reliability'
    one.unheard = lambda topic: True
    assert output_health(one, config)[:2] == (WARN, 'it asks for more reliability')
    one.unheard = lambda topic: False
    assert output_health(one, config)[:2] == (OK, 'running')


@pytest.mark.parametrize('lens', [(), (0.1, 0.0, 0.0, 0.0, 0.0)])
def test_an_operator_sees_whether_the_node_rectifies(lens):
    one = stream()
    one.calibration.add(info_message(SIZE[1], SIZE[0], d=lens))
    level, _, values = camera_health(NOBODY, one, NodeConfig())
    assert level == OK and values['rectified_by_node'] == bool(lens)


def test_a_calibration_beside_the_images_is_pointed_at():
    one = stream()
    one.image_topic = '/front/image'
    beside, ours = {'/front/camera_info': 'any'}, {'/camera_info': 'any'}
    for there, hint in ((beside, True), (beside | ours, False), ({}, False)):
        level, message, _ = camera_health(graph(there), one, NodeConfig())
        assert level == ERROR and ('; /front/camera_info is there' in message) == hint
