# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Bags to a sample set.

Each bag is indexed, its images are matched with sweeps, and processes make the samples, block by
block. A journal in the set's folder holds what is finished; frames.json appears last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
import multiprocessing
import os
from pathlib import Path
import re
import signal
import threading

import cv2
import numpy as np
from tqdm import tqdm

from .extract_config import ExtractConfig
from .extract_frame import BINS, Frame, FrameMaker
from .journal import Journal
from .matching import match
from .recording import read_recording, Recording
from .sample_writer import write_index
from .shards import pack

BLOCK = 16  # frames that a process makes at a time
FEW = 100  # frames for which more processes would take longer to start than to work


@dataclass
class ExtractResult:
    """
    What an extraction gave.

    path: of the sample set
    frames: number of samples
    dropped: reason -> number of images
    notes: bag -> what was found and decided about it, sentences
    records: what FrameMaker.make returned, of the samples that were kept
    """

    path: Path
    frames: int
    dropped: dict[str, int]
    notes: dict[str, list[str]] = field(default_factory=dict)
    records: list[dict] = field(default_factory=list)


def extract(
    bags: Sequence[str | Path],
    output: str | Path,
    config: ExtractConfig | None = None,
    progress: bool | None = None,
) -> ExtractResult:
    """
    Make a sample set of the images and the sweeps of some bags.

    output: folder of the set; one that an interrupted run left is finished
    progress: None = show a bar if stderr is a terminal
    """
    config = config or ExtractConfig()
    output = Path(output)
    bags = [Path(bag) for bag in bags]
    if not bags:
        raise ValueError('there is no bag to extract; name one')
    journal = Journal(output, bags, config)
    hide = None if progress is None else not progress
    recordings, jobs, dropped = [], [], Counter()
    prefixes = _prefixes(bags)
    for bag, prefix in zip(bags, prefixes):
        with tqdm(desc=f'indexing {bag.name}', unit=' messages', disable=hide) as bar:
            recording = read_recording(str(bag), config, bar.update)
        frames, left_out = match(recording, config, prefix)
        dropped += left_out
        todo = [frame for frame in frames if frame.stem not in journal.records]
        jobs += [(len(recordings), todo[i : i + BLOCK]) for i in range(0, len(todo), BLOCK)]
        recordings.append(recording)
    with (
        journal,
        tqdm(
            desc='extracting',
            total=sum(len(frames) for _, frames in jobs),
            unit='frame',
            disable=hide,
        ) as bar,
    ):
        for records in _run(recordings, config, output, jobs):
            for record in records:
                journal.add(record)
            bar.update(len(records))
    records = [journal.records[stem] for stem in sorted(journal.records)]
    kept = [record for record in records if 'frame' in record]
    dropped += Counter(record['dropped'] for record in records if 'dropped' in record)
    if not kept:
        reason, count = dropped.most_common(1)[0]
        raise ValueError(f'{bags[0]}: no image became a sample; of most ({count}): {reason}')
    header, entries = _header(bags, config, kept), [record['frame'] for record in kept]
    shards = {'shards': pack(output, header, entries, config.shards)} if config.shards else {}
    write_index(output, {**header, **shards, 'frames': entries})
    notes = {str(bag): recording.notes for bag, recording in zip(bags, recordings)}
    return ExtractResult(output, len(kept), dict(dropped), notes, kept)


def _prefixes(bags: Sequence[Path]) -> list[str]:
    """Return what the stems of each bag begin with; a stem has no dot, by WebDataset's rule."""
    if len(bags) == 1:
        return ['']
    names = [re.sub(r'\W+', '_', bag.resolve().stem) for bag in bags]
    if len(set(names)) == len(names):
        return [f'{name}_' for name in names]
    return [f'{number:03d}_{name}_' for number, name in enumerate(names)]


def _header(bags: Sequence[Path], config: ExtractConfig, kept: list[dict]) -> dict:
    """Return what frames.json says about the whole set."""
    depths = np.sum([record['depths'] for record in kept], axis=0)
    share = np.cumsum(depths) / max(depths.sum(), 1)
    # Rooms and halls end earlier than streets.
    outdoor = BINS[1:][np.searchsorted(share, 0.95)] > 20
    return {
        'source': config.source or ', '.join(bag.resolve().stem for bag in bags),
        'licence': config.licence,
        'depth_kind': 'lidar',
        'domain': config.domain or ('outdoor' if outdoor else 'indoor'),
        'min_depth': max(config.min_range, 0.1),
        'max_depth': config.max_depth,
    }


_maker: dict[int, FrameMaker] = {}
_shared: tuple[list[Recording], ExtractConfig, Path] | None = None


def _start(recordings: list[Recording], config: ExtractConfig, folder: Path) -> None:
    """Give a process what all its jobs need."""
    global _shared
    _shared = recordings, config, folder
    _maker.clear()


def _start_process(*shared) -> None:
    """Start a worker; Ctrl-C reaches all processes, and the first one answers for all."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _start(*shared)


def _end_with_parent() -> None:
    """Leave nothing behind when the process that gives the work was killed."""
    multiprocessing.parent_process().join()
    try:
        for maker in list(_maker.values()):
            maker.close()
    finally:
        os._exit(1)


def _work(number: int, frames: list[Frame]) -> list[dict]:
    if number not in _maker:
        recordings, config, folder = _shared
        _maker.clear()  # one open bag at a time
        _maker[number] = FrameMaker(recordings[number], config, folder)
    return _maker[number].make(frames)


def _run(recordings, config: ExtractConfig, folder: Path, jobs) -> Iterator[list[dict]]:
    """Do the jobs, here or in processes, and yield the records as they come."""
    frames = sum(len(todo) for _, todo in jobs)
    workers = config.workers or (1 if frames < FEW else len(os.sched_getaffinity(0)))
    if workers == 1 or len(jobs) < 2:
        _start(recordings, config, folder)
        try:
            for job in jobs:
                yield _work(*job)
        finally:
            _maker.clear()
        return
    # A server that imported everything once forks the workers: quick, and free of our threads.
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(
        min(workers, len(jobs)), context, _start_process, (recordings, config, folder)
    ) as pool:
        waiting, left = set(), iter(jobs)
        try:
            while True:
                # Few ahead, so that an interruption has little to wait for.
                while len(waiting) < 2 * workers and (job := next(left, None)):
                    waiting.add(pool.submit(_work, *job))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool:
            raise ValueError(
                f'{folder}: a worker was killed, most likely because memory ran out; run the same '
                'command again with --workers 1, what is finished stays'
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)
