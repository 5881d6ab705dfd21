# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The parameters of the node's cloud, as a part of its configuration."""

from __future__ import annotations

from dataclasses import dataclass
import math

from grin_ros.cloud_filter import CloudFilter
from grin_ros.ros.parameter import CONFIGURE, parameter

UNBOUNDED = 1000.0  # metres, the largest height


@dataclass(frozen=True)
class CloudParameters:
    """What the topic points holds; CloudFilter explains."""

    cloud_organized: bool = parameter(
        True, 'true: one point per pixel in rows and columns, NaN where there is none; false: '
        'only the points that exist, in one row, which is smaller.',
    )  # fmt: skip
    cloud_stride: int = parameter(
        1, 'Every so many pixels of the depth image become a point; stride with full_size: false '
        'also saves the computation.', low=1, high=64,
    )  # fmt: skip
    cloud_rate: float = parameter(
        0.0, 'Clouds per second at most, by the stamps of the images; 0 = every frame.',
        low=0.0, high=1000.0,
    )  # fmt: skip
    cloud_min_range: float = parameter(
        0.0, 'Points nearer to the camera are left out [m].', low=0.0, high=1e4
    )
    cloud_max_range: float = parameter(
        0.0, 'Points farther from the camera become invalid_depth [m]; 0 = off.', low=0.0, high=1e4
    )
    cloud_min_height: float = parameter(
        -UNBOUNDED, 'Points below are left out [m].', low=-UNBOUNDED, high=UNBOUNDED
    )
    cloud_max_height: float = parameter(
        UNBOUNDED, 'Points above are left out [m].', low=-UNBOUNDED, high=UNBOUNDED
    )
    cloud_height_frame: str = parameter(
        '', 'Frame, for example base_link, whose z axis heights are measured along (needs '
        'tf2_ros); empty: above the optical axis of a camera that is level.', CONFIGURE,
    )  # fmt: skip
    cloud_edge: float = parameter(
        0.0, 'Points beside a relative jump of inverse depth above this, which may hang in the '
        'air, are left out, for example 0.15; planes have no jump; 0 = off.', low=0.0, high=10.0,
    )  # fmt: skip
    cloud_median: int = parameter(
        0, 'Side of a median filter on the depth of the cloud [px]: 0 (off), 3 or 5.',
        low=0, high=5,
    )  # fmt: skip
    cloud_voxel: float = parameter(
        0.0, 'Points of each cube of this side become one, without rows and columns [m]; needs '
        'open3d; 0 = off.', low=0.0, high=100.0,
    )  # fmt: skip
    invalid_depth: float = parameter(
        0.0, 'Depth of points in the sky and beyond the ranges [m]: 0 = NaN, which a costmap '
        'ignores; .inf = nothing there (REP 117); a far value lets a costmap clear.',
        low=0.0, high=math.inf,
    )  # fmt: skip

    def check_cloud(self) -> None:
        """Raise a ValueError that says what does not go together."""
        if self.cloud_median not in (0, 3, 5):
            raise ValueError(f'cloud_median is {self.cloud_median}: it must be 0, 3 or 5')
        for what in ('range', 'height'):
            low, high = (getattr(self, f'cloud_{end}_{what}') for end in ('min', 'max'))
            if low >= high and not (what == 'range' and high == 0):
                raise ValueError(
                    f'cloud_min_{what} {low} is not below cloud_max_{what} {high}: set both at '
                    f'once if need be'
                )

    @property
    def cloud_filter(self) -> CloudFilter:
        """The filter that the parameters describe."""
        return CloudFilter(
            stride=self.cloud_stride,
            min_range=self.cloud_min_range,
            max_range=self.cloud_max_range or math.inf,
            min_height=_bound(self.cloud_min_height),
            max_height=_bound(self.cloud_max_height),
            edge=self.cloud_edge,
            median=self.cloud_median,
            invalid_depth=self.invalid_depth,
        )


def _bound(height: float) -> float:
    return height if abs(height) < UNBOUNDED else math.copysign(math.inf, height)
