# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Stairs: as high and as long as they say, and guarded."""

from __future__ import annotations

import numpy as np
import open3d as o3d
import pytest
from solid_scenes import GREY, mesh_of

from grin_ros.training.world.material import Palette
from grin_ros.training.world.scene import Scene
from grin_ros.training.world.staircase import Flight
from grin_ros.training.world.texture import texture_bank


def heights_along(scene, y):
    """What a plumb line from 20 m above x = 0 meets at each y, metres; open3d's answer."""
    down = np.zeros((len(y), 6), np.float32)
    down[:, 1], down[:, 2], down[:, 5] = y, 20.0, -1.0
    return 20.0 - mesh_of(scene).cast_rays(o3d.core.Tensor(down))['t_hit'].numpy()


@pytest.mark.parametrize('solid, open_', [(True, False), (False, False), (False, True)])
def test_steps_are_as_high_and_as_long_as_they_say(solid, open_):
    flight = Flight(rise=0.17, run=0.29, steps=9, wide=1.1, rail=0.95)
    scene = Scene(np.random.default_rng(0))
    flight.build(scene.frame(), (GREY, GREY, GREY), solid, open_)
    found = heights_along(scene, (np.arange(9) + 0.5) * 0.29)
    np.testing.assert_allclose(found, (np.arange(9) + 1) * 0.17, atol=1e-5)
    assert np.isinf(heights_along(scene, np.array([-0.2, 9.3 * 0.29]))).all()


@pytest.mark.parametrize('rail', [0.85, 1.1])
def test_nobody_falls_over_what_guards_the_steps(rail):
    flight = Flight(rise=0.17, run=0.29, steps=9, wide=1.1, rail=rail)
    y = np.linspace(0.1, 0.95, 30) * flight.length
    noses = 0.17 * (y / 0.29 + 1)
    for seed in range(12):
        scene = Scene(np.random.default_rng(seed))
        flight.guard(scene.frame(), Palette(scene.rng, texture_bank('cpu', None)))
        above = heights_along(scene, y) - noses
        assert above.min() > rail - 0.05 and above.max() < rail + 0.25
