# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Staircases: flights, what keeps people from falling off them, landings, the hall below."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np

from . import furniture, interior
from .clutter import scatter
from .footprint import Footprint, Plan
from .material import Palette
from .scene import Frame, Lamp, Scene
from .viewpoint import hfov, looking_at, Viewpoint


@dataclass(frozen=True)
class Flight:
    """
    A straight run of steps from the origin of its frame along +y.

    rise, run: of a step, metres; steps: how many; wide: metres
    rail: height of a handrail above the noses, metres
    """

    rise: float
    run: float
    steps: int
    wide: float
    rail: float

    @classmethod
    def drawn(cls, rng) -> Flight:
        """Draw a flight within what building rules allow."""
        return cls(
            rng.uniform(0.15, 0.2),
            rng.uniform(0.24, 0.33),
            int(rng.integers(4, 17)),
            rng.uniform(0.85, 2.4),
            rng.uniform(0.85, 1.1),
        )

    @property
    def length(self) -> float:
        """Metres along the floor."""
        return self.steps * self.run

    @property
    def top(self) -> float:
        """Height of the last step, metres."""
        return self.steps * self.rise

    @property
    def slope(self) -> float:
        """Radians."""
        return math.atan2(self.rise, self.run)

    def build(self, at: Frame, look, solid: bool, open_: bool) -> None:
        """
        Add the steps.

        look: materials of treads, of risers and of the nosing, None without one
        solid: filled down to the floor; open_: treads between two strings, light between them
        """
        tread, riser, nosing = look
        thick = 0.05 if open_ else 0.03
        for k in range(self.steps):
            y, z = (k + 0.5) * self.run, (k + 1) * self.rise
            at.box(0, y, z - thick, self.wide, self.run + 0.03, thick, tread)
            if not open_:
                down = z - thick if solid else self.rise + 0.1
                at.box(0, y + 0.015, z - thick - down, self.wide, self.run, down, riser)
            if nosing:
                at.box(0, y - self.run / 2 + 0.01, z - 0.025, self.wide, 0.06, 0.027, nosing)
        if open_:
            for x in (-self.wide / 2, self.wide / 2):
                self.sloping(at.moved(x), -0.15, 0.05, 0.25, riser)

    def sloping(self, at: Frame, above: float, thick: float, high: float, material) -> None:
        """Add a beam along the steps; above: metres of its lower side over the noses."""
        length = math.hypot(self.length, self.top)
        beam = at.moved(0, 0.0, self.rise + above).tilted('x', self.slope)
        beam.box(0, length / 2, 0, thick, length, high, material)

    def guard(self, at: Frame, palette: Palette) -> None:
        """Add a handrail, bars, a parapet or boards at x = 0, perhaps with a post at the foot."""
        rng, kind = palette.rng, palette.rng.integers(4)
        steel = palette.metal() if rng.random() < 0.6 else palette.wood()
        if kind == 2:  # a parapet, plastered or clad
            self.sloping(at, -0.2, 0.1, self.rail + 0.2, palette.wall())
        elif kind == 3:  # boards or rods along the steps
            for k in range(1, rng.integers(3, 7)):
                self.sloping(at, self.rail * k / 7, 0.03, rng.choice([0.02, 0.1]), steel)
        if kind != 2:
            every = self.run * rng.integers(1, 4) if kind != 1 else rng.uniform(0.1, 0.16)
            for y in np.arange(0.5 * self.run, self.length, every):
                z = self.rise * (y / self.run + 0.5)
                at.cylinder(0, y, z, rng.choice([0.008, 0.014]), self.rail, steel)
        self.sloping(at, self.rail, 0.05, 0.05, steel)
        if rng.random() < 0.5:
            thick = rng.uniform(0.06, 0.4)
            high = self.rail + 0.2 if rng.random() < 0.67 else 6.0
            post = palette.wall() if high > 2 else steel
            if rng.random() < 0.7:
                at.box(0, -thick / 2, 0, thick, thick, high, post)
            else:
                at.cylinder(0, -thick / 2, 0, thick / 2, high, post)


def staircase(scene: Scene, palette: Palette) -> list[Viewpoint]:
    """Build one flight up, or two around a well; returns viewpoints to try."""
    rng, flight = scene.rng, Flight.drawn(scene.rng)
    wide, well = flight.wide, rng.choice([None, 0.0, 0.1, 1.2])
    front, landing = rng.uniform(1.5, 4), rng.uniform(1.1, 2.5)
    if well is None:  # between walls, or at the side of a hall
        aside = rng.choice([0.0, rng.uniform(0.8, 4.0)])
        width, height = wide + aside, flight.top + rng.uniform(2.2, 3)
    else:
        width, height = 2 * wide + well, 2 * flight.top + 2.4
    depth, side = front + flight.length + landing, rng.choice([-1, 1])
    at = scene.frame()
    up = at.moved(side * (width - wide) / 2, -depth / 2 + front)
    back = at.moved(side * (wide - width) / 2, depth / 2 - landing, flight.top, math.pi)
    plan, size = Plan(), np.array([wide / 2, flight.length])
    plan.take(Footprint.between(up, size * [-1, 0], size))
    plan.take(Footprint.between(at, (-width / 2, depth / 2 - landing), (width / 2, depth / 2)))
    if well is not None:
        plan.take(Footprint.between(back, size * [-1, 0], size))
    windows = interior.shell(scene, palette, width, depth, height, plan)
    interior.light(scene, palette, width, depth, height, windows, lamps=2)
    low = np.array([0, -0.4 * depth, 2.2])
    scene.lamps.append(Lamp(low, np.ones(3) * rng.uniform(0.3, 2), 0.3))
    nosing = palette.plain() if rng.random() < 0.5 else None
    look = palette.floor(), palette.wall(), nosing
    open_ = rng.random() < 0.35
    flight.build(up, look, solid=rng.random() < 0.6, open_=open_)
    at.box(0, depth / 2 - landing / 2, flight.top - 0.25, width, landing, 0.25, look[0])
    if well is not None:
        flight.build(back, look, solid=False, open_=open_)
        flight.guard(back.moved(-side * (0.05 - wide / 2)), palette)
    if rng.random() < 0.85:
        flight.guard(up.moved(-side * (wide / 2 - 0.05)), palette)
    if rng.random() < 0.3:
        flight.sloping(up.moved(side * (wide / 2 - 0.06)), flight.rail, 0.05, 0.05, palette.wood())
    hall = at.moved(0, -depth / 2 + front / 2)
    scatter(hall, palette, 0.8 * width, 0.8 * front, rng.integers(0, 3))
    if width - wide > 1.2 and rng.random() < 0.4:
        beside = at.moved(-side * wide / 2, depth / 2 - landing - 0.5 * flight.length, 0, math.pi)
        furniture.cabinet(beside, palette, 0.8, 0.4, rng.uniform(0.7, 1.9))
    return [_viewpoint(rng, flight, up, front, landing, width, side) for _ in range(24)]


def _viewpoint(rng, flight: Flight, up: Frame, front, landing, width, side) -> Viewpoint:
    """Look at the steps as a robot before them does, or somebody with a camera in the hand."""
    eye = rng.choice([rng.uniform(0.2, 0.9), rng.uniform(0.9, 1.75), rng.uniform(1.2, 1.75)])
    roll = rng.normal(0, 0.05) if rng.random() < 0.5 else rng.normal(0, 0.22)
    k = rng.integers(0, flight.steps + 1)
    target = up.world(rng.uniform(-0.6, 0.6) * flight.wide, k * flight.run, k * flight.rise)
    where = rng.random()
    if where < 0.6:  # on the ground, anywhere before or beside them
        x = rng.uniform(-0.4, 0.4) * flight.wide
        if rng.random() < 0.6:
            x = -side * rng.uniform(-0.4 * flight.wide, width - 0.7 * flight.wide)
        place = up.world(x, -rng.uniform(0.1, 0.95) * front, eye)
    elif where < 0.75:  # on them, upwards
        j = rng.integers(0, flight.steps)
        place = up.world(0, (j + 0.5) * flight.run, (j + 1) * flight.rise + eye)
        target = up.world(0, (j + 5) * flight.run, (j + 5) * flight.rise)
    else:  # from above
        y = flight.length + rng.uniform(-0.3, 0.7) * landing
        place = up.world(rng.uniform(-0.3, 0.3) * flight.wide, y, flight.top + eye)
    return looking_at(place, target + rng.normal(0, 0.3, 3), roll, hfov(rng))
