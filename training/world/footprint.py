# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What ground things take up, so that none is put where another one stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
import math

import numpy as np

from .scene import Frame

_SIGNS = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), -1).reshape(8, 3)


@dataclass(frozen=True)
class Footprint:
    """
    A rectangle on the ground, turned anyhow.

    centre: (2,), metres; axes: (2, 2), its unit vectors, one a row; half: (2,), metres along them
    """

    centre: np.ndarray
    axes: np.ndarray
    half: np.ndarray

    @classmethod
    def between(cls, at: Frame, low, high) -> Footprint:
        """Return the rectangle between two corners (x, y) in an upright frame, metres."""
        low, high = np.asarray(low, float), np.asarray(high, float)
        middle = (low + high) / 2
        return cls(at.world(*middle)[:2], at.rotation[:2, :2].T, (high - low) / 2)

    @classmethod
    def of(cls, at: Frame, start: int, end=None, below=np.inf) -> Footprint | None:
        """
        Return what the scene's solids from number `start` to `end` cover, along a frame's axes.

        below: metres above the frame; solids that begin higher do not count, such as a crown
        returns: None if there are none
        """
        if not at.scene.rows[start:end]:
            return None
        _, centre, rotation, half, _, _ = zip(*at.scene.rows[start:end])
        corners = np.einsum('nij,nkj->nki', np.array(rotation), _SIGNS * np.array(half)[:, None])
        corners = (corners + np.array(centre)[:, None] - at.origin) @ at.rotation
        corners = corners[corners[..., 2].min(1) < below, :, :2]
        if len(corners) == 0:
            return None
        return cls.between(at, corners.min((0, 1)), corners.max((0, 1)))

    @cached_property
    def circle(self) -> tuple[float, float, float]:
        """Return x, y and radius of the circle around it, metres."""
        return (*self.centre.tolist(), math.hypot(*self.half.tolist()))

    @property
    def corners(self) -> np.ndarray:
        """Return the corners, (4, 2), metres."""
        signs = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]])
        return self.centre + signs * self.half @ self.axes

    def overlaps(self, other: Footprint, gap=0.0) -> bool:
        """Tell whether two are nearer than a gap: no axis of either separates them, metres."""
        apart = other.centre - self.centre
        for axis in (*self.axes, *other.axes):
            reach = np.abs(self.axes @ axis) @ self.half + np.abs(other.axes @ axis) @ other.half
            if abs(apart @ axis) >= reach + gap:
                return False
        return True


class Plan:
    """
    What stands where.

    size: (width, depth) of the space within walls around the origin, metres; None: open
    gap: how far apart things stay at least, metres; negative where they may touch
    """

    def __init__(self, size=None, gap=0.01):
        self.taken: list[Footprint] = []
        # A hair more than half, for what leans against a wall.
        self._limit = None if size is None else np.array(size) / 2 + 1e-3
        self._gap = gap

    def take(self, footprint: Footprint | None) -> None:
        """Let nothing else stand there."""
        if footprint is not None:
            self.taken.append(footprint)

    def free(self, footprint: Footprint, gap=None) -> bool:
        """Tell whether nothing stands there and no wall does; gap: other than the plan's."""
        gap = self._gap if gap is None else gap
        if self._limit is not None and (np.abs(footprint.corners) > self._limit).any():
            return False
        x, y, far = footprint.circle
        for other in self.taken:
            u, v, reach = other.circle
            # Most are far away, which is told at once.
            near = (u - x) ** 2 + (v - y) ** 2 < max(reach + far + gap, 0.0) ** 2
            if near and footprint.overlaps(other, gap):
                return False
        return True

    def put(self, at: Frame, build: Callable, *args, below=np.inf, gap=None) -> bool:
        """
        Build something unless it would stand in something else; tells whether it was built.

        build: takes a frame, and args after it; below: see `Footprint.of`; gap: see `free`
        """
        scene = at.scene
        start = len(scene.rows)
        build(at, *args)
        footprint = Footprint.of(at, start, below=below)
        if footprint is not None and not self.free(footprint, gap):
            del scene.rows[start:], scene.materials[start:]
            return False
        self.take(footprint)
        return True

    def put_under(self, at: Frame, build: Callable, *args, start: int, below: float) -> bool:
        """
        Put something that may reach under the top of what was put last, as chairs do at tables.

        start: number of that thing's first solid; below: metres, where those begin that count
        """
        scene, last = at.scene, self.taken.pop()
        parts = [Footprint.of(at, k, k + 1, below) for k in range(start, len(scene.rows))]
        whole, self.taken = self.taken, self.taken + [part for part in parts if part]
        built = self.put(at, build, *args)
        self.taken = [*whole, last, *self.taken[len(self.taken) - built :]]
        return built
