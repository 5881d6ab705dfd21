# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where the camera of a mesh world stands, and what lies around in front of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grin_ros.camera import Camera

from . import props
from .geometry import Geometry, standing
from .litter import Litter
from .taken import Taken


@dataclass(frozen=True)
class View:
    """origin: (3,), metres; R: (3, 3), world from camera; camera: pinhole of the picture."""

    origin: np.ndarray
    R: np.ndarray
    camera: Camera

    def rays(self) -> np.ndarray:
        """Return a direction for every pixel, (H * W, 3), of length 1 along the optical axis."""
        (height, width), K = self.camera.size, self.camera.K.numpy()
        u = (np.arange(width, dtype=np.float32) - K[0, 2]) / K[0, 0]
        v = (np.arange(height, dtype=np.float32) - K[1, 2]) / K[1, 1]
        local = np.stack([*np.meshgrid(u, v), np.ones((height, width), np.float32)], axis=-1)
        return local.reshape(-1, 3) @ self.R.T.astype(np.float32)

    def thumbnail(self) -> View:
        """Return the same view in 32 x 40 pixels."""
        return View(self.origin, self.R, self.camera.resize((32, 40)))


def lens(rng, size) -> Camera:
    """Draw the intrinsics of a camera: mostly 55 to 75 degrees wide, sometimes 40 to 110."""
    height, width = size
    span = rng.uniform(54, 76) if rng.random() < 0.8 else rng.uniform(40, 110)
    fx = width / 2 / np.tan(np.radians(span) / 2)
    cx, cy = (np.array([width, height]) - 1) / 2 + rng.normal(0, 0.015, 2) * width
    return Camera.from_intrinsics(fx, fx * rng.normal(1, 0.005), cx, cy, size)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Return world (z up) from camera (x right, y down, z forward), (3, 3); angles in radians."""
    c, s = np.cos(yaw), np.sin(yaw)
    forward = np.array([np.cos(pitch) * c, np.cos(pitch) * s, np.sin(pitch)])
    right = np.array([s, -c, 0.0])
    down = np.cross(forward, right)
    a, b = np.cos(roll), np.sin(roll)
    return np.stack([a * right + b * down, a * down - b * right, forward], axis=1)


class Stage:
    """
    Draws views and props of one world.

    casters: the bare world; anchors: (A, 6), see the asset pack; targets: (T, 2, 3), bounds of
    furniture; floor: height, metres; small, large: lists of Geometry; pick: draws materials
    spread: least ratio of the far to the near things in a view; most of a bare wall has less
    known: least share of a view's rays that meet something; of those within closed rooms, all do
    """

    def __init__(
        self, casters, anchors, targets, floor, small, large, pick, *, spread=1.2, known=0.7
    ):  # fmt: skip
        self.casters, self.anchors, self.targets, self.floor = casters, anchors, targets, floor
        self.pick, self.litter = pick, Litter(small, large, floor, pick)
        self.spread, self.known = spread, known

    def compose(self, rng, size) -> tuple[View, list[Geometry]]:
        """Return a view that shows something, and the props in it."""
        ways = [self._wander, self._approach, self._desk, self._stairs]
        # Real pictures seldom are of a wall right ahead; robots do see that at times.
        closest = 0.35 if rng.random() < 0.15 else 0.7
        for attempt in range(40):
            # After many failures only the plain kind of view is tried.
            way = ways[rng.choice(4, p=[0.42, 0.25, 0.21, 0.12])] if attempt < 30 else ways[0]
            found = way(rng, size)
            if found is None:
                continue
            view, things = found
            casters = self.casters.with_props(Geometry.join(things)) if things else self.casters
            if not self._shows_something(casters, view, closest):
                continue
            more = self.litter.strew(rng, casters, view, few=way is self._stairs)
            casters = casters.with_props(Geometry.join(more)) if more else casters
            if self._shows_something(casters, view, closest):
                return view, things + more
        return view, things

    def _shows_something(self, casters, view, closest):
        view = view.thumbnail()
        if casters.clearance(view.origin) < 0.12:
            return False
        depth = casters.cast(view.origin, view.rays()).depth
        known = depth[np.isfinite(depth)]
        if len(known) < self.known * len(depth):
            return False
        near, low, middle, high = np.quantile(known, [0.02, 0.1, 0.5, 0.9])
        return near > 0.15 and middle > closest and high / low > self.spread

    def _spot(self, rng, clearance=0.0):
        fits = self.anchors[self.anchors[:, 3] >= clearance]
        anchor = fits[rng.integers(len(fits))] if len(fits) else self.anchors[0]
        shift = rng.uniform(-0.6, 0.6, 2) * anchor[3]
        return anchor[0] + shift[0], anchor[1] + shift[1], anchor[4]

    def _free_spot(self, rng, thing, along=False, tries=12):
        """Draw where a thing stands that goes through nothing, (4, 4); None if nowhere."""
        for _ in range(tries):
            x, y, open_yaw = self._spot(rng, 0.3)
            # A flight rises towards +y, into the open.
            turn = open_yaw - np.pi / 2 + rng.normal(0, 0.3)
            T = standing(x, y, self.floor, turn if along else rng.uniform(0, 2 * np.pi))
            if Taken.by(thing, T).is_free(self.casters):
                return T
        return None

    def _wander(self, rng, size):
        x, y, open_yaw = self._spot(rng)
        # Half as high is as likely: small robots look at rooms from below the seat of a chair.
        height = np.exp(rng.uniform(np.log(0.15), np.log(1.9)))
        origin = np.array([x, y, self.floor + height])
        yaw = open_yaw + rng.normal(0, 0.8) if rng.random() < 0.4 else rng.uniform(0, 2 * np.pi)
        pitch = np.clip(rng.normal(-9 * height, 11), -50, 20)
        R = rotation(yaw, np.radians(pitch), rng.normal(0, 0.06))
        return View(origin, R, lens(rng, size)), []

    def _look_at(self, rng, size, origin, target, spread=0.1):
        x, y, z = target - origin
        yaw = np.arctan2(y, x) + rng.normal(0, spread)
        pitch = np.arctan2(z, np.hypot(x, y)) + rng.normal(0, spread * 0.7)
        pitch = np.clip(pitch, -1.1, 0.35)
        return View(origin, rotation(yaw, pitch, rng.normal(0, 0.08)), lens(rng, size))

    def _approach(self, rng, size):
        """Come close to a piece of furniture."""
        if not len(self.targets):
            return None
        low, high = self.targets[rng.integers(len(self.targets))]
        above = np.append(rng.uniform(low[:2], high[:2]), high[2] + 0.3)
        drop = self.casters.cast(above, np.float32([[0, 0, -1]])).depth[0]
        if not np.isfinite(drop):
            return None
        target = above - [0, 0, drop]
        distance = np.exp(rng.uniform(np.log(0.4), np.log(2.5)))
        turn, rise = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(5, 60))
        way = np.array([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)])
        origin = target + distance * way
        start = target + [0, 0, 0.02]
        if origin[2] < self.floor + 0.1 or not self.casters.visible(start[None], origin[None])[0]:
            return None
        return self._look_at(rng, size, origin, target), []

    def _desk(self, rng, size):
        """Stand or sit at a desk with things on it."""
        width, depth, height = (
            rng.uniform(0.9, 2.2),
            rng.uniform(0.5, 0.95),
            rng.uniform(0.6, 0.85),
        )
        things = [props.table(rng, self.pick, width, depth, height)]
        count, taken = int(rng.integers(3, 22)), []
        for k in range(count):
            big = k < rng.integers(0, 3)
            thing = props.monitor(rng, self.pick) if big else self.litter.draw_small(rng)
            low, high = thing.bounds
            reach = 0.5 * np.hypot(*(high - low)[:2])
            spot = rng.uniform([-width / 2, -depth / 2], [width / 2, depth / 2]) * 0.92
            if big:
                spot[1] = abs(spot[1])
            if any(np.hypot(*(spot - s)) < 0.75 * (reach + r) for s, r in taken):
                continue
            taken.append((spot, reach))
            turn = rng.normal(0, 0.3) if big else rng.uniform(0, 2 * np.pi)
            things.append(thing.placed(standing(*spot, height, turn)))
        T = self._free_spot(rng, Geometry.join(things))
        if T is None:
            return None
        things = [thing.placed(T) for thing in things]
        target = T @ [*rng.uniform([-width / 2, -depth / 2], [width / 2, depth / 2]), height, 1]
        back = depth / 2 + rng.uniform(0.0, 1.6)
        eye = [rng.normal(0, 0.6), -back, max(height + rng.uniform(0.15, 1.0), 0.3), 1]
        view = self._look_at(rng, size, (T @ eye)[:3], target[:3], 0.15)
        return view, things

    def _stairs(self, rng, size):
        """Stand before a flight of stairs, or on it."""
        for _ in range(4):  # few flights fit into a room
            flight = props.stairs(rng, self.pick)
            T = self._free_spot(rng, flight, along=True, tries=6)
            if T is not None:
                break
        else:
            return None
        (_, _, _), (_, far, _) = flight.bounds
        flat = far - 0.8
        if rng.random() < 0.7:
            eye = [rng.normal(0, 0.5), -rng.uniform(0.2, 3.0), rng.uniform(0.4, 1.8), 1]
            target = [rng.normal(0, 0.3), flat * rng.uniform(0, 0.9), 0, 1]
            target[2] = target[1] * 0.6
        else:
            at = flat * rng.uniform(0.4, 1.0)
            eye = [rng.normal(0, 0.3), at, at * 0.6 + rng.uniform(0.9, 1.7), 1]
            target = [rng.normal(0, 0.3), at - rng.uniform(0.8, 2.5), 0.3, 1]
        view = self._look_at(rng, size, (T @ eye)[:3], (T @ target)[:3])
        return view, [flight.placed(T)]
