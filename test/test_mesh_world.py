# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Mesh worlds: depth against closed forms, textures where they belong, seeds that repeat."""

from __future__ import annotations

from asset_pack import BLOCK_HIGH, BLOCK_LOW, box_mesh, HIGH, LOW, write_glb, write_pack
import numpy as np
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.training.world.atlas import Atlas
from grin_ros.training.world.develop import develop
from grin_ros.training.world.geometry import box, cylinder, Geometry, standing
from grin_ros.training.world.glb import read_glb
from grin_ros.training.world.mesh import MeshWorld, worlds
from grin_ros.training.world.raylight import Casters
from grin_ros.training.world.staging import lens, rotation, View


@pytest.fixture(scope='module')
def pack(tmp_path_factory):
    return write_pack(tmp_path_factory.mktemp('pack') / 'assets')


@pytest.fixture(scope='module')
def world(pack, open3d):
    return MeshWorld(pack, 'cell')


def slab_depth(view, low, high):
    """Return where rays enter and leave a box, in z-depth: the textbook slab test."""
    way = view.rays().astype(float)
    way[way == 0] = 1e-12
    ends = np.stack([(low - view.origin) / way, (high - view.origin) / way])
    return ends.min(axis=0).max(axis=1), ends.max(axis=0).min(axis=1)


@pytest.mark.parametrize('seed', range(4))
def test_depth_is_that_of_the_room(world, monkeypatch, seed):
    rng = np.random.default_rng(seed)
    pose = rotation(rng.uniform(0.3, 2.8), rng.uniform(-0.6, 0.2), rng.normal(0, 0.1))
    view = View(np.array([rng.uniform(-1, 1), -1.0, 1.3]), pose, lens(rng, (48, 64)))
    monkeypatch.setattr(world._stage, 'compose', lambda rng, size: (view, []))
    sample = world.render(seed, (48, 64))
    enter, leave = slab_depth(view, BLOCK_LOW, BLOCK_HIGH)
    truth = slab_depth(view, LOW, HIGH)[1]
    truth = np.where((enter < leave) & (enter > 0), enter, truth).reshape(48, 64)
    assert np.median(np.abs(sample.depth - truth)) < 1e-5
    assert (np.abs(sample.depth - truth) > 1e-4).mean() < 2e-3  # rays along the block's edges
    assert sample.camera is view.camera


def test_camera_agrees_with_the_depth(world, monkeypatch):
    """Points unprojected by our own Camera lie on the room's walls or the block."""
    view = View(np.array([0.3, -1.2, 1.1]), rotation(1.4, -0.3, 0.05), Camera.default((60, 80)))
    monkeypatch.setattr(world._stage, 'compose', lambda rng, size: (view, []))
    sample = world.render(1, (60, 80))
    points = sample.camera.unproject(torch.from_numpy(sample.depth)[None]).flatten(1).T.numpy()
    points = points @ view.R.T + view.origin
    on_room = np.minimum(np.abs(points - LOW), np.abs(points - HIGH)).min(axis=1)
    on_block = np.minimum(np.abs(points - BLOCK_LOW), np.abs(points - BLOCK_HIGH)).min(axis=1)
    assert np.minimum(on_room, on_block).max() < 1e-3


def test_same_seed_same_picture(world, pack):
    first, again = world.render(5, (40, 48)), MeshWorld(pack, 'cell').render(5, (40, 48))
    world.render(6, (40, 48))
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.depth, again.depth)
    assert first.stem == again.stem == 'cell_0000005'
    other = world.render(6, (40, 48))
    assert not np.array_equal(first.depth, other.depth)
    assert other.image.shape == (40, 48, 3)
    assert other.image.dtype == np.uint8


def test_pictures_are_worth_training_on(world):
    for seed in range(12):
        sample = world.render(seed, (48, 64))
        known = sample.depth[sample.depth > 0]
        assert len(known) > 0.6 * sample.depth.size
        assert 0.3 < np.median(known) < 7.5  # the room's diagonal
        assert sample.image.std() > 2
        assert 40 < 2 * np.degrees(np.arctan(32 / float(sample.camera.fx))) < 111


def test_rays_that_leave_are_unknown(world):
    casters = Casters(_geometry(*box_mesh(BLOCK_LOW, BLOCK_HIGH)))
    hits = casters.cast(np.float32([0, 0, 0.3]), np.float32([[0, 2, 0], [0, -1, 0], [1, 0, 0]]))
    np.testing.assert_allclose(hits.depth, [0.5, np.inf, np.inf], rtol=1e-6)
    np.testing.assert_allclose(hits.flat[0], [0, -1, 0], atol=1e-6)
    np.testing.assert_allclose(hits.point[0], [0, 1, 0.3], atol=1e-6)
    start = np.float32([[0, 0, 0.3], [0, 0, 2]])
    free = casters.visible(start, np.float32([[0, 3, 0.3], [0, 3, 2]]))
    assert free.tolist() == [False, True]
    assert casters.clearance([0, 0, 0.3]) == pytest.approx(1.0)


def test_props_hide_what_is_behind(world):
    thing = box((-0.1, -0.6, 1.2), (0.1, -0.5, 1.4), 0)
    casters = world._stage.casters.with_props(thing)
    way, start = np.float32([[0, 1, 0]]), np.float32([0, -1, 1.3])
    assert casters.cast(start, way).depth[0] == pytest.approx(0.4, abs=1e-5)
    assert world._stage.casters.cast(start, way).depth[0] == pytest.approx(4.0, abs=1e-5)


def test_unknown_world(pack, tmp_path):
    assert worlds(pack) == ['cell']
    with pytest.raises(ValueError, match=r"unknown world 'cave' .* choose one of cell"):
        MeshWorld(pack, 'cave')
    with pytest.raises(FileNotFoundError, match='no asset pack'):
        MeshWorld(tmp_path, 'cell')


def test_glb_keeps_axes_and_uv(tmp_path):
    image = np.zeros((16, 32, 3), np.uint8)
    image[:8] = (250, 0, 0)
    write_glb(tmp_path / 'a.glb', LOW, HIGH, image)
    (part,) = read_glb(tmp_path / 'a.glb')
    vertices, normals, uv, faces = box_mesh(LOW, HIGH)
    for found, truth in zip((part.vertices, part.normals, part.uv), (vertices, normals, uv)):
        assert np.array_equal(found, truth)
    assert np.array_equal(part.faces, faces)
    assert part.image.shape == (16, 32, 3)
    assert part.image[3, 3, 0] > 230
    assert part.image[12, 3, 0] < 20
    (tmp_path / 'b.glb').write_bytes(b'solid')
    with pytest.raises(ValueError, match='not binary glTF'):
        read_glb(tmp_path / 'b.glb')


def test_atlas_repeats_and_averages():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (8, 4, 3)).astype(np.uint8) for _ in range(3)]
    atlas = Atlas()
    assert [atlas.add(image) for image in images] == [0, 1, 2]
    linear = [(image / 255.0) ** 2.2 for image in images]
    # Texel centres give texels, v down, also some repeats away.
    i, row, column = rng.integers(0, 3, 50), rng.integers(0, 8, 50), rng.integers(0, 4, 50)
    uv = np.stack([(column + 0.5) / 4, (row + 0.5) / 8], axis=1) + rng.integers(-3, 4, (50, 2))
    truth = [linear[k][r, c] for k, r, c in zip(i, row, column)]
    np.testing.assert_allclose(atlas.sample(i, uv, np.full(50, 1e-3)), truth, atol=1e-4)
    # Across the seam, half of either end.
    seam = atlas.sample(np.array([1]), np.array([[1.0, 0.5 / 8]]), np.array([0.01]))[0]
    np.testing.assert_allclose(seam, (linear[1][0, 3] + linear[1][0, 0]) / 2, atol=1e-4)
    # A whole image in one pixel is its mean (in sRGB, as mip levels are made).
    far = atlas.sample(np.array([2]), np.array([[0.3, 0.3]]), np.array([5.0]))[0]
    mean = ((images[2].mean(axis=(0, 1))) / 255) ** 2.2
    assert np.abs(far - mean).max() < 0.25


def test_solids_are_closed_and_face_outwards():
    for solid, volume in (
        (box((-1, 0, 2), (1, 0.5, 3), 4), 1.0),
        (cylinder(0.5, 2.0, 4), 2 * 0.5 * 20 * 0.25 * np.sin(np.pi / 10)),
    ):
        a, b, c = (solid.vertices[solid.faces[:, i]] for i in range(3))
        outward = np.cross(b - a, c - a)
        sign = np.sign((outward * solid.normals[solid.faces].mean(axis=1)).sum(axis=1))
        signed = sign * (a * outward).sum(axis=1) / 6  # divergence theorem
        assert signed.sum() == pytest.approx(volume, rel=1e-4)
        assert (solid.material == 4).all()
    both = Geometry.join([box((0, 0, 0), (1, 1, 1), 1), cylinder(1, 1, 2)])
    moved = both.placed(standing(1, 2, 3, np.pi / 2), 2.0)
    np.testing.assert_allclose(moved.bounds, [[-1, 0, 3], [3, 4, 5]], atol=1e-5)
    np.testing.assert_allclose(box((0, 0, 0), (2, 2, 2), 0).density(), 0.5, rtol=1e-5)


@pytest.mark.parametrize('scale', [1e-3, 1.0, 1e3])
def test_exposure_follows_the_light(scale):
    rng = np.random.default_rng(0)
    light = np.float32(scale * (0.2 + rng.random((40, 50, 3))))
    images = [develop(light, np.random.default_rng(seed)) for seed in range(8)]
    assert all(image.shape == (40, 50, 3) and image.dtype == np.uint8 for image in images)
    assert 80 < np.mean(images) < 180


def test_real_pack(real_data, open3d):
    assets = real_data.parent / 'assets'
    if not assets.is_dir():
        pytest.skip('there is no assets folder beside GRIN_TEST_DATA')
    sample = MeshWorld(assets, 'bookstore').render(3, (64, 80))
    assert (sample.depth > 0).mean() > 0.6
    assert sample.depth.max() < 25


def _geometry(vertices, normals, uv, faces):
    return Geometry(vertices, normals, uv, faces.astype(np.int64), np.zeros(len(faces), int))
