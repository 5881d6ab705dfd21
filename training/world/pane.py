# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Glass and mirrors: pictures whose depth has two answers, the pane and what is seen in it.

A framed pane stands upright before the camera. Sensors disagree about such pixels: some measure
the pane, others what is behind the glass or in the mirror. Both are labels here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..sample import Sample
from .drive import around

FRAME = 0.04  # metres, width of the frame
TINT = {'glass': (0.8, (0.35, 0.5, 0.48)), 'mirror': (0.9, (0.6, 0.62, 0.65))}


@dataclass(frozen=True)
class Pane:
    """
    A picture with a pane in it.

    sample: with the pane's own depth
    beyond: (H, W) float32, metres, with the depth of what is seen in the pane
    where: (H, W) bool, the pixels where the two differ; none if all of the room is nearer
    """

    sample: Sample
    beyond: np.ndarray
    where: np.ndarray


def pane(kind: str, seed: int, size: tuple[int, int] = (96, 128)) -> Pane:
    """
    Build a room from a seed, and put a pane of glass or a mirror into it.

    kind: 'glass' or 'mirror'
    """
    if kind not in TINT:
        raise ValueError(f'unknown pane {kind!r}; choose glass or mirror')
    rng = np.random.default_rng([seed, list(TINT).index(kind)])
    distance = float(rng.uniform(0.7, 1.1))
    plain, virtual = around('room', seed, [np.eye(4), mirrored(distance)], size)
    image, beyond = plain.image, plain.depth
    if kind == 'mirror':
        # The mirrored camera sees left what the mirror shows on the right.
        u = np.rint(2 * float(plain.camera.cx) - np.arange(size[1])).astype(int)
        u = u.clip(0, size[1] - 1)
        image, beyond = virtual.image[:, u], virtual.depth[:, u]
    inside, edge = _rectangle(plain, distance, rng)
    free = (plain.depth > distance) | (plain.depth <= 0)  # what is nearer stands before it
    where = inside & free & (beyond > distance)
    share, tint = TINT[kind]
    seen = share * image + (1 - share) * 255 * np.array(tint)
    picture = np.where(where[..., None], seen, plain.image)
    frame = (edge | inside) & free & ~where
    picture = np.where(frame[..., None], rng.integers(20, 90, 3), picture).astype(np.uint8)
    near = np.where(where | frame, distance, plain.depth).astype(np.float32)
    far = np.where(where, beyond, near).astype(np.float32)
    stem = f'{kind}_{seed:07d}'
    return Pane(Sample(picture, near, plain.camera, stem), far, where)


def mirrored(distance: float) -> np.ndarray:
    """Return camera_T_mirrored, (4, 4), of a camera before a mirror at so many metres."""
    pose = np.diag([-1.0, 1.0, -1.0, 1.0])
    pose[2, 3] = 2 * distance
    return pose


def _rectangle(
    sample: Sample, distance: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels (H, W) of a pane at a distance, and those of its frame."""
    camera, (height, width) = sample.camera, sample.depth.shape
    x = (np.arange(width) - float(camera.cx)) / float(camera.fx) * distance
    y = (np.arange(height) - float(camera.cy)) / float(camera.fy) * distance
    centre = rng.uniform(0.3, 0.7) * (x[-1] - x[0]) + x[0]
    half = rng.uniform(0.2, 0.3) * (x[-1] - x[0])
    top, bottom = y[0] + rng.uniform(0.1, 0.25) * np.ptp(y), y[-1] - 0.15 * np.ptp(y)

    def box(margin: float) -> np.ndarray:
        across = np.abs(x - centre) <= half + margin
        down = (y >= top - margin) & (y <= bottom + margin)
        return down[:, None] & across[None]

    inside = box(0.0)
    return inside, box(max(FRAME, 1.5 * distance / float(camera.fx))) & ~inside
