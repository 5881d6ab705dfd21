# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The sky in a picture, found without a network: smooth, bright, open to the top, without returns.

A LiDAR measures nothing there, and what it seems to measure is rain, insects or a mixed pixel. The
sky is no far depth either, so it stays unknown; the mask says where, for those who can use it.
"""

from __future__ import annotations

import cv2
import numpy as np

WORKING_WIDTH = 320  # pixels
SMOOTH = 12  # grey levels between neighbouring pixels of the small picture
BRIGHT = 110  # of 255
RETURNS = 0.1  # share of the usual density of points, above which it is a wall or a ceiling
LEAST = 0.01  # of the picture, below which it is a reflection


def find_sky(image: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """
    Find the sky.

    image: (H, W, 3) uint8 RGB
    depth: (H, W), metres, 0 = unknown
    returns: (H, W) bool
    """
    height, width = depth.shape
    scale = min(1.0, WORKING_WIDTH / width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, inner, interpolation=cv2.INTER_AREA)
    red, green, blue = (small[..., c].astype(np.int16) for c in range(3))
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    steps = cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    # Clouds are white or grey, the sky between them is blue; leaves and walls are neither.
    pale = (np.abs(red - blue) < 40) | (blue > red)
    candidate = (steps < SMOOTH) & (blue > BRIGHT) & pale & (blue + 10 > green)
    # Wires and lamps do not divide the sky.
    closed = cv2.morphologyEx(candidate.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3)))
    known = (depth > 0).astype(np.float32)
    measured = cv2.resize(known, inner, interpolation=cv2.INTER_AREA)
    usual = measured.mean(axis=1, keepdims=True) + np.zeros_like(measured)
    sky = np.zeros(grey.shape, bool)
    count, labels = cv2.connectedComponents(closed, connectivity=4)
    for label in range(1, count):
        part = labels == label
        dense = measured[part].sum() > RETURNS * usual[part].sum() > 0
        if part[0].any() and part.mean() > LEAST and not dense:
            sky |= part
    return cv2.resize(sky.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
