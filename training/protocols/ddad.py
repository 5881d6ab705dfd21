# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
DDAD (Guizilini et al. 2020), all six cameras of its 50 validation scenes.

Layout: `ddad_train_val/` as distributed: `ddad.json` and per scene `scene_*.json`,
`calibration/*.json`, `rgb/CAMERA_*/*.png`, `point_cloud/LIDAR/*.npz`.
"""

from __future__ import annotations

from functools import partial
import json
from pathlib import Path

import numpy as np

from grin_ros.camera import Camera

from ..sample import Sample
from ..tf import inverse, matrices
from .lidar import depth_image
from .protocol import ProtocolSet, read_image

CAMERAS = tuple(f'CAMERA_0{i}' for i in (1, 5, 6, 7, 8, 9))
VALIDATION = '1'  # number of the split in DGP's files


def load(root: Path) -> list[ProtocolSet]:
    """Find the key frames of the validation scenes."""
    root = root / 'ddad_train_val' if (root / 'ddad_train_val').is_dir() else root
    index = root / 'ddad.json'
    if not index.is_file():
        raise FileNotFoundError(f'{index} is missing; name the folder that holds ddad.json')
    scenes = json.loads(index.read_text())['scene_splits'][VALIDATION]['filenames']
    frames = [frame for scene in scenes for frame in _scene(root / scene)]
    return [ProtocolSet(root, 'ddad', 'outdoor', (1e-3, 200), frames, 23700)]


def _scene(path: Path):
    scene, folder = json.loads(path.read_text()), path.parent
    data = {datum['key']: datum for datum in scene['data']}
    for sample in scene['samples']:
        named = {data[key]['id']['name']: data[key]['datum'] for key in sample['datum_keys']}
        calibration = folder / 'calibration' / f'{sample["calibration_key"]}.json'
        for name in CAMERAS:
            if name in named and 'LIDAR' in named:
                image, lidar = named[name]['image'], named['LIDAR']['point_cloud']
                stem = f'{folder.name}_{name}_{Path(image["filename"]).stem}'
                yield stem, partial(_read, stem, folder, name, image, lidar, calibration)


def _read(stem: str, folder: Path, name: str, image, lidar, calibration: Path) -> Sample:
    pixels = read_image(folder / image['filename'])
    known = json.loads(calibration.read_text())
    K = known['intrinsics'][known['names'].index(name)]
    camera = Camera.from_intrinsics(K['fx'], K['fy'], K['cx'], K['cy'], pixels.shape[:2])
    points = np.load(folder / lidar['filename'])['data'][:, :3]
    T = inverse(_pose(image['pose'])) @ _pose(lidar['pose'])
    depth = depth_image(points @ T[:3, :3].T + T[:3, 3], camera)
    return Sample(pixels, depth, camera, stem)


def _pose(pose) -> np.ndarray:
    """Return world from sensor, (4, 4)."""
    translation = [[pose['translation'][axis] for axis in 'xyz']]
    quaternion = [[pose['rotation'][f'q{axis}'] for axis in 'xyzw']]
    return matrices(np.array(translation), np.array(quaternion))[0]
