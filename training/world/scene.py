# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A scene: solids with materials, lamps, sun and sky, collected on the CPU in plain lists."""

from __future__ import annotations

from dataclasses import dataclass, field
import math

import numpy as np

from .material import Material

BOX, WEDGE, ELLIPSOID, CONE = range(4)


def yaw_matrix(yaw: float) -> np.ndarray:
    """Rotation by yaw, radians, about +z."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def tilt_matrix(axis: str, angle: float) -> np.ndarray:
    """Rotation by an angle, radians, about 'x' or 'y'."""
    c, s = math.cos(angle), math.sin(angle)
    if axis == 'x':
        return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


@dataclass
class Lamp:
    """
    A small area light.

    position: (3,), metres; colour: (3,), radiant intensity; radius: metres, softens its shadow
    aim: (3,), unit vector, of a flat light such as a window; None: it shines all around
    """

    position: np.ndarray
    colour: np.ndarray
    radius: float
    shadow: bool = True
    aim: np.ndarray | None = None


@dataclass
class Sky:
    """
    Light that comes from outside and the air between.

    sun: (3,), unit vector to the sun; sun_colour, zenith, horizon: (3,), linear radiance
    ambient: (3,), light from nowhere in particular (bounces); haze: 1/metres; clouds: 0 to 1
    """

    sun: np.ndarray
    sun_colour: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    ambient: np.ndarray
    haze: float = 0.0
    clouds: float = 0.0


@dataclass
class Scene:
    """
    Solids in metres, z up. Each solid is a unit shape under a rigid motion and a scale.

    rows: one tuple (kind, centre, rotation, half size, taper, material) per solid
    """

    rng: np.random.Generator
    rows: list = field(default_factory=list)
    materials: list[Material] = field(default_factory=list)
    lamps: list[Lamp] = field(default_factory=list)
    sky: Sky | None = None

    def add(self, kind, centre, rotation, half, taper, material: Material) -> None:
        """Append one solid; half: (3,) metres, taper: (4,) see `Frame.wedge`."""
        self.rows.append((kind, centre, rotation, half, taper, len(self.materials)))
        self.materials.append(material)

    def frame(self, x=0.0, y=0.0, z=0.0, yaw=0.0) -> Frame:
        """Return a place to build at, in world coordinates."""
        return Frame(self, np.array([x, y, z]), yaw_matrix(yaw))

    def arrays(self) -> dict[str, np.ndarray]:
        """
        Stack the solids.

        returns: kind (N,), centre (N, 3), rotation (N, 3, 3), half (N, 3), taper (N, 4)
        """
        kind, centre, rotation, half, taper, _ = zip(*self.rows)
        return {
            'kind': np.array(kind),
            'centre': np.array(centre, np.float64),
            'rotation': np.array(rotation, np.float64),
            'half': np.maximum(np.array(half, np.float64), 1e-4),
            'taper': np.array(taper, np.float64),
        }

    def clearance(self, point: np.ndarray) -> float:
        """
        Lower bound of the distance from a point to the nearest solid.

        To its bounding box; above a flat ellipsoid, such as a mound, one may stand in that.

        point: (3,), metres; returns: metres, 0 inside
        """
        solids = self.arrays()
        half = solids['half']
        local = np.einsum('nji,nj->ni', solids['rotation'], point - solids['centre'])
        outside = np.maximum(np.abs(local) - half, 0.0)
        distance = np.sqrt((outside**2).sum(1))
        # The unit sphere's distance, in the unit of the shortest half axis.
        beyond = (np.sqrt(((local / half) ** 2).sum(1)) - 1) * half.min(1)
        is_round = solids['kind'] == ELLIPSOID
        return float(np.where(is_round, np.maximum(distance, beyond), distance).min())


@dataclass
class Frame:
    """
    A local coordinate frame to build furniture in; solids stand on their given point.

    origin: (3,), metres; rotation: (3, 3), world from local
    """

    scene: Scene
    origin: np.ndarray
    rotation: np.ndarray

    def moved(self, x=0.0, y=0.0, z=0.0, yaw=0.0) -> Frame:
        """Return a frame at a local offset, turned by yaw."""
        origin = self.origin + self.rotation @ np.array([x, y, z])
        return Frame(self.scene, origin, self.rotation @ yaw_matrix(yaw))

    def tilted(self, axis: str, angle: float) -> Frame:
        """Return the frame tilted about its own x or y axis, radians."""
        return Frame(self.scene, self.origin, self.rotation @ tilt_matrix(axis, angle))

    def world(self, x=0.0, y=0.0, z=0.0) -> np.ndarray:
        """Return a local point in world coordinates, (3,)."""
        return self.origin + self.rotation @ np.array([x, y, z])

    def _add(self, kind, x, y, z, half, taper, material):
        self.scene.add(kind, self.world(x, y, z), self.rotation, half, taper, material)

    def box(self, x, y, z, width, depth, height, material) -> None:
        """Add a box whose bottom face is centred at (x, y, z)."""
        half = (width / 2, depth / 2, height / 2)
        self._add(BOX, x, y, z + height / 2, half, (0.0, 0.0, 0.0, 0.0), material)

    def wedge(self, x, y, z, width, depth, height, taper, material) -> None:
        """
        Add a box with sloping sides.

        taper: how far the top edges of the +x, -x, +y, -y sides move in; 1: to the middle
        """
        half = (width / 2, depth / 2, height / 2)
        self._add(WEDGE, x, y, z + height / 2, half, taper, material)

    def cylinder(self, x, y, z, radius, height, material, top=1.0) -> None:
        """Add an upright cylinder or cone; top: radius of its upper end over the lower."""
        half = (radius, radius, height / 2)
        self._add(CONE, x, y, z + height / 2, half, (top, 0.0, 0.0, 0.0), material)

    def ellipsoid(self, x, y, z, radii, material) -> None:
        """Add an ellipsoid centred at (x, y, z)."""
        self._add(ELLIPSOID, x, y, z, radii, (0.0, 0.0, 0.0, 0.0), material)
