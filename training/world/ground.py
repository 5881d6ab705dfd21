# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Open land: a plane with mounds on it, whose height is known everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
import math

import numpy as np

from .material import Material
from .scene import Frame, Scene

# A mound is the top of an ellipsoid, cut off at this share of its radius: its rim is no cliff.
CUT = 0.5


@dataclass
class Ground:
    """
    The surface that things outside stand on; z = 0 where there is no mound.

    surface: laid out over the ground, across the rims of mounds
    mounds: x, y, yaw, radii (3,) and height of the centre of each one's ellipsoid
    """

    scene: Scene
    surface: Material
    mounds: list = field(default_factory=list)

    def __post_init__(self):
        self.surface = replace(self.surface, world=True)
        self.scene.frame().box(0, 0, -1, 900, 900, 1.0, self.surface)

    def raise_mound(
        self, x, y, wide, deep, high, yaw=0.0, surface: Material | None = None
    ) -> None:
        """
        Raise a mound.

        wide, deep: from its middle to its rim along its own x and y, metres; high: metres
        surface: its own; None: the ground's
        """
        tall = high / (1 - math.sqrt(1 - CUT**2))
        radii = np.array([wide / CUT, deep / CUT, tall])
        self.mounds.append((x, y, yaw, radii, high - tall))
        look = self.surface if surface is None else replace(surface, world=True)
        self.scene.frame(x, y, high - tall, yaw).ellipsoid(0, 0, 0, radii, look)

    def height(self, x, y) -> float:
        """Return the height of the ground at a place, metres."""
        top = 0.0
        for x_0, y_0, yaw, radii, z in self.mounds:
            c, s = math.cos(yaw), math.sin(yaw)
            u = (c * (x - x_0) + s * (y - y_0)) / radii[0]
            v = (c * (y - y_0) - s * (x - x_0)) / radii[1]
            inside = 1 - u * u - v * v
            if inside > 0:
                top = max(top, z + radii[2] * math.sqrt(inside))
        return top

    def at(self, x, y, yaw=0.0, sunk=0.0) -> Frame:
        """Return a place on the ground, upright; sunk: metres below it."""
        return self.scene.frame(x, y, self.height(x, y) - sunk, yaw)
