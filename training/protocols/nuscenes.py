# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
nuScenes (Caesar et al. 2020), all six cameras at the key frames of its 150 validation scenes.

Layout: `v1.0-trainval/*.json`, `samples/CAM_*/*.jpg`, `samples/LIDAR_TOP/*.pcd.bin`. Points go
through the vehicle's poses at both stamps, and those nearer than 1 m, on the vehicle itself, are
left out, as in the devkit.
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
from .protocol import numbers, ProtocolSet, read_image

VALIDATION = (
    '3 12-18 35-36 38-39 92-110 221 268-278 329-332 344-346 519-524 552-565 625-627 629-630 '
    '632-638 770-771 775 777-778 780-784 794-800 802 904-917 919-931 962-963 966-969 971-972 '
    '1059-1073'
)
CAMERAS = ('FRONT', 'FRONT_RIGHT', 'BACK_RIGHT', 'BACK', 'BACK_LEFT', 'FRONT_LEFT')


def load(root: Path) -> list[ProtocolSet]:
    """Find the key frames of the validation scenes."""
    tables = {
        name: {row['token']: row for row in _table(root, name)}
        for name in ('scene', 'sample', 'sensor', 'calibrated_sensor', 'ego_pose')
    }
    names = {f'scene-{number:04d}' for number in numbers(VALIDATION)}
    chosen = {token for token, scene in tables['scene'].items() if scene['name'] in names}
    keys: dict[str, dict[str, dict]] = {}  # sample -> channel -> its data
    for row in _table(root, 'sample_data'):
        sample = tables['sample'].get(row['sample_token'])
        if row['is_key_frame'] and sample and sample['scene_token'] in chosen:
            mount = tables['calibrated_sensor'][row['calibrated_sensor_token']]
            channel = tables['sensor'][mount['sensor_token']]['channel']
            where = {'file': row['filename'], 'mount': mount}
            where['vehicle'] = tables['ego_pose'][row['ego_pose_token']]
            keys.setdefault(row['sample_token'], {})[channel] = where
    frames = []
    for token in sorted(keys, key=lambda t: tables['sample'][t]['timestamp']):
        for name in CAMERAS:
            image, lidar = (keys[token].get(n) for n in (f'CAM_{name}', 'LIDAR_TOP'))
            if image and lidar and (root / image['file']).is_file():
                stem = Path(image['file']).stem
                frames.append((stem, partial(_read, stem, root, image, lidar)))
    return [ProtocolSet(root, 'nuscenes', 'outdoor', (1e-3, 200), frames, 36114)]


def _table(root: Path, name: str) -> list[dict]:
    path = root / 'v1.0-trainval' / f'{name}.json'
    if not path.is_file():
        raise FileNotFoundError(f'{path} is missing; name the folder that holds v1.0-trainval/')
    return json.loads(path.read_text())


def _read(stem: str, root: Path, image: dict, lidar: dict) -> Sample:
    pixels = read_image(root / image['file'])
    K = image['mount']['camera_intrinsic']
    camera = Camera.from_intrinsics(K[0][0], K[1][1], K[0][2], K[1][2], pixels.shape[:2])
    points = np.fromfile(root / lidar['file'], np.float32).reshape(-1, 5)[:, :3]
    T = inverse(_world(image)) @ _world(lidar)
    depth = depth_image(points @ T[:3, :3].T + T[:3, 3], camera, nearest=1.0)
    return Sample(pixels, depth, camera, stem)


def _world(sensor: dict) -> np.ndarray:
    """Return world from sensor, (4, 4)."""
    vehicle, mount = (_pose(sensor[name]) for name in ('vehicle', 'mount'))
    return vehicle @ mount


def _pose(row: dict) -> np.ndarray:
    w, *xyz = row['rotation']
    return matrices(np.array([row['translation']]), np.array([[*xyz, w]]))[0]
