# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Bags that other programs left in odd states: read whole, or refused in a sentence."""

from __future__ import annotations

import os
import shutil
import sqlite3

import pytest
import rig
from rig import Rig
import rosbags.rosbag2.storage_mcap as storage_mcap
import yaml

from grin_ros.training import extract as extraction
from grin_ros.training.bag import BagReader
from grin_ros.training.extract import extract
from grin_ros.training.extract_config import ExtractConfig

SQLITE = rig.StoragePlugin.SQLITE3


def counted(path) -> dict[str, int]:
    found: dict[str, int] = {}
    with BagReader(path) as bag:
        for topic, _, _ in bag.scan(headers=list(bag.topics)):
            found[topic] = found.get(topic, 0) + 1
    return found


def test_a_recorder_of_sqlite_that_was_killed(tmp_path):
    """Half of the messages are in the write-ahead log beside the database."""
    whole = rig.write(tmp_path / 'whole', Rig().messages(), SQLITE)
    expected = counted(whole)
    (whole / 'metadata.yaml').unlink()
    file = whole / 'whole.db3'
    database = sqlite3.connect(file, isolation_level=None)
    database.execute('pragma journal_mode=WAL')
    rows = database.execute('select * from messages where id > 8').fetchall()
    database.execute('delete from messages where id > 8')
    database.execute('pragma wal_checkpoint(TRUNCATE)')
    database.executemany(f'insert into messages values ({",".join("?" * len(rows[0]))})', rows)
    killed = tmp_path / 'killed'
    shutil.copytree(whole, killed, ignore=shutil.ignore_patterns('*-shm'))
    database.close()
    for path in (killed, killed / 'whole.db3'):
        with pytest.raises(ValueError, match=r"sqlite3 whole.db3 'pragma wal_checkpoint\(TRUNC"):
            BagReader(path)
    # What the sentence advises.
    database = sqlite3.connect(killed / 'whole.db3')
    database.execute('pragma wal_checkpoint(TRUNCATE)')
    assert counted(killed) == expected


@pytest.mark.parametrize('name', ['run #3', 'how fast?', 'at%20night', '80% speed', '100%'])
@pytest.mark.parametrize('plugin', [SQLITE, rig.StoragePlugin.MCAP])
def test_names_that_mean_something_in_a_uri(tmp_path, name, plugin):
    messages = Rig(frames=2).messages()
    bag = rig.write(tmp_path / 'plain', messages, plugin).rename(tmp_path / name)
    assert sum(counted(bag).values()) == len(messages)
    file = next(file for file in bag.iterdir() if file.stem == 'plain')
    assert sum(counted(file.rename(bag / f'{name}{file.suffix}')).values()) == len(messages)


@pytest.mark.parametrize('encoding', ['unknown', 'jsonschema', 'protobuf'])
def test_a_topic_whose_schema_is_in_another_language(tmp_path, monkeypatch, encoding):
    add = storage_mcap.McapWriter.add_msgtype

    def add_odd(writer, connection):
        add(writer, connection)
        if connection.topic == '/diagnosis':
            writer.schemas[-1] = writer.schemas[-1]._replace(encoding=encoding, data='')

    monkeypatch.setattr(storage_mcap.McapWriter, 'add_msgtype', add_odd)
    note = ('/diagnosis', rig.START, rig.make('std_msgs/msg/String', data='well'))
    bag = rig.write(tmp_path / 'bag', [note, *Rig().messages()])
    assert counted(bag)['/diagnosis'] == 1
    assert extract([bag], tmp_path / 'set', progress=False).frames == 5


QOS = [{
    'history': 'keep_last', 'depth': 10, 'reliability': 'reliable', 'durability': 'volatile',
    'deadline': {'sec': 1, 'nsec': 0}, 'lifespan': {'sec': 1, 'nsec': 0},
    'liveliness': 'automatic', 'liveliness_lease_duration': {'sec': 1, 'nsec': 0},
    'avoid_ros_namespace_conventions': False,
}]  # fmt: skip


def edit_profiles(data):
    """What people do so that an older release opens the bag."""
    for one in data['topics_with_message_count']:
        one['topic_metadata']['offered_qos_profiles'] = QOS


def state_more(data):
    """As after a copy of which a part is missing."""
    for one in data['topics_with_message_count']:
        one['message_count'] += 1


@pytest.mark.parametrize('edit', [edit_profiles, state_more])
def test_fewer_messages_than_the_index_states(tmp_path, edit):
    messages = Rig().messages()
    bag = rig.write(tmp_path / 'bag', messages)
    index = bag / 'metadata.yaml'
    data = yaml.safe_load(index.read_text())
    edit(data['rosbag2_bagfile_information'])
    index.write_text(yaml.safe_dump(data))
    with pytest.raises(ValueError, match=r'messages of /\S+ that its index states.*metadata.yaml'):
        counted(bag)
    with pytest.raises(ValueError, match='that its index states'):
        extract([bag], tmp_path / 'set', progress=False)
    index.unlink()
    assert sum(counted(bag).values()) == len(messages)


def test_depths_below_and_beyond_the_histogram(tmp_path):
    """A camera with depth on an arm: all of it nearer than half a metre."""
    messages = []
    for topic, arrival, message in Rig().messages():
        if topic == '/lidar/points':
            az, el = rig.np.meshgrid(
                rig.np.linspace(-0.4, 0.4, 121), rig.np.linspace(-0.3, 0.3, 91)
            )
            near = rig.np.full(az.size, 0.35)
            columns = {'x': near, 'y': near * az.reshape(-1), 'z': near * el.reshape(-1)}
            columns = {name: values.astype('f4') for name, values in columns.items()}
            message = rig.cloud(arrival, columns, frame='camera_body')
        messages.append((topic, arrival, message))
    mounts = ('camera_optical', 'camera_body', (0, 0, 0), (0.5, -0.5, 0.5, 0.5))
    messages.append(('/tf_static', messages[-1][1], rig.transforms(rig.START, mounts)))
    bag = rig.write(tmp_path / 'bag', messages)
    result = extract([bag], tmp_path / 'set', ExtractConfig(min_range=0.1, workers=1), False)
    assert result.frames == 5
    assert all(sum(record['depths']) > 0 for record in result.records)


def kill(*_):
    os.kill(os.getpid(), 9)


def test_a_killed_worker(tmp_path, monkeypatch):
    bag = rig.write(tmp_path / 'bag', Rig(frames=20).messages())
    monkeypatch.setattr(extraction, '_start_process', kill)
    with pytest.raises(ValueError, match=r'a worker was killed.*--workers 1'):
        extract([bag], tmp_path / 'set', ExtractConfig(workers=2), progress=False)
    assert extract([bag], tmp_path / 'set', ExtractConfig(workers=1), progress=False).frames == 20


@pytest.mark.parametrize('name', [
    'max_dt', 'image_offset', 'points_offset', 'start', 'end', 'min_range', 'max_skew', 'every',
])  # fmt: skip
@pytest.mark.parametrize('value', [float('inf'), float('nan'), -float('inf'), 1e300])
def test_numbers_that_are_none(name, value):
    with pytest.raises(ValueError, match=f'{name} .* is no number up to'):
        ExtractConfig(**{name: value})
