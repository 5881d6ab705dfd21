# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Sample sets in tar files, as WebDataset reads them: few large files instead of many small ones.

A tar holds whole samples, one after the other: `0007.jpg`, `0007.depth.png`, and in `0007.json`
the sample's entry of frames.json together with the header of its set. So a tar says everything
by itself, and can be streamed. Here it is read in any order, by an index of its members.
"""

from __future__ import annotations

from collections.abc import Iterable
import io
import json
from pathlib import Path
import tarfile

FILES = ('rgb', 'depth', 'sky')  # keys of a frame that name a file


def pack(folder: Path, header: dict, frames: list[dict], per_shard: int) -> list[str]:
    """
    Move the files of a set into tars; those that an interrupted run has finished stay.

    header: of frames.json, without the frames
    returns: names of the tars
    """
    names = []
    for number, first in enumerate(range(0, len(frames), per_shard)):
        chosen = frames[first : first + per_shard]
        shard = folder / f'{number:06d}.tar'
        if not shard.exists():
            part = shard.with_suffix('.part')
            with tarfile.open(part, 'w') as tar:
                for frame in chosen:
                    _add(tar, folder, header, frame)
            part.replace(shard)
        for frame in chosen:
            for key in FILES:
                if key in frame:
                    (folder / frame[key]).unlink(missing_ok=True)
        names.append(shard.name)
    return names


def _add(tar: tarfile.TarFile, folder: Path, header: dict, frame: dict) -> None:
    files = {frame[key]: (folder / frame[key]).read_bytes() for key in FILES if key in frame}
    stem = frame['rgb'].partition('.')[0]
    files[f'{stem}.json'] = json.dumps({**frame, 'set': header}).encode()
    for name, content in files.items():
        member = tarfile.TarInfo(name)  # without owner and time: the same set, the same bytes
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))


class Shards:
    """
    The files inside some tars, by name.

    Nothing stays open, so that it can be shared by processes.
    """

    def __init__(self, paths: Iterable[Path]):
        self.paths = list(paths)
        self._places: dict[str, tuple[Path, int, int]] = {}
        for path in self.paths:
            try:
                with tarfile.open(path, 'r:') as tar:
                    for member in tar:
                        if member.isfile():
                            self._places[member.name] = (path, member.offset_data, member.size)
            except (tarfile.TarError, EOFError) as error:
                raise ValueError(
                    f'{path}: not a plain tar ({error}); unpack it, or write it again'
                ) from None

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def size(self, name: str) -> int:
        """Return the bytes of a file, -1 if there is none."""
        return self._places[name][2] if name in self._places else -1

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        path, offset, size = self._places[name]
        with path.open('rb') as file:
            file.seek(offset)
            content = file.read(size)
        if len(content) < size:
            raise ValueError(f'{path}: is cut short in {name}; copy it again')
        return content

    def index(self) -> dict:
        """Return what frames.json would hold."""
        names = sorted(name for name in self._places if name.endswith('.json'))
        frames = [json.loads(self.read(name)) for name in names]
        headers = [frame.pop('set', {}) for frame in frames]
        return {**(headers[0] if headers else {}), 'frames': frames}
