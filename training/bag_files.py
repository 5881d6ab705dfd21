# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The files of a bag: which are to be opened, and whether they are all of it."""

from __future__ import annotations

from pathlib import Path


def bag_files(path: Path) -> list[Path]:
    """Return what to open: in a folder whose metadata.yaml was never written, each file."""
    if not path.is_dir() or (path / 'metadata.yaml').exists():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in ('.mcap', '.db3', '.bag'))
    for packed in sorted(path.glob('*.zstd')):
        if packed.with_suffix('') not in files:
            raise ValueError(
                f'{path}: {packed.name} cannot be read without metadata.yaml; copy that too, or '
                f'unpack it with `zstd -d {packed.name} -o {packed.stem}`'
            )
    if not files:
        raise ValueError(f'{path}: holds no bag; give a folder with .mcap, .db3 or .bag files')
    return files
