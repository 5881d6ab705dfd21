# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whose poses and whose extrinsics move the points of a bag, against the formula of a wall."""

from __future__ import annotations

import numpy as np
import pytest
import rig
from rig import extracted, Rig

TOLERANCE = 0.5 / 256 + 1e-4  # metres: how finely depth is stored
IN_BINS = TOLERANCE + rig.SPEED * 0.0005  # a pose per millisecond: half of one


def worst(errors) -> float:
    return max(float(np.abs(error).max()) for error in errors)


@pytest.mark.parametrize('poses, options, seconds', [
    ('none', {}, 0.08), ('tf', {'ego_motion': False}, 0.08), ('tf', {'deskew': False}, 0.0),
])  # fmt: skip
def test_a_sweep_that_is_not_deskewed_lasts_no_less(tmp_path, poses, options, seconds):
    """
    Images 80 ms after the stamps are within sweeps of 90 ms, and nearer to the stamp after.

    Ahead is measured after 45 ms: the points are placed as if at `seconds` after the stamp, which
    without ego-motion is when the image was taken.
    """
    messages = Rig(late=0.08, span=90_000_000, field='t', poses=poses).messages()
    result, _, errors = extracted(tmp_path, messages, max_dt=0.01, **options)
    assert [record['dt'] for record in result.records] == pytest.approx([-0.08] * 5)
    for error in errors:
        assert np.median(error) == pytest.approx(rig.SPEED * (seconds - 0.045), abs=0.02)
    assert any('time of a point: t [ns]' in note for note in result.notes.popitem()[1])


def test_a_matrix_from_a_file_wins_while_the_vehicle_moves(tmp_path):
    """The bag connects the LiDAR as well, wrongly; its path by way of the base is no way out."""
    matrix = np.eye(4)
    matrix[:3, :3] = rig.OPTICAL
    matrix[:3, 3] = rig.OPTICAL @ (np.array(rig.LIDAR) - rig.CAMERA)
    file = tmp_path / 'matrix.yaml'
    file.write_text(f'camera_from_lidar: {matrix.tolist()}')
    wrong = (rig.MOUNTS[0], ('base', 'lidar', (0.5, 0, 0.3), (0, 0, 0, 1)))
    motion = {'late': 0.04, 'span': 90_000_000, 'field': 't', 'poses': 'tf'}
    messages = Rig(mounts=wrong, **motion).messages()
    assert worst(extracted(tmp_path, messages, 'wrong')[2]) > 0.4
    _, _, errors = extracted(tmp_path, messages, 'right', extrinsics=str(file))
    assert worst(errors) < IN_BINS


def odometry(frame, child='base', seconds=0.0):
    """Odometry in another frame, on a clock that is late, so that its poses are told apart."""
    found = []
    for i in range(-10, 70):
        message = rig.odometry(rig.at(i / 100 - seconds), child)
        message.header = rig.header(rig.at(i / 100), frame)
        found.append(('/global', rig.at(i / 100), message))
    return found


def test_odometry_that_is_named_tells_the_fixed_frame(tmp_path):
    messages = Rig(late=0.04, poses='tf').messages() + odometry('map', seconds=1.0)
    for options, fixed, behind in (({}, 'odom', 0), ({'odometry': '/global'}, 'map', 8)):
        result, samples, errors = extracted(tmp_path, messages, fixed, **options)
        assert worst(errors) < TOLERANCE
        notes = result.notes.popitem()[1]
        assert f'ego-motion: compensated through the fixed frame {fixed!r}' in notes
        assert ('poses of the vehicle: /global' in notes) == bool(options)
        moved = rig.SPEED * (samples[2].stamp - rig.START) / 1e9 + rig.CAMERA[0]
        np.testing.assert_allclose(samples[2].pose[0, 3], moved - behind, atol=1e-6)
    with pytest.raises(ValueError, match=r"frame of /global, 'map' is not connected.*--extrin"):
        other = Rig().messages() + odometry('map', child='body')
        extracted(tmp_path, other, 'apart', odometry='/global')


def test_odometry_that_names_no_vehicle_is_said(tmp_path):
    messages = Rig().messages() + odometry('odom', child='')
    notes = extracted(tmp_path, messages)[0].notes.popitem()[1]
    assert any('/global has no usable pose' in note and 'child_frame_id' in note for note in notes)
    with pytest.raises(ValueError, match=r'/global has no usable pose.*leave out --odometry'):
        extracted(tmp_path, messages, 'named', odometry='/global')
