# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where frames are: tf2 where it is installed, which is not on PyPI."""

from __future__ import annotations

import numpy as np
from rclpy.duration import Duration
from rclpy.time import Time

from grin_ros.known import pose_of

PATIENCE = 0.05  # seconds that a lookup waits for a transform which is late


class Transforms:
    """
    The transforms that a node hears of.

    raises: ValueError where tf2_ros is missing
    """

    def __init__(self, node, needed_by: str) -> None:
        try:
            import tf2_ros
        except ImportError:
            raise ValueError(
                f'{needed_by} needs tf2_ros, which is not installed: install it with ROS, or see '
                f'config/depth_node.yaml for how to do without'
            ) from None
        self._error = tf2_ros.TransformException
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def close(self) -> None:
        """Stop listening."""
        if hasattr(self._listener, 'unregister'):  # not on Humble
            self._listener.unregister()

    def clear(self) -> None:
        """
        Forget all transforms but the static ones, as where a bag begins anew.

        tf2 takes none that is much older than its newest, so it would be deaf until that time.
        """
        self._buffer.clear()

    def pose(self, target: str, source: str, stamp, fixed: str = '', since=None) -> np.ndarray:
        """
        Return the pose of a frame in another one: (4, 4), brings points of source into target.

        stamp: builtin_interfaces/Time, for which the pose of both frames is asked
        fixed: a frame that stands still, for instance odom: source is taken as it was at `since`
            instead, so that what either moved in between is taken out
        since: builtin_interfaces/Time, with `fixed` only
        raises: ValueError saying which transform is missing
        """
        target_time, patience = Time.from_msg(stamp), Duration(seconds=PATIENCE)
        try:
            if fixed:
                found = self._buffer.lookup_transform_full(
                    target, target_time, source, Time.from_msg(since), fixed, patience
                )
            else:
                found = self._buffer.lookup_transform(target, source, target_time, patience)
        except self._error as error:
            by = f' by way of {fixed!r}' if fixed else ''
            raise ValueError(
                f'there is no transform from {source!r} to {target!r}{by}: {error}'
            ) from None
        move, turn = found.transform.translation, found.transform.rotation
        return pose_of([move.x, move.y, move.z, turn.x, turn.y, turn.z, turn.w])
