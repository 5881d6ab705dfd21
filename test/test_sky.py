# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np

from grin_ros.training.sky import find_sky


def street(rng):
    """Sky with a cloud over dark houses and a road: picture, sparse depth, and where sky is."""
    v, u = np.mgrid[:200, :400]
    skyline = 80 + 25 * (u // 80 % 2)
    sky = v < skyline
    image = np.where(sky[..., None], (120, 165, 225), (90, 80, 70)).astype(np.int16)
    cloud = sky & ((u - 120) ** 2 + 4 * (v - 30) ** 2 < 2500)
    image[cloud] = 235
    image = image + rng.integers(-4, 5, image.shape)
    image += np.where(sky, 0, rng.integers(-30, 30, sky.shape))[..., None]
    depth = np.where(~sky & (rng.random(sky.shape) < 0.05), 12.0, 0.0).astype(np.float32)
    return image.clip(0, 255).astype(np.uint8), depth, sky


def test_sky_and_clouds_are_found_and_houses_are_not():
    image, depth, truth = street(np.random.default_rng(0))
    depth[20, 50] = depth[40, 300] = 9.0  # rain
    found = find_sky(image, depth)
    assert found.shape == truth.shape
    assert (found & truth).sum() > 0.9 * truth.sum()
    assert (found & ~truth).sum() < 0.01 * truth.sum()
    assert found[20, 50] and found[40, 300]


def test_a_white_ceiling_is_not_the_sky():
    """It looks like a cloud, and the LiDAR measures it."""
    rng = np.random.default_rng(1)
    image, depth, sky = street(rng)
    image[sky] = 230
    depth[sky & (rng.random(sky.shape) < 0.05)] = 3.0
    assert not find_sky(image, depth).any()


def test_a_pale_car_is_not_the_sky():
    """It is bright and smooth, but not open to the top."""
    image, depth, _ = street(np.random.default_rng(2))
    image[130:180, 100:220] = 240
    assert not find_sky(image, depth)[130:180, 100:220].any()
