# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which of the measured pixels a training step uses."""

from __future__ import annotations

import zlib

import cv2
import numpy as np

JUMP = 0.1  # neighbours whose depths differ by this share lie on two surfaces
TOUCHING = 0.3  # share of measured pixels from which most have a measured neighbour
REACH = 5  # pixels, side of the square around an edge that counts as near it


def depth_edges(depth: np.ndarray) -> np.ndarray:
    """
    Find the pixels near a jump between two neighbours that were both measured.

    depth: (H, W) float32, metres, 0 unknown
    returns: (H, W) bool; nowhere true where measured pixels hardly ever touch, as in LiDAR
    """
    known = np.where(depth > 0, depth, np.nan)
    edge = np.zeros(depth.shape, np.uint8)
    for a, b in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        jump = np.abs(known[a] - known[b]) > JUMP * np.minimum(known[a], known[b])
        edge[a] |= jump
        edge[b] |= jump
    return (cv2.dilate(edge, np.ones((REACH, REACH), np.uint8)) > 0) & (depth > 0)


def thin(depth: np.ndarray, share: float) -> np.ndarray:
    """
    Keep a share of the measured pixels, whenever it is asked the same ones of the same depth map.

    depth: (H, W), metres, 0 unknown
    returns: the same, with the other pixels unknown
    """
    rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(depth)))
    return np.where(rng.random(depth.shape) < share, depth, 0)


def draw_labels(
    depth: np.ndarray, count: int, rng: np.random.Generator, limits: tuple[float, float],
    edges: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """
    Draw measured pixels of one image; one with fewer gives some of them twice.

    depth: (H, W), metres, 0 unknown
    limits: metres; only depths between them are drawn
    edges: share of the pixels that is drawn near depth edges, as far as there are enough; they
        are a few per cent of a picture, and what a planner collides with
    returns: uv (count, 2) float32, pixels; depth (count, 1) float32, metres, 0 where the image
        has no measured pixel at all
    """
    depth = depth.astype(np.float32, copy=False)
    uv, labels = np.zeros((count, 2), np.float32), np.zeros((count, 1), np.float32)
    measured = (depth > limits[0]) & (depth < limits[1])
    everywhere = np.flatnonzero(measured)
    if not len(everywhere):
        return uv, labels
    near = np.empty(0, everywhere.dtype)
    if edges and len(everywhere) > TOUCHING * depth.size:
        near = np.flatnonzero(depth_edges(np.where(measured, depth, 0)))
    at_edges = min(round(edges * count), len(near))
    rest = count - at_edges
    pick = np.concatenate(
        [
            rng.choice(near, at_edges, replace=False, shuffle=False),
            rng.choice(everywhere, rest, replace=len(everywhere) < rest, shuffle=False),
        ]
    )
    uv[:, 1], uv[:, 0] = np.divmod(pick, depth.shape[1])
    labels[:, 0] = depth.flat[pick]
    return uv, labels
