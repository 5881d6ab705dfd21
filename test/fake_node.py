# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The real node around a model that is known exactly, for the tests of the node.

Depth is the red channel in decimetres; a black pixel is unknown. A checkpoint is a text file with
the seconds that it takes to load and a factor for the depth. FAKE_SECONDS is how long the model
takes, FAKE_STEP how long its steps are, FAKE_MIB its size; each inference leaves a line in the
file FAKE_LOG when it begins.
"""

from __future__ import annotations

import os
from pathlib import Path
import sys
import time

import numpy as np
import torch

from grin_ros.camera import Camera
from grin_ros.checkpoint import ModelConfig
from grin_ros.pipeline import Prediction
from grin_ros.ros.depth_node import main


class FakePipeline:
    steps, config = 1, ModelConfig()

    def __init__(self, path, device):
        self.checkpoint, self.device = path or Path('shipped'), torch.device(device)
        print('loading', flush=True)
        self.factor = 1.0
        self.weights = torch.ones(int(os.environ.get('FAKE_MIB', '0')) * 2**18)
        if path and not Path(path).is_file():
            raise FileNotFoundError(f'there is no checkpoint {path}; give a .safetensors')
        if path:
            seconds, self.factor = map(float, Path(path).read_text().split())
            time.sleep(seconds)

    def infer_batch(self, images, cameras, **options):
        with open(os.environ['FAKE_LOG'] + '.batches', 'a') as log:
            print(len(images), file=log)
        return [self.infer(*one, **options) for one in zip(images, cameras)]

    def infer(self, image, camera, *, stride, steps, samples, full_size, seed, on_step):
        camera = camera or Camera.default(image.shape[:2])
        with open(os.environ['FAKE_LOG'], 'a') as log:
            print(
                *image.shape, stride, steps, samples, full_size, seed, float(camera.fx), file=log
            )
        end = time.monotonic() + float(os.environ.get('FAKE_SECONDS', '0'))
        while on_step is not None and time.monotonic() < end:  # not when it warms up
            time.sleep(float(os.environ.get('FAKE_STEP', '0.05')))
            on_step()
        if not full_size:
            image = image[::stride, ::stride]
            camera = camera.resize(image.shape[:2])
        depth = self.factor * image[..., 0].astype(np.float32) / 10
        valid = depth > 0
        std = (samples - 1) * image[..., 1].astype(np.float32) / 100
        return Prediction(np.where(valid, depth, np.float32(np.nan)), std, valid, camera)


if __name__ == '__main__':
    sys.exit(main(load=FakePipeline))
