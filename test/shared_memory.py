# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The shared memory that Fast DDS leaves behind where a process was killed: MiB for each."""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
import time

FRESH = 10.0  # seconds; its owner may not have locked it yet


def sweep(folder: Path = Path('/dev/shm')) -> int:
    """Remove segments whose owner is gone, as `fastdds shm clean` does; return how many."""
    count = 0
    for lock in folder.glob('fast*_el'):
        if 'port' in lock.name:
            continue
        with contextlib.suppress(OSError), open(lock) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while the owner lives
            if time.time() - lock.stat().st_mtime > FRESH:
                lock.with_name(lock.name.removesuffix('_el')).unlink(missing_ok=True)
                lock.unlink()
                count += 1
    return count
