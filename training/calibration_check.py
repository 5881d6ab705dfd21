# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Does the LiDAR fit the camera: a figure that drops when the calibration is rotated.

Where depth jumps the image mostly has an edge. The nearer points at jumps are turned about the
camera's axes by small angles and projected again; the agreement with image edges should be best
where nothing is turned (after Levinson and Thrun, RSS 2013).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from .sample import Sample

AXES = ('pitch', 'yaw', 'roll')  # about x right, y down, z forward
ANGLES = np.array([-3, -2, -1.5, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3])
TOLERANCE = 0.5  # degrees from the best angle that are no reason to worry
SCORED_POINTS = 4000  # of a frame; more give nothing
FALLOFF = 0.003  # of the image's width: how fast agreement falls with the distance to an edge
JUMP = 1.25  # of depth, far to near
ENOUGH_POINTS, ENOUGH_CONTRAST = 500, 1.05


@dataclass
class CalibrationCheck:
    """
    Agreement of depth edges with image edges, 1 = that of pixels drawn at random.

    agreement: (3, 15), of AXES and ANGLES
    points: number of depth edges that were looked at
    """

    agreement: np.ndarray
    points: int

    @property
    def given(self) -> float:
        """Agreement of the calibration as it is."""
        return float(self.agreement[0, np.flatnonzero(ANGLES == 0)[0]])

    @property
    def best(self) -> dict[str, float]:
        """Angle of the best agreement about each axis, degrees."""
        return {axis: float(ANGLES[row.argmax()]) for axis, row in zip(AXES, self.agreement)}

    @property
    def share(self) -> float:
        """Share of the rotations that agree less than the calibration as it is."""
        others = self.agreement[:, ANGLES != 0]
        return float((others < self.given).mean())

    @property
    def verdict(self) -> str:
        """One sentence for people."""
        if self.points < ENOUGH_POINTS or self.agreement.max() < ENOUGH_CONTRAST:
            return (
                'too few edges to judge: look at the overlays '
                f'({self.points} depth edges, agreement {self.agreement.max():.2f} x chance)'
            )
        # Roll hardly moves what is near the middle of the image.
        off = {a: self.best[a] for a in AXES[:2] if abs(self.best[a]) > TOLERANCE}
        figures = (
            f'depth edges lie on image edges {self.given:.2f} x as often as by chance, more than '
            f'after {self.share:.0%} of small rotations'
        )
        if off:
            turns = ' and '.join(f'{axis} {angle:+g} degrees' for axis, angle in off.items())
            return f'suspicious: {turns} would fit better; {figures}: look at the overlays'
        return f'plausible: {figures}'


def check_calibration(samples: Iterable[Sample]) -> CalibrationCheck:
    """Compare the depth edges of some samples with their image edges."""
    total, chance, count = np.zeros((len(AXES), len(ANGLES))), 0.0, 0
    for sample in samples:
        points = depth_edges(sample)
        near = edge_nearness(sample.image)
        for row in range(len(AXES)):
            for column, angle in enumerate(ANGLES):
                uv, inside = _turned(points, sample, row, np.radians(angle))
                values = near[uv[inside, 1], uv[inside, 0]]
                # What leaves the image counts like chance, or turning outwards would pay.
                total[row, column] += values.sum() + near.mean() * np.sum(~inside)
        chance += near.mean() * len(points)
        count += len(points)
    return CalibrationCheck(total / max(chance, 1e-9), count)


def depth_edges(sample: Sample) -> np.ndarray:
    """
    Find measured points beside which something much farther was measured.

    returns: (N, 3), metres, in the camera's frame
    """
    depth = sample.depth
    coverage = max(np.count_nonzero(depth) / depth.size, 1e-4)
    # So wide that the next point of a scanner is inside, yet not many.
    reach = 2 * int(np.clip(np.ceil(1.5 / np.sqrt(coverage)), 1, 40)) + 1
    far = cv2.dilate(depth, np.ones((3, reach), np.uint8))
    edge = (depth > 0) & (far > JUMP * depth)
    v, u = np.nonzero(edge)
    if len(u) > SCORED_POINTS:
        chosen = np.random.default_rng(0).choice(len(u), SCORED_POINTS, replace=False)
        u, v = u[chosen], v[chosen]
    z = depth[v, u]
    fx, fy, cx, cy = (float(getattr(sample.camera, k)) for k in ('fx', 'fy', 'cx', 'cy'))
    return np.stack([(u - cx) / fx * z, (v - cy) / fy * z, z], axis=1)


def edge_nearness(image: np.ndarray) -> np.ndarray:
    """
    Return 1 on the edges of an image, and less the farther a pixel is from one.

    image: (H, W, 3) uint8 RGB
    returns: (H, W) float32
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (5, 5), 0)
    dx, dy = (cv2.Sobel(grey, cv2.CV_16S, *d) for d in ((1, 0), (0, 1)))
    # The strongest tenth of the gradients, so that neither dark nor textured images stand apart,
    # and none that is weak beside the strongest, which would be noise.
    tenth, hundredth = np.percentile(np.abs(dx).astype(np.int32) + np.abs(dy), (90, 99))
    high = float(max(tenth, 0.3 * hundredth, 8.0))
    edges = cv2.Canny(dx, dy, high / 2, high)
    distance = cv2.distanceTransform(255 - edges, cv2.DIST_L2, 3)
    return np.exp(-distance / (FALLOFF * image.shape[1]))


def _turned(points: np.ndarray, sample: Sample, axis: int, angle: float):
    """Project points after a rotation about an axis of the camera: uv (N, 2) int, inside (N,)."""
    vector = np.zeros(3)
    vector[axis] = angle
    x, y, z = (points @ cv2.Rodrigues(vector)[0].T).T
    z = np.maximum(z, 1e-6)
    camera, (height, width) = sample.camera, sample.depth.shape
    u = np.rint(float(camera.fx) * x / z + float(camera.cx))
    v = np.rint(float(camera.fy) * y / z + float(camera.cy))
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    uv = np.stack([u, v], axis=1)
    return np.where(inside[:, None], uv, 0).astype(int), inside
