# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Training side of grin_ros: bags and rendered worlds become samples, samples become a checkpoint.

Import it as `grin_ros.training` (a symlink); inside this folder, import siblings relatively.
"""
