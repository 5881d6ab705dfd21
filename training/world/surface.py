# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
How much of the world a photograph of a surface shows.

Bricks, boards and threads tell how far away they are, where they are as large as real ones.
"""

from __future__ import annotations

from pathlib import Path

# Metres that a photograph is wide, by words of its name; the first that is found counts. They
# are those at which bricks are 24 cm long in the photographs of the pack, ceiling tiles 60 cm,
# floor tiles 30 cm, boards 7 to 12 cm wide, and threads 1 to 3 mm thick.
_WORDS = {
    'ceiling_tiles': 2.4, 'ceiling_tile': 0.6, 'roomceiling': 1.3,
    'white_bricks': 0.7, 'brick1': 1.4, 'roomwall': 1.8, 'brick': 2.0, 'cinder': 1.7,
    'retailshopwall': 0.8, 'stucco': 0.5, 'plaster': 1.5, 'drywall': 2.0,
    'floorb': 0.6, 'retailshopceiling': 1.4, 'woodfloor': 1.3, 'wood_tiles': 0.7,
    'floor_tiles': 1.2, 'floor_tile': 0.9,
    'planks': 1.2, 'panels': 0.9, 'parquet': 0.8,
    'marble_tile': 0.8, 'floor2': 0.9, 'tiles036': 1.0,
    'grill': 0.2, 'grate': 0.5, 'brushed': 0.4, 'granite': 0.4,
    'carpet': 0.5, 'felt': 0.4, 'paper': 0.4,
}  # fmt: skip
_KINDS = {
    'asphalt': 1.5, 'cardboard': 0.3, 'ceiling': 1.5, 'concrete': 2.0, 'door': 0.9, 'fabric': 0.15,
    'floor': 1.0, 'grass': 1.5, 'ground': 1.5, 'marble': 1.2, 'metal': 0.8, 'rock': 1.0,
    'tiles': 1.2, 'wall': 1.5, 'water': 2.0, 'wood': 0.8,
}  # fmt: skip


def metres_of(name: str) -> float:
    """Return how wide the photograph `<kind>__<name>.jpg` is, metres; 1 if unknown."""
    kind, _, rest = Path(name).stem.lower().partition('__')
    for word, metres in _WORDS.items():
        if word in (rest or kind):
            return metres
    # Cloth that was photographed as something else shows threads all the same: the kind counts.
    return _KINDS.get(kind, _WORDS.get(kind, 1.0))
