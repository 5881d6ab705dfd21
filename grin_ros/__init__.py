# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Metric depth from one camera by diffusion (GRIN), as a ROS 2 node, a command line and a library.

A camera image and its intrinsics become tensors, a denoiser turns noise into depth in metres, and
depth becomes messages or numbers. Start at `grin_ros.pipeline.DepthPipeline`. Nothing is imported
here, so that each part costs only what it needs: `grin_ros.ros` is the only one that needs ROS.
"""

__version__ = '0.1.0'
