# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Ray casting in image tiles.

An image is cut into tiles of 16 x 16 pixels. Per tile only those solids are tested whose corners
lie in the tile's frustum, front to back, in rounds over all tiles: few, large tensor operations,
the same on CPU and GPU, without atomics and therefore repeatable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from grin_ros.camera import Camera

from .scene import Scene
from .solids import ENTRY_AND_EXIT

TILE = 16
NEAR = 0.02  # metres
ROUND = 256  # pairs of tile and solid at once: 1 MB of rays, about a core's cache


@dataclass
class Solids:
    """
    The solids of a scene as tensors.

    kind: (N,); taper: (N, 4); centre: (N, 3), metres; half: (N, 3), metres
    inverse: (N, 3, 3), unit frame from world; corners: (N, 8, 3), world, metres
    """

    kind: torch.Tensor
    taper: torch.Tensor
    centre: torch.Tensor
    half: torch.Tensor
    inverse: torch.Tensor
    corners: torch.Tensor

    @classmethod
    def of(cls, scene: Scene, device) -> Solids:
        """Move a scene's solids to a device."""
        solids = scene.arrays()
        signs = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), -1).reshape(8, 3)
        corners = np.einsum('nij,nkj->nki', solids['rotation'], signs * solids['half'][:, None])
        inverse = solids['rotation'].transpose(0, 2, 1) / solids['half'][:, :, None]
        put = lambda a: torch.tensor(a, dtype=torch.float32, device=device)
        return cls(
            torch.tensor(solids['kind'], device=device),
            put(solids['taper']),
            put(solids['centre']),
            put(solids['half']),
            put(inverse),
            put(corners + solids['centre'][:, None]),
        )

    def local(self, points) -> torch.Tensor:
        """Bring one world point (3,) into every solid's unit frame: (N, 3)."""
        return torch.einsum('nij,nj->ni', self.inverse, points - self.centre)


@dataclass
class View:
    """
    A camera in the world, with the image padded to whole tiles.

    K_inverse: (3, 3); rotation: (3, 3), world from camera (x right, y down, z forward)
    position: (3,), metres; size: (height, width), pixels
    """

    K_inverse: torch.Tensor
    rotation: torch.Tensor
    position: torch.Tensor
    size: tuple[int, int]

    @classmethod
    def of(cls, camera: Camera, rotation, position, device) -> View:
        """Put a camera somewhere; rotation, position: as above, anything like an array."""
        put = lambda a: torch.tensor(a, dtype=torch.float32, device=device)
        K_inverse = np.linalg.inv(camera.K.double().numpy())
        return cls(put(K_inverse), put(rotation), put(position), camera.size)

    @property
    def tiles(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return -(-self.size[0] // TILE), -(-self.size[1] // TILE)

    def rays(self) -> torch.Tensor:
        """World directions with unit z-depth, in tiles: (T, 3, 256)."""
        rows, columns = self.tiles
        device = self.position.device
        y, x = torch.meshgrid(
            torch.arange(rows * TILE, device=device),
            torch.arange(columns * TILE, device=device),
            indexing='ij',
        )
        uv1 = torch.stack([x, y, torch.ones_like(x)]).float()
        return to_tiles(torch.einsum('ij,jhw->ihw', self.rotation @ self.K_inverse, uv1))


def to_tiles(image) -> torch.Tensor:
    """Cut (C, rows * 16, columns * 16) into (T, C, 256)."""
    c, h, w = image.shape
    tiles = image.view(c, h // TILE, TILE, w // TILE, TILE)
    return tiles.permute(1, 3, 0, 2, 4).reshape(-1, c, TILE * TILE)


def from_tiles(tiles, view: View) -> torch.Tensor:
    """Join (T, C, 256) to (C, H, W), without the padding."""
    rows, columns = view.tiles
    image = tiles.view(rows, columns, -1, TILE, TILE).permute(2, 0, 3, 1, 4)
    return image.reshape(-1, rows * TILE, columns * TILE)[:, : view.size[0], : view.size[1]]


def cast(solids: Solids, view: View):
    """
    Find the first surface behind every pixel.

    returns: (T, 256), metres along the optical axis, inf where nothing is;
    (T, 256), index of the solid, -1 there
    """
    rows, columns = view.tiles
    device = solids.centre.device
    project = view.K_inverse.inverse() @ view.rotation.T
    camera = (solids.corners - view.position) @ project.T  # (N, 8, 3): u z, v z, z
    depth_of_corner = camera[..., 2]
    seen = _overlap(camera[..., 1], depth_of_corner, rows)[:, :, None]
    seen = seen & _overlap(camera[..., 0], depth_of_corner, columns)[:, None, :]
    nearest = depth_of_corner.amin(1).clamp_min(NEAR)
    order = nearest.argsort(stable=True)
    seen = seen[order].flatten(1).T  # (T, N), front to back
    origin = solids.local(view.position)
    towards = solids.inverse @ (view.rotation @ view.K_inverse)  # unit frame from (u, v, 1)
    j, i = torch.meshgrid(
        torch.arange(TILE, device=device), torch.arange(TILE, device=device), indexing='xy'
    )
    uv1 = torch.stack([j, i, torch.ones_like(i)]).flatten(1).float()  # (3, 256)
    tile = torch.arange(rows * columns, device=device)
    corner = torch.stack([tile % columns, tile // columns]).T.float() * TILE
    depth = torch.full((rows * columns, TILE * TILE), torch.inf, device=device)
    solid = torch.full_like(depth, -1, dtype=torch.long)
    for kind, enter in enumerate(ENTRY_AND_EXIT):
        mine = order[solids.kind[order] == kind]
        hidden = lambda tiles, number: depth[tiles].amax(1) < nearest[mine[number]]  # noqa: B023
        for tiles, number in rounds(seen[:, solids.kind[order] == kind], hidden):
            number = mine[number]  # (n, C)
            d = towards[number]
            last = d[..., 2] + (d[..., :2] * corner[tiles][:, None, None]).sum(-1) + 1e-9
            d = torch.cat([d[..., :2], last[..., None]], -1).flatten(0, 1) @ uv1
            flat = number.flatten()
            t, exit_t = enter(origin[flat][..., None], d, solids.taper[flat][..., None])
            t = torch.where((t <= exit_t) & (t > NEAR), t, torch.inf)
            t, first = t.unflatten(0, number.shape).min(1)  # (n, 256)
            nearer = t < depth[tiles]
            depth[tiles] = torch.where(nearer, t, depth[tiles])
            solid[tiles] = torch.where(nearer, number.gather(1, first), solid[tiles])
    return depth, solid


def probe(solids: Solids, view: View, count=8) -> torch.Tensor:
    """
    Cast a coarse grid of rays without any culling, to judge a viewpoint quickly.

    returns: (count * count,), metres along the optical axis, inf where nothing is
    """
    device = solids.centre.device
    share = (torch.arange(count, device=device) + 0.5) / count
    v, u = torch.meshgrid(share * view.size[0], share * view.size[1], indexing='ij')
    uv1 = torch.stack([u, v, torch.ones_like(u)]).flatten(1)
    d = solids.inverse @ (view.rotation @ view.K_inverse @ uv1)
    o = solids.local(view.position)[..., None]
    depth = torch.full((count * count,), torch.inf, device=device)
    for kind, enter in enumerate(ENTRY_AND_EXIT):
        mine = solids.kind == kind
        if mine.any():
            t, exit_t = enter(o[mine], d[mine], solids.taper[mine][..., None])
            t = torch.where((t <= exit_t) & (t > NEAR), t, torch.inf)
            depth = torch.minimum(depth, t.amin(0))
    return depth


def _overlap(position, depth, count):
    """Tell which bands of 16 pixels the hull of 8 projected corners may touch: (N, count)."""
    edges = torch.arange(count + 1, device=position.device) * TILE - 0.5
    position, depth = position.T[..., None], depth.T[..., None]  # (8, N, 1)
    beyond = position - edges * depth  # (8, N, count + 1)
    touches = (beyond[..., :-1].amax(0) > 0) & (beyond[..., 1:].amin(0) <= 0)
    return touches & (depth.amax(0) > NEAR)


def rounds(seen, finished):
    """
    Deal the candidates (T, N) out in rounds of about 256, each tile at most once per round.

    finished: (tiles, next candidate of each) -> bool, tiles that need no more candidates
    yields: tiles (n,); candidates (n, C), where the last one may come several times
    """
    counts = seen.sum(1)
    tiles = counts.argsort(descending=True, stable=True)
    pairs = seen[tiles].nonzero()[:, 1]
    counts = counts[tiles]
    start, k = counts.cumsum(0) - counts, 0
    while True:
        left = counts > k
        if k:
            left &= ~finished(tiles, pairs[start + counts.clamp(1, k + 1) - 1])
        tiles, start, counts = tiles[left], start[left], counts[left]
        if len(tiles) == 0:
            return
        share = max(1, ROUND // len(tiles))
        number = k + torch.arange(share, device=seen.device)
        yield tiles, pairs[start[:, None] + torch.minimum(number, counts[:, None] - 1)]
        k += share
