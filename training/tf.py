# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Transforms of a recording: what tf2's buffer answers, for many instants at once.

Between two poses translations are interpolated linearly and rotations on the sphere; before the
first, after the last and across a longer gap there is no pose. Poses are looked up in any
direction and along any chain of frames, so a frame may even have two parents.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .pose_log import PoseLog
from .rigid import inverse, matrices, slerp

MAX_GAP = 1_000_000_000  # nanoseconds between poses that are still interpolated
STILL = 1e-3, 2e-4  # metres and radians: edges that vary less do not move
SAME = 5e-3  # metres, and entries of a rotation: two sources that agree as well say the same


@dataclass
class _Edge:
    """
    Poses of a child frame in its parent.

    times: (N,) int64, nanoseconds, ascending; None where the pose holds for ever
    translations: (N, 3), metres
    quaternions: (N, 4), unit, x y z w, neighbours on one hemisphere
    """

    times: np.ndarray | None
    translations: np.ndarray
    quaternions: np.ndarray

    @property
    def moving(self) -> bool:
        if self.times is None:
            return False
        cosine = np.abs(self.quaternions @ self.quaternions[0]).clip(max=1)
        spread = np.ptp(self.translations, axis=0).max()
        return bool(spread > STILL[0] or 2 * np.arccos(cosine.min()) > STILL[1])

    def at(self, times: np.ndarray) -> np.ndarray:
        """Return parent_T_child at some instants: (N, 4, 4), NaN where there is no pose."""
        if not self.moving:
            return np.broadcast_to(
                matrices(self.translations[:1], self.quaternions[:1]), (len(times), 4, 4)
            )
        after = np.searchsorted(self.times, times).clip(1, len(self.times) - 1)
        before = after - 1
        gap = self.times[after] - self.times[before]
        share = (times - self.times[before]) / gap
        known = (share >= 0) & (share <= 1) & ((gap <= MAX_GAP) | (share == 0) | (share == 1))
        share = np.where(known, share, np.nan)[:, None]
        translations = (1 - share) * self.translations[before] + share * self.translations[after]
        quaternions = slerp(self.quaternions[before], self.quaternions[after], share)
        return matrices(translations, quaternions)


class Transforms:
    """All poses of a recording; `add` fills it, `lookup` asks it."""

    def __init__(self):
        self._poses: dict[tuple[str, str], PoseLog] = {}
        self._edges: dict[tuple[str, str], _Edge] = {}

    def add(
        self, parent: str, child: str, translation, rotation, time: int | None = None,
        replace: bool = False, arrival: int = 0,
    ) -> None:  # fmt: skip
        """
        Add a pose of child in parent; a later one for the same instant replaces it.

        translation: 3 numbers, metres
        rotation: quaternion x y z w
        time: nanoseconds; None = for ever
        replace: forget what was known about the two
        arrival: of the message, nanoseconds
        """
        values = np.array([*translation, *rotation], float)
        norm = np.linalg.norm(values[3:])
        if not np.isfinite(values).all() or norm < 1e-6:
            return  # tf2 refuses such a pose as well
        values[3:] /= norm
        key = (parent.lstrip('/'), child.lstrip('/'))
        if replace:
            self._forget(key)
        self._poses.setdefault(key, PoseLog()).add(values, time, arrival)
        self._edges.pop(key, None)

    def add_all(self, other: Transforms, replace: bool) -> bool:
        """
        Add what another one knows, unless its frames are connected here already.

        replace: rather forget what connects them here, by whatever frames it goes
        returns: whether anything was added
        """
        added = False
        for key, poses in other._poses.items():
            if not replace and self.path(*key) is not None:
                continue
            self._forget(key)
            # The motion is the first link that moves; what follows may be a joint of the vehicle.
            while links := self.links(*key):
                self._forget(links[0])
            self._poses[key] = poses
            added = True
        return added

    def contradicted(self, other: Transforms) -> tuple[str, str] | None:
        """Return a pair (parent, child) of which another one tells other poses; None = none."""
        for key in (key for key in self._poses if key in other._poses):
            edges = self._edge(key), other._edge(key)
            times = next((e.times for e in edges if e.times is not None), np.zeros(1, np.int64))
            apart = np.abs(edges[0].at(times) - edges[1].at(times)).max(axis=(1, 2))
            apart = apart[np.isfinite(apart)]
            if len(apart) and np.median(apart) > SAME:
                return key
        return None

    def complete(self, other: Transforms) -> None:
        """Add the pairs of frames that only another one knows."""
        self._poses = {**other._poses, **self._poses}
        self._edges.clear()

    def cut(self, start: int, stop: int) -> None:
        """Leave out what does not belong to a part of the bag; start, stop: of the arrival, ns."""
        for poses in self._poses.values():
            poses.cut(start, stop)
        self._edges.clear()

    def log(self, pair: tuple[str, str]) -> PoseLog:
        """Return the poses of a child in a parent, of one of `pairs`."""
        return self._poses[pair]

    def links(self, target: str, source: str) -> list[tuple[str, str]]:
        """Return the pairs (parent, child) on the way from target to source that move."""
        return [key for key, _ in self.path(target, source) or () if self._edge(key).moving]

    def _forget(self, pair: tuple[str, str]) -> None:
        for key in (pair, pair[::-1]):
            self._poses.pop(key, None)
            self._edges.pop(key, None)

    @property
    def frames(self) -> list[str]:
        """Names of all frames, sorted."""
        return sorted({frame for key in self._poses for frame in key})

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Names (parent, child) of the frames between which poses are known."""
        return list(self._poses)

    def reach(self, start: str, stop: Callable[[str], bool] = lambda frame: False) -> dict:
        """
        Find all frames that are connected to one, the nearest first.

        stop: tells the frames that the search does not go on from
        returns: per frame the one before it, the edge, and whether that is walked to the child
        """
        came: dict[str, tuple | None] = {start: None}
        queue = deque([start])
        while queue:
            frame = queue.popleft()
            for key in () if stop(frame) else self._poses:
                if frame in key:
                    other = key[frame == key[0]]
                    if other not in came:
                        came[other] = (frame, key, frame == key[0])
                        queue.append(other)
        return came

    def path(self, target: str, source: str) -> list[tuple[tuple[str, str], bool]] | None:
        """Return the edges from target to source, each with whether it is walked to the child."""
        if source not in (came := self.reach(target)):
            return None
        steps, frame = [], source
        while came[frame] is not None:
            frame, key, down = came[frame]
            steps.append((key, down))
        return steps[::-1]

    def moves(self, target: str, source: str) -> bool:
        """Tell whether two frames are connected and move against each other."""
        return bool(self.links(target, source))

    def lookup(self, target: str, source: str, times: np.ndarray) -> np.ndarray:
        """
        Return target_T_source at some instants.

        times: (N,) int64, nanoseconds
        returns: (N, 4, 4), brings points of source into target; NaN where a pose is missing
        """
        path = self.path(target, source)
        if path is None:
            raise ValueError(
                f'there is no transform from {source!r} to {target!r}; the bag knows the frames '
                f'{", ".join(self.frames) or "none"}: pass --extrinsics FILE.yaml'
            )
        times = np.asarray(times, np.int64)
        pose = np.broadcast_to(np.eye(4), (len(times), 4, 4))
        for key, down in path:
            step = self._edge(key).at(times)
            pose = pose @ (step if down else inverse(step))
        return pose

    def top(self, frame: str) -> str | None:
        """Return the root of the tree that a frame moves in; None = nothing above it moves."""
        moving, seen = False, {frame}
        while parents := [key for key in self._poses if key[1] == frame and key[0] not in seen]:
            # Of two parents the one that this frame moves in leads to the world.
            key = max(parents, key=lambda k: self._edge(k).moving)
            frame = key[0]
            seen.add(frame)
            moving = moving or self._edge(key).moving
        return frame if moving else None

    def only(self, *chains: tuple[str, str]) -> Transforms:
        """Return the part that looking up these pairs of frames, in this order, needs."""
        needed = {key for chain in chains for key, _ in self.path(*chain) or ()}
        part = Transforms()
        # Their order is kept, so that of two paths as short the same one is taken.
        part._poses = {key: poses for key, poses in self._poses.items() if key in needed}
        return part

    def _edge(self, key: tuple[str, str]) -> _Edge:
        if key not in self._edges:
            self._edges[key] = _Edge(*self._poses[key].sorted())
        return self._edges[key]
