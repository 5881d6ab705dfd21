# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from bags import info, pictures, png, raw, START, write
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

from grin_ros.ros.from_msg import read_camera, read_image
from grin_ros.training.bag import BagReader, stamp_of


@pytest.mark.parametrize('plugin', [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize('encode, topic', [(raw, '/cam/image'), (png, '/cam/image/compressed')])
def test_frames_come_back_in_the_order_of_their_stamps(tmp_path, plugin, encode, topic):
    images = pictures(8)
    arrival = [3, 0, 1, 2, 7, 6, 5, 4]
    messages = [('/cam/camera_info', info(START + i * 10**8, 50 + i)) for i in (4, 0, 6, 2)]
    messages += [(topic, encode(START + i * 10**8, images[i])) for i in arrival]
    with BagReader(write(tmp_path / 'bag', messages, plugin)) as bag:
        assert bag.topics[topic].startswith('sensor_msgs/msg/')
        assert bag.counts == {topic: 8, '/cam/camera_info': 4}
        frames = list(bag.frames())
    assert [stamp_of(message) for message, _ in frames] == [START + i * 10**8 for i in range(8)]
    for i, (message, camera_info) in enumerate(frames):
        np.testing.assert_array_equal(read_image(message), images[i])
        # Calibrations were sent with frames 0, 2, 4 and 6: the newest that is not younger.
        assert read_camera(camera_info).fx == 50 + i // 2 * 2
        assert message.header.frame_id == 'lens'


def test_one_late_calibration_serves_all_frames(tmp_path):
    images = pictures(2)
    messages = [('/image', raw(START + i, images[i])) for i in range(2)]
    messages += [('/camera_info', info(START + 10**9, 77))]
    with BagReader(write(tmp_path / 'bag', messages)) as bag:
        assert [camera_info.k[0] for _, camera_info in bag.frames()] == [77, 77]


def camera(name, encode=raw, suffix=''):
    pixels = pictures(1)[0]
    return [(f'/{name}/image{suffix}', encode(START, pixels)),
            (f'/{name}/camera_info', info(START, 50))]  # fmt: skip


def test_topics_are_found(tmp_path):
    both = camera('front') + camera('front', png, '/compressed')[:1]
    depth = [('/front/depth/compressedDepth', png(START, pictures(1)[0]))]
    other = [('/rear/camera_info', info(START, 60))]
    with BagReader(write(tmp_path / 'bag', both + depth + other)) as bag:
        assert bag.camera_topics() == ('/front/image', '/front/camera_info')
        chosen = bag.camera_topics('/front/image/compressed', '/rear/camera_info')
        assert chosen == ('/front/image/compressed', '/rear/camera_info')


@pytest.mark.parametrize(
    'messages, arguments, sentence',
    [
        (camera('a') + camera('b', png, '/compressed'), {},
         'several image topics; name one of /a/image, /b/image/compressed'),
        (camera('a')[1:], {}, 'no image topic; the bag has /a/camera_info'),
        (camera('a')[:1], {}, 'no camera_info topic; the bag has /a/image'),
        (camera('a') + camera('b'), {'image': '/c/image'},
         "'/c/image' is no image topic of this bag; it has /a/image, /b/image"),
        (camera('a'), {'camera_info': '/a/image'},
         "'/a/image' is no camera_info topic of this bag; it has /a/camera_info"),
        ([('/x/image', raw(START, pictures(1)[0])), *camera('a')[1:], *camera('b')[1:]], {},
         'several camera_info topics; name one of /a/camera_info, /b/camera_info'),
    ],
)  # fmt: skip
def test_what_cannot_be_found_lists_the_candidates(tmp_path, messages, arguments, sentence):
    path = write(tmp_path / 'bag', messages)
    with BagReader(path) as bag, pytest.raises(ValueError) as caught:
        list(bag.frames(**arguments))
    assert str(caught.value).startswith(f'{path}: {sentence}')


def test_unreadable_bags_are_refused_in_one_sentence(tmp_path):
    bag = write(tmp_path / 'bag', camera('a', png, '/compressed'))
    whole = next(bag.glob('*.mcap'))
    cut = tmp_path / 'cut.mcap'
    cut.write_bytes(whole.read_bytes()[:-200])
    (tmp_path / 'text.db3').write_text('no database' * 100)
    for path in (cut, tmp_path / 'text.db3', tmp_path, tmp_path / 'bag' / 'metadata.yaml'):
        with pytest.raises(ValueError, match='not a readable bag') as caught:
            BagReader(path)
        assert str(caught.value).startswith(f'{path}: ')
    with pytest.raises(FileNotFoundError, match='no such bag'):
        BagReader(tmp_path / 'none')
    with BagReader(whole) as reader:  # the file without its folder
        assert len(list(reader.frames())) == 1


def test_a_bag_that_breaks_in_the_middle(tmp_path):
    bag = write(tmp_path / 'bag', camera('a', raw), StoragePlugin.SQLITE3)
    file = next(bag.glob('*.db3'))
    data = bytearray(file.read_bytes())
    at = data.find(pictures(1)[0].tobytes()[:40])
    assert at > 0
    data[at - 20 : at - 16] = b'\xff\xff\xff\x7f'  # lengths of the encoding string and the data
    data[at - 4 : at] = b'\xff\xff\xff\x7f'
    file.write_bytes(data)
    with BagReader(bag) as reader, pytest.raises(ValueError, match='the bag is damaged'):
        list(reader.frames())


def test_the_real_drive(real_data):
    with BagReader(real_data / 'bags' / 'kitti_drive') as bag:
        frames = list(bag.frames())
        points = sum(1 for _ in bag.messages('/velodyne_points'))
    assert (len(frames), points) == (40, 40)
    assert np.diff([stamp_of(image) for image, _ in frames]).tolist() == [10**8] * 39
    image, camera_info = frames[-1]
    assert read_image(image).shape == (375, 1242, 3)
    assert float(read_camera(camera_info).fx) == pytest.approx(721.5377)
