# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which source each image of a batch comes from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .deck import systematic
from .source import Source


class Mixture:
    """
    Shares out the images of every batch among the sources, by weight.

    Shares are kept in each single batch, to within one image of each source and, with `balance`,
    of each group: drawn one by one, small batches would now and then lack the outdoors.

    weights: one per source; 0 leaves it out
    balance: the groups indoor/outdoor x real/synthetic that there are get equal shares, as in
        GRIN sec. 5.2; weights then count within a group
    shares: source -> expected share of the images
    """

    def __init__(self, sources: Sequence[Source], weights: Sequence[float], balance: bool = False):
        shares = np.array(weights, float)
        groups = [(source.domain, source.synthetic) for source in sources]
        if balance:
            for group in set(groups):
                rows = [i for i, g in enumerate(groups) if g == group]
                shares[rows] /= shares[rows].sum() or 1.0
        self.shares = shares / shares.sum()
        # Neighbours in the order share the rounding, so members of a group stand together.
        self._order = np.array(sorted(range(len(sources)), key=lambda i: groups[i]))

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return the source of each of `count` images: systematic sampling of the shares."""
        return self._order[systematic(self.shares[self._order], count, rng)]
