# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The robot's NumPy: Jazzy and Kilted have 1.26, and torch from pip may bring 2.x."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[1]
OTHER = '1.26.4'
FILES = ('test_from_msg.py', 'test_from_msg_geometry.py', 'test_converter.py', 'test_plane.py')


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info >= (3, 13), reason=f'NumPy {OTHER} has no wheel for it')
def test_messages_and_node_under_numpy_1_26(tmp_path):
    pip = [sys.executable, '-m', 'pip', 'install', '-q', '--target', tmp_path, f'numpy=={OTHER}']
    if subprocess.run([*map(str, pip)], capture_output=True).returncode:
        pytest.skip(f'NumPy {OTHER} cannot be installed here')
    environment = os.environ | {'PYTHONPATH': str(tmp_path)}
    version = [sys.executable, '-c', 'import numpy; print(numpy.__version__)']
    found = subprocess.run(version, env=environment, capture_output=True, text=True).stdout
    assert found.strip() == OTHER
    tests = [*FILES, 'robot/test_calibrations.py']
    command = [sys.executable, '-m', 'pytest', '-q', '-x', *(f'test/{name}' for name in tests)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
