# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Shadow rays: which points a light does not reach; in tiles, as in `raycast.py`."""

from __future__ import annotations

import torch

from .raycast import rounds, Solids
from .solids import ENTRY_AND_EXIT


def blocked(solids: Solids, points, light, active):
    """
    Find out which points a light does not reach.

    points: (T, 3, R), metres, slightly above their surfaces, tile by tile
    light: (4, R), homogeneous: a position with 1, or a direction with 0; nearly the same for all R
    active: (T, R), bool, points that matter
    returns: (T, R), bool
    """
    device = points.device
    result = torch.zeros(active.shape, dtype=torch.bool, device=device)
    seen = _between(solids, points, light[:, 0], active)
    target = solids.inverse @ light[:3]  # (N, 3, R)
    shift = torch.einsum('nij,nj->ni', solids.inverse, solids.centre)[..., None]
    target = target - light[3, 0] * shift + 1e-9
    for kind, enter in enumerate(ENTRY_AND_EXIT):
        mine = (solids.kind == kind).nonzero()[:, 0]
        done = lambda tiles, number: (result | ~active)[tiles].all(1)
        for tiles, number in rounds(seen[:, mine], done):
            flat = mine[number].flatten()
            rays = points[tiles].repeat_interleave(number.shape[1], 0)
            o = torch.baddbmm(-shift[flat], solids.inverse[flat], rays)
            d = target[flat] - light[3, 0] * o
            t, exit_t = enter(o, d, solids.taper[flat][..., None])
            hit = (t <= exit_t) & (exit_t > 0.0) & (t > 0.0)
            if light[3, 0] > 0:
                hit = hit & (t < 1.0)
            result[tiles] |= hit.unflatten(0, number.shape).any(1)
    return result & active


def _between(solids, points, light, active):
    """Tell which solids may lie between the points of a tile and the light: (T, N), bool."""
    inf = torch.where(active, 0.0, torch.inf)[:, None]
    low, high = (points + inf).amin(2), (points - inf).amax(2)
    if light[3] > 0:
        low, high = torch.minimum(low, light[:3]), torch.maximum(high, light[:3])
        solid_low, solid_high = solids.corners.amin(1), solids.corners.amax(1)
        apart = (solid_low[None] > high[:, None]) | (solid_high[None] < low[:, None])
        return ~apart.any(2) & ~_off_axis(solids, points, light, active)
    axes = torch.eye(3, device=light.device)
    aside = torch.linalg.cross(light[:3], axes[light[:3].abs().argmin()])
    across = torch.stack([light[:3], aside, torch.linalg.cross(light[:3], aside)])
    turned = torch.einsum('ij,tjk->tik', across, points)
    low, high = (turned + inf).amin(2), (turned - inf).amax(2)
    corners = solids.corners @ across.T
    apart = (corners.amin(1)[None, :, 1:] > high[:, None, 1:]) | (
        corners.amax(1)[None, :, 1:] < low[:, None, 1:]
    )
    return ~apart.any(2) & (corners.amax(1)[None, :, 0] > low[:, None, 0])


def _off_axis(solids, points, light, active):
    """Tell which solids lie outside the cone from a lamp around a tile's points: (T, N), bool."""
    weight = active[:, None].float()
    middle = (points * weight).sum(2) / weight.sum(2).clamp_min(1.0)
    radius = ((points - middle[..., None]).norm(dim=1) * weight[:, 0]).amax(1)
    to_tile, to_solid = middle - light[:3], solids.centre - light[:3]
    far, away = to_tile.norm(dim=1), to_solid.norm(dim=1)
    size = (solids.corners[:, 0] - solids.centre).norm(dim=1)
    # Both cones open from the lamp; solids or tiles around the lamp itself are kept.
    angle = (radius / far).clamp_max(1.0).asin()[:, None] + (size / away).clamp_max(1.0).asin()[
        None
    ]
    cosine = (to_tile @ to_solid.T) / (far[:, None] * away[None])
    around = (size >= away)[None] | (radius >= far)[:, None]
    return ~around & (cosine < angle.clamp_max(torch.pi).cos())
