# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Corridors, staircases and halls: where indoor robots spend their time between rooms."""

from __future__ import annotations

import math

import numpy as np

from . import furniture, interior, seat, vehicle
from .hall import hall
from .material import Palette
from .scene import Frame, Scene
from .staircase import staircase
from .viewpoint import hfov, Viewpoint


def corridor(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Build a corridor, a staircase or a hall; returns viewpoints to try, the preferred first."""
    kind = scene.rng.choice([_corridor, staircase, hall], p=[0.45, 0.37, 0.18])
    return kind(scene, palette)


def _corridor(scene: Scene, palette: Palette) -> list[Viewpoint]:
    rng = scene.rng
    width, length, height = rng.uniform(1.3, 3.2), rng.uniform(6, 38), rng.uniform(2.2, 3.2)
    windows = interior.shell(scene, palette, width, length, height)
    interior.light(scene, palette, width, length, height, windows[:1], lamps=0)
    step, bright = rng.uniform(2.0, 5.0), rng.uniform(1.5, 5.0)
    tube, turned = palette.shining(rng.uniform(2, 8)), rng.random() < 0.5
    size = (0.15, 1.2) if turned else (min(1.2, 0.8 * width), 0.3)
    count = max(2, int(length / step))
    tubes = [(0.0, (k + 0.5) * length / count - length / 2, height - 0.06) for k in range(count)]
    for place in tubes:
        scene.frame().box(*place, *size, 0.06, tube)
    interior.shine(scene, tubes, bright * np.ones(3))
    for k in range(2):
        side = scene.frame(yaw=(0.5 - k) * math.pi).moved(y=width / 2, yaw=math.pi)
        for _ in range(rng.integers(0, 2 + int(length / 5))):
            _beside(side.moved(rng.uniform(-0.47, 0.47) * length), palette, width)
    for _ in range(rng.poisson(0.4)):
        x, y = rng.uniform(-0.3, 0.3) * width, rng.uniform(-0.4, 0.4) * length
        vehicle.person(scene.frame(x, y, 0, rng.uniform(0, 2 * math.pi)), palette)
    found = []
    for _ in range(24):
        x, y = rng.uniform(-0.35, 0.35) * width, -rng.uniform(0.0, 0.49) * length
        z = rng.choice([rng.uniform(0.12, 0.6), rng.uniform(0.5, 1.8)])
        yaw = rng.normal(0, 0.25) if rng.random() < 0.75 else rng.uniform(-math.pi, math.pi)
        pitch = rng.normal(-0.06 * z, 0.12)
        found.append(Viewpoint(np.array([x, y, z]), yaw, pitch, rng.normal(0, 0.04), hfov(rng)))
    return found


def _beside(at: Frame, palette, width):
    """Put something against the wall that leaves room to pass."""
    rng = palette.rng
    what = rng.integers(7)
    if what == 0:
        furniture.bin_(at, palette)
    elif what == 1 and width > 1.8:
        furniture.pot_plant(at, palette)
    elif what == 2 and width > 1.8:
        seat.chair(at.moved(y=0.05), palette)
    elif what == 3:
        furniture.cabinet(at, palette, rng.uniform(0.5, 1.2), 0.35, rng.uniform(0.7, 1.9))
    elif what == 4:
        red = palette.pattern('cloud', (0.5, 0.02, 0.02), gloss=0.4)
        at.cylinder(0, 0.12, 0.7, 0.08, 0.45, red)
        at.cylinder(0, 0.12, 1.15, 0.03, 0.08, palette.plain())
    elif what == 5:
        white = palette.plain((0, 0.05), (0.7, 0.95), 0.1)
        for k in range(9):  # a radiator
            at.box(0.1 * (k - 4), 0.08, 0.15, 0.08, 0.08, 0.6, white)
    elif width > 1.7:
        furniture.cartons(at, palette, 1.0, 0.5)
