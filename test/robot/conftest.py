# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node around a wall, one process for the tests of a file; each test brings its own peer."""

from __future__ import annotations

import os

import pytest

pytest.importorskip('rclpy')

from ros_peer import NodeProcess, Peer

PROGRAM = ('-m', 'grin_ros.ros.plane_node')


@pytest.fixture(scope='module')
def domain():
    """Give the file a ROS domain of its own, also for the processes it starts."""
    with pytest.MonkeyPatch.context() as patch:
        domain = (os.getpid() + 50) % 101 + 1
        patch.setenv('ROS_DOMAIN_ID', str(domain))
        patch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
        yield domain


@pytest.fixture(scope='module')
def node(domain, tmp_path_factory):
    """Run the node; at the end of the file it has to go in peace."""
    with NodeProcess(tmp_path_factory.mktemp('node') / 'log', program=PROGRAM) as node:
        yield node
        assert node.process.poll() is None, 'it died'
        assert node.stop() == 0
        assert 'Traceback' not in node.text


@pytest.fixture
def peer(domain, node):
    with Peer(domain) as peer:
        yield peer
