# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The stamps of a topic: on which clock they are, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .bag import BagReader


@dataclass
class Stream:
    """
    The messages of a topic, in the order of their stamps.

    arrival, header: (N,) int64, nanoseconds; a message is found again by both
    stamps: (N,) int64, nanoseconds, on the clock that matches streams
    frame_id: of the messages
    """

    topic: str
    arrival: np.ndarray
    header: np.ndarray
    stamps: np.ndarray
    frame_id: str

    def __len__(self) -> int:
        return len(self.stamps)

    def key(self, i: int) -> tuple[str, int, int]:
        """Return what identifies message i in the bag."""
        return self.topic, int(self.arrival[i]), int(self.header[i])


def make_stream(
    bag: BagReader,
    topic: str,
    found: list[tuple[int, int]],
    frame_ids: list[str],
    by_arrival: bool,
) -> Stream:
    """
    Make the stream of a topic, still in the order of arrival.

    found: arrival and header stamp of each message, nanoseconds
    frame_ids: all that the messages have
    by_arrival: match by the arrival, not by the header stamps
    """
    if not found:
        raise ValueError(
            f'{bag.path}: {topic} has no message'
            + (f' in this part of the bag, of {bag.counts[topic]}' if bag.counts[topic] else '')
            + '; choose another topic'
        )
    arrival, header = np.array(found, np.int64).T
    if not by_arrival and not header.any():
        raise ValueError(
            f'{bag.path}: the header stamps of {topic} are all zero; pass --stamps receive to '
            'use the time of arrival instead'
        )
    named = [frame_id for frame_id in frame_ids if frame_id] or ['']
    if len(named) > 1:
        raise ValueError(
            f'{bag.path}: the messages of {topic} are in the frames {", ".join(named)}, as if of '
            'several sensors; record each on a topic of its own, or if the name changed within '
            'the bag, cut it there with --start and --end'
        )
    return Stream(topic, arrival, header, arrival if by_arrival else header, named[0])


def sort(stream: Stream) -> int:
    """Bring messages into the order of their stamps, each stamp once; return how many go."""
    count = len(stream)
    _, first = np.unique(stream.stamps, return_index=True)
    for name in ('arrival', 'header', 'stamps'):
        setattr(stream, name, getattr(stream, name)[first])
    return count - len(first)
