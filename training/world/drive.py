# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A camera that moves through one procedural world, for demo and tests without a recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
import math

import numpy as np

from ..sample import Sample
from . import DOMAINS
from .material import Palette
from .photograph import photograph
from .raycast import Solids
from .scene import Scene
from .texture import texture_bank
from .viewpoint import Viewpoint

STRIDE = 0.7  # metres between frames: 7 m/s at 10 Hz
ROOM = 0.6  # metres that stay free around the camera
HFOV = math.radians(80)


def drive(
    domain: str, seed: int, count: int, size=(224, 640), device='cpu', stride: float = STRIDE
) -> Iterator[Sample]:  # fmt: skip
    """
    Build a world from a seed and photograph it from a camera that moves ahead.

    Where the way ends the camera goes back in reverse.

    domain: a key of DOMAINS; size: (height, width), pixels
    stride: metres between frames
    returns: count samples; depth is exact at the pixels' centres, 0 for sky and beyond 250 m
    """
    rng, bank, scene, viewpoints = _build(domain, seed, device)
    solids = Solids.of(scene, device)
    viewpoints = [_raised(one) for one in viewpoints]
    # Worlds are furnished along +y, and most of them where their preferred viewpoints are.
    forward = [one for one in viewpoints if math.cos(one.yaw) > 0.9]
    for candidates in (forward[:8], viewpoints):
        ways = [(_free(scene, one, stride), one) for one in candidates]
        steps, start = max(ways, key=lambda pair: pair[0], default=(0, viewpoints[0]))
        if steps:
            break
    start = replace(start, pitch=0.0, roll=0.0, hfov=HFOV)
    camera = start.camera(size, rng)
    film = int(rng.integers(2**31))  # one camera: the same exposure and colours in all frames
    for index in range(count):
        turn = index % max(2 * steps, 1)
        viewpoint = _ahead(start, stride * min(turn, 2 * steps - turn))
        view = viewpoint.view(camera, device)
        image, depth = photograph(scene, solids, view, bank, np.random.default_rng(film))
        yield Sample(image, depth, camera, f'{domain}_{seed:07d}_{index:04d}')


def around(
    domain: str, seed: int, poses: Sequence[np.ndarray], size=(96, 128), device='cpu'
) -> list[Sample]:  # fmt: skip
    """
    Build a world from a seed and photograph it from places around a first one.

    poses: (4, 4) each, first_T_camera (x right, y down, z ahead), metres, turned about y only
    returns: a sample for each, with its pose
    """
    rng, bank, scene, viewpoints = _build(domain, seed, device)
    solids = Solids.of(scene, device)

    def room(start: Viewpoint) -> float:
        return min(scene.clearance(_moved(start, pose).position) for pose in poses)

    start = max(viewpoints[:8], key=lambda one: min(room(one), ROOM))
    start = replace(start, pitch=0.0, roll=0.0, hfov=HFOV)
    camera = start.camera(size, rng)
    film, samples = int(rng.integers(2**31)), []
    for index, pose in enumerate(poses):
        view = _moved(start, pose).view(camera, device)
        image, depth = photograph(scene, solids, view, bank, np.random.default_rng(film))
        stem = f'{domain}_{seed:07d}_{index:04d}'
        samples.append(Sample(image, depth, camera, stem, pose=np.asarray(pose)))
    return samples


def _build(domain: str, seed: int, device):
    """Return the generator of a world, its textures, its scene and its viewpoints."""
    rng = np.random.default_rng([seed, list(DOMAINS).index(domain), 1])
    bank = texture_bank(str(device), None)
    scene = Scene(rng)
    return rng, bank, scene, DOMAINS[domain](scene, Palette(rng, bank))


def _moved(viewpoint: Viewpoint, pose: np.ndarray) -> Viewpoint:
    """Move a level viewpoint by first_T_camera."""
    c, s = math.cos(viewpoint.yaw), math.sin(viewpoint.yaw)
    world = np.array([[c, 0.0, -s], [s, 0.0, c], [0.0, -1.0, 0.0]])  # its axes in the world
    yaw = viewpoint.yaw - math.atan2(pose[0, 2], pose[2, 2])
    return replace(viewpoint, position=viewpoint.position + world @ pose[:3, 3], yaw=yaw)


def _raised(viewpoint: Viewpoint) -> Viewpoint:
    """Lift a camera so high that the floor does not count as being in its way."""
    x, y, z = viewpoint.position
    return replace(viewpoint, position=np.array([x, y, max(z, 1.2 * ROOM)]))


def _free(scene: Scene, viewpoint: Viewpoint, stride: float, most: int = 60) -> int:
    """Return how many strides the camera can go ahead before it meets something."""
    for steps in range(most):
        if scene.clearance(_ahead(viewpoint, stride * (steps + 1)).position) < ROOM:
            return steps
    return most


def _ahead(viewpoint: Viewpoint, distance: float) -> Viewpoint:
    heading = np.array([-math.sin(viewpoint.yaw), math.cos(viewpoint.yaw), 0.0])
    return replace(viewpoint, position=viewpoint.position + distance * heading)
