# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `grin bag info` says of bags of every kind, and of what they lack."""

from __future__ import annotations

import json

import pytest
import rig
from rig import Rig

from grin_ros import cli
from grin_ros.training.bag_info import describe


def described(tmp_path, messages):
    return describe(rig.write(tmp_path / 'bag', messages), progress=False)


def topic(found, name):
    return next(one for one in found['topics'] if one['name'] == name)


def test_a_bag_that_has_everything(tmp_path, capsys):
    messages = Rig(frames=6, late=0.02, span=90_000_000, field='t', poses='tf').messages()
    path = rig.write(tmp_path / 'bag', messages)
    assert cli.main(['bag', 'info', str(path), '--json']) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found['path'] == str(path)
    assert found['messages'] == len(messages)
    assert found['duration'] == pytest.approx(0.89)  # tf: from -0.1 s to 0.79 s
    points = topic(found, '/lidar/points')
    assert (points['type'], points['role']) == ('sensor_msgs/msg/PointCloud2', 'points')
    assert (points['count'], points['frame_ids']) == (6, ['lidar'])
    assert points['rate'] == pytest.approx(10)
    assert points['clock']['delay_median'] == 0 and points['clock']['jumps'] == []
    assert {(f['parent'], f['child'], f['kind']) for f in found['frames']} == {
        ('base', 'camera_optical', 'static'), ('base', 'lidar', 'static'),
        ('odom', 'base', 'dynamic'),
    }  # fmt: skip
    assert found['problems'] == []
    training = found['training']
    assert training['image'] == '/camera/image_raw'
    assert (training['camera_info'], training['points']) == (
        '/camera/camera_info',
        '/lidar/points',
    )
    assert (training['camera_frame'], training['fixed_frame']) == ('camera_optical', 'odom')
    assert training['frames'] == 6
    assert training['point_time'].startswith('t [ns]')
    assert cli.main(['bag', 'info', str(path)]) == 0
    text = capsys.readouterr().out
    assert 'ready: 6 frames of /camera/image_raw with /lidar/points' in text
    assert '/lidar/points' in text and '10.0' in text


@pytest.mark.parametrize('kind', ['ros1', 'sqlite', 'compressed file', 'compressed messages'])
def test_every_kind_of_bag_says_the_same(tmp_path, kind):
    messages = Rig(frames=4, poses='odometry', encode=rig.jpeg).messages()
    plain = described(tmp_path, messages)
    if kind == 'ros1':
        path = rig.write_ros1(tmp_path / 'one.bag', messages)
    else:
        word = kind.split()[-1]
        path = rig.write(
            tmp_path / 'other', messages,
            rig.StoragePlugin.SQLITE3 if kind != 'compressed file' else rig.StoragePlugin.MCAP,
            {'file': 'file', 'messages': 'message'}.get(word),
        )  # fmt: skip
    found = describe(path, progress=False)
    for name in ('topics', 'frames', 'training', 'problems', 'notes', 'messages', 'duration'):
        assert found[name] == plain[name], name
    assert found['training']['frames'] == 4


def without(*topics):
    return [m for m in Rig().messages() if m[0] not in topics]


@pytest.mark.parametrize(
    'messages, sentence',
    [
        (without('/lidar/points'), 'no points topic; the bag has'),
        (without('/camera/image_raw'), 'no image topic; the bag has'),
        (without('/camera/camera_info'), 'pass --intrinsics FILE.yaml'),
        (without('/tf_static'), 'pass --extrinsics FILE.yaml'),
        (
            Rig().messages()
            + [('/rear/image', a, m) for t, a, m in Rig().messages() if 'raw' in t],
            'several image topics; name one of /camera/image_raw, /rear/image with --image',
        ),
    ],
)
def test_what_is_missing_comes_with_what_to_pass(tmp_path, messages, sentence):
    found = described(tmp_path, messages)
    assert found['training'] is None
    assert any(sentence in problem for problem in found['problems']), found['problems']
    assert all(str(tmp_path) not in problem for problem in found['problems'])


def late(messages, name, seconds, first=-1.0):
    """Let messages arrive later than they are stamped."""
    moved = [(t, a + round(seconds * 1e9) if t == name and a >= rig.at(first) else a, m)
             for t, a, m in messages]  # fmt: skip
    return sorted(moved, key=lambda entry: entry[1])


def test_arrival_against_stamp(tmp_path):
    messages = late(Rig(frames=8).messages(), '/lidar/points', 0.12)
    clock = topic(described(tmp_path, messages), '/lidar/points')['clock']
    assert clock['delay_median'] == pytest.approx(0.12)
    assert (clock['jumps'], clock['backwards'], clock['zero']) == ([], 0, False)
    (tmp_path / 'two').mkdir()
    jumped = late(Rig(frames=8).messages(), '/lidar/points', 30.0, first=0.35)
    found = described(tmp_path / 'two', jumped)
    assert topic(found, '/lidar/points')['clock']['jumps'] == pytest.approx([30.4])
    assert any('/lidar/points: stamps jump' in problem and 'after 30.4 s' in problem
               for problem in found['problems'])  # fmt: skip


def test_clocks_that_differ_come_with_the_offset(tmp_path):
    messages = Rig().messages()
    for name, arrival, message in messages:
        if name == '/lidar/points':
            message.header = rig.header(arrival - 7 * 10**9, 'lidar')
    found = described(tmp_path, messages)
    assert any('pass --image-offset -7.000' in problem for problem in found['problems'])


def test_what_is_not_read_says_so(tmp_path):
    """A type of a driver, which comes with its definition in the bag."""
    text = 'std_msgs/Header header\nuint8[] data\n'
    kind = 'velodyne_msgs/msg/VelodyneScan'
    store = rig.get_typestore(rig.Stores.ROS2_JAZZY)
    store.register(rig.get_types_from_msg(text, kind))
    path = tmp_path / 'bag'
    with rig.Writer(path, version=9, storage_plugin=rig.StoragePlugin.MCAP) as bag:
        connection = bag.add_connection('/packets', kind, typestore=store)
        scan = store.types[kind](
            header=rig.header(rig.START, 'velodyne'), data=rig.np.zeros(3, rig.np.uint8)
        )
        bag.write(connection, rig.START, store.serialize_cdr(scan, kind))
    found = describe(path, progress=False)
    assert topic(found, '/packets')['frame_ids'] == ['velodyne']
    assert any('/packets is not read (packets: play them' in p for p in found['problems'])


def test_a_split_bag_is_one(tmp_path):
    """Two files and one metadata.yaml, as `ros2 bag record -d` leaves them; or none, if killed."""
    import yaml

    messages = Rig(frames=6).messages()
    half = len(messages) // 2
    parts = [rig.write(tmp_path / name, chunk)
             for name, chunk in (('a', messages[:half]), ('b', messages[half:]))]  # fmt: skip
    whole = rig.write(tmp_path / 'whole', messages)
    names = []
    for part in parts:
        source = next(part.glob('*.mcap'))
        names.append(f'part_{source.name}')
        source.rename(whole / names[-1])
    (whole / 'whole.mcap').unlink()
    data = yaml.safe_load((whole / 'metadata.yaml').read_text())
    data['rosbag2_bagfile_information']['relative_file_paths'] = names
    (whole / 'metadata.yaml').write_text(yaml.safe_dump(data))
    found = describe(whole, progress=False)
    assert found['messages'] == len(messages)
    assert topic(found, '/lidar/points')['count'] == 6
    assert found['training']['frames'] == 6
    (whole / 'metadata.yaml').unlink()
    assert describe(whole, progress=False) == found


def test_an_empty_bag(tmp_path):
    with rig.Writer(tmp_path / 'bag', version=9, storage_plugin=rig.StoragePlugin.MCAP):
        pass
    found = describe(tmp_path / 'bag', progress=False)
    assert (found['messages'], found['duration'], found['training']) == (0, 0, None)
    assert len(found['problems']) == 2


def test_the_real_drive(real_data):
    found = describe(real_data / 'bags' / 'kitti_drive', progress=False)
    assert found['problems'] == []
    assert found['training']['frames'] == 40
    assert found['duration'] == pytest.approx(3.9)
    assert any('not compensated' in note for note in found['notes'])
