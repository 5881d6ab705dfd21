# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The files of a bag: which are to be opened, and whether they are all of it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote


def bag_files(path: Path) -> list[Path]:
    """Return what to open: in a folder whose metadata.yaml was never written, each file."""
    _check_log(path)
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


def _check_log(path: Path) -> None:
    """Refuse a database of SQLite part of which is in its write-ahead log, which is not read."""
    logs = path.glob('*.db3-wal') if path.is_dir() else [path.with_name(f'{path.name}-wal')]
    for log in sorted(logs):
        file = log.name.removesuffix('-wal')
        if log.exists() and log.stat().st_size and file.endswith('.db3'):
            raise ValueError(
                f'{path}: a part of {file} is still in {log.name}, as the recorder runs or was '
                'killed; copy the bag when it has ended, and in the copy run '
                f"`sqlite3 {file} 'pragma wal_checkpoint(TRUNCATE)'`"
            )


def as_uri(path: Path) -> Path:
    """Return a path that may be written into a URI, as the reader of SQLite does."""
    return _UriPath(path) if set('#?%') & set(str(path)) else path


class _UriPath(type(Path())):
    """A path that is quoted where it is formatted, and opened as it is."""

    def __format__(self, spec: str) -> str:
        return format(quote(str(self)), spec)
