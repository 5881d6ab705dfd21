# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""In which order the images of a source are drawn, and how often each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

OFTEN = 3.0  # times the average, how often an image is drawn at most


def systematic(shares: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """
    Draw `count` times from items with shares: each comes floor or ceil of count x share times.

    shares: (items,), whose sum is 1
    returns: (count,) items, in their order
    """
    bounds = np.cumsum(shares)
    points = (rng.random() + np.arange(count)) / count
    items = np.searchsorted(bounds, points * bounds[-1], side='right')
    return np.minimum(items, len(shares) - 1)


def spread(medians: Sequence[float], centre: float) -> np.ndarray:
    """
    Shares with which images are drawn, so that their distances spread around a centre.

    Most data sets have a favourite distance, and a network that knows no better answers with
    that. Images are counted by their median depth in steps of 28 % and drawn against their
    count, with a log-normal preference a factor of 1.8 wide; none more than OFTEN times as often
    as on average.

    medians: of the depth of each image, metres; 0 of one without any counts as the centre
    centre: metres
    returns: (images,), whose sum is 1
    """
    medians = np.array(medians, float)
    medians[medians <= 0] = centre
    bins = np.round(np.log(medians) / 0.25).astype(int)
    _, which, counts = np.unique(bins, return_inverse=True, return_counts=True)
    weights = np.exp(-0.5 * (np.log(medians / centre) / 0.6) ** 2) / counts[which]
    shares, most = weights / weights.sum(), OFTEN / len(weights)
    full = np.zeros(len(shares), bool)
    while (shares[~full] > most).any():  # what one is denied may lift others above it
        full |= shares > most
        shares[full] = most
        shares[~full] *= (1 - most * full.sum()) / shares[~full].sum()
    return shares


class Deck:
    """
    Deals the images of a source in passes: `deck[n]` is the n-th that is dealt.

    A pass deals as many as there are, each as often as its share says, in an order of its own.
    Drawn one by one, a third of all images would be missing from every such number, and others
    would come three times.

    shares: (images,), whose sum is 1
    key: numbers that decide the order, not ending in 0
    """

    def __init__(self, shares: np.ndarray, key: tuple[int, ...]):
        self.shares, self.key = shares, key
        self._turn, self._order = -1, np.empty(0, int)

    def __getitem__(self, n: int) -> int:
        turn, place = divmod(n, len(self.shares))
        if turn != self._turn:
            rng = np.random.default_rng((turn, *self.key))
            self._order = rng.permutation(systematic(self.shares, len(self.shares), rng))
            self._turn = turn
        return int(self._order[place])
