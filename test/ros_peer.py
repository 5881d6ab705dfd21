# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The other side of a node under test: its process, and a camera and a listener in ours."""

from __future__ import annotations

from array import array
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState, GetState
import numpy as np
from rcl_interfaces.srv import SetParametersAtomically
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField

FAKE_NODE = Path(__file__).with_name('fake_node.py')
TOPICS = {
    'depth/image': Image,
    'depth/camera_info': CameraInfo,
    'depth/std': Image,
    'depth/preview': Image,
    'points': PointCloud2,
}
TIMEOUT = 90.0  # seconds; generous, because a loaded machine is slow to start a process


class NodeProcess:
    """A node in a process of its own, with all that it printed."""

    def __init__(
        self,
        log: Path,
        parameters: dict | None = None,
        seconds: float = 0.0,
        remaps=(),
        program=(FAKE_NODE,),
    ) -> None:
        self.log, self.output = log, log.with_suffix('.out')
        pairs = [('-p', f'{name}:={value!r}') for name, value in (parameters or {}).items()]
        pairs += [('-r', remap) for remap in remaps]
        arguments = [word for pair in pairs for word in pair]
        environment = {**os.environ, 'FAKE_LOG': str(log), 'FAKE_SECONDS': str(seconds)}
        log.touch()
        with open(self.output, 'w') as output:
            self.process = subprocess.Popen(
                [sys.executable, *program, '--ros-args', *arguments],
                env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def text(self) -> str:
        return self.output.read_text()

    @property
    def inferences(self) -> list[list[str]]:
        """What the fake model was asked for, without the warm-up."""
        return [line.split() for line in self.log.read_text().splitlines()][1:]

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        print(self.text)  # pytest shows it where a test fails


class Peer:
    """A camera that publishes and a robot that listens, in a domain of their own."""

    def __init__(self, domain: int) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = rclpy.create_node('peer', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._publishers = {}
        self.got = {'/diagnostics': []}
        self.node.create_subscription(
            DiagnosticArray, '/diagnostics', self.got['/diagnostics'].append, 10
        )

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()

    def listen(self, *topics: str) -> None:
        for topic in topics:
            self.got[topic] = []
            kind = next(kind for name, kind in TOPICS.items() if topic.endswith(name))
            self.node.create_subscription(kind, topic, self.got[topic].append, 10)

    def send(self, topic: str, message) -> None:
        """Publish like a camera driver: best effort, once the node is there to hear it."""
        if topic not in self._publishers:
            self._publishers[topic] = self.node.create_publisher(
                type(message), topic, qos_profile_sensor_data
            )
            self.wait(lambda: self._publishers[topic].get_subscription_count())
        self._publishers[topic].publish(message)

    def wait(self, condition, timeout: float = TIMEOUT):
        """Spin until the condition holds, return its value, and fail when it takes too long."""
        end = time.monotonic() + timeout
        while not (value := condition()):
            assert time.monotonic() < end, 'nothing came in time'
            self._executor.spin_once(timeout_sec=0.02)
        return value

    def pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def ready(self) -> None:
        """Wait until the node knows of our subscriptions, which is the moment to send."""
        for topic in self.got:
            self.wait(lambda topic=topic: self.node.count_publishers(topic))

    def status(self, name: str, condition=lambda status: True, meanwhile=lambda: None):
        """
        Return the next status of that aspect on /diagnostics that fulfils the condition.

        name: inference, input, camera_info or output; with several cameras 'front input'
        meanwhile: called again and again, as a camera goes on
        """
        seen = self.got['/diagnostics']
        seen.clear()

        def found():
            meanwhile()
            for status in (status for message in seen for status in message.status):
                if status.name.endswith(f'grin_depth: {name}') and condition(status):
                    return status

        return self.wait(found)

    def call(self, kind, service: str, request, attempts: int = 1):
        """Call a service; one that changes nothing may be asked again where no answer comes."""
        client = self.node.create_client(kind, service)
        self.wait(client.service_is_ready)
        try:
            for left in reversed(range(attempts)):
                future = client.call_async(request)
                try:
                    return self.wait(lambda f=future: f.done() and f.result(), TIMEOUT / attempts)
                except AssertionError:
                    if not left:
                        raise
        finally:
            self.node.destroy_client(client)

    def change_state(self, label: str) -> bool:
        request = ChangeState.Request()
        request.transition.label = label
        return self.call(ChangeState, 'grin_depth/change_state', request).success

    @property
    def state(self) -> str:
        reply = self.call(GetState, 'grin_depth/get_state', GetState.Request(), attempts=3)
        return reply.current_state.label

    def set(self, **parameters):
        request = SetParametersAtomically.Request()
        request.parameters = [
            Parameter(name, value=value).to_parameter_msg() for name, value in parameters.items()
        ]
        service = 'grin_depth/set_parameters_atomically'
        return self.call(SetParametersAtomically, service, request).result


def image_message(pixels: np.ndarray, sec: int = 0, frame: str = 'cam', padding: int = 0) -> Image:
    """An rgb8 message of pixels (H, W, 3) uint8."""
    height, width = pixels.shape[:2]
    message = Image(height=height, width=width, encoding='rgb8', step=3 * width + padding)
    message.header.frame_id = frame
    message.header.stamp.sec = sec
    rows = np.full((height, message.step), 255, np.uint8)
    rows[:, : 3 * width] = pixels.reshape(height, -1)
    message.data = array('B', rows.tobytes())
    return message


def cloud_message(points: np.ndarray, sec: int = 0, nanosec: int = 0, frame: str = 'lidar'):
    """A PointCloud2 of points (N, 3), metres."""
    points = np.asarray(points, '<f4')
    cloud = PointCloud2(height=1, width=len(points), point_step=12, row_step=points.nbytes)
    cloud.header.frame_id = frame
    cloud.header.stamp.sec, cloud.header.stamp.nanosec = sec, nanosec
    cloud.fields = [
        PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
        for index, name in enumerate('xyz')
    ]
    cloud.data = array('B', points.tobytes())
    return cloud


def info_message(width: int, height: int, fx: float = 100.0, d=()) -> CameraInfo:
    message = CameraInfo(height=height, width=width, distortion_model='plumb_bob', d=list(d))
    cx, cy = (width - 1) / 2, (height - 1) / 2
    message.k = [fx, 0.0, cx, 0.0, fx, cy, 0.0, 0.0, 1.0]
    message.p = [fx, 0.0, cx, 0.0, 0.0, fx, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message


def picture(height: int, width: int) -> np.ndarray:
    """A wall in 2 m, a patch in 5 m, each of its own colour, and a black corner: unknown."""
    pixels = np.full((height, width, 3), (20, 40, 200), np.uint8)
    pixels[8:16, 8:24] = (50, 210, 90)
    pixels[-4:, -4:] = 0
    return pixels


def drive(peer, image, info, topics, image_topic='image', info_topic='camera_info'):
    """Send image and info again and again until every topic answers with that stamp."""
    info.header.stamp = image.header.stamp  # as drivers do; the frame waits for it

    def answers():
        peer.send(info_topic, info)
        peer.send(image_topic, image)
        peer.pause(0.1)
        found = {
            topic: [one for one in peer.got[topic] if one.header.stamp == image.header.stamp]
            for topic in topics
        }
        return all(found.values()) and {topic: ones[-1] for topic, ones in found.items()}

    return peer.wait(answers)


def values_of(status) -> dict[str, str]:
    return {pair.key: pair.value for pair in status.values}
