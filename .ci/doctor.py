# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Say in one line what a bare machine lacks. Runs on any Python 3, so that it can say `too old`.

Without arguments it looks at this interpreter (before .venv exists); with `installed` it imports
what was installed and names the system package behind a missing shared library.
"""

import importlib
import importlib.util
import sys

OLDEST, NEWEST = (3, 10), (3, 13)
# Shared libraries that wheels leave to the system -> Debian package. Measured on bare Debian 12.
APT = {
    'libEGL.so.1': 'libegl1',
    'libGL.so.1': 'libgl1',
    'libgomp.so.1': 'libgomp1',
    'libX11.so.6': 'libx11-6',
    'libusb-1.0.so.0': 'libusb-1.0-0',
}
MODULES = ['numpy', 'torch', 'cv2', 'open3d', 'rclpy', 'rosbags', 'safetensors', 'yaml']


def python_fault():
    """One sentence, or None if this Python can make our virtual environment."""
    version = '.'.join(str(number) for number in sys.version_info[:3])
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return (
            'Python {} is not between 3.10 and 3.13; name another: make PYTHON=python3.12'
        ).format(version)
    if importlib.util.find_spec('venv') is None or importlib.util.find_spec('ensurepip') is None:
        return 'this Python cannot make virtual environments: apt install python3-venv'
    return None


def install_fault():
    """One sentence, or None if everything that was installed can be imported."""
    for name in MODULES:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            for library, package in APT.items():
                if library in str(error):
                    return '{} needs {}: apt install {}'.format(name, library, package)
            return '{} cannot be imported: {}'.format(name, ' '.join(str(error).split()))
    return None


if __name__ == '__main__':
    fault = install_fault() if 'installed' in sys.argv[1:] else python_fault()
    sys.exit('make: ' + fault if fault else 0)
