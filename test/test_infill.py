# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Infilling against a search of all pixels, and where the sky is."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from grin_ros.camera import Camera, Distortion
from grin_ros.training.infill import infill, mark_sky, SKY
from grin_ros.training.sample import Sample
from grin_ros.training.transforms import fit, rectify

FAR = 80.0


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 9), st.integers(1, 9), st.floats(0.02, 1), st.integers(0, 10**6)
)  # fmt: skip
def test_every_hole_takes_a_nearest_measured_value(height, width, share, seed):
    rng = np.random.default_rng(seed)
    depth = rng.uniform(1, 70, (height, width)).astype(np.float32)
    depth[rng.random(depth.shape) > share] = 0
    depth[rng.random(depth.shape) > 0.9] = SKY
    filled = infill(depth, FAR)
    known = np.argwhere(depth > 0)
    for v, u in np.ndindex(depth.shape):
        if not len(known):
            assert filled[v, u] == FAR
            continue
        distance = ((known - [v, u]) ** 2).sum(1)
        nearest = known[distance == distance.min()]  # several may be as near
        assert filled[v, u] in np.minimum(depth[tuple(nearest.T)], FAR)


def test_what_was_measured_stays_but_for_what_is_too_far():
    depth = np.array([[3.0, 0, 200.0]], np.float32)
    assert infill(depth, FAR).tolist() in ([[3, 3, 80]], [[3, 80, 80]])


def sample(depth, **more) -> Sample:
    size = depth.shape
    image = np.full((*size, 3), 200, np.uint8)
    return Sample(image, depth.astype(np.float32), Camera.default(size), 'a', **more)


def test_a_given_sky_is_far_and_leaves_what_was_measured():
    depth, sky = np.zeros((4, 6)), np.zeros((4, 6), bool)
    depth[1, 1], depth[3] = 7, 5
    sky[:2] = True
    marked = mark_sky(sample(depth, sky=sky), outdoor=True, synthetic=False).depth
    assert (marked[:2][sky[:2] & (depth[:2] == 0)] == SKY).all()
    assert marked[1, 1] == 7 and not marked[2].any()


def test_holes_of_rendered_pictures_are_sky_and_those_of_rooms_are_not():
    depth = np.eye(4)
    assert (mark_sky(sample(depth), True, True).depth[depth == 0] == SKY).all()
    assert not mark_sky(sample(depth), False, False).depth[depth == 0].any()


def test_an_unknown_sky_is_looked_for_outdoors():
    depth = np.zeros((60, 80))
    depth[30:] = 10
    picture = sample(depth)
    picture.image[:30], picture.image[30:] = (150, 190, 240), (60, 50, 40)
    found = mark_sky(picture, outdoor=True, synthetic=False).depth == SKY
    assert found[:28].all() and not found[32:].any()


@pytest.mark.parametrize('share', [0.05, 0.9])
def test_the_sky_outlives_resizing_and_rectification(share):
    depth = np.zeros((40, 60))
    depth[20:] = np.where(np.random.default_rng(0).random((20, 60)) < share, 9, 0)
    sky = np.arange(40)[:, None] < np.full(60, 15)
    shown = sample(depth, sky=sky)
    small = fit(mark_sky(shown, True, False), (20, 30)).depth
    assert (small[:7] == SKY).all() and small[10:].max() == 9
    lens = Distortion('plumb_bob', (-0.1, 0.0, 0.0, 0.0))
    straight = rectify(replace(shown, camera=replace(shown.camera, distortion=lens))).sky
    assert straight[2:12, 5:-5].all() and not straight[18:].any()
