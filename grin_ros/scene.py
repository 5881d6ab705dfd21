# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
A metric 3D scene from one image, seen from places where no camera has been (DepthGen sec. 4.4).

Depth makes the image a cloud. From a new place the cloud leaves holes; those of the picture are
filled first, then those of its depth, given the depth that the cloud already has there.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from grin_ros.camera import Camera
from grin_ros.inpaint import Filler
from grin_ros.pipeline import DepthPipeline
from grin_ros.projection import project, z_buffer
from grin_ros.prompt import Prompt

SAME_SURFACE = 0.05  # relative difference of depths that may be one surface
DOT = 3  # pixels, side of the square by which a point closes gaps around it


@dataclass(frozen=True)
class View:
    """
    What the scene looks like from one place.

    image: (H, W, 3) uint8, RGB
    depth: (H, W) float32, metres, 0 where there is nothing
    pose: (4, 4), scene_T_camera, metres
    """

    image: np.ndarray
    depth: np.ndarray
    pose: np.ndarray


class Scene:
    """
    A coloured cloud that grows with every view; its frame is that of the first camera.

    camera: pinhole camera of all views
    points: (N, 3) float32, metres
    colours: (N, 3) uint8, RGB
    """

    def __init__(self, camera: Camera):
        self.camera = camera
        self.points, self.colours = np.empty((0, 3), np.float32), np.empty((0, 3), np.uint8)
        self._views: list[View] = []

    def add(self, view: View, where: np.ndarray | None = None) -> int:
        """
        Take in pixels of a view that no earlier view contradicts.

        A point that would stand before what an earlier view saw there would have been seen.

        where: (H, W) bool, the pixels that are new; None = all with a depth
        returns: how many points were taken
        """
        where = view.depth > 0 if where is None else where & (view.depth > 0)
        grid = self.camera.unproject(torch.from_numpy(view.depth)[None]).permute(1, 2, 0).numpy()
        points = grid[where] @ view.pose[:3, :3].T + view.pose[:3, 3]
        keep = np.ones(len(points), bool)
        for earlier in self._views:
            seen = _to_camera(points, earlier.pose)
            uv, index = project(seen, self.camera)
            there = earlier.depth[uv[:, 1], uv[:, 0]]
            keep[index[seen[index, 2] < (1 - SAME_SURFACE) * there]] = False
        self.points = np.concatenate([self.points, points[keep].astype(np.float32)])
        self.colours = np.concatenate([self.colours, view.image[where][keep]])
        self._views.append(view)
        return int(keep.sum())

    def look(self, pose: np.ndarray) -> View:
        """
        Draw the cloud from a place; gaps between neighbouring points are closed.

        pose: (4, 4), scene_T_camera
        """
        points = _to_camera(self.points, pose)
        uv, index = project(points, self.camera)
        depth, nearest = z_buffer(uv, points[index, 2], self.camera.size)
        # A pit, empty or deep, between nearer pixels is a gap: its neighbours' nearest covers it.
        inverse = np.where(depth > 0, 1 / np.maximum(depth, 1e-6), 0).astype(np.float32)
        square = np.ones((DOT, DOT), np.uint8)
        level = cv2.morphologyEx(inverse, cv2.MORPH_CLOSE, square)
        pit = level > (1 + SAME_SURFACE) * inverse
        offsets = np.mgrid[:DOT, :DOT].reshape(2, -1).T - DOT // 2
        spread = (uv[:, None] + offsets).reshape(-1, 2)
        inside = ((spread >= 0) & (spread < self.camera.size[::-1])).all(axis=1)
        owner = np.repeat(np.arange(len(uv)), len(offsets))[inside]
        wide, widest = z_buffer(spread[inside], points[index[owner], 2], self.camera.size)
        depth = np.where(pit, wide, depth)
        nearest = np.where(pit, np.append(owner, -1)[widest], nearest)
        image = np.zeros((*self.camera.size, 3), np.uint8)
        image[nearest >= 0] = self.colours[index[nearest[nearest >= 0]]]
        return View(image, depth.astype(np.float32), pose)

    def grow(
        self, pose: np.ndarray, pipeline: DepthPipeline, fill: Filler, weight: float = 1.0,
        resample: int = 1, **options,
    ) -> View:  # fmt: skip
        """
        Look from a new place, fill what is missing there, and take it into the cloud.

        weight, resample: of the prompt
        options: of `DepthPipeline.infer`
        returns: the filled view
        """
        seen = self.look(pose)
        missing = seen.depth <= 0
        if not missing.any():
            return seen
        image = fill(seen.image, missing)
        prompt = Prompt.from_map(seen.depth, weight=weight, resample=resample)
        depth = pipeline.infer(image, self.camera, prompt=prompt, **options).depth
        depth = np.where(missing, np.nan_to_num(depth), seen.depth).astype(np.float32)
        view = View(image, depth, pose)
        self.add(view, missing)
        return view


def path(move: np.ndarray, turn: float, count: int) -> list[np.ndarray]:
    """
    Poses on the way from the first camera, evenly spaced; the first one is where it stands.

    move: (3,), metres, to the last pose, in the first camera's frame: right, down, forward
    turn: degrees to the right, up to the last pose
    count: poses, at least 2
    returns: (4, 4) each, scene_T_camera
    """
    poses = []
    for share in np.linspace(0, 1, count):
        angle = np.deg2rad(share * turn)
        pose = np.eye(4)
        pose[0, 0] = pose[2, 2] = np.cos(angle)
        pose[0, 2], pose[2, 0] = np.sin(angle), -np.sin(angle)
        pose[:3, 3] = share * np.asarray(move)
        poses.append(pose)
    return poses


def _to_camera(points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Bring points (N, 3) of the scene into the frame of a camera at a pose."""
    return (points - pose[:3, 3]) @ pose[:3, :3]
