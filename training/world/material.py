# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What solids are made of: a texture of the bank in two colours, gloss and glow."""

from __future__ import annotations

import colorsys
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

from .pattern import FACADES
from .texture import TextureBank

WHITE = (0.8, 0.8, 0.8)


@dataclass(frozen=True)
class Material:
    """
    One surface.

    texture: index into the bank; scale: metres that one repeat of the texture spans
    first, second: linear RGB that a pattern blends between (a picture is multiplied by `first`)
    gloss: strength of reflections, 0 to 1; glow: emitted radiance over albedo
    fit: stretch the texture over each face instead of repeating it
    along: run the texture along the longer side of each face
    world: lay the texture out over the ground, across the joints of several solids
    upright: begin a repeat at the bottom of each upright face
    """

    texture: int
    scale: float = 1.0
    first: tuple = WHITE
    second: tuple = WHITE
    gloss: float = 0.0
    glow: float = 0.0
    fit: bool = False
    along: bool = False
    world: bool = False
    upright: bool = False


def colour(rng, hue=None, saturation=(0.1, 0.7), value=(0.1, 0.8)) -> tuple:
    """Draw a linear RGB colour; hue, saturation, value: ranges in sRGB's HSV, all in [0, 1]."""
    h = rng.uniform(*(hue or (0.0, 1.0))) % 1.0
    srgb = colorsys.hsv_to_rgb(h, rng.uniform(*saturation), rng.uniform(*value))
    return tuple(c**2.2 for c in srgb)


class Palette:
    """Draws materials for one scene; photographs of the bank, where it has any, take turns."""

    def __init__(self, rng: np.random.Generator, bank: TextureBank):
        self.rng, self.bank = rng, bank
        # Of its own, so that what a seed builds does not depend on the sizes of patterns.
        self._sizes = np.random.default_rng(deepcopy(rng.bit_generator).random_raw())

    def pattern(self, kind, first, second=None, scale=1.0, **options) -> Material:
        """Return a two-coloured pattern of the bank."""
        if second is None:
            second = tuple(np.array(first) * self.rng.uniform(0.6, 0.95))
        texture = self.bank.draw(kind, self.rng)
        return Material(texture, scale * self.rng.uniform(0.8, 1.25), first, second, **options)

    def loose(self) -> float:
        """Draw how large a pattern is that comes in all sizes; no ruler to measure a room with."""
        return 2 ** self._sizes.uniform(-1.3, 0.6)

    def size(self, low: float, high: float) -> float:
        """Draw a length of something built in many sizes, metres."""
        return self._sizes.uniform(low, high)

    def facade(self, first, storey: float, **options) -> Material:
        """Return a wall with windows drawn on, its storeys so many metres high."""
        rows = int(self._sizes.choice(FACADES))
        texture = self.bank.draw(f'facade_{rows}', self.rng)
        glass = (0.04, 0.05, 0.06)
        return Material(texture, rows * storey, first, glass, upright=True, **options)

    def photo(self, kinds, scale, fallback, chance=0.6, **options) -> Material:
        """Return a photographed surface of one of these kinds, else the fallback's material."""
        if self.rng.random() < chance:
            texture = self.bank.draw_photo(kinds, self.rng)
            if texture is not None:
                tint = 0.5 + 0.6 * self.rng.random() + 0.12 * self.rng.random(3)
                return Material(texture, scale, tuple(tint), tuple(tint), **options)
        return fallback()

    def picture(self, kind='print', bright=1.0, **options) -> Material:
        """Return a coloured image stretched over each face (poster, cover, screen, spines)."""
        tint = (bright,) * 3
        return Material(self.bank.draw(kind, self.rng), 1.0, tint, tint, fit=True, **options)

    def plain(self, saturation=(0.0, 0.8), value=(0.08, 0.95), gloss=None) -> Material:
        """Return a nearly even surface of any colour: plastic, lacquer, card."""
        first = colour(self.rng, None, saturation, value)
        if gloss is None:
            gloss = self.rng.choice([0.0, 0.05, 0.3])
        return self.pattern('cloud', first, scale=0.7, gloss=gloss)

    def card(self) -> Material:
        """Return brown cardboard."""
        return self.pattern('cloud', (0.35, 0.22, 0.11), None, 0.5)

    def wood(self) -> Material:
        """Return wood, veneer or painted wood."""
        rng = self.rng
        if rng.random() < 0.25:
            return self.plain((0.0, 0.25), (0.5, 0.95), 0.1)
        dark = rng.uniform(0.3, 1.0)
        first = colour(rng, (0.05, 0.11), (0.3, 0.65), (0.85 * dark, 0.9 * dark))
        second = tuple(np.array(first) * rng.uniform(0.4, 0.8))
        size = self.loose()
        grain = lambda: self.pattern('grain', first, second, 0.8 * size, gloss=0.08, along=True)
        return self.photo(('wood',), 0.9 * size, grain, 0.4, gloss=0.06, along=True)

    def metal(self) -> Material:
        """Return bare or painted metal."""
        first = colour(self.rng, None, (0.0, 0.15), (0.25, 0.9))
        return self.pattern('cloud', first, scale=0.5, gloss=self.rng.uniform(0.2, 0.6))

    def fabric(self) -> Material:
        """Return cloth: plain weave, stripes or checks."""
        rng = self.rng
        first = colour(rng, None, (0.0, 0.7), (0.12, 0.85))
        kind = rng.choice(['weave', 'weave', 'cloud', 'stripes', 'checks', 'speckle'])
        second = colour(rng, None, (0.0, 0.7), (0.12, 0.9)) if rng.random() < 0.3 else None
        size = self.loose()
        cloth = lambda: self.pattern(kind, first, second, size * rng.uniform(0.2, 0.6))
        return self.photo(('fabric',), 0.6 * size, cloth, 0.15)

    def wall(self) -> Material:
        """Return an interior wall."""
        rng = self.rng
        first = colour(rng, None, (0.0, rng.choice([0.08, 0.08, 0.25])), (0.55, 0.97))
        if rng.random() < 0.12:
            first = colour(rng, None, (0.2, 0.6), (0.3, 0.8))
        kind = rng.choice(['plaster'] * 6 + ['stripes', 'panels', 'bricks', 'tiles', 'weave'])
        size = 1.0 if kind == 'bricks' else self.loose()
        scale = size * {'plaster': 2.5, 'bricks': 1.0, 'tiles': 0.9, 'weave': 0.5}.get(kind, 1.4)
        soft = rng.uniform(0.75, 0.97)
        second = tuple(c * soft for c in first)
        paint = lambda: self.pattern(kind, first, second, scale)
        return self.photo(('wall', 'brick', 'concrete'), 2.0 * self.loose(), paint, 0.25)

    def floor(self) -> Material:
        """Return an interior floor: planks, tiles, carpet, stone, lino."""
        rng = self.rng
        kind = rng.choice(['planks', 'planks', 'tiles', 'carpet', 'speckle', 'marble', 'checks'])
        gloss, size = rng.choice([0.0, 0.1, 0.3]), self.loose()
        if kind == 'planks':
            dark = rng.uniform(0.3, 0.95)
            first = colour(rng, (0.05, 0.11), (0.2, 0.6), (0.8 * dark, dark))
            laid = lambda: self.pattern('planks', first, None, 1.1 * size, gloss=gloss)
            return self.photo(('wood', 'floor'), 1.4 * size, laid, 0.4, gloss=gloss)
        hue = (0.02, 0.15) if rng.random() < 0.6 else None
        first = colour(rng, hue, (0.0, 0.3), (0.25, 0.9))
        if kind == 'carpet':
            return self.pattern(
                rng.choice(['weave', 'asphalt', 'speckle']), first, None, 0.5 * size
            )
        scales = {'tiles': rng.uniform(0.8, 2.4), 'checks': 1.6, 'marble': 2.0, 'speckle': 1.0}
        scale = size * scales[kind]
        laid = lambda: self.pattern(kind, first, None, scale, gloss=gloss)
        return self.photo(
            ('tiles', 'marble', 'floor', 'concrete'), 1.6 * size, laid, 0.4, gloss=gloss
        )

    def ceiling(self) -> Material:
        """Return a ceiling: plaster or panels."""
        first = colour(self.rng, None, (0.0, 0.08), (0.75, 0.98))
        kind, scale = [('plaster', 2.5), ('panels', 2.4), ('speckle', 1.0)][self.rng.integers(3)]
        flat = lambda: self.pattern(kind, first, None, scale)
        return self.photo(('ceiling',), 1.2, flat, 0.3)

    def shining(self, bright: float) -> Material:
        """Return a lamp's shade or a bright window."""
        tint = colour(self.rng, (0.08, 0.15), (0.0, 0.25), (0.95, 1.0))
        return replace(self.pattern('cloud', tint, tint), glow=bright)
