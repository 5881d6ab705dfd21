# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Lamps of halls and corridors: the light comes from what one sees shine."""

from __future__ import annotations

import numpy as np
import pytest

from grin_ros.training.world.corridor import _corridor
from grin_ros.training.world.hall import hall
from grin_ros.training.world.material import Palette
from grin_ros.training.world.scene import Scene
from grin_ros.training.world.texture import texture_bank

DOWN = (0.0, 0.0, -1.0)


@pytest.mark.parametrize('build', [hall, _corridor])
def test_light_comes_from_below_the_tubes_that_one_sees(build):
    counts = set()
    for seed in range(12):
        scene = Scene(np.random.default_rng(seed))
        build(scene, Palette(scene.rng, texture_bank('cpu', None)))
        top = scene.rows[1][1][2] - scene.rows[1][3][2]  # the ceiling's lower side
        shining = np.array(
            [
                (centre - half, centre + half)
                for _, centre, _, half, _, k in scene.rows
                if scene.materials[k].glow > 0 and np.isclose(centre[2] + half[2], top)
            ]
        )
        down = [lamp for lamp in scene.lamps if lamp.aim is not None and lamp.aim[2] < -0.5]
        counts.add(len(down))
        for lamp in down:
            assert tuple(lamp.aim) == DOWN
            x, y, z = lamp.position
            low, high = shining[:, 0], shining[:, 1]
            over = (low[:, 0] < x) & (x < high[:, 0]) & (low[:, 1] < y) & (y < high[:, 1])
            assert over.sum() == 1 and 0.05 < low[over, 2][0] - z < 0.2
        others = [lamp for lamp in scene.lamps if lamp.aim is None]
        assert not others  # nothing shines around from where there is no lamp
    assert counts == {2, 3}
