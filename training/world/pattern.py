# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Procedural textures. Every function takes (rng, size) and returns (size, size, 3) in [0, 1].

Patterns (see `texture.py`): channel 0 blends two colours, channel 1 is brightness around 0.5.
"""

from __future__ import annotations

from functools import partial

import numpy as np


def noise(rng, size, slope=1.2, stretch=(1.0, 1.0), low=0.0) -> np.ndarray:
    """
    Tileable noise with a power-law spectrum.

    slope: exponent of the amplitude's fall; stretch: (x, y) elongation; low: lowest frequency kept
    returns: (size, size), mean 0.5, about 4 standard deviations in [0, 1]
    """
    fx = np.fft.fftfreq(size, 1 / size)[None, :] * stretch[0]
    fy = np.fft.fftfreq(size, 1 / size)[:, None] * stretch[1]
    f = np.hypot(fx, fy)
    amplitude = np.where(f > low, np.maximum(f, 0.5) ** -slope, 0.0)
    amplitude[0, 0] = 0.0
    field = np.fft.ifft2(amplitude * np.fft.fft2(rng.normal(size=(size, size)))).real
    return np.clip(0.5 + field / (4 * field.std() + 1e-9), 0.0, 1.0)


def _join(blend, bright) -> np.ndarray:
    return np.stack([np.clip(blend, 0, 1), np.clip(bright, 0, 1), np.zeros_like(blend)], -1)


def _grid(size):
    return np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size)


def cells(rng, size, columns, rows, shift, joint):
    """Lay bricks; returns (is joint, brightness of each brick, blend of each brick)."""
    x, y = _grid(size)
    row = np.floor(y * rows).astype(int)
    moved = x * columns + shift * row
    column = np.floor(moved).astype(int) % columns
    fx, fy = (moved % 1) / columns, (y * rows % 1) / rows
    is_joint = (np.minimum(fx, 1 / columns - fx) < joint) | (np.minimum(fy, 1 / rows - fy) < joint)
    return (
        is_joint,
        rng.random((rows, columns))[row, column],
        rng.random((rows, columns))[row, column],
    )


def cloud(rng, size):
    """Soft blotches: paint, plastic, plaster from afar."""
    return _join(noise(rng, size, 1.6), 0.5 + 0.15 * (noise(rng, size, 0.6) - 0.5))


def plaster(rng, size):
    """Plaster and wallpaper: faint blotches and grains."""
    return _join(
        noise(rng, size, 1.2), 0.5 + rng.uniform(0.02, 0.3) * (noise(rng, size, 0.2) - 0.5)
    )


def asphalt(rng, size):
    """Fine grains with patches."""
    return _join(noise(rng, size, 1.3), 0.5 + 0.7 * (noise(rng, size, 0.1) - 0.5))


def speckle(rng, size):
    """Terrazzo, granite, melange cloth."""
    spots = noise(rng, size, rng.uniform(0.0, 0.8)) > rng.uniform(0.5, 0.68)
    return _join(spots * 1.0, 0.5 + 0.3 * (noise(rng, size, 0.8) - 0.5))


def marble(rng, size):
    """Veins."""
    vein = 1 - np.abs(noise(rng, size, 1.7) - 0.5) * rng.uniform(6, 14)
    return _join(np.clip(vein, 0, 1), 0.4 + 0.25 * noise(rng, size, 1.5))


def grain(rng, size):
    """Wood grain along x."""
    y = _grid(size)[1]
    rings = 0.5 + 0.5 * np.sin(
        2 * np.pi * (rng.integers(3, 9) * y + 2 * noise(rng, size, 1.8, (4, 1)))
    )
    fibre = noise(rng, size, 0.8, (12, 1))
    return _join(0.5 * rings + 0.8 * (fibre - 0.2), 0.5 + 0.3 * (noise(rng, size, 1.5) - 0.5))


def planks(rng, size):
    """Floor boards along x."""
    joint, bright, blend = cells(rng, size, rng.integers(1, 3), rng.integers(4, 11), 0.4, 0.006)
    fibre = noise(rng, size, 0.8, (12, 1))
    spread = rng.uniform(0.1, 0.5)
    shade = 0.5 + spread * (bright - 0.5) + 0.25 * (fibre - 0.5)
    return _join(0.6 * blend + 0.5 * fibre, np.where(joint, 0.1, shade))


def bricks(rng, size):
    """Brickwork; the second colour is mortar."""
    rows = 2 * int(rng.integers(3, 8))
    joint, bright, blend = cells(
        rng, size, max(rows // 3, 1), rows, 0.5, rng.uniform(0.006, 0.012)
    )
    rough = noise(rng, size, 0.5)
    shade = 0.5 + 0.5 * (bright - 0.5) + 0.3 * (rough - 0.5)
    return _join(np.where(joint, 1.0, 0.25 * blend), np.where(joint, 0.5, shade))


def tiles(rng, size):
    """Square or oblong tiles; the second colour is grout."""
    columns = int(rng.integers(1, 7))
    rows = columns * int(rng.choice([1, 1, 1, 2]))
    joint, bright, _ = cells(rng, size, columns, rows, rng.choice([0, 0, 0.5]), 0.008)
    veins = noise(rng, size, 1.5)
    shade = 0.5 + rng.uniform(0.0, 0.3) * (bright - 0.5) + 0.2 * (veins - 0.5)
    return _join(np.where(joint, 1.0, 0.3 * veins), np.where(joint, rng.uniform(0.15, 0.7), shade))


def panels(rng, size):
    """Large panels with thin gaps: cladding, ceilings, cupboards."""
    joint, bright, blend = cells(rng, size, rng.integers(1, 5), rng.integers(1, 5), 0, 0.008)
    dots = (noise(rng, size, 0.0) > 0.62) * rng.choice([0.0, 0.3])
    return _join(0.3 * blend + dots, np.where(joint, 0.15, 0.5 + 0.1 * (bright - 0.5)))


def checks(rng, size):
    """Chequerboard."""
    x, y = _grid(size)
    n = 2 * int(rng.integers(1, 5))
    return _join(
        (np.floor(x * n) + np.floor(y * n)) % 2, 0.45 + 0.2 * (noise(rng, size, 1.0) - 0.5)
    )


def stripes(rng, size):
    """Stripes of several widths along y."""
    edges = np.sort(rng.random(2 * int(rng.integers(1, 7))))
    column = np.searchsorted(edges, (np.arange(size) + 0.5) / size) % 2
    return _join(np.tile(column, (size, 1)) * 1.0, 0.45 + 0.15 * (noise(rng, size, 0.6) - 0.5))


def weave(rng, size):
    """Woven threads."""
    x, y = _grid(size)
    n = int(rng.integers(8, 28))
    threads = np.sin(2 * np.pi * n * x) * np.sin(2 * np.pi * n * y)
    return _join(noise(rng, size, 1.0), 0.5 + 0.2 * threads + 0.3 * (noise(rng, size, 0.4) - 0.5))


def foliage(rng, size):
    """Leaves: bright and dark blotches of all sizes."""
    leaf = noise(rng, size, rng.uniform(0.3, 0.9), low=2)
    return _join(noise(rng, size, 1.0), 0.5 + 1.3 * (leaf - 0.5))


def grass(rng, size):
    """Blades along y with bare patches."""
    blade = noise(rng, size, 0.5, (1.0, rng.uniform(1.0, 3.0)))
    return _join(noise(rng, size, 1.4), 0.5 + 0.8 * (blade - 0.5))


def facade(rng, size, n):
    """Wall of n x n windows, a storey to a row; the second colour is glass."""
    x, y = _grid(size)
    fx, fy = x * n % 1, y * n % 1
    w, h = rng.uniform(0.18, 0.42), rng.uniform(0.22, 0.42)
    dx, dy = np.abs(fx - 0.5), np.abs(fy - 0.5)
    glass = (dx < w) & (dy < h)
    frame = glass & (
        (dx > w - 0.03) | (dy > h - 0.03) | (dx < 0.015) * rng.choice([0, 1]).astype(bool)
    )
    sill = (dx < w + 0.03) & (fy > 0.5 + h) & (fy < 0.5 + h + 0.05)
    rough = 0.25 * (noise(rng, size, 0.8) - 0.5)
    cell = rng.random((n, n))[np.floor(y * n).astype(int), np.floor(x * n).astype(int)]
    bright = np.where(glass, 0.3 + 0.5 * cell + 0.3 * (0.5 - fy), 0.5 + rough)
    return _join(
        np.where(glass & ~frame, 1.0, 0.0), np.where(frame | sill, rng.uniform(0.6, 1.0), bright)
    )


FACADES = (1, 2, 3)  # storeys that one repeat spans
# The function of each kind, and how many of it a bank holds.
PATTERNS = {
    'cloud': (cloud, 6),
    'plaster': (plaster, 8),
    'asphalt': (asphalt, 5),
    'speckle': (speckle, 6),
    'marble': (marble, 6),
    'grain': (grain, 8),
    'planks': (planks, 10),
    'bricks': (bricks, 8),
    'tiles': (tiles, 12),
    'panels': (panels, 8),
    'checks': (checks, 4),
    'stripes': (stripes, 10),
    'weave': (weave, 6),
    'foliage': (foliage, 8),
    'grass': (grass, 6),
    **{f'facade_{n}': (partial(facade, n=n), 5) for n in FACADES},
}
