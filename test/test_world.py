# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import open3d as o3d
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.training.world import DOMAINS, furniture, render, seat, vehicle
from grin_ros.training.world.material import Material, Palette
from grin_ros.training.world.raycast import cast, from_tiles, probe, Solids
from grin_ros.training.world.road import Road
from grin_ros.training.world.room import room
from grin_ros.training.world.scene import BOX, CONE, ELLIPSOID, Scene, WEDGE
from grin_ros.training.world.shadow import blocked
from grin_ros.training.world.solids import ENTRY_AND_EXIT, normal
from grin_ros.training.world.staircase import Flight, RAIL
from grin_ros.training.world.texture import SIZE, texture_bank, TextureBank
from grin_ros.training.world.viewpoint import looking_at, Viewpoint

SIZE_HW = (72, 100)  # not a multiple of a tile
GREY = Material(0)


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    # Many small operations: threads would mostly wait for each other, above all on a busy machine.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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


@pytest.mark.parametrize('curvature', [0.0, 1 / 90, -1 / 200])
def test_a_road_keeps_its_width_and_its_length_around_the_bend(curvature):
    scene = Scene(np.random.default_rng(0))
    none = np.zeros(2)
    road = Road(scene.frame(), curvature, 2, 3.0, 3.0, none, none, None)
    along = np.linspace(0, 140, 1401)
    middle, edge = (np.stack([road.at(x, y).origin for y in along]) for x in (0.0, 3.0))
    step = np.linalg.norm(np.diff(middle, axis=0), axis=1)
    np.testing.assert_allclose(step, 0.1, rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(edge - middle, axis=1), 3.0)
    inside = 1 + 3.0 * curvature  # the edge to the right of a bend to the left is longer
    np.testing.assert_allclose(np.linalg.norm(np.diff(edge, axis=0), axis=1), 0.1 * inside)
    road.strip(-3.0, 3.0, 0.0, GREY)
    caster = mesh_of(scene)
    for x in (-2.9, 0.0, 2.9):
        place = np.stack([road.at(x, y, 5.0).origin for y in along])
        rays = np.concatenate([place, np.broadcast_to([0, 0, -1.0], place.shape)], 1)
        depth = caster.cast_rays(o3d.core.Tensor(np.float32(rays)))['t_hit'].numpy()
        np.testing.assert_allclose(depth, 5.0, rtol=1e-5)  # no gap between the pieces


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


@pytest.mark.parametrize('domain', DOMAINS)
def test_a_seed_gives_the_same_picture_again_and_other_seeds_others(domain):
    first, again, other = (render(domain, seed, SIZE_HW) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.depth, again.depth)
    assert torch.equal(first.camera.K, again.camera.K)
    assert first.stem == again.stem != other.stem
    assert np.abs(first.image.astype(int) - other.image).mean() > 5
    assert (first.depth != other.depth).mean() > 0.5


@pytest.mark.parametrize(
    'domain, median, unknown',
    [
        ('room', (1, 4), 0.05),
        ('corridor', (1, 7), 0.05),
        ('street', (3, 15), 0.45),
        ('stairs', (0.8, 3.5), 0.05),
    ],
)
def test_pictures_and_depths_are_plausible(domain, median, unknown):
    samples = [render(domain, seed, SIZE_HW) for seed in range(12)]
    for sample in samples:
        assert sample.image.shape == (*SIZE_HW, 3)
        assert sample.image.dtype == np.uint8
        assert sample.depth.shape == SIZE_HW
        assert sample.depth.dtype == np.float32
        assert sample.camera.size == SIZE_HW
        known = sample.depth[sample.depth > 0]
        assert known.min() > 0.02 and known.max() <= 250
        hfov = 2 * math.degrees(math.atan(SIZE_HW[1] / 2 / sample.camera.fx))
        assert 30 < hfov < 125
        assert sample.image.std() > 5  # neither black nor burnt out
    medians = [np.median(sample.depth[sample.depth > 0]) for sample in samples]
    assert median[0] < np.median(medians) < median[1]
    assert np.mean([(sample.depth == 0).mean() for sample in samples]) <= unknown
    if domain == 'street':  # the road is near, the sky unknown
        assert np.mean([(s.depth[-1] > 0).mean() for s in samples]) > 0.99
        assert np.mean([(s.depth[0] == 0).mean() for s in samples]) > 0.2


def test_any_size_keeps_the_scene_and_gives_finite_depth():
    for size in ((17, 33), (37, 124), (96, 64)):
        sample = render('street', 5, size)
        assert sample.depth.shape == size
        assert np.isfinite(sample.depth).all()


@pytest.mark.parametrize(
    'build, low, high',
    [
        (vehicle.car, (1.6, 3.5, 1.3), (2.3, 5.0, 1.85)),
        (vehicle.person, (0.35, 0.2, 1.45), (0.75, 1.2, 2.0)),
        (
            lambda at, p: furniture.table(at, p, 1.4, 0.8, clutter=0),
            (1.4, 0.8, 0.7),
            (1.4, 0.8, 0.78),
        ),
        (seat.chair, (0.4, 0.4, 0.7), (0.75, 0.8, 1.2)),
        (
            lambda at, palette: seat.bed(at, palette, 1.4, 2),
            (1.4, 1.9, 0.6),
            (1.6, 2.2, 1.25),
        ),
    ],
)
def test_things_have_their_real_size(build, low, high):
    for seed in range(5):
        scene = Scene(np.random.default_rng(seed))
        build(scene.frame(), Palette(scene.rng, texture_bank('cpu', None)))
        corners = Solids.of(scene, 'cpu').corners.flatten(0, 1)
        extent = (corners.amax(0) - corners.amin(0)).numpy()
        assert (np.array(low) - 1e-4 <= extent).all() and (extent <= np.array(high) + 1e-4).all()
        assert -0.1 < corners[:, 2].min() < 0.1  # stands on the ground


def heights_along(scene, y):
    """What a plumb line from 20 m above x = 0 meets at each y, metres; open3d's answer."""
    down = np.zeros((len(y), 6), np.float32)
    down[:, 1], down[:, 2], down[:, 5] = y, 20.0, -1.0
    return 20.0 - mesh_of(scene).cast_rays(o3d.core.Tensor(down))['t_hit'].numpy()


@pytest.mark.parametrize('solid, open_', [(True, False), (False, False), (False, True)])
def test_steps_are_as_high_and_as_long_as_they_say(solid, open_):
    flight = Flight(rise=0.17, run=0.29, steps=9, wide=1.1)
    scene = Scene(np.random.default_rng(0))
    flight.build(scene.frame(), (GREY, GREY, GREY), solid, open_)
    found = heights_along(scene, (np.arange(9) + 0.5) * 0.29)
    np.testing.assert_allclose(found, (np.arange(9) + 1) * 0.17, atol=1e-5)
    assert np.isinf(heights_along(scene, np.array([-0.2, 9.3 * 0.29]))).all()


def test_nobody_falls_over_what_guards_the_steps():
    flight = Flight(rise=0.17, run=0.29, steps=9, wide=1.1)
    y = np.linspace(0.1, 0.95, 30) * flight.length
    noses = 0.17 * (y / 0.29 + 1)
    for seed in range(12):
        scene = Scene(np.random.default_rng(seed))
        flight.guard(scene.frame(), Palette(scene.rng, texture_bank('cpu', None)))
        above = heights_along(scene, y) - noses
        assert above.min() > RAIL - 0.05 and above.max() < RAIL + 0.25


def test_clearance_is_the_distance_to_a_box():
    scene = Scene(np.random.default_rng(0))
    scene.frame(yaw=0.7).box(0, 0, 0, 2, 2, 2, GREY)
    assert scene.clearance(np.array([0.1, 0.1, 1.0])) == 0.0
    assert scene.clearance(np.array([0.0, 0.0, 5.0])) == pytest.approx(3.0)


def test_textures_interpolate_wrap_and_average():
    bank = texture_bank('cpu', None)
    image = bank.texels[2, : SIZE * SIZE].view(SIZE, SIZE, 3)
    sample = lambda u, v, footprint: bank.sample(
        torch.tensor([2]), torch.tensor([u]), torch.tensor([v]), torch.tensor([footprint])
    )[:, 0]
    centre = (5 + 0.5) / SIZE, (9 + 0.5) / SIZE
    torch.testing.assert_close(sample(*centre, 0.0), image[9, 5])
    torch.testing.assert_close(
        sample(centre[0] + 3, centre[1] - 2, 0.0), image[9, 5], atol=1e-4, rtol=0
    )
    between = sample(6 / SIZE, centre[1], 0.0)
    torch.testing.assert_close(between, (image[9, 5] + image[9, 6]) / 2, atol=1e-5, rtol=0)
    torch.testing.assert_close(sample(0.3, 0.4, 50.0), image.mean((0, 1)), atol=1e-4, rtol=0)


def test_a_folder_of_textures_appears_in_the_pictures(tmp_path):
    magenta = np.zeros((16, 16, 3), np.uint8)
    magenta[:] = (200, 20, 200)
    for kind in ('wall', 'floor', 'wood', 'tiles', 'concrete', 'ceiling'):
        cv2.imwrite(str(tmp_path / f'{kind}__test.png'), magenta)

    def share(textures):
        images = np.stack(
            [
                render('room', seed, (32, 40), textures=textures).image.astype(int)
                for seed in range(10)
            ]
        )
        return (np.minimum(images[..., 0], images[..., 2]) > images[..., 1] + 90).mean()

    assert share(tmp_path) > share(None) + 0.02


def test_refusals_say_what_to_do(tmp_path):
    with pytest.raises(ValueError, match='room, corridor, street'):
        render('garden', 0)
    with pytest.raises(FileNotFoundError, match='folder of images'):
        TextureBank('cpu', tmp_path)
    (tmp_path / 'wall__broken.png').write_bytes(b'no image')
    with pytest.raises(ValueError, match='not a readable image'):
        TextureBank('cpu', tmp_path)
