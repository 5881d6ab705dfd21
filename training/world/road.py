# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A straight or curved road with lanes, parking strips, pavements, markings and open ground."""

from __future__ import annotations

from dataclasses import dataclass, replace
import math

import numpy as np

from .material import colour, Palette
from .scene import Frame

BEHIND, AHEAD, BEYOND = -25.0, 150.0, 600.0  # metres along the road; only straight ones go beyond
WIDE = 8.0  # metres, of a crossing road
PIECE = 6.0  # metres; a curve is made of straight pieces


@dataclass
class Road:
    """
    Where things along a road are; its surface is z = 0 and it starts along +y.

    curvature: 1/metres, positive to the left; lanes: number; lane: width of one, metres
    half: from the middle to the last lane's edge; parking, path: widths of the strips and the
    pavements right and left of it, metres; crossing: where another road crosses it, or None
    kerb: how high the pavements are, metres
    """

    frame: Frame
    curvature: float
    lanes: int
    lane: float
    half: float
    parking: np.ndarray
    path: np.ndarray
    crossing: float | None
    kerb: float = 0.12

    @classmethod
    def draw(cls, frame: Frame, rng) -> Road:
        """Draw a country lane, a street or a wide road."""
        lanes, lane = int(rng.choice([1, 2, 2, 2, 3, 3, 4])), rng.uniform(2.8, 3.6)
        curvature = rng.choice([-1, 1]) / rng.uniform(70, 450) if rng.random() < 0.4 else 0.0
        return cls(
            frame,
            curvature,
            lanes,
            lane,
            half=lanes * lane / 2 + (0.6 if lanes == 1 else 0.0),
            parking=rng.choice([0.0, 2.2], size=2),
            path=rng.choice([0.0, 1.5, 2.0, 3.0], size=2),
            crossing=rng.uniform(15, 60) if rng.random() < 0.4 else None,
            kerb=rng.uniform(0.05, 0.16),
        )

    def middle_of(self, lane: int) -> float:
        """Return x of a lane's middle, metres right of the road's; lanes count from the left."""
        return (lane + 0.5 - self.lanes / 2) * self.lane

    def at(self, x, y, z=0.0, yaw=0.0) -> Frame:
        """Return the place x metres right of the middle, y metres along; its +y is onwards."""
        turn = self.curvature * y
        if turn:
            radius = 1 / self.curvature
            here = self.frame.moved(-radius * (1 - math.cos(turn)), radius * math.sin(turn), z)
        else:
            here = self.frame.moved(0.0, y, z)
        return here.moved(yaw=turn).moved(x, yaw=yaw)

    def beside(self, side: int, away, y, z=0.0, yaw=0.0) -> Frame:
        """Return a place beside the last lane's edge whose +x is towards the road; side: 0, 1."""
        x = self.half + self.parking[side] + away
        return self.at(x * (1, -1)[side], y, z, (math.pi, 0.0)[side] + yaw)

    def stretches(self) -> list[tuple[float, float]]:
        """Return where what lines the road begins and ends: it leaves a crossing free, metres."""
        if self.crossing is None:
            return [(BEHIND, AHEAD)]
        return [(BEHIND, self.crossing), (self.crossing + WIDE, AHEAD)]

    def strip(self, left, right, top, material, start=BEHIND, end=AHEAD, deep=0.5) -> None:
        """Lay a strip between two distances from the middle, its surface at the height `top`."""
        if not self.curvature:
            end = BEYOND if end == AHEAD else end
            middle = self.at((left + right) / 2, (start + end) / 2, top - deep)
            middle.box(0, 0, 0, right - left, end - start, deep, material)
            return
        count = max(1, math.ceil((end - start) / PIECE))
        length = (end - start) / count
        overlap = length * abs(self.curvature) * max(abs(left), abs(right)) + 0.02
        for k in range(count):
            middle = self.at((left + right) / 2, start + (k + 0.5) * length, top - deep)
            middle.box(0, 0, 0, right - left, length + overlap, deep, material)

    def build(self, palette: Palette) -> None:
        """Lay asphalt, kerbs, pavements, soil and markings."""
        rng = palette.rng
        left, right = self.half + self.parking[1], self.half + self.parking[0]
        asphalt = _ground(asphalt_of(palette))
        self.frame.box(0, 150, -1, 900, 900, 0.97, soil_of(palette))
        self.strip(-left, right, 0.0, asphalt)
        kerb = _ground(palette.pattern('speckle', (0.4, 0.4, 0.38), None, 1.0))
        for side, edge in enumerate((right, left)):
            wide, sign = self.path[side], (1, -1)[side]
            if wide > 0:
                for inner, outer, top, look in (
                    (edge, edge + wide, self.kerb, _ground(paving_of(palette))),
                    (edge, edge + 0.15, self.kerb + 0.005, kerb),
                ):
                    for start, end in self.stretches():
                        edges = sorted((sign * inner, sign * outer))
                        self.strip(*edges, top, look, start, end)
        if self.crossing is not None:
            middle = self.at(0, self.crossing + WIDE / 2)
            middle.box(0, 0, -0.1, 300, WIDE, 0.112, asphalt)
        if rng.random() < 0.3:
            patch = asphalt_of(palette)
            for _ in range(rng.integers(1, 6)):
                w, d = rng.uniform(0.8, 2 * self.half), rng.uniform(1, 8)
                x = rng.uniform(-1, 1) * (self.half - w / 2)
                self.at(x, rng.uniform(3, 60)).box(0, 0, 0, w, d, 0.003, patch)
        if rng.random() < 0.8:
            self._paint(palette)

    def _paint(self, palette):
        rng, white = palette.rng, palette.rng.uniform(0.4, 0.85)
        paint = palette.pattern('asphalt', (white, white, 0.95 * white), None, 0.7)
        line = lambda x, start, end: self.strip(
            x - 0.065, x + 0.065, 0.006, paint, start, end, deep=0.006
        )
        for k in range(1, self.lanes):
            x, y = (k - self.lanes / 2) * self.lane, BEHIND + rng.uniform(0, 9)
            if rng.random() < 0.25:
                line(x, BEHIND, 120.0)
                continue
            dash, gap = rng.choice([3.0, 4.0, 6.0]), rng.choice([4.0, 6.0, 9.0])
            while y < 110:
                line(x, y, y + dash)
                y += dash + gap
        if rng.random() < 0.5:
            for x in (-self.half + 0.1, self.half - 0.1):
                line(x, BEHIND, 120.0)
        if rng.random() < 0.25:  # a zebra crossing
            here = self.at(0, rng.uniform(8, 40))
            for k in range(int(2 * self.half)):
                here.box(-self.half + k + 0.5, 0, 0, 0.5, 3.5, 0.007, paint)


def _ground(material):
    return replace(material, world=True)


def asphalt_of(palette: Palette):
    """Return the surface of a road."""
    rng = palette.rng
    first = tuple(rng.uniform(0.05, 0.22) * rng.uniform(0.92, 1.08, 3))
    laid = lambda: palette.pattern('asphalt', first, None, rng.uniform(2, 5))
    return palette.photo(('asphalt', 'concrete'), 3.0, laid, 0.25)


def soil_of(palette: Palette):
    """Return grass or bare ground."""
    rng = palette.rng
    first = colour(rng, (0.14, 0.3), (0.2, 0.6), (0.25, 0.5))
    second = colour(rng, (0.08, 0.25), (0.2, 0.6), (0.25, 0.5))
    lawn = lambda: palette.pattern('grass', first, second, rng.uniform(2, 5))
    return palette.photo(('grass', 'grass', 'ground'), 2.5, lawn, 0.35)


def paving_of(palette: Palette):
    """Return the surface of a pavement or a square."""
    rng = palette.rng
    first = colour(rng, (0.02, 0.15), (0.0, 0.2), (0.4, 0.75))
    kind = rng.choice(['tiles', 'bricks', 'asphalt', 'speckle'])
    laid = lambda: palette.pattern(kind, first, None, rng.uniform(1.0, 2.5))
    return palette.photo(('tiles', 'concrete', 'brick'), 1.8, laid, 0.3)
