# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The SROS 2 policy allows what the node does in the graph, and nothing beyond it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip('rclpy')

from ros_peer import image_message, info_message

POLICY = Path(__file__).resolve().parents[2] / 'config' / 'sros2_policy.xml'
# Allowed, and in use with other parameters only: image_transport, prompt, use_sim_time.
OTHER = {'subscribe': {'/image/compressed', '/points_prompt', '/tf', '/tf_static', '/clock'}}
PROFILE = {'ns': '/', 'node': 'grin_depth'}


@pytest.fixture(scope='module')
def allowed() -> dict[str, set[str]]:
    """Return what the policy allows the node: publish, subscribe, reply, request -> names."""
    root = ElementTree.parse(POLICY).getroot()
    assert (root.tag, root.get('version')) == ('policy', '0.2.0')
    (enclave,) = root.iterfind('enclaves/enclave')
    assert enclave.get('path') == '/grin_depth'
    (profile,) = enclave.iterfind('profiles/profile')
    assert profile.attrib == PROFILE
    found = {}
    for group in profile:
        assert len(group), f'{group.tag} is empty'
        for action, verdict in group.attrib.items():
            assert verdict == 'ALLOW', 'all that is not named is denied anyway'
            names = {name.text.strip().replace('~/', '/grin_depth/') for name in group}
            found.setdefault(action, set()).update(
                name if name.startswith('/') else f'/{name}' for name in names
            )
    return found


def test_the_policy_fits_the_node(peer, allowed):
    """Looked at from another process, while it works."""
    peer.listen('depth/image')
    peer.ready()
    image = image_message(np.full((48, 64, 3), 90, np.uint8), sec=1)
    peer.send('camera_info', info_message(64, 48))
    peer.send('image', image)
    name, ns = 'grin_depth', '/'
    peer.wait(lambda: name in peer.node.get_node_names())
    graph = {
        'publish': peer.node.get_publisher_names_and_types_by_node(name, ns),
        'subscribe': peer.node.get_subscriber_names_and_types_by_node(name, ns),
        'reply': peer.node.get_service_names_and_types_by_node(name, ns),
        'request': peer.node.get_client_names_and_types_by_node(name, ns),
    }
    for action, found in graph.items():
        used = {topic for topic, _ in found}
        permitted = allowed.get(action, set())
        assert used <= permitted, f'{action}: missing in {POLICY.name}'
        assert permitted - OTHER.get(action, set()) <= used, f'{action}: too much'
