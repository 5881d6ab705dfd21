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
    return {
        **told, 'source': samples.source, 'licence': samples.licence, 'digest': digest(samples),
    }  # fmt: skip


def digest(samples: SampleSet) -> str:
    """Name a sample set by its content: the same frames from the same source, wherever it lies."""
    content = [samples.source, len(samples), list(getattr(samples, 'stems', []))]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def earlier(initial: str) -> list[dict]:
    """Give the stages behind the checkpoint that a run starts from; none without one."""
    return manifest(read_metadata(initial)) if initial else []


def trained_on(checkpoint: str | Path | None) -> set[str]:
    """Give the digests of the sets that a checkpoint was trained on; none without a file."""
    if checkpoint is None or not Path(checkpoint).is_file():
        return set()
    stages = manifest(read_metadata(checkpoint))
    return {s['digest'] for stage in stages for s in stage['sources'] if 'digest' in s}
