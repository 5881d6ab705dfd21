# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `grin bag extract` cannot use gets one sentence that says what to do, and exit code 2."""

from __future__ import annotations

import re
import shutil

import pytest
import rig
from rig import Rig

from grin_ros import cli


def without(*topics):
    return [m for m in Rig().messages() if m[0] not in topics]


def shifted(topic, seconds, first=0.0):
    """Move the header stamps, not the arrival, of a topic's messages from a time on."""
    messages = Rig(frames=10).messages()
    for name, arrival, message in messages:
        if name == topic and arrival >= rig.at(first):
            stamp = arrival + round(seconds * 1e9)
            message.header = rig.header(stamp, message.header.frame_id)
    return messages


def mixed():
    """A camera that is switched to a smaller picture, with the CameraInfo of that."""
    messages, small = Rig(frames=3).messages(), {'image_raw': rig.image, 'camera_info': rig.info}
    for i, (topic, arrival, _) in enumerate(messages):
        if arrival >= rig.at(0.2) and topic.startswith('/camera'):
            make = small[topic.rpartition('/')[2]]
            messages[i] = (topic, arrival, make(arrival, (24, 32)))
    return messages


def looped():
    first = Rig(frames=30).messages()
    last = first[-1][1]
    second = [(topic, arrival + last - rig.START + 1, m)
              for topic, arrival, m in Rig(frames=30).messages()]  # fmt: skip
    return first + second


def uncalibrated():
    messages = Rig().messages()
    for topic, _, message in messages:
        if topic.endswith('camera_info'):
            message.k[:] = 0
    return messages


def body_frame():
    mounts = (('base', 'camera_optical', rig.CAMERA, (0, 0, 0, 1)), rig.MOUNTS[1])
    messages = Rig(mounts=mounts).messages()
    for topic, _, message in messages:
        if topic == '/tf_static':
            message.transforms[0].child_frame_id = 'camera_link'
            optical = rig.transforms(rig.START, rig.MOUNTS[0])
            message.transforms += optical.transforms
        elif topic.startswith('/camera'):
            message.header.frame_id = 'camera_link'
    return messages


def undecodable():
    messages = Rig(encode=rig.jpeg).messages()
    for topic, _, message in messages:
        if topic == '/camera/image_raw':
            message.data = message.data[:20]
    return messages


CASES = {
    'no points': (without('/lidar/points'), [], 'no points topic; the bag has /camera'),
    'no image': (without('/camera/image_raw'), [], 'no image topic; the bag has'),
    'no camera_info': (
        without('/camera/camera_info'), [], 'no camera_info topic.*--intrinsics FILE.yaml'
    ),
    'no transform': (without('/tf_static'), [], 'no transform from the LiDAR.*--extrinsics'),
    'unknown topic': (without(), ['--points', '/other'], "'/other' is no points topic"),
    'mixed resolutions': (mixed(), [], 'change from 64 x 48 to 32 x 24 pixels.*--start and --end'),
    'clock set back': (looped(), [], r'the clock jumps: the stamps of /camera/image_raw go back'),
    'clock set on': (
        shifted('/lidar/points', 3600, 0.45), [],
        r'the clock jumps: .* move apart by 3600\.0 s, 0\.5 s after',
    ),
    'two clocks': (
        shifted('/lidar/points', 3600), [],
        r'two clocks: .*--image-offset 3600\.0.*--stamps receive',
    ),
    'uncalibrated': (uncalibrated(), [], 'CameraInfo is not calibrated'),
    'a body frame': (
        body_frame(), [], "'camera_link' of the images is no optical frame.*one of camera_optical",
    ),
    'nothing chosen': (without(), ['--start', '60'], 'nothing lies between --start and --end'),
    'odd number': (without(), ['--every', '0'], 'every 0 is not a whole number'),
    'no such YAML': (without(), ['--extrinsics', 'none.yaml'], 'none.yaml: no such YAML'),
    'odd point time': (without(), ['--point-time', 't:h'], "'t:h' is neither auto nor"),
    'no picture': (
        undecodable(), [], 'of the first images of /camera/image_raw none can be decoded.*--image'
    ),
    'no such mask': (without(), ['--mask', 'none.png'], 'none.png: no picture'),
}  # fmt: skip


def sentence(capsys, *words) -> str:
    """Run a command that must fail, and return what it says."""
    assert cli.main(['bag', *map(str, words)]) == 2
    out, err = capsys.readouterr()
    assert not out
    line = err.splitlines()[-1]  # after the progress bar, if there is one
    assert line.startswith('grin: ') and 'Traceback' not in err
    return line


@pytest.mark.parametrize('case', CASES)
def test_one_sentence(tmp_path, capsys, case):
    messages, options, expected = CASES[case]
    bag = rig.write(tmp_path / 'bag', messages)
    said = sentence(capsys, 'extract', bag, '-o', tmp_path / 'set', *options)
    assert re.search(expected, said), said
    assert not (tmp_path / 'set' / 'frames.json').exists()


def test_an_empty_topic(tmp_path, capsys):
    """A topic that was subscribed to, and on which nothing came."""
    path = tmp_path / 'bag'
    with rig.Writer(path, version=9, storage_plugin=rig.StoragePlugin.MCAP) as bag:
        bag.add_connection('/lidar/points', 'sensor_msgs/msg/PointCloud2', typestore=rig.STORE)
        known = {}
        for topic, arrival, message in without('/lidar/points'):
            kind = message.__msgtype__
            if topic not in known:
                known[topic] = bag.add_connection(topic, kind, typestore=rig.STORE)
            bag.write(known[topic], arrival, rig.STORE.serialize_cdr(message, kind))
    said = sentence(capsys, 'extract', path, '-o', tmp_path / 'set')
    assert '/lidar/points has no message' in said


@pytest.mark.parametrize('keep', [0.0, 0.4, 0.9])
@pytest.mark.parametrize('kind', ['mcap', 'db3', 'bag'])
def test_a_truncated_file(tmp_path, capsys, kind, keep):
    bag = rig.write_ros1(tmp_path / 'x.bag', Rig().messages())
    if kind != 'bag':
        plugin = rig.StoragePlugin.MCAP if kind == 'mcap' else rig.StoragePlugin.SQLITE3
        bag = rig.write(tmp_path / 'bag', Rig().messages(), plugin)
    file = bag if kind == 'bag' else next(bag.glob(f'*.{kind}'))
    data = file.read_bytes()
    file.write_bytes(data[: int(keep * len(data))])
    for command in ('info', 'extract'):
        words = ('-o', tmp_path / 'set') if command == 'extract' else ()
        said = sentence(capsys, command, bag, *words)
        # A file of SQLite may open, and break where the rest is missing.
        assert re.match(f'grin: {bag}: (not a readable bag|the bag is damaged)', said), said


def test_files_compressed_as_a_whole_need_their_metadata(tmp_path, capsys):
    bag = rig.write(tmp_path / 'bag', Rig(frames=1).messages(), compression='file')
    (bag / 'metadata.yaml').unlink()
    said = sentence(capsys, 'info', bag)
    assert 'bag.mcap.zstd cannot be read without metadata.yaml' in said
    # The recorder compresses a file when it is full, so the last may be plain: half a bag.
    shutil.copy(next(rig.write(tmp_path / 'last', Rig().messages()).glob('*.mcap')), bag)
    assert sentence(capsys, 'info', bag) == said
    assert 'zstd -d bag.mcap.zstd -o bag.mcap`' in said
    (bag / 'last.mcap').rename(bag / 'bag.mcap')
    assert cli.main(['bag', 'info', str(bag)]) == 0


def test_what_is_no_bag(tmp_path, capsys):
    assert 'no such bag' in sentence(capsys, 'info', tmp_path / 'none')
    (tmp_path / 'x.bag').write_text('#ROSBAG V2.0\n')
    assert 'not a readable bag' in sentence(capsys, 'extract', tmp_path / 'x.bag', '-o', 'y')


def test_the_remedies_that_are_named_help(tmp_path):
    def run(name, messages, *options):
        bag = rig.write(tmp_path / name, messages)
        words = ['bag', 'extract', str(bag), '-o', str(tmp_path / f'{name}_set'), *options]
        return cli.main(words)

    assert run('offset', shifted('/lidar/points', 3600), '--image-offset', '3600') == 0
    assert run('receive', shifted('/lidar/points', 3600), '--stamps', 'receive') == 0
    assert run('cut', looped(), '--end', '2.9') == 0
    assert run('large', mixed(), '--end', '0.15') == 0
    assert run('small', mixed(), '--start', '0.15') == 0
    assert run('body', body_frame(), '--camera-frame', 'camera_optical') == 0


def test_other_set_in_the_folder(tmp_path, capsys):
    bag = rig.write(tmp_path / 'bag', Rig().messages())
    (tmp_path / 'set').mkdir()
    (tmp_path / 'set' / 'frames.json').write_text('{}')
    said = sentence(capsys, 'extract', bag, '-o', tmp_path / 'set')
    assert 'already holds a sample set' in said
