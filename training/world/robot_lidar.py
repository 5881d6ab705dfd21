# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A spinning multi-beam LiDAR on a moving mount, and the casting of its single rays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from .raycast import Solids
from .solids import ENTRY_AND_EXIT

BUNDLE = 16  # columns whose rays are cast together: narrow enough to leave most solids out

Pose = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Lidar:
    """
    How the sensor measures.

    beams: number, evenly from `lowest` to `highest`, degrees above its horizon
    columns: firings in a turn; all beams of a column fire at the same moment
    period: of a turn, nanoseconds; it begins and ends looking backwards, and turns clockwise
    noise: standard deviation of a range, metres; nearest, farthest: ranges it reports, metres
    """

    beams: int = 32
    columns: int = 900
    lowest: float = -24.0
    highest: float = 10.0
    period: int = 100_000_000
    noise: float = 0.02
    nearest: float = 0.5
    farthest: float = 100.0

    def directions(self) -> np.ndarray:
        """Return the beams in the sensor's frame (x ahead, y left): (columns, beams, 3), unit."""
        azimuth = np.pi * (1 - 2 * (np.arange(self.columns) + 0.5) / self.columns)[:, None]
        height = np.radians(np.linspace(self.lowest, self.highest, self.beams))[None]
        flat, up = np.cos(height), np.sin(height) * np.ones_like(azimuth)
        return np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), up], axis=-1)

    def times(self) -> np.ndarray:
        """Return when each column fires, nanoseconds after the turn's begin: (columns,)."""
        return np.arange(self.columns) * self.period // self.columns

    def sweep(self, solids: Solids, pose: Pose, start: int, rng: np.random.Generator) -> Sweep:
        """
        Measure one turn while the sensor moves.

        pose: stamps (N,), nanoseconds -> world from sensor, (N, 4, 4)
        start: stamp of the first column, nanoseconds
        """
        directions, times = self.directions(), self.times()
        poses = pose(start + times)
        world = np.einsum('nij,nbj->nbi', poses[:, :3, :3], directions)
        origins = np.broadcast_to(poses[:, None, :3, 3], world.shape)
        ranges = np.concatenate(
            [
                cast_rays(solids, origins[k : k + BUNDLE], world[k : k + BUNDLE])
                for k in range(0, self.columns, BUNDLE)
            ]
        )
        ranges = ranges + rng.normal(0.0, self.noise, ranges.shape)
        column, ring = np.nonzero((ranges >= self.nearest) & (ranges <= self.farthest))
        ranges = ranges[column, ring]
        return Sweep(
            start,
            (directions[column, ring] * ranges[:, None]).astype(np.float32),
            times[column].astype(np.uint32),
            ring.astype(np.uint16),
            (100 * np.exp(-ranges / 40)).astype(np.float32),
        )


@dataclass(frozen=True)
class Sweep:
    """
    The returns of one turn, each in the sensor's frame of the moment when it was measured.

    start: stamp of the first column, nanoseconds
    points: (N, 3) float32, metres; time: (N,) uint32, nanoseconds after start
    ring: (N,) uint16, beam from below; intensity: (N,) float32
    """

    start: int
    points: np.ndarray
    time: np.ndarray
    ring: np.ndarray
    intensity: np.ndarray


@torch.no_grad()
def cast_rays(solids: Solids, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """
    Measure how far rays go that start close to each other and have directions in common.

    origins: (..., 3), metres; directions: (..., 3), unit vectors
    returns: (...) float64, metres, inf where nothing is hit
    """
    device = solids.centre.device
    o, d = (
        torch.tensor(x.reshape(-1, 3), dtype=torch.float32, device=device)
        for x in (origins, directions)
    )
    nearest = torch.full((len(d),), torch.inf, device=device)
    near = _in_cone(solids, o, d)
    for kind, enter in enumerate(ENTRY_AND_EXIT):
        mine = ((solids.kind == kind) & near).nonzero()[:, 0]
        inverse = solids.inverse[mine]
        start = inverse @ (o.T[None] - solids.centre[mine, :, None])  # (P, 3, N)
        # Exactly axis-parallel rays would divide 0 by 0.
        t, exit_t = enter(start, inverse @ d.T + 1e-9, solids.taper[mine][..., None])
        t = torch.where((t <= exit_t) & (t > 0), t, torch.inf)
        if len(mine):
            nearest = torch.minimum(nearest, t.amin(0))
    return nearest.double().cpu().numpy().reshape(directions.shape[:-1])


def _in_cone(solids: Solids, o, d):
    """Tell which solids' bounding spheres reach into the cone around all rays: (N,), bool."""
    apex, axis = o.mean(0), torch.nn.functional.normalize(d.mean(0), dim=0)
    opening = (d @ axis).amin().clamp(-1, 1).acos()
    radius = (solids.corners[:, 0] - solids.centre).norm(dim=1) + (o - apex).norm(dim=1).amax()
    towards = solids.centre - apex
    away = towards.norm(dim=1)
    angle = (towards @ axis / away.clamp_min(1e-6)).clamp(-1, 1).acos()
    return (away <= radius) | (angle <= opening + (radius / away).clamp_max(1).asin())
