# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Draw a point cloud with open3d, without a display: `python -m grin_ros.view CLOUD.ply OUT.png`.

A program of its own, because graphics drivers do not raise exceptions but crash.
"""

from __future__ import annotations

import sys

import numpy as np

from grin_ros.cloud import BACKGROUND, SIZE, viewpoint


def draw(cloud: str, picture: str) -> None:
    """Render a PLY into a PNG from the viewpoint of `grin_ros.cloud`."""
    # 0.20 draws through EGL where there is no display; older ones return False.
    import open3d as o3d

    points = o3d.io.read_point_cloud(cloud)
    points, _ = points.remove_statistical_outlier(nb_neighbors=12, std_ratio=2.0)
    height, width = SIZE
    window = o3d.visualization.Visualizer()
    if not window.create_window(width=width, height=height, visible=False):
        raise RuntimeError('open3d finds neither a display nor EGL')
    window.add_geometry(points)
    options = window.get_render_option()
    options.background_color = np.array(BACKGROUND) / 255
    options.point_size = 3.0
    control = window.get_view_control()
    camera = control.convert_to_pinhole_camera_parameters()
    camera.extrinsic, focal = viewpoint(np.asarray(points.points))
    # Without the half pixels open3d takes the intrinsics for another window's.
    camera.intrinsic = o3d.camera.PinholeCameraIntrinsic(
        width, height, focal, focal, width / 2 - 0.5, height / 2 - 0.5
    )
    if not control.convert_from_pinhole_camera_parameters(camera, allow_arbitrary=True):
        raise RuntimeError('open3d did not take the viewpoint')
    window.poll_events()
    window.update_renderer()
    window.capture_screen_image(picture, do_render=True)
    window.destroy_window()


if __name__ == '__main__':
    draw(*sys.argv[1:])
