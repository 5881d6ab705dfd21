# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""How the time of a point is recognised, and left alone where numbers do not tell."""

from __future__ import annotations

import numpy as np
import pytest
import rig

from grin_ros.training.lidar import parse_time, read_sweep, recognise_time

STAMP = rig.START + 123_456_789
OFFSETS = np.linspace(0, 0.0999, 500)  # seconds
PERIOD = 1e8


def cloud(name, values, stamp=STAMP):
    ones = np.ones(len(values), np.float32)
    return rig.cloud(stamp, {'x': ones, 'y': ones, 'z': ones, name: values})


def clouds(name, of):
    """Three sweeps; of(stamp in nanoseconds) returns the values of their column."""
    stamps = [STAMP + k * int(PERIOD) for k in range(3)]
    return [cloud(name, of(stamp), stamp) for stamp in stamps]


def counted(dtype, unit, shift=0.0):
    return lambda stamp: ((OFFSETS + shift) / unit).astype(dtype)


def on_the_clock(dtype, unit, shift=0.0):
    def of(stamp):
        whole = np.array((stamp + (OFFSETS + shift) * 1e9).round(), np.int64)
        if np.issubdtype(dtype, np.integer):
            return (whole // round(unit * 1e9)).astype(dtype)
        return (whole / (unit * 1e9)).astype(dtype)

    return of


CONVENTIONS = {
    'Ouster': ('t', counted(np.uint32, 1e-9), 'ns', False, 0),
    'Velodyne': ('time', counted(np.float32, 1.0), 's', False, 0),
    'Velodyne, stamped at its end': ('time', counted(np.float32, 1.0, -0.1), 's', False, -0.1),
    'Hesai, RoboSense': ('timestamp', on_the_clock(np.float64, 1.0), 's', True, 0),
    'Livox': ('timestamp', on_the_clock(np.float64, 1e-9), 'ns', True, 0),
    'Livox, counted': ('offset_time', counted(np.uint32, 1e-9), 'ns', False, 0),
    'in microseconds': ('time', counted(np.uint32, 1e-6), 'us', False, 0),
    'a sector, 20 ms long': ('t', lambda s: (OFFSETS * 2e8).astype(np.uint32), 'ns', False, 0),
}


@pytest.mark.parametrize('driver', CONVENTIONS)
def test_conventions_of_drivers(driver):
    name, of, unit, absolute, begin = CONVENTIONS[driver]
    time, note = recognise_time(clouds(name, of), PERIOD)
    assert (time.field, time.unit, time.absolute) == (name, unit, absolute)
    assert name in note and '[' in note
    sweep = read_sweep(clouds(name, of)[1], time)
    length = 0.2 if 'sector' in driver else 1
    want = (OFFSETS * length + begin) * 1e9
    # A double that counts nanoseconds or seconds since 1970 has steps of 256 or 238 ns.
    np.testing.assert_allclose(sweep.offsets, want, atol=2000 if unit == 'us' else 300)
    assert time.first == pytest.approx(want[0], abs=2000)
    assert time.last == pytest.approx(want[-1], abs=2000)


@pytest.mark.parametrize(
    'name, of',
    [
        ('t', lambda stamp: np.zeros(500, np.uint32)),  # a driver that leaves it empty
        ('time', lambda stamp: np.full(500, stamp / 1e9)),  # one time for the sweep
        ('timestamp', on_the_clock(np.float64, 1.0, 1000.0)),  # the sensor's own clock
        ('timestamp', lambda stamp: OFFSETS + 4711.0),  # seconds since it was switched on
        ('t', lambda stamp: np.arange(500, dtype=np.uint32)),  # a number of the point
        ('time', lambda stamp: (stamp / 1e9 + OFFSETS).astype(np.float32)),  # steps of 128 s
    ],
)
def test_what_numbers_do_not_tell_is_left_alone(name, of):
    time, note = recognise_time(clouds(name, of), PERIOD)
    assert time is None
    assert 'not understood' in note and '--point-time' in note


def test_no_field_at_all():
    time, note = recognise_time(clouds('intensity', counted(np.float32, 1.0)), PERIOD)
    assert time is None
    assert note == 'the points carry no time (fields x, y, z, intensity): not deskewed'


def test_sweeps_that_disagree_are_no_evidence():
    mixed = clouds('t', counted(np.uint32, 1e-9))
    mixed[1] = cloud('t', np.zeros(500, np.uint32), STAMP + int(PERIOD))
    assert recognise_time(mixed, PERIOD)[0] is None


def empty(stamp):
    message = cloud('t', np.zeros(1, np.uint32), stamp)
    message.width, message.row_step, message.data = 0, 0, message.data[:0]
    return message


@pytest.mark.parametrize('fields', ['kept', 'none'])
def test_an_empty_sweep_among_others_is_passed_over(fields):
    messages = clouds('t', counted(np.uint32, 1e-9))
    for i in (0, 2):
        messages[i] = empty(STAMP)
        if fields == 'none':
            messages[i].fields = []
    time, _ = recognise_time(messages, PERIOD)
    assert (time.field, time.unit, time.absolute) == ('t', 'ns', False)
    assert time == parse_time('t:ns:stamp', messages)
    assert time.last == pytest.approx(OFFSETS[-1] * 1e9, abs=1)
    for read in (recognise_time, lambda m, _: parse_time('t:ns:stamp', m)):
        with pytest.raises(ValueError, match=r'none of 2 sweeps .*empty: 0 x 1.*--points'):
            read([empty(STAMP), empty(STAMP)], PERIOD)


def test_what_the_user_says_counts():
    messages = clouds('stamp_us', counted(np.uint32, 1e-6))
    assert recognise_time(messages, PERIOD)[0] is None  # no name that is known
    time = parse_time('stamp_us:us:stamp', messages)
    np.testing.assert_allclose(read_sweep(messages[0], time).offsets, OFFSETS * 1e9, atol=1000)
    with pytest.raises(ValueError, match=r"^--point-time.* no field 'tt', they have .*stamp_us"):
        parse_time('tt:us:stamp', messages)
    with pytest.raises(ValueError, match=r"'off' is neither auto nor.*--no-deskew"):
        parse_time('off', messages)


def test_rays_without_a_return_and_the_vehicle_are_left_out():
    x = np.array([0, np.nan, np.inf, 0.3, 0.4, 5, 6], np.float32)
    zero = np.zeros(7, np.float32)
    t = np.array([0, 0, 0, 0, 50e6, 50e6, 2**32 - 1]).astype(np.uint32)
    message = rig.cloud(STAMP, {'x': x, 'y': zero, 'z': zero, 't': t})
    assert read_sweep(message).points[:, 0].tolist() == pytest.approx([0.3, 0.4, 5, 6])
    time = parse_time('t:ns:stamp', clouds('t', counted(np.uint32, 1e-9)))
    sweep = read_sweep(message, time, min_range=0.35)
    assert sweep.points[:, 0].tolist() == pytest.approx([0.4, 5])  # the last has no real time
    assert sweep.offsets.tolist() == [50_000_000] * 2
