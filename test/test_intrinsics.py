# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Files of camera_calibration: K and D of raw images, P of rectified ones, and mistakes."""

from __future__ import annotations

import pytest
import yaml

from grin_ros.intrinsics import read_camera_info

K, P = [50.5, 0, 29, 0, 52, 20, 0, 0, 1], [48.0, 0, 30, 0, 0, 49, 21, 0, 0, 0, 1, 0]
GOOD = {
    'image_width': 60,
    'image_height': 40,
    'camera_matrix': {'data': K},
    'distortion_model': 'plumb_bob',
    'distortion_coefficients': {'data': [-0.1, 0.01, 0, 0, 0]},
    'projection_matrix': {'data': P},
}


def read(folder, rectified=False, **changes):
    path = folder / 'cam.yaml'
    path.write_text(yaml.safe_dump(GOOD | changes))
    return read_camera_info(path, rectified)


@pytest.mark.parametrize('matrix', [{'data': P}, {'data': [0.0] * 12}, {}, None])
def test_of_a_rectified_image_p_counts_then_k_and_never_d(tmp_path, matrix):
    camera = read(tmp_path, True, projection_matrix=matrix, distortion_model='wavy')
    expected = (48, 49, 30, 21) if matrix == {'data': P} else (50.5, 52, 29, 20)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == expected
    assert camera.size == (40, 60) and camera.distortion is None
    raw = read(tmp_path, projection_matrix=matrix)
    assert (raw.fx, raw.fy, raw.cx, raw.cy) == (50.5, 52, 29, 20)
    assert list(raw.distortion.coefficients[:2]) == [-0.1, 0.01]


@pytest.mark.parametrize(
    ('changes', 'says'),
    [
        ({'distortion_model': 'wavy'}, "unknown model 'wavy'"),
        ({'distortion_coefficients': {'data': 'x'}}, "float: 'x'"),
        ({'camera_matrix': {'data': [-1, *K[1:]]}}, 'positive'),
        ({'camera_matrix': None}, 'TypeError'),
    ],
)
def test_a_wrong_calibration_names_its_file(tmp_path, changes, says):
    with pytest.raises(ValueError, match=r'cam\.yaml') as error:
        read(tmp_path, **changes)
    assert says in str(error.value)


def test_a_file_of_something_else_says_what_is_missing(tmp_path):
    (tmp_path / 'cam.yaml').write_text('image_width: 3')
    with pytest.raises(ValueError, match=r"cam\.yaml.*KeyError: 'image_height'"):
        read_camera_info(tmp_path / 'cam.yaml')
