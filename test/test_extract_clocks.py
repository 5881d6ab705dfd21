# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Stamps on several clocks, and clocks that are set, against the formula of a wall."""

from __future__ import annotations

import numpy as np
import pytest
import rig
from rig import extracted, Rig

from grin_ros import cli
from grin_ros.training.extract_config import ExtractConfig
from grin_ros.training.recording import read_recording

IN_BINS = 0.5 / 256 + 1e-4 + rig.SPEED * 0.0005  # metres: of the depth's storage, and of a bin
SWEEP = 90_000_000  # nanoseconds


def worst(errors) -> float:
    return max(float(np.abs(error).max()) for error in errors)


def drive(frames=20, late=0.04):
    """Sweeps arrive when they are complete; images 10 ms after their stamps."""
    found = []
    for topic, arrival, message in Rig(frames, late, SWEEP, 't', poses='tf').messages():
        delay = SWEEP if topic == '/lidar/points' else 10**7 * topic.startswith('/camera')
        found.append((topic, arrival + delay, message))
    return sorted(found, key=lambda entry: entry[1])


def restamped(messages, shifts, first=-9.0):
    """Shift the stamps, not the arrival, of topics: name -> seconds, from a moment on."""
    for topic, arrival, message in messages:
        if topic in shifts and arrival >= rig.at(first):
            one = message.transforms[0] if topic == '/tf' else message
            time = one.header.stamp
            stamp = time.sec * 10**9 + time.nanosec + round(shifts[topic] * 1e9)
            one.header = rig.header(stamp, one.header.frame_id)
    return messages


ALL = ('/tf', '/lidar/points', '/camera/image_raw', '/camera/camera_info')
CAMERA = ALL[2:]


@pytest.mark.parametrize('shifts, remedy', [
    ({'/lidar/points': 1.0}, '--points-offset -1.000'),
    ({'/lidar/points': -0.7}, '--points-offset 0.700'),
    ({'/lidar/points': 0.3}, '--points-offset -0.300'),  # before their stamps
    ({'/tf': -0.8}, '--image-offset -0.790 --points-offset -0.790'),
    (dict.fromkeys(CAMERA, 0.6), '--image-offset -0.590'),
])  # fmt: skip
def test_two_clocks_within_the_length_of_the_bag(tmp_path, shifts, remedy):
    with pytest.raises(ValueError, match=f'two clocks: .*pass {remedy}.*--stamps receive'):
        extracted(tmp_path, restamped(drive(), shifts))


def test_the_offset_that_is_named_mends_it(tmp_path):
    messages = restamped(drive(), {'/lidar/points': 1.0})
    _, _, errors = extracted(tmp_path, messages, points_offset=-1.0)
    assert len(errors) == 20 and worst(errors) < IN_BINS
    # And without a word, who knows better.
    _, _, errors = extracted(tmp_path, messages, 'told', max_skew=3.0)
    assert min(float(np.abs(error).min()) for error in errors) > 1


@pytest.mark.parametrize('arrive', ['with their stamps', 'at once', 'as they were converted'])
def test_arrivals_that_tell_nothing_are_not_asked(tmp_path, arrive):
    found = []
    for i, (topic, _, message) in enumerate(Rig(10, 0.04, SWEEP, 't', poses='tf').messages()):
        one = message.transforms[0] if topic.startswith('/tf') else message
        stamp = one.header.stamp.sec * 10**9 + one.header.stamp.nanosec
        turn = sorted((*ALL, '/tf_static')).index(topic)
        times = {'with their stamps': stamp, 'at once': rig.START + i // 1000}
        times['as they were converted'] = rig.at(1000 + 60 * turn) + 10**6 * i
        found.append((topic, times[arrive], message))
    found.sort(key=lambda entry: entry[1])
    _, _, errors = extracted(tmp_path, found)
    assert len(errors) == 10 and worst(errors) < IN_BINS


def test_a_correction_that_is_dated_ahead_is_no_clock(tmp_path):
    """As AMCL does, by its tolerance of a second."""
    messages = drive()
    for i in range(-10, 30):
        ahead = rig.transforms(rig.at(i / 10 + 1), ('map', 'odom', (i * 0.01, 0, 0), (0, 0, 0, 1)))
        messages.append(('/tf', rig.at(i / 10), ahead))
    messages.sort(key=lambda entry: entry[1])
    _, _, errors = extracted(tmp_path, messages, fixed_frame='map')
    assert len(errors) > 10


@pytest.mark.parametrize('back', [0.35, 0.83, 1.45])
def test_a_clock_that_is_set_back(tmp_path, back):
    """Every source and the recorder's own stamps go back together; arrivals go on."""
    messages = restamped(drive(30), dict.fromkeys(ALL, -back), first=1.505)
    with pytest.raises(ValueError, match=r'the clock jumps: the stamps of .* go back by') as said:
        extracted(tmp_path, messages)
    assert '--start and --end' in str(said.value)
    # The bag begins 0.1 s before START; the rest of it has poses for the stamps of this part.
    _, samples, errors = extracted(tmp_path, messages, 'before', end=1.58)
    assert len(samples) >= 13 and worst(errors) < IN_BINS
    _, samples, _ = extracted(tmp_path, messages, 'after', start=1.62)
    for sample in (samples[i] for i in range(len(samples))):
        true = rig.true_depth(sample.stamp + round(back * 1e9))
        assert np.abs(sample.depth[sample.depth > 0] - true).max() < IN_BINS


def test_one_message_that_was_overtaken_is_no_clock(tmp_path):
    messages = drive()
    late = next(i for i, m in enumerate(messages) if m[0] == '/camera/image_raw' and i > 60)
    messages[late] = (messages[late][0], messages[late][1] + 45 * 10**7, messages[late][2])
    _, _, errors = extracted(tmp_path, sorted(messages, key=lambda entry: entry[1]))
    assert len(errors) == 20 and worst(errors) < IN_BINS


def test_a_mount_that_changes(tmp_path):
    moved = ('base', 'lidar', (2.0, 0, 0.3), (0, 0, 0, 1))
    again = ('/tf_static', rig.at(1), rig.transforms(rig.at(1), rig.MOUNTS[0], moved))
    messages = sorted([*drive(), again], key=lambda entry: entry[1])
    result, _, errors = extracted(tmp_path, messages)
    assert any('base -> lidar changes, 1.1 s after' in note for note in result.notes.popitem()[1])
    assert worst(errors) > 1.9
    result, _, errors = extracted(tmp_path, messages, 'before', end=1.05)
    assert worst(errors) < IN_BINS
    assert not any('changes' in note for note in result.notes.popitem()[1])


def test_equal_stamps_are_counted(tmp_path):
    messages = Rig().messages()
    twice = [m for m in messages if m[0] == '/camera/image_raw'][2]
    messages.append((twice[0], twice[1] + 10**7, twice[2]))
    path = rig.write(tmp_path / 'bag', sorted(messages, key=lambda entry: entry[1]))
    notes = read_recording(str(path), ExtractConfig()).notes
    assert '1 messages of /camera/image_raw have the stamp of another: left out' in notes


def test_by_arrival_no_point_is_from_the_future(tmp_path):
    """LiDAR stamps are zero; a sweep arrives with its last point, an image at once."""
    messages = []
    for topic, arrival, message in Rig(15, 0.04, SWEEP, 't', poses='tf').messages():
        if topic == '/lidar/points':
            message.header = rig.header(0, 'lidar')
            arrival += SWEEP
        messages.append((topic, arrival, message))
    messages.sort(key=lambda entry: entry[1])
    _, samples, errors = extracted(tmp_path, messages, stamps='receive')
    assert len(samples) >= 14 and worst(errors) < IN_BINS


def test_the_options_are_known(tmp_path, capsys):
    bag = rig.write(tmp_path / 'bag', restamped(drive(), {'/lidar/points': 1.0}))
    words = ['bag', 'extract', str(bag), '-o', str(tmp_path / 'set')]
    assert cli.main(words) == 2
    assert 'two clocks: /lidar/points arrive 1.000 s before' in capsys.readouterr().err
    assert cli.main([*words, '--points-offset', '-1.000']) == 0
    other = [*words[:-1], str(tmp_path / 'other')]
    assert cli.main([*other, '--max-skew', '3']) == 0
