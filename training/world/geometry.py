# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Triangles with normals, texture coordinates and materials, and solids made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Geometry:
    """
    A bag of triangles.

    vertices, normals: (V, 3), metres; uv: (V, 2), repeats; faces: (F, 3); material: (F,), index
    """

    vertices: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    material: np.ndarray

    @classmethod
    def join(cls, parts: list[Geometry]) -> Geometry:
        """Put several bags into one."""
        starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
        faces = [part.faces + start for part, start in zip(parts, starts)]
        names = ('vertices', 'normals', 'uv')
        columns = [np.concatenate([getattr(part, name) for part in parts]) for name in names]
        material = np.concatenate([part.material for part in parts])
        return cls(*columns, np.concatenate(faces), material)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner, (3,) each, metres."""
        return self.vertices.min(axis=0), self.vertices.max(axis=0)

    def placed(self, T: np.ndarray, scale: float = 1.0) -> Geometry:
        """Scale, then move by the rigid 4x4 transform T."""
        R = T[:3, :3].astype(np.float32)
        vertices = scale * self.vertices @ R.T + T[:3, 3].astype(np.float32)
        return replace(self, vertices=vertices, normals=self.normals @ R.T)

    def density(self) -> np.ndarray:
        """Return texture repeats per metre of every face, (F,)."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        a, b, c = (self.uv[self.faces[:, i]] for i in range(3))
        (ux, uy), (vx, vy) = (b - a).T, (c - a).T
        return np.sqrt(np.abs(ux * vy - uy * vx) / np.maximum(area, 1e-9)).astype(np.float32)


def standing(x: float, y: float, z: float, yaw: float = 0.0) -> np.ndarray:
    """Return the 4x4 transform of something upright at (x, y, z), turned by yaw about +z."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1.0]])


def box(low, high, material: int) -> Geometry:
    """Return a box between two corners [m] whose texture fills each face once."""
    corners = np.array([low, high], np.float32)
    vertices, normals = [], []
    for axis in range(3):
        for side in (0, 1):
            # The third axis goes up the face, so that pictures on upright faces stand upright.
            right, up = ((1, 2), (0, 2), (0, 1))[axis]
            flip = (axis == 1) == bool(side)
            for i, j in ((0, 1), (1, 1), (1, 0), (0, 0)):
                corner = np.empty(3, np.float32)
                corner[axis] = corners[side, axis]
                corner[right] = corners[1 - i if flip else i, right]
                corner[up] = corners[j, up]
                vertices.append(corner)
                normals.append(np.eye(3, dtype=np.float32)[axis] * (2 * side - 1))
    uv = np.tile(np.float32([[0, 0], [1, 0], [1, 1], [0, 1]]), (6, 1))
    faces = (np.array([[0, 1, 2], [0, 2, 3]]) + 4 * np.arange(6)[:, None, None]).reshape(-1, 3)
    return Geometry(
        np.array(vertices), np.array(normals), uv, faces, np.full(12, material, np.int64)
    )


def cylinder(radius: float, height: float, material: int, top: float = 1.0) -> Geometry:
    """Return an upright cylinder on z = 0, or a cone whose top is `top` times as wide."""
    n = 20
    angle = np.linspace(0, 2 * np.pi, n + 1)
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(n + 1)], axis=1).astype(np.float32)
    lift = np.float32([0, 0, height])
    centre = np.zeros((1, 3), np.float32)
    low, high = ring * radius, ring * radius * top + lift
    vertices = np.concatenate([low, high, low, high, centre, centre + lift])
    up = np.float32([[0, 0, 1]])
    normals = np.concatenate([ring, ring, -up.repeat(n + 1, 0), up.repeat(n + 1, 0), -up, up])
    u = (angle / np.pi)[:, None]
    side = [np.hstack([u, np.full_like(u, v)]) for v in (1, 0)]
    cap = 0.5 + 0.5 * ring[:, :2]
    uv = np.concatenate([*side, cap, cap, np.full((2, 2), 0.5)]).astype(np.float32)
    i = np.arange(n)
    a, b, c, d = i, i + 1, n + 1 + i, n + 2 + i
    m = 2 * (n + 1)
    bottom, lid = np.full(n, 2 * m), np.full(n, 2 * m + 1)
    rows = [(a, b, d), (a, d, c), (m + a, bottom, m + b), (m + c, m + d, lid)]
    faces = np.concatenate([np.stack(row, axis=1) for row in rows])
    return Geometry(vertices, normals, uv, faces, np.full(len(faces), material, np.int64))
