# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
KITTI, test frames of Eigen et al. 2014 with the improved ground truth of Uhrig et al. 2017.

Layout: the raw recordings `<date>/<drive>_sync/image_02/data/*.png` with
`<date>/calib_cam_to_cam.txt`, and the annotated depth
`{train,val}/<drive>_sync/proj_depth/groundtruth/image_02/*.png` in data_depth_annotated/ or
beside them; either may lie in a folder raw/ or gts/. Of Eigen's 697 frames 652 have this ground
truth; they are what figures since 2018 mean.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from grin_ros.camera import Camera

from ..sample import Sample
from .protocol import garg_crop, numbers, ProtocolSet, read_image, read_values

# Drive -> frames: mostly 25 of each, at even distances but for gaps.
EIGEN = {
    '2011_09_26_drive_0002': '0-63/3 69-75/3',
    '2011_09_26_drive_0009': '0-176/16 196-388/16',
    '2011_09_26_drive_0013': '0-10/5 20 30-50/5 60-70/5 80-140/5',
    '2011_09_26_drive_0020': '0-21/3 27 33-36/3 42-78/3 84',
    '2011_09_26_drive_0023': '18-216/18 252-468/18',
    '2011_09_26_drive_0027': '0-98/7 112-147/7 161-182/7',
    '2011_09_26_drive_0029': '0-196/14 268 296-408/14',
    '2011_09_26_drive_0036': '0-704/32 768-800/32',
    '2011_09_26_drive_0046': '0-120/5',
    '2011_09_26_drive_0048': '0-21',
    '2011_09_26_drive_0052': '0-22/2 26-32/2 36-52/2',
    '2011_09_26_drive_0056': '11-121/11 143-286/11',
    '2011_09_26_drive_0059': '0-154/14 182-238/14 274-372/14',
    '2011_09_26_drive_0064': '0-110/22 154-550/22',
    '2011_09_26_drive_0084': '49-153/13 179-374/13',
    '2011_09_26_drive_0086': '7-520/27 574-682/27',
    '2011_09_26_drive_0093': '0-256/16 305-417/16',
    '2011_09_26_drive_0096': '0-456/19',
    '2011_09_26_drive_0101': '80-216/34 284-930/34',
    '2011_09_26_drive_0106': '15 35-219/8',
    '2011_09_26_drive_0117': '0-494/26 546-650/26',
    '2011_09_28_drive_0002': '0-12/3 18-24/3 30-39/3 45-63/3 72 78-90/3',
    '2011_09_29_drive_0071': '0-612/36 735-807/36 879-951/36 1054',
    '2011_09_30_drive_0016': '0-88/11 110-275/11',
    '2011_09_30_drive_0018': '0-214/107 428-2247/107 2419-2740/107',
    '2011_09_30_drive_0027': '0-656/41 753-958/41 1040-1081/41',
    '2011_10_03_drive_0027': '0-543/181 734-2001/181 2363-4535/181',
    '2011_10_03_drive_0047': '0-224/32 288-800/32',
}
RAW = ('', 'raw', 'raw_data')
ANNOTATED = (
    *(f'{folder}{part}' for folder in ('data_depth_annotated/', '') for part in ('train', 'val')),
    'gts',
    'data_depth_annotated',
    '',
)


def load(root: Path) -> list[ProtocolSet]:
    """Find those of Eigen's frames that have a picture and ground truth."""
    frames = []
    for drive, which in EIGEN.items():
        date = drive[:10]
        for number in numbers(which):
            inside = f'image_02/data/{number:010d}.png'
            image = _first(root, RAW, f'{date}/{drive}_sync/{inside}')
            inside = f'proj_depth/groundtruth/image_02/{number:010d}.png'
            truth = _first(root, ANNOTATED, f'{drive}_sync/{inside}')
            if image and truth:
                calibration = image.parents[3] / 'calib_cam_to_cam.txt'
                stem = f'{drive}_{number:010d}'
                frames.append((stem, partial(_read, stem, image, truth, calibration)))
    return [ProtocolSet(root, 'kitti_eigen', 'outdoor', (1e-3, 80), frames, 652, garg_crop)]


def _first(root: Path, folders, inside: str) -> Path | None:
    """Return the file in the first folder that has it."""
    return next((p for f in folders if (p := root / f / inside).is_file()), None)


def _read(stem: str, image: Path, truth: Path, calibration: Path) -> Sample:
    pixels = read_image(image)
    depth = read_values(truth).astype(np.float32) / 256
    lines = calibration.read_text().splitlines()
    row = next((line for line in lines if line.startswith('P_rect_02:')), None)
    if row is None:
        raise ValueError(f'{calibration} has no P_rect_02; download the calibration again')
    P = [float(value) for value in row.split()[1:]]
    camera = Camera.from_intrinsics(P[0], P[5], P[2], P[6], pixels.shape[:2])
    return Sample(pixels, depth, camera, stem)
