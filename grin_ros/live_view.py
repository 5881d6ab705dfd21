# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Frames in a window of rerun while they come out; needs the extra `rerun-sdk`."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import sys

import numpy as np
import rerun


class LiveView:
    """A viewer that shows every frame it is called with; it stays open until it is closed."""

    def __init__(self) -> None:
        # The folder of `.venv/bin/grin` is in PATH only where the environment was activated.
        folders = [str(Path(sys.executable).parent), os.environ.get('PATH', os.defpath)]
        program = shutil.which('rerun', path=os.pathsep.join(folders))
        if program is None:
            raise FileNotFoundError('rerun has no viewer here; pip install rerun-sdk')
        rerun.init('grin_ros')
        rerun.spawn(executable_path=program)
        rerun.log('camera', rerun.ViewCoordinates.RDF, static=True)

    def __call__(self, frame) -> None:
        """Show a RecordedFrame: the image, its depth over it, the cloud in front of it."""
        rerun.set_time('stamp', timestamp=1e-9 * frame.stamp)
        height, width = frame.depth.shape
        rerun.log('camera/image', rerun.Pinhole(
            image_from_camera=frame.camera.K.numpy(), resolution=[width, height],
            camera_xyz=rerun.ViewCoordinates.RDF,
        ))  # fmt: skip
        rerun.log('camera/image', rerun.Image(frame.image))
        rerun.log('camera/image/depth', rerun.DepthImage(np.nan_to_num(frame.depth), meter=1.0))
        rerun.log('std', rerun.DepthImage(np.nan_to_num(frame.std), meter=1.0))
        known = np.isfinite(frame.points).all(axis=-1)
        cloud = rerun.Points3D(frame.points[known], colors=frame.colours[known])
        rerun.log('camera/points', cloud)
