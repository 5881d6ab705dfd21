# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Sun, sky and haze above the worlds outside."""

from __future__ import annotations

import math

import numpy as np

from .material import colour
from .scene import Scene, Sky


def weather(scene: Scene) -> None:
    """Set sun, sky and haze: clear, overcast or dusk."""
    rng = scene.rng
    turn, cover = rng.uniform(0, 2 * math.pi), rng.choice([0.0, 0.3, 0.5, 0.7, 1.0])
    up = math.radians(rng.uniform(8, 65))
    sun = np.array([math.cos(turn) * math.cos(up), math.sin(turn) * math.cos(up), math.sin(up)])
    warm = np.array([1.0, 0.75 + 0.2 * min(up, 1.0), 0.45 + 0.45 * min(up, 1.0)])
    blue = np.array(colour(rng, (0.56, 0.62), (0.35, 0.75), (0.75, 0.95)))
    grey = np.array(colour(rng, (0.5, 0.65), (0.0, 0.12), (0.75, 0.98)))
    zenith = blue * (1 - cover) + grey * cover
    horizon = 0.55 * zenith + 0.45 * grey
    strength = rng.uniform(1.5, 4.0) * (1 - cover) ** 0.5 if cover < 0.9 else 0.0
    if rng.random() < 0.1:
        zenith, horizon, strength = 0.12 * zenith, 0.3 * horizon * warm, 0.1 * strength
    haze = 1 / rng.uniform(250, 2500) if rng.random() < 0.85 else 1 / rng.uniform(80, 250)
    scene.sky = Sky(sun, warm * strength, zenith, horizon, 0.12 * horizon, haze, cover)
