# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The node around a wall in place of a network, for tests, soaks and benches.

    python -m grin_ros.ros.plane_node --seconds 0.2 --ros-args -r image:=/camera/image_raw
"""

from __future__ import annotations

import argparse
from functools import partial
import sys

from grin_ros.plane import load_plane
from grin_ros.ros import depth_node


def main() -> int:
    """Run the node until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description='The node around a wall in place of a network.')
    parser.add_argument(
        '--seconds', type=float, default=0.0, help='that a denoising step takes (0)'
    )
    own, ros = parser.parse_known_args()
    return depth_node.main([sys.argv[0], *ros], partial(load_plane, seconds=own.seconds))


if __name__ == '__main__':
    sys.exit(main())
