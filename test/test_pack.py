# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Asset packs: what files hold, and how much of the world their photographs show."""

from __future__ import annotations

from asset_pack import write_pack
import cv2
import numpy as np
import pytest

from grin_ros.training.world.pack import Pack, role
from grin_ros.training.world.surface import metres_of


@pytest.mark.parametrize(
    ('name', 'part'),
    [
        ('hospital_floor_01_walls', 'wall'),
        ('hospital_floor_01_ceiling', 'ceiling'),
        ('hospital_floor_01_floor', 'floor'),
        ('warehouse_GroundB_01', 'floor'),
        ('warehouse_RoofB_01', 'ceiling'),
        ('retail_ColumnA_01', 'wall'),
        ('residential_Sofa_01', 'thing'),
    ],
)
def test_file_names_tell_what_a_mesh_holds(name, part):
    assert role(f'meshes/{name}.glb') == part


@pytest.mark.parametrize(
    ('name', 'least', 'most'),
    [
        # What is counted in the photograph, times how large it is in the world.
        ('brick__metaworld_brick1', 5.6 * 0.22, 5.6 * 0.26),
        ('brick__robosuite_white_bricks', 2.7 * 0.22, 2.7 * 0.3),
        ('brick__miniworld_cinder_blocks_1', 4 * 0.39, 4 * 0.45),
        ('ceiling__miniworld_ceiling_tiles_1', 4 * 0.55, 4 * 0.63),
        ('tiles__miniworld_floor_tiles_bw_1', 4 * 0.2, 4 * 0.4),
        ('tiles__pmndrs_tiles036', 10 * 0.07, 10 * 0.16),
        ('wood__miniworld_wood_planks_1', 10 * 0.08, 10 * 0.16),
        ('fabric__metaworld_fabricplain', 70 * 0.001, 70 * 0.003),
        ('cardboard__miniworld_cardboard_1', 28 * 0.006, 28 * 0.012),
        ('unheard_of', 1, 1),
    ],
)
def test_photographs_show_things_as_large_as_they_are(name, least, most):
    assert least <= metres_of(f'{name}.jpg') <= most


def test_looks_keep_to_the_metres_of_a_photograph(tmp_path):
    folder = write_pack(tmp_path / 'pack')
    cv2.imwrite(str(folder / 'textures' / 'fabric__weave.jpg'), np.full((30, 60, 3), 90, np.uint8))
    pack = Pack(folder)
    pack.add_surfaces()
    pack.load(folder / 'meshes' / 'block.glb')
    weave, block = pack._kinds['fabric'][0], len(pack._role) - 1
    kinds = {index: kind for kind, indices in pack._kinds.items() for index in indices}
    swapped, widths = 0, []
    for seed in range(60):
        look = pack._look(np.random.default_rng(seed))
        widths.append(look.metres[weave, 0])
        assert look.metres[weave, 1] == pytest.approx(widths[-1] / 2)
        if look.texture[block] == block:
            assert not look.metres[block].any()
        elif kinds[look.texture[block]] == 'fabric':
            swapped += 1
            widths.append(look.metres[block, 0])
            assert look.metres[block, 1] == pytest.approx(widths[-1] / 2)
    assert swapped
    assert 0.69 < min(widths) / 0.15 < 0.8
    assert 1.2 < max(widths) / 0.15 < 1.31
