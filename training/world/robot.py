# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
A simulated robot: a camera and a spinning LiDAR on a base that moves through a procedural world.

It is the truth for everything between a recording and a training sample: what the camera sees is
rendered with exact depth, and every LiDAR return is cast from where the sensor was when it fired.
Frames follow REP 103 and 105: `odom`, `base_link` (x ahead, y left, z up), `lidar`, and
`camera_optical` (x right, y down, z ahead).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
import math

import numpy as np

from ..sample import Sample
from . import DOMAINS
from .material import Palette
from .photograph import photograph
from .raycast import Solids, View
from .robot_lidar import Lidar, Sweep
from .scene import Scene, tilt_matrix, yaw_matrix
from .texture import texture_bank
from .viewpoint import Viewpoint

START = 1_750_000_000_000_000_000  # nanoseconds; the robot's clock when it sets off
# Metres per second, and where the LiDAR is from the camera: above, behind and aside, so that it
# sees over the edges of what the camera sees.
BASES = {
    'street': (6.0, (-0.8, 0.3, 0.7)),
    'corridor': (1.2, (-0.3, 0.15, 0.35)),
    'room': (0.6, (-0.3, 0.15, 0.35)),
}
ROOM = 0.4  # metres that stay free around both sensors
HFOV = math.radians(80)
OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])  # base from optical


@dataclass(frozen=True)
class Motion:
    """
    A winding way ahead over ground that is not quite even.

    start: (3,), metres, on the ground; heading: radians from the world's +x
    speed: metres per second; sway: metres to each side; swing: radians of turning to and fro
    period: seconds of a bend; rock: radians of pitching and rolling, three times as fast
    """

    start: np.ndarray
    heading: float
    speed: float
    sway: float = 0.3
    swing: float = 0.25
    period: float = 4.0
    rock: float = 0.015

    def pose(self, stamp) -> np.ndarray:
        """
        Return where the base is.

        stamp: (N,), nanoseconds; returns: world from base_link, (N, 4, 4)
        """
        t = (np.atleast_1d(stamp) - START) * 1e-9
        phase = 2 * math.pi * t / self.period
        poses = np.tile(np.eye(4), (len(t), 1, 1))
        along = np.stack([self.speed * t, self.sway * np.sin(phase), 0.02 * np.sin(3 * phase)], -1)
        poses[:, :3, 3] = self.start + along @ yaw_matrix(self.heading).T
        for pose, p in zip(poses, phase):
            turn = yaw_matrix(self.heading + self.swing * math.sin(p + 1.0))
            pitch = tilt_matrix('y', self.rock * math.sin(3 * p))
            pose[:3, :3] = turn @ pitch @ tilt_matrix('x', self.rock * math.cos(2.3 * p))
        return poses


class Robot:
    """
    A robot in its world.

    domain: 'street', 'corridor' or 'room'; seed: decides the world, the way and the noise
    seconds: of the way that has to be free; size: (height, width) of the images, pixels
    """

    def __init__(
        self, domain='street', seed=0, seconds=3.0, size=(240, 640), lidar=None, device='cpu'
    ):
        if domain not in BASES:
            raise ValueError(f'no robot for world {domain!r}; choose one of {", ".join(BASES)}')
        self.domain, self.seed, self.seconds = domain, seed, seconds
        self.lidar = lidar or Lidar()
        rng = np.random.default_rng([seed, list(DOMAINS).index(domain), 2])
        self._bank = texture_bank(str(device), None)
        self._scene = Scene(rng)
        viewpoints = DOMAINS[domain](self._scene, Palette(rng, self._bank))
        self._solids = Solids.of(self._scene, device)
        self._film = int(rng.integers(2**31))  # the same exposure and colours in all frames
        for one in [v for v in viewpoints if math.cos(v.yaw) > 0.9] or viewpoints:
            self._mount(one)
            if self._free():
                break
        else:
            raise ValueError(
                f'in {domain} {seed} no way of {seconds:g} s is free; choose another seed or '
                'fewer seconds'
            )
        self.camera = replace(one, hfov=HFOV).camera(size, rng)

    def _mount(self, one: Viewpoint) -> None:
        """Put the camera where the viewpoint is, on a base that goes where it looks."""
        speed, aside = BASES[self.domain]
        camera = np.array([0.4, -0.1, one.position[2]])
        self.base_from_camera = _transform(OPTICAL, camera)
        self.base_from_lidar = _transform(yaw_matrix(0.03), camera + aside)
        self.motion = Motion(one.position * [1, 1, 0], one.yaw + math.pi / 2, speed)

    def _free(self) -> bool:
        """Tell whether both sensors have room on the whole way."""
        poses = self.motion.pose(START + np.arange(0, self.seconds + 0.5, 0.25) * 1e9)
        mounts = np.stack([self.base_from_camera, self.base_from_lidar])[:, None]
        places = (poses @ mounts)[..., :3, 3].reshape(-1, 3)
        return all(self._scene.clearance(place) > ROOM for place in places)

    def pose(self, stamp) -> np.ndarray:
        """Return odom from base_link at stamps (N,), nanoseconds: (N, 4, 4); it starts at I."""
        return np.linalg.inv(self.motion.pose(START)) @ self.motion.pose(stamp)

    def photograph(self, stamp: int) -> Sample:
        """Return the image at a stamp, with exact depth at the pixels' centres; 0 is the sky."""
        pose = self.motion.pose(stamp)[0] @ self.base_from_camera
        view = View.of(self.camera, pose[:3, :3], pose[:3, 3], self._solids.centre.device)
        film = np.random.default_rng(self._film)
        image, depth = photograph(self._scene, self._solids, view, self._bank, film)
        stem = f'{self.domain}_{self.seed:07d}_{(stamp - START) // 1_000_000:06d}'
        return Sample(image, depth, self.camera, stem, stamp)

    def sweep(self, start: int) -> Sweep:
        """Return the LiDAR's turn that begins at a stamp, nanoseconds."""
        pose = lambda stamps: self.motion.pose(stamps) @ self.base_from_lidar
        rng = np.random.default_rng([self.seed, start - START])
        return self.lidar.sweep(self._solids, pose, start, rng)


def _transform(rotation, translation) -> np.ndarray:
    """Return a rigid motion as 4x4."""
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation, translation
    return T
