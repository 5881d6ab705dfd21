# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pictures of a folder as samples without depth, for pre-training."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from grin_ros.camera import Camera

from .sample import Sample

ENDINGS = ('.jpg', '.jpeg', '.png', '.webp', '.bmp')


class ImageFolder:
    """
    The pictures under a folder, read as a sample set is: `len(folder)`, `folder[i]`.

    path: of the folder; folders in it are searched as well
    """

    source, licence = 'a folder of pictures', 'of the pictures'
    domain, depth_kind = 'other', 'synthetic'
    min_depth, max_depth = 0.0, float('inf')

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if not self.path.is_dir():
            raise FileNotFoundError(f'there is no folder {self.path}; name one with pictures')
        self._files = sorted(p for p in self.path.rglob('*') if p.suffix.lower() in ENDINGS)
        # Depth maps and sky masks of sample sets are PNG as well.
        self._files = [p for p in self._files if not p.stem.endswith(('.depth', '.sky'))]
        if not self._files:
            raise ValueError(f'{self.path} holds no picture ({", ".join(ENDINGS)})')
        self.name = self.path.resolve().name
        self.stems = [str(p.relative_to(self.path)) for p in self._files]

    def __len__(self) -> int:
        return len(self._files)

    def files(self) -> list[Path]:
        """List the pictures."""
        return self._files

    def __getitem__(self, i: int) -> Sample:
        image = cv2.imread(str(self._files[i]), cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError(f'{self._files[i]} cannot be decoded; remove it')
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        size = image.shape[:2]
        return Sample(image, np.zeros(size, np.float32), Camera.default(size), self.stems[i])
