# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Ray casting of triangles with open3d, and their light: lamps with shadows, ambient occlusion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .atlas import Atlas
from .geometry import Geometry
from .surroundings import scatter, Surroundings

_FAR = 1e4


@dataclass(frozen=True)
class Look:
    """
    How every material appears in one picture.

    texture: (M,), index into the atlas
    metres: (M, 2), width and height of a planar repeat, 0 = the mesh's uv
    tint: (M, 3), linear; gloss: (M,)
    """

    texture: np.ndarray
    metres: np.ndarray
    tint: np.ndarray
    gloss: np.ndarray


@dataclass(frozen=True)
class Lamp:
    """
    A sphere that shines: its light falls as 1 / (distance² + 0.25 m²), its size softens shadows.

    position: (3,), metres; power: (3,), linear RGB; radius: metres
    """

    position: np.ndarray
    power: np.ndarray
    radius: float


@dataclass(frozen=True)
class Hits:
    """
    What N rays meet.

    depth: (N,), in lengths of the direction, inf for nothing; point, normal: (N, 3), normal facing
    the ray's origin; facing: (N,), cosine between them; uv: (N, 2); density: (N,), repeats per
    metre; material: (N,)
    """

    depth: np.ndarray
    point: np.ndarray
    flat: np.ndarray
    normal: np.ndarray
    facing: np.ndarray
    uv: np.ndarray
    density: np.ndarray
    material: np.ndarray


class Casters:
    """
    Triangles ready for rays; several, because a world is built once and its props every time.

    Rays run in one thread: pictures are made in parallel, one process each.
    """

    def __init__(self, *geometries: Geometry):
        self._o3d = import_open3d()
        self._parts = [(g, g.density(), self._build(g)) for g in geometries]

    def with_props(self, geometry: Geometry) -> Casters:
        """Return these triangles and some more; nothing is built twice."""
        more = object.__new__(Casters)
        more._o3d = self._o3d
        more._parts = [*self._parts, (geometry, geometry.density(), self._build(geometry))]
        return more

    def cast(self, origin, direction) -> Hits:
        """Cast N rays; origin: (3,) or (N, 3), direction: (N, 3), of any length."""
        rays = self._rays(origin, direction)
        found = [caster.cast_rays(rays, nthreads=1) for _, _, caster in self._parts]
        depths = np.stack([hit['t_hit'].numpy() for hit in found])
        first, n = depths.argmin(axis=0), len(direction)
        hits = Hits(
            depth=depths.min(axis=0),
            point=np.zeros((n, 3), np.float32),
            flat=np.zeros((n, 3), np.float32),
            normal=np.zeros((n, 3), np.float32),
            facing=np.ones(n, np.float32),
            uv=np.zeros((n, 2), np.float32),
            density=np.ones(n, np.float32),
            material=np.zeros(n, np.int64),
        )
        for k, ((geometry, density, _), hit) in enumerate(zip(self._parts, found)):
            at = np.flatnonzero((first == k) & np.isfinite(hits.depth))
            prim = hit['primitive_ids'].numpy()[at].astype(np.int64)
            bary = hit['primitive_uvs'].numpy()[at]
            weight = np.column_stack([1 - bary[:, 0] - bary[:, 1], bary])
            corners = geometry.faces[prim]
            hits.uv[at] = np.einsum('ijk,ij->ik', geometry.uv[corners], weight)
            hits.normal[at] = np.einsum('ijk,ij->ik', geometry.normals[corners], weight)
            hits.flat[at] = _unit(hit['primitive_normals'].numpy()[at])
            hits.density[at] = density[prim]
            hits.material[at] = geometry.material[prim]
        hits.point[:] = (
            origin + np.where(np.isfinite(hits.depth), hits.depth, 0)[:, None] * direction
        )
        view = _unit(direction)
        hits.flat[:] *= -np.sign(_dot(hits.flat, view))[:, None]
        # Sheets have one normal for both sides, and some meshes none at all.
        hits.normal[:] *= np.where(_dot(hits.normal, hits.flat) < 0, -1, 1)[:, None]
        hits.normal[:] = _unit(hits.normal + 0.05 * hits.flat)
        hits.facing[:] = np.maximum(-_dot(hits.flat, view), 0.05)
        return hits

    def visible(self, origin, target) -> np.ndarray:
        """Say which of N straight ways (N, 3) -> (N, 3) [m] are free, (N,) bool."""
        rays = self._rays(origin, target - origin)
        free = np.ones(len(origin), bool)
        for _, _, caster in self._parts:
            free &= ~caster.test_occlusions(rays, tfar=0.999, nthreads=1).numpy()
        return free

    def clearance(self, point) -> float:
        """Return the distance from a point (3,) to the nearest surface, metres."""
        query = self._o3d.core.Tensor(np.float32([point]))
        return min(
            float(c.compute_distance(query, nthreads=1).numpy()[0]) for *_, c in self._parts
        )

    def _rays(self, origin, direction):
        rays = np.empty((len(direction), 6), np.float32)
        rays[:, :3], rays[:, 3:] = origin, direction
        return self._o3d.core.Tensor(rays)

    def _build(self, geometry):
        caster = self._o3d.t.geometry.RaycastingScene(nthreads=1)
        vertices = np.ascontiguousarray(geometry.vertices, np.float32)
        faces = np.ascontiguousarray(geometry.faces, np.uint32)
        caster.add_triangles(self._o3d.core.Tensor(vertices), self._o3d.core.Tensor(faces))
        return caster


def shade(casters, hits, origin, pixel, atlas: Atlas, look: Look, lamps, ambient, size, rng):
    """
    Compute the light that every ray brings back.

    hits: of the H * W rays of a picture; origin: (3,), metres; pixel: angle of one, radians
    ambient: (3,), linear; size: (H, W)
    returns: (H, W, 3) float32, linear RGB; 0 where nothing was hit
    """
    seen = np.isfinite(hits.depth)
    albedo = _albedo(hits, pixel, atlas, look)
    start = hits.point + hits.flat * (2e-3 + 1e-3 * np.where(seen, hits.depth, 0))[:, None]
    around = Surroundings(hits.point, hits.flat, hits.depth, size)
    light = ambient * _openness(casters, hits, start, around, rng)[:, None]
    # A ceiling or floor lit by the rest of the room: ambient light has a direction.
    light = light * (0.85 + 0.15 * hits.normal[:, 2:])
    view = _unit(origin - hits.point)
    shine = np.zeros_like(light)
    for lamp in lamps:
        centre = lamp.position.astype(np.float32)
        way = centre - start
        far = np.sqrt(_dot(way, way))
        way = way / far[:, None]
        facing = np.maximum(_dot(hits.normal, way), 0)
        # Only shadows see how large the lamp is: every pixel looks for another spot on it.
        spot = centre + scatter(rng, 4, size) * lamp.radius
        free = around.mean4(casters.visible(start, spot).astype(np.float32))
        arriving = (free / (far**2 + 0.25))[:, None] * lamp.power.astype(np.float32)
        light = light + facing[:, None] * arriving
        half = np.maximum(_dot(_unit(way + view), hits.normal), 0)
        shine += (half**40)[:, None] * arriving
    radiance = albedo * light + look.gloss[hits.material][:, None] * shine
    return np.where(seen[:, None], radiance, 0).reshape(*size, 3).astype(np.float32)


def _albedo(hits, pixel, atlas, look):
    texture, metres = look.texture[hits.material], look.metres[hits.material]
    planar = metres[:, 0] > 0
    # Seen along the axis that the face looks at most; upright faces keep textures upright.
    axis = np.abs(hits.flat).argmax(axis=1)
    u = np.where(axis == 0, hits.point[:, 1], hits.point[:, 0])
    v = np.where(axis == 2, hits.point[:, 1], -hits.point[:, 2])
    scale = np.where(planar[:, None], 1 / np.maximum(metres, 1e-3), 0).astype(np.float32)
    uv = np.where(planar[:, None], np.stack([u, v], axis=1) * scale, hits.uv)
    density = np.where(planar, np.sqrt(scale.prod(axis=1)), hits.density)
    depth = np.where(np.isfinite(hits.depth), hits.depth, 1)
    footprint = density * depth * pixel / np.sqrt(hits.facing)
    return atlas.sample(texture, uv, footprint) * look.tint[hits.material]


def _openness(casters, hits, start, around, rng, reach=0.8):
    """Return the share of free sky above every point within reach [m], (N,)."""
    # A direction each, and those of 8 x 8 neighbours make up the hemisphere, cosine-weighted.
    way = _unit(hits.normal + 0.99 * scatter(rng, 8, around.size))
    free = casters.visible(start, start + way * np.float32(reach))
    return 0.15 + 0.85 * around.mean8(free.astype(np.float32))


def _dot(a, b):
    return np.einsum('ij,ij->i', a, b)


def _unit(vectors):
    return vectors / np.maximum(np.sqrt(_dot(vectors, vectors)), 1e-9)[:, None]


def import_open3d():
    """Import open3d, or say which system libraries it lacks."""
    try:
        import open3d
    except (ImportError, OSError) as error:
        raise OSError(
            f'mesh worlds need open3d, which cannot be imported ({error}); '
            'apt-get install libusb-1.0-0 libegl1 libgl1 libx11-6'
        ) from None
    return open3d
