# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a checkpoint was trained on, told to whoever uses it (`grin info`) or judges it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from grin_ros.checkpoint import read_metadata
from grin_ros.info import manifest

from .sample import SampleSet
from .source import Source


def describe(source: Source) -> dict:
    """Say what a source is, where it is from, and on which terms; ready for JSON."""
    world = source.config.world
    told = {
        'name': source.name, 'frames': source.count, 'variants': source.config.variants,
        'weight': source.config.weight, 'domain': source.domain, 'size': list(source.size),
    }  # fmt: skip
    if world:
        seeds = f'procedural world {world} of grin_ros, seeds 0 to {source.count - 1}'
        return {**told, 'source': seeds, 'licence': 'Apache-2.0'}
    samples = source.samples
    told |= {
        'source': samples.source, 'licence': samples.licence, 'digest': digest(samples),
    }  # fmt: skip
    stamps = _stamps(samples)[: source.count]  # what is held out is late in time
    return {**told, 'stamps': [min(stamps), max(stamps)]} if stamps else told


def digest(samples: SampleSet) -> str:
    """Name a sample set by its content: the same frames from the same source, wherever it lies."""
    content = [samples.source, len(samples), list(getattr(samples, 'stems', []))]
    content += [stamps] if (stamps := _stamps(samples)) else []
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def earlier(initial: str) -> list[dict]:
    """Give the stages behind the checkpoint that a run starts from; none without one."""
    return manifest(read_metadata(initial)) if initial else []


def trained_on(checkpoint: str | Path | None, samples: SampleSet) -> bool:
    """
    Tell whether a checkpoint was trained on a set, wherever it lies.

    It was if its manifest has the same frames of the same source, or stamped frames of that source
    from a stretch of time that overlaps with the set's; not without a file.
    """
    if checkpoint is None or not Path(checkpoint).is_file():
        return False
    seen = [s for stage in manifest(read_metadata(checkpoint)) for s in stage['sources']]
    name, stamps = digest(samples), _stamps(samples)
    return any(
        one.get('digest') == name
        or (one['source'] == samples.source and _overlap(one.get('stamps'), stamps))
        for one in seen
        if 'digest' in one
    )


def _stamps(samples: SampleSet) -> list[int]:
    """Give the stamps of a set, nanoseconds; none unless all its frames have one."""
    stamps = getattr(samples, 'stamps', [])
    return [] if None in stamps else stamps


def _overlap(stretch: list[int] | None, stamps: list[int]) -> bool:
    return bool(stretch and stamps) and stretch[0] <= max(stamps) and min(stamps) <= stretch[1]
