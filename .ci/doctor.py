# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Say in one line what a bare machine lacks. Runs on any Python 3, so that it can say `too old`.

Without arguments it looks at this interpreter (before .venv exists); with `installed` it imports
what was installed and names the system package behind a missing shared library.
"""

import ctypes
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile

OLDEST, NEWEST = (3, 10), (3, 13)
# Shared libraries that the wheels leave to the system -> Debian package.
APT = {
    'libEGL.so.1': 'libegl1',
    'libGL.so.1': 'libgl1',
    'libX11.so.6': 'libx11-6',
    'libgomp.so.1': 'libgomp1',
    'libidn2.so.0': 'libidn2-0',
    'libudev.so.1': 'libudev1',
}
# GB: .venv when all is installed; wheels, which pip unpacks from a folder for temporary files.
VENV, WHEELS = 3, 1
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


def disk_fault():
    """One sentence, or None if the disk has room for what will be installed."""
    disks = {}
    for folder, size in ((os.getcwd(), VENV), (tempfile.gettempdir(), WHEELS)):
        device, free = _disk(folder)
        first, _, before = disks.get(device, (folder, free, 0))
        disks[device] = first, free, before + size
    for folder, free, size in disks.values():
        if free < size:
            return (
                '{:.1f} GB are free on the disk of {}, and setting up takes {}: free some'.format(
                    free, folder, size
                )
            )
    return None


def install_fault():
    """One sentence, or None if everything that was installed can be imported."""
    for name in MODULES:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            missing = [package for library, package in APT.items() if not _loads(library)]
            if missing and '.so' in str(error):
                return '{} needs system libraries: apt install {}'.format(name, ' '.join(missing))
            return '{} cannot be imported: {}'.format(name, ' '.join(str(error).split()))
    return None


def _disk(folder):
    """Its device, and the GB that are free there."""
    return os.stat(folder).st_dev, shutil.disk_usage(folder).free / 1e9


def _loads(library):
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


if __name__ == '__main__':
    fault = install_fault() if 'installed' in sys.argv[1:] else python_fault() or disk_fault()
    sys.exit('make: ' + fault if fault else 0)
