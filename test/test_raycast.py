# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The ray caster against open3d on the same solids as meshes, and against closed forms."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import open3d as o3d
import pytest
from solid_scenes import camera_and_view, GREY, mesh_of, rays_of, scattered, SIZE_HW
import torch

from grin_ros.camera import Camera
from grin_ros.training.world.material import Palette
from grin_ros.training.world.raycast import cast, from_tiles, probe, Solids
from grin_ros.training.world.room import room
from grin_ros.training.world.scene import BOX, CONE, ELLIPSOID, Scene, WEDGE
from grin_ros.training.world.shadow import blocked
from grin_ros.training.world.solids import ENTRY_AND_EXIT, normal
from grin_ros.training.world.texture import texture_bank
from grin_ros.training.world.viewpoint import looking_at, Viewpoint

pytestmark = pytest.mark.usefixtures('one_thread')  # many small operations


@pytest.mark.parametrize(
    'kinds, tolerance', [([BOX], 1e-5), ([WEDGE], 1e-5), ([CONE], 3e-3), ([ELLIPSOID], 3e-3)]
)
def test_depth_is_what_open3d_finds_on_the_same_solids_as_meshes(kinds, tolerance):
    scene = scattered(5, kinds)
    camera, view = camera_and_view()
    depth, solid = cast(Solids.of(scene, 'cpu'), view)
    depth = from_tiles(depth[:, None], view)[0].numpy()
    rays = rays_of(camera, view)
    rays = np.concatenate([np.broadcast_to(view.position.numpy(), rays.shape), rays], -1)
    truth = mesh_of(scene).cast_rays(o3d.core.Tensor(rays))
    expected = truth['t_hit'].numpy()
    assert 0.3 < np.isfinite(expected).mean() < 1.0
    close = np.isclose(depth, expected, rtol=tolerance, atol=tolerance)
    # Only silhouettes may differ, where the two round differently.
    assert close.mean() > (0.9995 if tolerance < 1e-3 else 0.99)
    assert len(solid.unique()) > 20


def test_normals_are_those_of_the_mesh():
    scene = scattered(8, [BOX, WEDGE, CONE, ELLIPSOID])
    camera, view = camera_and_view()
    solids = Solids.of(scene, 'cpu')
    depth, solid = cast(solids, view)
    rays = rays_of(camera, view)
    both = np.concatenate([np.broadcast_to(view.position.numpy(), rays.shape), rays], -1)
    truth = mesh_of(scene).cast_rays(o3d.core.Tensor(both))['primitive_normals'].numpy()
    image = lambda tiles: from_tiles(tiles, view).numpy()
    depth, index = image(depth[:, None])[0], image(solid[:, None])[0]
    hit = index >= 0
    point = torch.tensor(both[..., :3] + rays * depth[..., None])[torch.tensor(hit)]
    index = torch.tensor(index[hit])
    inverse = solids.inverse[index]
    local = torch.einsum('nij,nj->ni', inverse, point - solids.centre[index])
    bent, _ = normal(solids.kind[index], local.T, solids.taper[index].T)
    turned = torch.einsum('nji,nj->ni', inverse, bent.T)
    turned = (turned / turned.norm(dim=1, keepdim=True)).numpy()
    agreement = np.abs((turned * truth[hit]).sum(1))
    assert (agreement > 0.995).mean() > 0.98
    assert ((turned * rays[hit]).sum(1) < 1e-3).mean() > 0.98  # towards the camera


@pytest.mark.parametrize('kind', [0.0, 1.0])
def test_shadows_are_what_open3d_finds(kind):
    scene = scattered(11, [BOX, WEDGE, CONE, ELLIPSOID])
    light = np.array([2.0, 4.0, 3.5, kind])
    if kind == 0.0:
        light[:3] /= np.linalg.norm(light[:3])
    points = np.random.default_rng(2).uniform([-3, 1, -1.4], [3, 9, 2], (12, 64, 3))
    points = points[np.argsort(points[..., 1], axis=0)[:, 0]]
    caster = mesh_of(scene)
    towards = light[:3] - kind * points
    rays = o3d.core.Tensor(
        np.float32(np.concatenate([points, np.broadcast_to(towards, points.shape)], -1))
    )
    expected = caster.test_occlusions(rays, tfar=1.0 if kind else np.inf).numpy()
    inside = caster.compute_occupancy(o3d.core.Tensor(np.float32(points))).numpy() > 0
    dark = blocked(
        Solids.of(scene, 'cpu'),
        torch.tensor(points, dtype=torch.float32).transpose(1, 2),
        torch.tensor(light, dtype=torch.float32)[:, None].expand(4, 64),
        torch.tensor(~inside),
    ).numpy()
    assert 0.1 < expected[~inside].mean() < 0.9
    assert (dark == expected)[~inside].mean() > 0.99
    assert not dark[inside].any()


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from([BOX, WEDGE, ELLIPSOID, CONE]),
    seed=st.integers(0, 2**32 - 1),
    taper=st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4),
)
def test_a_ray_is_inside_a_solid_exactly_between_entry_and_exit(kind, seed, taper):
    rng = np.random.default_rng(seed)
    o, aim = rng.normal(size=3) * 4, rng.uniform(-1, 1, 3)
    t = np.linspace(0, 3, 4001)
    p = o + t[:, None] * (aim - o)
    x, y, z = p.T
    k = np.array(taper if kind == WEDGE else [0.0] * 4)
    rise = (z + 1) / 2
    if kind == ELLIPSOID:
        inside = (p * p).sum(1) <= 1
    elif kind == CONE:
        inside = (np.abs(z) <= 1) & (np.hypot(x, y) <= 1 + (taper[0] - 1) * rise)
    else:
        inside = (np.abs(z) <= 1) & (x <= 1 - k[0] * rise) & (-x <= 1 - k[1] * rise)
        inside &= (y <= 1 - k[2] * rise) & (-y <= 1 - k[3] * rise)
    column = lambda a: torch.tensor(np.array(a), dtype=torch.float64).reshape(1, -1, 1)
    near, far = ENTRY_AND_EXIT[kind](column(o), column(aim - o), column(taper))
    slack = 2e-3
    if inside.any() and not inside[0]:
        assert near.item() == pytest.approx(t[inside][0], abs=slack)
        assert far.item() == pytest.approx(t[inside][-1], abs=slack)
    elif not inside.any():
        assert not near.item() + slack < far.item() or far.item() < 0


def test_unprojected_points_lie_on_the_solids():
    scene = Scene(np.random.default_rng(4))
    viewpoints = room(scene, Palette(scene.rng, texture_bank('cpu', None)))
    solids = Solids.of(scene, 'cpu')
    camera = viewpoints[0].camera(SIZE_HW, scene.rng)
    view = viewpoints[0].view(camera, 'cpu')
    depth, solid = cast(solids, view)
    points = camera.unproject(from_tiles(depth[:, None], view)).flatten(1)  # (3, H * W)
    world = (view.rotation @ points + view.position[:, None]).T
    index = from_tiles(solid[:, None], view).flatten()
    hit = index >= 0
    assert hit.float().mean() > 0.8  # an open window may show the sky
    world, index = world[hit], index[hit]
    local = torch.einsum('nij,nj->ni', solids.inverse[index], world - solids.centre[index])
    flat = solids.kind[index] == BOX
    off = (local.abs().amax(1) - 1).abs() * solids.half[index].amin(1)
    assert flat.float().mean() > 0.5
    assert (off < 1e-3 + 1e-4 * points[2, hit])[flat].all()


def test_depth_of_a_road_follows_from_the_height_of_the_camera():
    scene = Scene(np.random.default_rng(0))
    scene.frame().box(0, 100, -1, 400, 400, 1.0, GREY)
    viewpoint = Viewpoint(np.array([0.0, 0.0, 1.65]), 0.0, 0.0, 0.0, math.radians(80))
    camera = Camera.from_intrinsics(60.0, 60.0, 49.5, 35.5, SIZE_HW)
    depth = cast(Solids.of(scene, 'cpu'), view := viewpoint.view(camera, 'cpu'))[0]
    depth = from_tiles(depth[:, None], view)[0]
    v = torch.arange(SIZE_HW[0])
    expected = 1.65 * 60.0 / (v - 35.5)
    assert torch.isinf(depth[:36]).all()
    near = (v > 35) & (expected < 300)
    torch.testing.assert_close(
        depth[near], expected[near, None].expand(-1, 100), rtol=1e-5, atol=0
    )


def test_probe_sees_what_cast_sees():
    scene = scattered(9, [BOX, ELLIPSOID])
    _, view = camera_and_view()
    solids = Solids.of(scene, 'cpu')
    depth = from_tiles(cast(solids, view)[0][:, None], view)[0]
    seen, whole = probe(solids, view, 16), depth[torch.isfinite(depth)]
    assert seen[torch.isfinite(seen)].median() == pytest.approx(whole.median().item(), rel=0.1)


def test_looking_at_puts_the_target_on_the_axis():
    viewpoint = looking_at(np.array([1.0, 2.0, 3.0]), np.array([-2.0, 5.0, 0.5]), 0.3, 1.0)
    view = viewpoint.view(viewpoint.camera(SIZE_HW, np.random.default_rng(0)), 'cpu')
    offset = torch.tensor([-3.0, 3.0, -2.5])
    seen = view.rotation.T @ offset
    torch.testing.assert_close(seen, torch.tensor([0.0, 0.0, offset.norm()]), atol=1e-5, rtol=0)
    torch.testing.assert_close(view.rotation.det(), torch.tensor(1.0))
