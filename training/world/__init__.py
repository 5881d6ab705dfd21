# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Procedural worlds, ray cast to RGB, exact depth and camera; no display, CPU or GPU.

A seed decides everything: `render('room', 7)` is the same picture whenever it is asked for on the
same kind of device.
"""

from __future__ import annotations

import numpy as np
import torch

from ..sample import Sample
from .corridor import corridor
from .hall import hall
from .material import Palette
from .park import park
from .photograph import MAX_DEPTH, photograph
from .raycast import probe, Solids
from .room import room
from .scene import Scene
from .staircase import staircase
from .street import street
from .terrain import terrain
from .texture import texture_bank
from .viewpoint import Viewpoint
from .yard import yard

# Their order is part of every seed: new ones come last.
DOMAINS = {
    'room': room, 'corridor': corridor, 'street': street, 'stairs': staircase, 'hall': hall,
    'park': park, 'yard': yard, 'terrain': terrain,
}  # fmt: skip


@torch.no_grad()
def render(domain: str, seed: int, size=(256, 320), device='cpu', textures=None) -> Sample:
    """
    Build a world from a seed and photograph it.

    domain: a key of DOMAINS; size: (height, width), pixels
    textures: folder of tileable images, <kind>__<anything>.jpg; None: procedural ones only
    returns: Sample; depth is exact at the pixels' centres, 0 for sky and beyond 250 m
    """
    if domain not in DOMAINS:
        raise ValueError(f'unknown domain {domain!r}; choose one of {", ".join(DOMAINS)}')
    height, width = (int(n) for n in size)
    rng = np.random.default_rng([seed, list(DOMAINS).index(domain)])
    bank = texture_bank(str(device), None if textures is None else str(textures))
    scene = Scene(rng)
    viewpoints = DOMAINS[domain](scene, Palette(rng, bank))
    solids = Solids.of(scene, device)
    viewpoint = _choose(scene, solids, viewpoints, device)
    camera = viewpoint.camera((height, width), rng)
    view = viewpoint.view(camera, device)
    image, depth = photograph(scene, solids, view, bank, rng)
    return Sample(image, depth, camera, f'{domain}_{seed:07d}')


def _choose(scene: Scene, solids: Solids, viewpoints: list[Viewpoint], device) -> Viewpoint:
    """Take the first viewpoint that is not inside, right in front of or only a wall."""
    rng = np.random.default_rng(0)
    for viewpoint in viewpoints:
        if scene.clearance(viewpoint.position) < 0.1:
            continue
        depth = probe(solids, viewpoint.view(viewpoint.camera((240, 320), rng), device))
        spread = depth.clamp(0.1, MAX_DEPTH).log().std()
        if depth.median() > 0.4 and (depth < 0.3).float().mean() < 0.1 and spread > 0.15:
            return viewpoint
    return viewpoints[-1]
