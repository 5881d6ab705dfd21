# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Scenes from one image: geometry against rendered truth, holes, and the plain filler."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grin_ros.inpaint import fill_smoothly, open_filler
from grin_ros.pipeline import Prediction
from grin_ros.scene import path, Scene, View
from grin_ros.training.study_scene import arms
from grin_ros.training.world.drive import around

SIZE = (64, 96)
CONFIG = Path(__file__).resolve().parents[1] / 'config'
POSES = path(np.array([0.4, 0.0, -0.2]), -8.0, 3)


@pytest.fixture(scope='module')
def truth():
    return around('room', 6, POSES, SIZE)  # open to all sides; the thresholds are of such a room


class Oracle:
    """Answers the rendered depth of the view whose prompt it is given."""

    def __init__(self, truth):
        self.truth, self.prompts = iter(truth), []

    def infer(self, image, camera, prompt, **options):
        self.prompts.append(prompt)
        depth = next(self.truth).depth
        return Prediction(depth, 0 * depth, depth > 0, camera)


def grown(truth, oracle=None, fill=fill_smoothly):
    """The scene of the first sample, grown to the places of the others by exact depth."""
    scene = Scene(truth[0].camera)
    scene.add(View(truth[0].image, truth[0].depth, POSES[0]))
    oracle = oracle or Oracle(truth[1:])
    return scene, [scene.grow(one.pose, oracle, fill) for one in truth[1:]]


def test_a_path_begins_at_the_camera_and_turns_to_the_right():
    poses = path(np.array([1.0, 0.0, 2.0]), 90.0, 3)
    np.testing.assert_allclose(poses[0], np.eye(4))
    np.testing.assert_allclose(poses[1][:3, 3], [0.5, 0, 1])
    np.testing.assert_allclose(poses[2][:3, :3] @ [0, 0, 1], [1, 0, 0], atol=1e-12)


def test_what_the_first_camera_sees_is_drawn_back_exactly(truth):
    scene = Scene(truth[0].camera)
    seen = truth[0].depth > 0
    assert scene.add(View(truth[0].image, truth[0].depth, POSES[0])) == seen.sum()
    view = scene.look(POSES[0])
    # Pits of a pixel or two between nearer things are taken for gaps.
    same = np.abs(view.depth / truth[0].depth - 1)[seen] < 1e-5
    assert same.mean() > 0.97 and np.array_equal(
        view.image[seen][same], truth[0].image[seen][same]
    )


def test_from_elsewhere_the_cloud_lies_where_the_room_does(truth):
    scene, _ = grown(truth[:1])
    for one in truth[1:]:
        view = scene.look(one.pose)
        both = (view.depth > 0) & (one.depth > 0)
        ratio = view.depth[both] / one.depth[both]
        # But for a pixel's width along the edges of things.
        assert (np.abs(ratio - 1) < 0.05).mean() > 0.93
        assert 0.03 < (view.depth <= 0).mean() < 0.6  # and it leaves holes


def test_holes_are_asked_for_given_all_that_is_known(truth):
    oracle = Oracle(truth[1:])
    scene = Scene(truth[0].camera)
    scene.add(View(truth[0].image, truth[0].depth, POSES[0]))
    seen = scene.look(truth[1].pose)
    view = scene.grow(truth[1].pose, oracle, fill_smoothly, weight=0.5)
    (prompt,) = oracle.prompts
    assert len(prompt) == (seen.depth > 0).sum() and prompt.weight == 0.5
    known = seen.depth > 0
    assert np.array_equal(view.depth[known], seen.depth[known])
    np.testing.assert_allclose(view.depth[~known], truth[1].depth[~known])
    assert np.array_equal(view.image[known], seen.image[known])
    # Another look at the same place leaves next to nothing to fill.
    assert (scene.look(truth[1].pose).depth <= 0).mean() < 0.02


def test_nothing_is_put_before_what_an_earlier_view_saw(truth):
    scene = Scene(truth[0].camera)
    scene.add(View(truth[0].image, truth[0].depth, POSES[0]))
    fog = np.full(SIZE, 0.3, np.float32)
    assert scene.add(View(truth[0].image, fog, POSES[0])) == 0
    # To the side of what the first camera sees, nobody can tell.
    away = path(np.zeros(3), 170.0, 2)[1]
    assert scene.add(View(truth[0].image, fog, away)) == fog.size


def test_filled_surfaces_are_nearer_to_the_truth_than_none(truth):
    made = arms(truth, truth[0].depth, POSES, Oracle(truth[1:]), fill_smoothly, {})
    errors = {name: distances.mean() for name, (distances, _) in made.items()}
    assert errors['filled by the model'] < 0.02 < errors['nearest pixel'] < errors['not filled']


def test_the_plain_filler_changes_holes_only():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    image[:, 10:] = 90
    missing = np.zeros((20, 30), bool)
    missing[8:12, 18:22] = True
    spoilt = np.where(missing[..., None], 0, image).astype(np.uint8)
    filled = open_filler(None, 'cpu')(spoilt, missing)
    assert np.array_equal(filled[~missing], image[~missing])
    np.testing.assert_allclose(filled[missing], 90, atol=4)
