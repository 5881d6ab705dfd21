# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What lies and stands about in front of a camera: on floors, tables and shelves."""

from __future__ import annotations

import numpy as np

from . import props
from .geometry import Geometry, standing
from .taken import Taken

_TRIES = 5  # places for each thing


class Litter:
    """
    Draws things and puts them where there is room.

    small, large: lists of Geometry, besides those of our own; floor: height, metres
    pick: draws materials
    """

    def __init__(self, small, large, floor, pick):
        self.small, self.large, self.floor, self.pick = small, large, floor, pick

    def draw_small(self, rng) -> Geometry:
        """Return a thing for tables."""
        if self.small and rng.random() < 0.45:
            return self.small[rng.integers(len(self.small))].placed(
                np.eye(4), rng.uniform(0.7, 1.3)
            )
        if rng.random() < 0.12:
            return props.keyboard(rng, self.pick)
        return props.SMALL[rng.integers(len(props.SMALL))](rng, self.pick)

    def draw_large(self, rng) -> Geometry:
        """Return a thing for the floor."""
        if self.large and rng.random() < 0.5:
            return self.large[rng.integers(len(self.large))].placed(
                np.eye(4), rng.uniform(0.85, 1.15)
            )
        if rng.random() < 0.4:
            return props.shelf(rng, self.pick)
        if rng.random() < 0.5:
            return props.table(rng, self.pick, *rng.uniform([0.4, 0.4, 0.3], [2.0, 1.0, 0.9]))
        low, high = rng.uniform(0.2, 0.6, 2), rng.uniform(0.2, 1.6)
        return box_on_floor(low, high, self.pick)

    def strew(self, rng, casters, view, few) -> list[Geometry]:
        """Stand large things on the floor and small ones on whatever is level in the view."""
        if rng.random() < 0.2:
            return []
        small = view.thumbnail()
        hits = casters.cast(small.origin, small.rays())
        level = np.isfinite(hits.depth) & (hits.flat[:, 2] > 0.9) & (hits.depth < 7)
        on_floor = level & (hits.point[:, 2] < self.floor + 0.2) & (hits.depth > 1.0)
        raised = level & (hits.point[:, 2] > self.floor + 0.25) & (hits.depth > 0.3)
        things, taken = [], []
        for where, make, most in (
            (on_floor, self.draw_large, 1 if few else 5),
            (raised, self.draw_small, 3 if few else 12),
            (on_floor, self.draw_small, 3),
        ):
            places = hits.point[where].astype(float)
            if not len(places):
                continue
            for _ in range(int(rng.integers(0, most + 1))):
                thing = make(rng)
                low, high = thing.bounds
                reach = 0.5 * np.hypot(*(high - low)[:2])
                for place in rng.choice(places, _TRIES):
                    if np.hypot(*(place - view.origin)[:2]) < 0.25 + reach:
                        continue
                    T = standing(*(place - [0, 0, low[2]]), rng.uniform(0, 2 * np.pi))
                    spot = Taken(low, high, T)
                    # Boxes first: they are cheaper than rays.
                    if not any(spot.overlaps(other) for other in taken) and spot.is_free(casters):
                        things.append(thing.placed(spot.T))
                        taken.append(spot)
                        break
        return things


def box_on_floor(half, height, pick) -> Geometry:
    """Return a plain block: a cupboard, a pillar, a carton."""
    material = pick('cardboard', 'wood', 'metal', 'plain', 'print', 'wall')
    return props.box((-half[0], -half[1], 0), (half[0], half[1], height), material)
