# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
What an extraction has finished, in a file that a broken run can be continued from.

A line is written when the files of its frame are in place under their names, so a frame without a
whole line is made again and nothing half-written counts.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

from .extract_config import ExtractConfig
from .shards import Shards

NAME = 'extract.journal.jsonl'
FREE = ('workers', 'source', 'licence', 'domain')  # may change between two runs
CONTENTS = ('intrinsics', 'extrinsics', 'mask')  # paths; what counts is in the files


class Journal:
    """
    The finished frames of a set that is being made; a context manager.

    records: stem -> record of FrameMaker.make
    """

    def __init__(self, folder: Path, bags: list[Path], config: ExtractConfig):
        self.path = folder / NAME
        self._task = _task(bags, config)
        self.records: dict[str, dict] = {}
        lines = self.path.read_bytes().split(b'\n')[:-1] if self.path.exists() else []
        if (folder / 'frames.json').exists() and not lines:
            raise FileExistsError(
                f'{folder} already holds a sample set; choose another folder or delete it'
            )
        if lines and json.loads(lines[0]) != self._task:
            raise FileExistsError(
                f'{folder} holds what an extraction with other options, files or bags made; '
                'give the same to finish it, choose another folder or delete it'
            )
        packed = Shards(sorted(folder.glob('*.tar')))
        for line in lines[1:]:
            record = json.loads(line)
            sizes = record.get('sizes', {}).items()
            # After a loss of power a file may be shorter than its name promises.
            if all(size in (_size(folder / name), packed.size(name)) for name, size in sizes):
                self.records[record['stem']] = record

    def add(self, record: dict) -> None:
        """Note a frame whose files are in place."""
        self._file.write(json.dumps(record) + '\n')
        self._file.flush()
        self.records[record['stem']] = record

    def __enter__(self) -> Journal:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Written anew, because the last line may have been cut.
        part = self.path.with_suffix('.part')
        lines = [self._task, *self.records.values()]
        part.write_text(''.join(json.dumps(line) + '\n' for line in lines))
        part.replace(self.path)
        self._file = self.path.open('a')
        return self

    def __exit__(self, kind, value, traceback) -> None:
        self._file.close()
        if kind is None:
            for leftover in self.path.parent.glob('.*.part'):  # of a run that was killed
                leftover.unlink()


def _task(bags: list[Path], config: ExtractConfig) -> dict:
    """Return what two runs must have in common for one to finish the other."""
    options = {k: v for k, v in dataclasses.asdict(config).items() if k not in FREE}
    for name in CONTENTS:
        # One that is missing is told by who reads it.
        if options[name] and (path := Path(options[name])).is_file():
            options[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    files = [
        [str(file), file.stat().st_size]
        for bag in bags
        for file in (sorted(bag.iterdir()) if bag.is_dir() else [bag])
        if file.exists()
    ]
    return {'options': options, 'files': files}


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1
