# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Stamps, clocks and delays: what a bag, a simulation and a second robot do to the node."""

from __future__ import annotations

from itertools import cycle

import numpy as np
import pytest

pytest.importorskip('rclpy')

from ros_peer import drive, image_message, info_message, NodeProcess, Peer, values_of
from ros_peer import TOPICS as KINDS
from rosgraph_msgs.msg import Clock

from robot import wall
from robot.conftest import PROGRAM

SIZE = (48, 64)
INFO = info_message(64, 48, fx=50.0)
K = (50.0, 50.0, 31.5, 23.5)
TOPICS = ('depth/image', 'depth/camera_info', 'points')


def grey(sec, size=SIZE, frame='cam'):
    return image_message(np.full((*size, 3), 90, np.uint8), sec=sec, frame=frame)


def test_a_bag_that_begins_anew(peer):
    """Stamps go back, and back again; every frame is answered, and the operator is told."""
    peer.listen(*TOPICS)
    peer.ready()
    for sec in (5000, 5001, 100, 101, 9000, 100):
        answers = drive(peer, grey(sec), INFO, TOPICS)
        wall.check(answers, K)
        assert answers['points'].header.stamp.sec == sec
        for topic in TOPICS:
            peer.got[topic].clear()
    stamps = cycle((7000, 6000))
    jumped = peer.status(
        'input',
        lambda one: 'went back' in one.message,
        meanwhile=lambda: peer.send('image', grey(next(stamps))),
    )
    assert jumped.level == b'\x01'


def test_the_clock_of_a_simulation(peer):
    """Latencies count on that clock, and it may go back and stand still."""
    peer.listen(*TOPICS)
    peer.ready()
    clock = peer.node.create_publisher(Clock, '/clock', 5)
    peer.wait(lambda: peer.set(use_sim_time=True).successful and clock.get_subscription_count())
    try:
        for now in (2000, 30):
            message = Clock()
            message.clock.sec = now

            def tick(message=message, now=now):
                clock.publish(message)
                peer.send('camera_info', INFO)
                peer.send('image', grey(now - 1))

            found = peer.status(
                'output',
                lambda one: float(values_of(one)['latency_p50_ms'] or 0) == 1000.0,
                meanwhile=tick,
            )
            assert found.name.endswith('grin_depth: output')
            stamps = [array.header.stamp.sec for array in peer.got['/diagnostics']]
            assert stamps[-1] == now
    finally:
        assert peer.set(use_sim_time=False).successful


def test_two_nodes_with_their_own_names(domain, tmp_path):
    """What belongs to one robot's camera never reaches the other's topics."""
    names, distances = ('front', 'rear'), (3.0, 5.0)
    processes = []
    for name, distance in zip(names, distances):
        file = tmp_path / f'{name}.txt'
        file.write_text(str(distance))
        parameters = {'checkpoint': str(file)}
        processes.append(
            NodeProcess(tmp_path / name, parameters, remaps=[f'__ns:=/{name}'], program=PROGRAM)
        )
    with processes[0] as front, processes[1] as rear, Peer(domain) as peer:
        topics = {name: [f'{name}/{topic}' for topic in TOPICS] for name in names}
        for name in names:
            for topic in topics[name]:
                peer.got[topic] = []
                kind = KINDS[topic.partition('/')[2]]
                peer.node.create_subscription(kind, topic, peer.got[topic].append, 10)
        peer.ready()
        for name, distance, sec in zip(names, distances, (11, 12)):
            image = grey(sec, frame=f'{name}_optical')

            def answered(name=name, image=image):
                peer.send(f'{name}/camera_info', INFO)
                peer.send(f'{name}/image', image)
                peer.pause(0.1)
                return all(peer.got[topic] for topic in topics[name])

            peer.wait(answered)
            answers = {t: peer.got[f'{name}/{t}'][-1] for t in TOPICS}
            wall.check(answers, K, distance)
            assert answers['points'].header.frame_id == f'{name}_optical'
        for name, sec in zip(names, (11, 12)):
            came = [one for topic in topics[name] for one in peer.got[topic]]
            assert {one.header.stamp.sec for one in came} == {sec}
        assert front.stop() == rear.stop() == 0
