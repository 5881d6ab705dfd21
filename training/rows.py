# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Rows of an array on disk, read one at a time."""

from __future__ import annotations

from collections.abc import Sequence
import os
from pathlib import Path

import numpy as np


class Rows(Sequence):
    """
    The rows of a .npy file, each read when it is asked for, and nothing else.

    A memory map would leave it to the kernel what to read. Where that reads far ahead (8 MiB is
    common), a file of drawn rows larger than memory costs several times the reading it needs.

    path: a .npy file in C order, of two dimensions or more
    """

    def __init__(self, path: Path):
        layout = np.load(path, mmap_mode='r')
        self.shape, self.dtype, self._start = layout.shape, layout.dtype, layout.offset
        self._size = layout[:1].nbytes
        self._file = open(path, 'rb', buffering=0)  # noqa: SIM115 - as long as the rows
        if hasattr(os, 'posix_fadvise'):  # not on macOS
            os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)

    def __reduce__(self):
        return Rows, (Path(self._file.name).absolute(),)  # loading processes open their own

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, i: int) -> np.ndarray:
        """
        Read one row, in an array of its own that can be written to.

        i: 0 to len - 1
        raises: IndexError: there is no such row; OSError: the file has become shorter
        """
        if not 0 <= i < len(self):
            raise IndexError(f'row {i} of {self._file.name}, which has {len(self)}')
        row = np.empty(self.shape[1:], self.dtype)
        into, start = row.reshape(-1).view(np.uint8), self._start + i * self._size
        if os.preadv(self._file.fileno(), [into], start) != self._size:
            raise OSError(f'{self._file.name} ends within row {i}; delete its folder to refill it')
        return row


class JoinedRows(Sequence):
    """
    Rows of several arrays, joined along the first dimension of a row, for maps: the channels.

    parts: sequences of equally many rows, equal but for that dimension
    """

    def __init__(self, parts: Sequence[Sequence[np.ndarray]]):
        self.parts = list(parts)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.parts[0])

    def __getitem__(self, i: int) -> np.ndarray:
        """Read one row of each part, and join them."""
        return np.concatenate([part[i] for part in self.parts])
