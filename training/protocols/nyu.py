# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
NYU Depth v2, the 654 labelled test images with raw depth, after Eigen et al. 2014.

Layout: `nyu_depth_v2_labeled.mat` and `splits.mat` as published, or what the script of BTS
(Lee et al. 2019) makes of them, `official_splits/test/<scene>/{rgb_*.jpg,sync_depth_*.png}`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from grin_ros.camera import Camera

from ..sample import Sample
from .protocol import eigen_crop, ProtocolSet, read_image, read_values

# camera_params.m of the toolbox: the depth is registered to this colour camera.
K = (518.857901, 519.469611, 325.582449, 253.736166)
LABELLED, SPLITS = 'nyu_depth_v2_labeled.mat', 'splits.mat'


def load(root: Path) -> list[ProtocolSet]:
    """Find the test images, in either form."""
    frames = _labelled(root) if (root / LABELLED).is_file() else _extracted(root)
    return [ProtocolSet(root, 'nyu', 'indoor', (1e-3, 10), frames, 654, eigen_crop)]


def _labelled(root: Path):
    try:
        import h5py
        from scipy.io import loadmat
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'{LABELLED} needs h5py and scipy, and {error.name} is missing; '
            f'pip install {error.name}'
        ) from error
    if not (root / SPLITS).is_file():
        raise FileNotFoundError(f'{root / SPLITS} is missing; it says which images are for tests')
    data = h5py.File(root / LABELLED)
    test = loadmat(root / SPLITS)['testNdxs'].ravel()  # counted from 1
    return [(f'{i - 1:05d}', partial(_from_labelled, data, i - 1)) for i in map(int, test)]


def _from_labelled(data, i: int) -> Sample:
    # MATLAB's (480, 640, 3, N) comes out of HDF5 as (N, 3, 640, 480).
    image = np.ascontiguousarray(data['images'][i].transpose(2, 1, 0))
    depth = np.ascontiguousarray(data['rawDepths'][i].T, np.float32)
    return Sample(image, depth, Camera.from_intrinsics(*K, depth.shape), f'{i:05d}')


def _extracted(root: Path):
    folders = ('official_splits/test', 'test', '')
    folder = next((root / f for f in folders if any((root / f).glob('*/rgb_*.jpg'))), root)
    return [
        (f'{image.parent.name}_{image.stem[4:]}', partial(_from_files, image))
        for image in sorted(folder.glob('*/rgb_*.jpg'))
    ]


def _from_files(image: Path) -> Sample:
    pixels = read_image(image)
    depth = read_values(image.with_name(f'sync_depth_{image.stem[4:]}.png')) / np.float32(1000)
    stem = f'{image.parent.name}_{image.stem[4:]}'
    return Sample(pixels, depth, Camera.from_intrinsics(*K, depth.shape), stem)
