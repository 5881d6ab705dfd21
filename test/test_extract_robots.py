# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Two robots in one bag that name their frames alike, against the formula of the wall."""

from __future__ import annotations

import numpy as np
import pytest
import rig
from rig import extracted, Rig

IN_BINS = 0.5 / 256 + 1e-4 + rig.SPEED * 0.0005  # metres: of the depth's storage, and of a bin
OTHER = (
    ('base', 'camera_optical', (0.1, 0, 0.5), rig.QUATERNION),
    ('base', 'lidar', (-1.0, 0, 1.2), (0, 0, 0, 1)),
)


def worst(errors) -> float:
    return max(float(np.abs(error).max()) for error in errors)


def robot(space, poses='tf', late=0.04):
    """The drive towards the wall, all of it in a namespace."""
    messages = Rig(10, late, 90_000_000, 't', poses=poses).messages()
    return [(space + topic, arrival, message) for topic, arrival, message in messages]


def second(space, mounts=(), motion=False, first=0.0):
    """Another robot's tf: its mounts, and that it turns on the spot elsewhere."""
    found = []
    if mounts:
        found.append((f'{space}/tf_static', rig.at(first), rig.transforms(rig.START, *mounts)))
    for i in range(-10, 120) if motion else ():
        turn = rig.transforms(rig.at(i / 100), ('odom', 'base', (-3, 5, 0), (0, 0, 0.6, 0.8)))
        found.append((f'{space}/tf', rig.at(i / 100 + 0.003), turn))
    return found


def ordered(*parts):
    return sorted([one for part in parts for one in part], key=lambda entry: entry[1])


@pytest.mark.parametrize('other', [
    second('/robot2', motion=True), second('/robot2', OTHER, first=0.001),
    second('', OTHER, motion=True), second('/robot2', rig.MOUNTS, motion=True),
])  # fmt: skip
def test_the_tf_of_the_robot_whose_camera_it_is(tmp_path, other):
    result, _, errors = extracted(tmp_path, ordered(robot('/robot1'), other))
    assert len(errors) == 10 and worst(errors) < IN_BINS
    left = '/tf' if other[0][0].startswith('/tf') else '/robot2/tf'
    assert f'another robot: {left} is left out, /robot1/tf counts' in result.notes.popitem()[1]


def test_another_robot_moves_none(tmp_path):
    """Its tf is all the motion there is, and it is not that of this camera."""
    messages = ordered(robot('/robot1', 'none', 0.0), second('/robot2', motion=True))
    notes = extracted(tmp_path, messages)[0].notes.popitem()[1]
    assert any('neither odometry nor tf moves' in note for note in notes)


def test_two_that_no_namespace_tells_apart(tmp_path):
    mine = [(f'/vehicle{t}' if t.startswith('/tf') else t, a, m) for t, a, m in robot('')]
    messages = ordered(mine, second('/other', rig.MOUNTS, motion=True))
    with pytest.raises(ValueError, match=r"/other/tf and /vehicle/tf give .* 'base' in 'odom'.*"
                       '--tf, one of /other/tf, /vehicle/tf'):  # fmt: skip
        extracted(tmp_path, messages)
    _, _, errors = extracted(tmp_path, messages, 'told', tf='/vehicle/tf_static')
    assert len(errors) == 10 and worst(errors) < IN_BINS
    with pytest.raises(ValueError, match=r"'/odd' is no tf topic of this bag; it has /other/tf, "):
        extracted(tmp_path, messages, 'odd', tf='/odd')


def test_a_relay_is_no_other_robot(tmp_path):
    """Tf in the namespace and, of the same messages, at the root; static mounts only there."""
    own = robot('/robot1')
    relayed = [('/tf', a + 10**6, m) for t, a, m in own if t == '/robot1/tf']
    static = [('/tf_static' if t.endswith('tf_static') else t, a, m) for t, a, m in own]
    result, _, errors = extracted(tmp_path, ordered(static, relayed))
    assert len(errors) == 10 and worst(errors) < IN_BINS
    assert not any('another robot' in note for note in result.notes.popitem()[1])


def backwards(topic):
    """Odometry of a robot that drives the other way, twice as often."""
    found = []
    for i in range(-20, 260):
        message = rig.odometry(rig.at(i / 200))
        message.pose.pose.position.x *= -2
        found.append((topic, rig.at(i / 200), message))
    return found


def test_the_odometry_of_the_robot_whose_camera_it_is(tmp_path):
    messages = ordered(robot('/robot1', 'odometry'), backwards('/robot2/odom'))
    result, _, errors = extracted(tmp_path, messages)
    assert worst(errors) < IN_BINS
    notes = result.notes.popitem()[1]
    assert 'another robot: /robot2/odom is left out, /robot1/odom counts' in notes
    alike = ordered(robot('', 'odometry'), backwards('/filtered'))
    with pytest.raises(ValueError, match=r'/filtered and /odom give different.*--odometry'):
        extracted(tmp_path, alike, 'alike')
    _, _, errors = extracted(tmp_path, alike, 'told', odometry='/odom')
    assert worst(errors) < IN_BINS
