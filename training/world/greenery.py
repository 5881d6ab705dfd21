# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Trees, bushes and hedges, metres."""

from __future__ import annotations

import math

from .material import colour, Material, Palette
from .scene import Frame


def leaves(palette: Palette) -> Material:
    """Return foliage of one kind of plant."""
    rng = palette.rng
    first = colour(rng, (0.16, 0.34), (0.25, 0.75), (0.2, 0.6))
    if rng.random() < 0.08:
        first = colour(rng, (0.0, 0.15), (0.3, 0.8), (0.25, 0.6))
    return palette.pattern('foliage', first, tuple(0.4 * c for c in first), rng.uniform(0.5, 1.5))


def bark(palette: Palette) -> Material:
    """Return a trunk's surface."""
    first = colour(palette.rng, (0.05, 0.12), (0.1, 0.5), (0.15, 0.5))
    return palette.pattern('grain', first, None, 0.4, along=True)


def tree(at: Frame, palette: Palette) -> None:
    """Grow a leafy tree, a conifer, a poplar or a bare tree of 3 to 14 m."""
    rng = palette.rng
    tall, kind = rng.uniform(3.5, 13.0), rng.random()
    leaf, wood = leaves(palette), bark(palette)
    stem = rng.uniform(0.015, 0.03) * tall
    if kind < 0.15:
        at.cylinder(0, 0, 0, stem, 0.3 * tall, wood)
        levels = int(rng.integers(3, 7))
        for k in range(levels):
            z, r = (0.1 + 0.85 * k / levels) * tall, 0.22 * tall * (1 - 0.8 * k / levels)
            at.cylinder(0, 0, z, r, 1.6 * tall / levels, leaf, 0.05)
        return
    at.cylinder(0, 0, 0, stem, 0.6 * tall, wood, 0.6)
    for _ in range(rng.integers(2, 7)):
        branch = at.moved(0, 0, rng.uniform(0.25, 0.55) * tall, rng.uniform(0, 2 * math.pi))
        branch = branch.tilted('x', rng.uniform(0.3, 1.0))
        branch.cylinder(0, 0, 0, 0.4 * stem, rng.uniform(0.25, 0.45) * tall, wood, 0.3)
    if kind < 0.22:
        return
    slim = 0.45 if kind < 0.35 else 1.0
    spread, low = rng.uniform(0.16, 0.3) * tall * slim, rng.uniform(0.25, 0.5)
    for _ in range(rng.integers(12, 32)):
        z = rng.uniform(low, 0.95)
        wide = spread * math.sqrt(max(1 - ((z - low) / (0.98 - low) * 2 - 0.8) ** 2 / 1.5, 0.1))
        angle, off = rng.uniform(0, 2 * math.pi), wide * math.sqrt(rng.random())
        r = rng.uniform(0.2, 0.55) * spread + 0.12
        clump = at.moved(off * math.cos(angle), off * math.sin(angle), z * tall, angle)
        clump = clump.tilted('y', rng.normal(0, 0.4))
        clump.ellipsoid(0, 0, 0, (r, r * rng.uniform(0.7, 1), r * rng.uniform(0.5, 0.9)), leaf)


def bush(at: Frame, palette: Palette) -> None:
    """Grow a bush of 0.4 to 2 m."""
    rng = palette.rng
    r, leaf = rng.uniform(0.3, 1.0), leaves(palette)
    for _ in range(rng.integers(2, 7)):
        x, y = rng.normal(0, 0.5 * r, 2)
        s = rng.uniform(0.5, 1.0) * r
        at.ellipsoid(x, y, 0.6 * s, (s, s * rng.uniform(0.7, 1), s * rng.uniform(0.7, 1.1)), leaf)


def hedge(at: Frame, palette: Palette, length) -> None:
    """Grow a clipped hedge along y, its start at the origin."""
    rng = palette.rng
    tall, thick, leaf = rng.uniform(0.7, 2.2), rng.uniform(0.5, 1.0), leaves(palette)
    at.wedge(0, length / 2, 0, thick, length, tall, (0.15, 0.15, 0.02, 0.02), leaf)
    for _ in range(rng.integers(0, int(length) + 1)):
        r = rng.uniform(0.2, 0.45)
        at.ellipsoid(rng.normal(0, 0.1), rng.uniform(0, length), tall - 0.1, (r, r, 0.6 * r), leaf)


def stem(at: Frame, palette: Palette, leaf: Material, wood: Material) -> None:
    """Grow a tree of a wood: a tall trunk, its crown high up; cheap, for there are many."""
    rng = palette.rng
    tall = rng.uniform(6, 20)
    radius = rng.uniform(0.008, 0.016) * tall
    leaning = at.moved(yaw=rng.uniform(0, 2 * math.pi)).tilted('x', rng.normal(0, 0.03))
    leaning.cylinder(0, 0, -0.3, radius, 0.8 * tall, wood, 0.5)
    if rng.random() < 0.5:
        for _ in range(rng.integers(1, 4)):  # dead branches
            branch = leaning.moved(0, 0, rng.uniform(0.1, 0.5) * tall, rng.uniform(0, 2 * math.pi))
            branch.tilted('x', rng.uniform(0.8, 1.5)).cylinder(
                0, 0, 0, 0.02, rng.uniform(0.4, 1.5), wood, 0.3
            )
    for _ in range(rng.integers(3, 8)):
        x, y = rng.normal(0, 0.09 * tall, 2)
        r = rng.uniform(0.07, 0.16) * tall
        z = rng.uniform(0.55, 0.95) * tall
        leaning.ellipsoid(x, y, z, (r, r, r * rng.uniform(0.5, 1.2)), leaf)
