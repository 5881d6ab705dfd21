# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""`grin play` in a process of its own, heard over DDS."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from bags import info, pictures, png, raw, START, write
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from grin_ros.camera import Camera
from grin_ros.ros.from_msg import read_camera, read_image
from grin_ros.training.sample import Sample
from grin_ros.training.sample_writer import SampleSetWriter

TIMEOUT = 90.0  # seconds; generous, because a loaded machine is slow to start a process


class Listener:
    """Hears a camera; reliable, or best effort as the node does."""

    def __init__(self, domain: int, qos=10) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = rclpy.create_node('listener', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.images, self.infos, self.times = [], [], []
        for kind, topic in ((Image, 'image'), (CompressedImage, 'image/compressed')):
            self.node.create_subscription(kind, topic, self._on_image, qos)
        self.node.create_subscription(CameraInfo, 'camera_info', self.infos.append, qos)

    def _on_image(self, message) -> None:
        self.images.append(message)
        self.times.append(time.time_ns())

    def wait(self, condition) -> None:
        end = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < end, 'nothing came in time'
            self._executor.spin_once(timeout_sec=0.02)

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()


@pytest.fixture
def listener(ros_domain_id):
    listener = Listener(ros_domain_id)
    yield listener
    listener.close()


@pytest.fixture
def play():
    started = []

    def start(*arguments) -> subprocess.Popen:
        program = 'import sys; from grin_ros.cli import main; sys.exit(main())'
        started.append(subprocess.Popen(
            [sys.executable, '-c', program, 'play', *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        ))  # fmt: skip
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def stamp(message) -> int:
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


def test_a_bag_arrives_as_it_was_recorded(tmp_path, listener, play):
    images = pictures(6)
    stamps = [START + i * 200_000_000 + i for i in range(6)]
    messages = [('/cam/camera_info', info(stamps[i], 50 + i)) for i in range(6)]
    messages += [('/cam/image', raw(stamps[i], images[i])) for i in range(6)]
    process = play(write(tmp_path / 'bag', messages))
    listener.wait(lambda: len(listener.images) == 6 and len(listener.infos) == 6)
    for i, (image, camera_info) in enumerate(zip(listener.images, listener.infos)):
        assert stamp(image) == stamp(camera_info) == stamps[i]
        assert image.header.frame_id == camera_info.header.frame_id == 'lens'
        np.testing.assert_array_equal(read_image(image), images[i])
        camera = read_camera(camera_info)
        assert (float(camera.fx), camera.size) == (50 + i, (6, 8))
    # The pace is that of the stamps: 0.2 s, with room for a loaded machine.
    assert 0.5 < 1e-9 * (listener.times[-1] - listener.times[0]) < 4.0
    assert process.wait(TIMEOUT) == 0
    assert process.stdout.read() == '6 frames sent\n'


def test_live_frames_at_a_given_rate_over_and_over(tmp_path, listener, play):
    messages = [('/camera_info', info(START, 50))]
    messages += [('/image', raw(START + i * 10**9, p)) for i, p in enumerate(pictures(3))]
    begin = time.time_ns()
    arguments = ('--loop', '--count', 8, '--rate', 20, '--live')
    process = play(write(tmp_path / 'bag', messages), *arguments)
    listener.wait(lambda: len(listener.images) == 8)
    for i, message in enumerate(listener.images):
        np.testing.assert_array_equal(read_image(message), pictures(3)[i % 3])
        assert begin < stamp(message) <= listener.times[i]
    assert np.diff([stamp(message) for message in listener.images]).min() > 0.01e9
    assert 0.3 < 1e-9 * (stamp(listener.images[-1]) - stamp(listener.images[0])) < 3.0
    assert process.wait(TIMEOUT) == 0


def test_a_sample_set_waits_for_as_many_listeners_as_it_is_told(
    tmp_path, listener, play, ros_domain_id
):
    camera = Camera.from_intrinsics(50, 51, 4, 3, (6, 8))
    flat = np.full((6, 8, 3), 90, np.uint8)  # survives JPEG
    header = {'source': 's', 'licence': 'l', 'depth_kind': 'synthetic', 'domain': 'indoor'}
    with SampleSetWriter(tmp_path / 'set', **header, min_depth=0.1, max_depth=10.0) as samples:
        for i in range(3):
            depth = np.ones((6, 8), np.float32)
            samples.add(Sample(flat + i, depth, camera, f'{i:04d}', START + i * 10**8))
    process = play(tmp_path / 'set', '--subscribers', 2)
    listener.wait(lambda: listener.node.count_publishers('image'))
    end = time.monotonic() + 0.7
    listener.wait(lambda: time.monotonic() > end)
    assert listener.images == []
    other = Listener(ros_domain_id, qos_profile_sensor_data)
    listener.wait(lambda: len(listener.images) == 3)
    other.close()
    assert [stamp(message) for message in listener.images] == [START + i * 10**8 for i in range(3)]
    np.testing.assert_array_equal(read_image(listener.images[2]), flat + 2)
    assert float(read_camera(listener.infos[0]).fy) == 51
    assert process.wait(TIMEOUT) == 0


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_asked_to(tmp_path, listener, play, number):
    picture = pictures(1)[0]
    messages = [('/camera_info', info(START, 50)), ('/image/compressed', png(START, picture))]
    process = play(write(tmp_path / 'bag', messages), '--loop', '--rate', 0.01)
    listener.wait(lambda: listener.images)  # and now it sleeps for a hundred seconds
    assert listener.images[0].format == 'png'
    np.testing.assert_array_equal(read_image(listener.images[0]), picture)
    process.send_signal(number)
    assert process.wait(60) in (0, 130)
    assert 'Traceback' not in process.stderr.read()


@pytest.mark.parametrize(
    'arguments, sentence',
    [
        ((), 'play one thing'),
        (('none',), 'none: no such bag'),
        (('.', '--rate', 0), '--rate 0 is not a positive number'),
        (('.', '--count', 0), '--count 0 is not a positive number'),
        (('.', '--world', 'street'), 'play one thing'),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, capsys, monkeypatch, arguments, sentence):
    from grin_ros.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(['play', *map(str, arguments)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f'grin: {sentence}') and error.count('\n') == 1
