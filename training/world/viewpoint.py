# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Cameras as robots and cars carry them."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np

from grin_ros.camera import Camera

from .raycast import View


@dataclass(frozen=True)
class Viewpoint:
    """
    A pose in the world. Zero angles: looking along +y, image upright.

    position: (3,), metres; yaw: radians to the left; pitch: radians upwards; roll: radians
    hfov: horizontal field of view, radians
    """

    position: np.ndarray
    yaw: float
    pitch: float
    roll: float
    hfov: float

    def camera(self, size, rng) -> Camera:
        """Return intrinsics, the principal point slightly off centre and pixels nearly square."""
        height, width = size
        fx = width / 2 / math.tan(self.hfov / 2)
        fx = max(fx, height / 2 / math.tan(math.radians(100) / 2))
        fy = fx * rng.uniform(0.98, 1.02)
        cx = (width - 1) / 2 + rng.normal(0.0, 0.015) * width
        cy = (height - 1) / 2 + rng.normal(0.0, 0.015) * height
        return Camera.from_intrinsics(fx, fy, cx, cy, size)

    def view(self, camera: Camera, device) -> View:
        """Return the pose with these intrinsics for the ray caster."""
        c, s = math.cos(self.pitch), math.sin(self.pitch)
        # Columns: the camera's x (right), y (down) and z (forward) axes in the world.
        level = np.array([[1.0, 0.0, 0.0], [0.0, s, c], [0.0, -c, s]])
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        c, s = math.cos(self.roll), math.sin(self.roll)
        roll = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        return View.of(camera, turn @ level @ roll, self.position, device)


def looking_at(position, target, roll, hfov) -> Viewpoint:
    """Return the viewpoint at a position that has a target in the middle."""
    x, y, z = np.asarray(target) - position
    yaw, pitch = math.atan2(-x, y), math.atan2(z, math.hypot(x, y))
    return Viewpoint(np.asarray(position, float), yaw, pitch, roll, hfov)


def hfov(rng) -> float:
    """Draw a horizontal field of view, radians: mostly a usual lens, now and then a wide one."""
    narrow, usual, any_ = rng.uniform(40, 75), rng.uniform(55, 80), rng.uniform(40, 118)
    return math.radians(rng.choice([narrow, usual, any_]))
