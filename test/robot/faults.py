# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the soak does to the node: each method of Faults is one kind of trouble."""

from __future__ import annotations

from array import array
from pathlib import Path
import random
import subprocess
import sys
import time

import numpy as np
from rcl_interfaces.srv import GetParameters
from ros_peer import Peer
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from std_srvs.srv import Trigger

from robot.camera import DIGIT, frame, SIZES, stamp, stamp_of

DISTANCES = (4.0, 6.0)  # of the wall: as loaded at first, and in the other checkpoint


class Faults:
    """
    Trouble for a node, by a seeded choice; every kind ends with the node as it was.

    camera: start one
    refused: name -> how often the node said no, as it should
    """

    def __init__(self, peer: Peer, folder: Path, seed: int, camera: bool = True) -> None:
        self._peer, self._random, self.refused = peer, random.Random(seed), {}
        self._camera, self._log = None, folder / 'camera.log'
        self.kills = []  # when, monotonic seconds
        self.silent_cameras = 0
        self._other = folder / 'other.txt'
        self._other.write_text(f'{DISTANCES[1]}')
        self._image = peer.node.create_publisher(Image, 'image', 5)
        self._info = peer.node.create_publisher(CameraInfo, 'camera_info', 5)
        self._clock = peer.node.create_publisher(Clock, '/clock', 5)
        if camera:
            self.restart()

    def restart(self, index: int = 0, rate: float = 10.0, offset: float = 0.0) -> None:
        """Kill the camera in the middle of whatever it does and start another."""
        self.close()
        words = ('--index', index, '--rate', rate, '--offset', offset)
        command = [sys.executable, '-m', 'robot.camera', *map(str, words)]
        with open(self._log, 'ab') as log:
            self._camera = subprocess.Popen(
                command, cwd=Path(__file__).parents[1], stdout=log, stderr=log
            )

    def close(self) -> None:
        if self._camera is not None:
            self._camera.kill()
            self._camera.wait()
            self.kills.append(time.monotonic())

    def publisher_killed(self) -> None:
        self.restart()

    def resolution_flips(self) -> None:
        self.restart(self._random.randrange(len(SIZES)), self._random.choice((5.0, 10.0, 20.0)))

    def stamps_jump(self) -> None:
        """As when a bag begins anew, or a clock is set."""
        for offset in (-3600.0, 3600.0):
            self.restart(offset=offset)
            self._peer.pause(4.0)
        self.restart()

    def clock_jumps(self) -> None:
        """Simulated time that goes back and stands still."""
        self._set(use_sim_time=True)
        for start in (1000, 10, 0):
            for tick in range(20):
                message = Clock()
                message.clock.sec, message.clock.nanosec = start + tick // 10, tick % 10 * 10**8
                self._clock.publish(message)
                self._peer.pause(0.05)
        self._set(use_sim_time=False)

    def garbage_frames(self) -> None:
        kinds = (
            {'data': array('B', b'few')},
            {'height': 2**31, 'step': 2**31},
            {'width': 0},
            {'height': 0, 'data': array('B')},
            {'step': 1},
            {'encoding': 'h264'},
            {'encoding': 'bayer_rggb16'},
            {'encoding': ''},
            {'is_bigendian': 1, 'encoding': 'mono16', 'step': 2 * SIZES[3][1]},
        )
        for _ in range(30):
            image, _ = frame(3)
            for name, value in self._random.choice(kinds).items():
                setattr(image, name, value)
            stamp(image, stamp_of(DIGIT))
            self._image.publish(image)
            self._peer.pause(0.02)
        big = Image(height=2160, width=3840, encoding='mono8', step=3840)
        big.data = array('B', bytes(3840 * 2160))
        stamp(big, stamp_of(DIGIT))
        self._image.publish(big)

    def garbage_intrinsics(self) -> None:
        _, good = frame(0)
        for change in ({'k': [np.nan] * 9}, {'k': [0.0] * 9}, {'d': [1e300] * 5}, {'width': 7},
                       {'distortion_model': 'pinhole?', 'd': [1.0]}, {'p': [np.inf] * 12},
                       {'binning_x': 2**31}):  # fmt: skip
            _, info = frame(0)
            for name, value in change.items():
                setattr(info, name, value)
            for _ in range(5):
                self._info.publish(info)
                self._peer.pause(0.03)
        good.header.stamp.sec -= 1
        self._info.publish(good)

    def parameter_storm(self) -> None:
        for _ in range(60):
            name, good, bad = self._random.choice(
                (('steps', 2, -1), ('samples', 2, 1000), ('stride', 8, 65), ('seed', 7, -2),
                 ('full_size', False, 'yes'), ('max_depth', 50.0, 0.0), ('device', 'cpu', 'cuda'),
                 ('intrinsics', 'none', 'guess'), ('min_depth', 0.2, 'near'))
            )  # fmt: skip
            self._set(**{name: self._random.choice((good, bad))})
        self._set(steps=0, samples=1, stride=0, seed=0, full_size=True, max_depth=200.0)
        self._set(intrinsics='camera_info', min_depth=0.1, device='auto')

    def reload(self) -> None:
        for checkpoint in (str(self._other), '/nowhere.safetensors', ''):
            self._set(checkpoint=checkpoint)
            answer = self._peer.call(Trigger, 'grin_depth/reload', Trigger.Request())
            if not answer.success:
                self._count('reload')
            self._peer.pause(1.0)

    def life_cycle(self) -> None:
        for label in ('deactivate', 'activate', 'configure', 'deactivate', 'cleanup', 'activate',
                      'configure', 'activate'):  # fmt: skip
            if not self._peer.change_state(label):
                self._count(label)
            self._peer.pause(0.3)

    def listeners_come_and_go(self) -> None:
        for _ in range(5):
            one = self._peer.node.create_subscription(Image, 'depth/preview', lambda _: None, 1)
            self._peer.pause(0.4)
            self._peer.node.destroy_subscription(one)

    def services_asked_at_once(self) -> None:
        """As many as ROS keeps in a queue for a service, nearly."""
        client = self._peer.node.create_client(GetParameters, 'grin_depth/get_parameters')
        self._peer.wait(client.service_is_ready)
        asked = [client.call_async(GetParameters.Request(names=['steps'])) for _ in range(8)]
        self._peer.wait(lambda: all(one.done() for one in asked))
        self._peer.node.destroy_client(client)

    def _set(self, **values) -> None:
        if not self._peer.set(**values).successful:
            self._count(' '.join(values))

    def _count(self, name: str) -> None:
        self.refused[name] = self.refused.get(name, 0) + 1


KINDS = (
    'publisher_killed',
    'resolution_flips',
    'stamps_jump',
    'clock_jumps',
    'garbage_frames',
    'garbage_intrinsics',
    'parameter_storm',
    'reload',
    'life_cycle',
    'listeners_come_and_go',
    'services_asked_at_once',
)
