# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Scenes of solids, the same as meshes for open3d, and a camera before them."""

from __future__ import annotations

import math

import numpy as np
import open3d as o3d

from grin_ros.training.world.material import Material
from grin_ros.training.world.scene import CONE, ELLIPSOID, Scene, WEDGE
from grin_ros.training.world.viewpoint import Viewpoint

SIZE_HW = (72, 100)  # not a multiple of a tile
GREY = Material(0)


def scattered(seed, kinds, count=40):
    """Put solids of random shape and pose about 6 m in front of the origin, on a floor."""
    rng = np.random.default_rng(seed)
    scene = Scene(rng)
    scene.frame().box(0, 0, -2.0, 30, 30, 0.5, GREY)
    for _ in range(count):
        at = scene.frame(*rng.uniform([-3, 3, -1.5], [3, 9, 2]), rng.uniform(0, 6))
        at = at.tilted('x', rng.normal()).tilted('y', rng.normal())
        half = rng.uniform(0.05, 0.8, 3)
        taper = rng.uniform(0, 0.9, 4)
        kind = rng.choice(kinds)
        if kind == CONE:
            half[1], taper = half[0], (rng.uniform(0.1, 1.5), 0, 0, 0)
        elif kind != WEDGE:
            taper = (0, 0, 0, 0)
        scene.add(kind, at.origin, at.rotation, half, taper, GREY)
    return scene


def mesh_of(scene):
    """Build the same solids from triangles, round ones finely divided."""
    whole = o3d.geometry.TriangleMesh()
    for kind, centre, rotation, half, taper, _ in scene.rows:
        if kind == ELLIPSOID:
            mesh = o3d.geometry.TriangleMesh.create_sphere(1.0, 150)
        elif kind == CONE:
            turn = np.linspace(0, 2 * np.pi, 500, endpoint=False)
            ring = np.stack([np.cos(turn), np.sin(turn), 0 * turn], 1)
            up = np.array([0, 0, 1.0])
            mesh = hull(np.concatenate([ring - up, ring * [taper[0], taper[0], 0] + up]))
        else:
            taper = taper if kind == WEDGE else (0,) * 4
            top = [
                [x, y, 1]
                for x in (1 - taper[0], taper[1] - 1)
                for y in (1 - taper[2], taper[3] - 1)
            ]
            mesh = hull(np.array([[x, y, -1] for x in (-1, 1) for y in (-1, 1)] + top, float))
        vertices = np.asarray(mesh.vertices) * half @ np.asarray(rotation).T + centre
        whole += o3d.geometry.TriangleMesh(o3d.utility.Vector3dVector(vertices), mesh.triangles)
    caster = o3d.t.geometry.RaycastingScene()
    caster.add_triangles(o3d.t.geometry.TriangleMesh.from_legacy(whole))
    return caster


def hull(points):
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    return cloud.compute_convex_hull()[0]


def camera_and_view():
    viewpoint = Viewpoint(np.array([0.3, -1.0, 0.4]), 0.1, -0.15, 0.07, math.radians(70))
    camera = viewpoint.camera(SIZE_HW, np.random.default_rng(3))
    return camera, viewpoint.view(camera, 'cpu')


def rays_of(camera, view):
    """World rays by way of the library's Camera, (H, W, 3) of unit z-depth."""
    rays = camera.rays().permute(1, 2, 0).double()
    return ((rays / rays[..., 2:]) @ view.rotation.double().T).float().numpy()
