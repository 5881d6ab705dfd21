# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""From surfaces to radiance: texture, sun and lamps with shadow rays, sky, bounce, gloss, haze."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn.functional import avg_pool2d, interpolate

from .raycast import from_tiles, Solids, View
from .scene import Scene, Sky
from .shadow import blocked
from .solids import normal
from .texture import TextureBank

LIFT = 2e-3  # metres; shadow rays start this far above a surface, plus 0.1 % of its distance


class Surface:
    """
    What the first hit of every pixel looks like; N = number of pixels, tile after tile.

    point, normal, albedo: (3, N); gloss, glow, depth: (N,); hit: (N,), bool
    """

    def __init__(self, scene: Scene, solids: Solids, view: View, rays, depth, solid, bank):
        device = depth.device
        self.hit = (solid >= 0).flatten()
        index = solid.clamp_min(0).flatten()
        self.depth = torch.where(self.hit, depth.flatten(), 1.0)
        self.ray = rays.transpose(0, 1).reshape(3, -1)
        self.point = view.position[:, None] + self.ray * self.depth
        pick = lambda values: values.T.contiguous().index_select(1, index)
        inverse = pick(solids.inverse.flatten(1))
        from_centre = self.point - pick(solids.centre)
        half, kind = pick(solids.half), solids.kind[index]
        local = torch.stack([(inverse[3 * k : 3 * k + 3] * from_centre).sum(0) for k in range(3)])
        bent, axis = normal(kind, local, pick(solids.taper))
        turned = sum(inverse[3 * k : 3 * k + 3] * bent[k] for k in range(3))
        self.normal = turned / _length(turned).clamp_min(1e-9)
        self.facing = -(self.normal * self.ray).sum(0) / _length(self.ray)
        look = pick(_material_table(scene, device))
        self.gloss, self.glow = look[8], look[9]
        pixel = self.depth * view.K_inverse[0, 0] / self.facing.clamp_min(0.12)
        self._texture(bank, look, local, half, kind, axis, pixel)

    def _texture(self, bank: TextureBank, look, local, half, kind, axis, pixel):
        sideways, upright = _face_axes(self.hit.device)
        row = torch.stack([sideways[axis], upright[axis]])
        unit, extent = local.gather(0, row), half.gather(0, row)
        is_round = (kind == 3) & (axis == 0)
        angle = torch.atan2(local[1], local[0]) / math.pi
        u = torch.where(is_round, angle, unit[0])
        extent_u = torch.where(is_round, math.pi * half[0], extent[0])
        scale, fit = look[1], look[10] > 0
        metres_u, metres_v = u * extent_u, -unit[1] * extent[1]
        swap = (look[11] > 0) & (extent[1] > extent_u)
        metres_u, metres_v = (
            torch.where(swap, metres_v, metres_u),
            torch.where(swap, metres_u, metres_v),
        )
        world = look[14] > 0
        metres_u = torch.where(world, self.point[0], metres_u)
        metres_v = torch.where(world, self.point[1], metres_v)
        u = torch.where(fit, (u + 1) / 2, metres_u / scale + look[12])
        v = torch.where(fit, (1 - unit[1]) / 2, metres_v / scale + look[13])
        span = torch.where(fit, 2 * torch.maximum(extent_u, extent[1]), scale)
        texture = look[0].long()
        texel = bank.sample(texture, u, v, pixel / span)
        blended = torch.lerp(look[2:5], look[5:8], texel[0]) * (0.5 + texel[1])
        picture = bank.is_picture[texture] > 0
        self.albedo = torch.where(picture, texel * look[2:5], blended).clamp(0.0, 0.95)


def _length(vectors):
    return (vectors * vectors).sum(0).sqrt()  # several times as fast as norm(dim=0) on a CPU


def _material_table(scene: Scene, device) -> torch.Tensor:
    # Not from the scene's own generator: a second picture of the scene must look the same.
    offset = np.random.default_rng(len(scene.rows)).random((len(scene.rows), 2))
    rows = []
    for (*_, half, _, number), (u, v) in zip(scene.rows, offset):
        m = scene.materials[number]
        if m.world:
            u = v = 0.0
        if m.upright:  # v runs down from the middle of the face
            v = -half[2] / m.scale
        rows.append(
            (
                m.texture,
                m.scale,
                *m.first,
                *m.second,
                m.gloss,
                m.glow,
                m.fit,
                m.along,
                u,
                v,
                m.world,
            )
        )
    return torch.tensor(rows, dtype=torch.float32, device=device)


def _face_axes(device):
    return torch.tensor([1, 0, 0], device=device), torch.tensor([2, 2, 1], device=device)


def sky_radiance(sky: Sky, direction, bank: TextureBank):
    """
    Look into the sky.

    direction: (3, N), unit; returns: (3, N), linear radiance
    """
    put = lambda a: torch.tensor(a, dtype=torch.float32, device=direction.device)[:, None]
    up = direction[2].clamp_min(0.0)
    colour = torch.lerp(put(sky.horizon), put(sky.zenith), up.sqrt())
    if sky.clouds > 0:
        u, v = direction[:2] / (direction[2].clamp_min(0.0) + 0.15)
        texture = torch.full_like(u, bank.kinds['cloud'][0], dtype=torch.long)
        cover = bank.sample(texture, u * 0.25, v * 0.25, torch.full_like(u, 1 / 128))[0]
        cover = ((cover - 1 + sky.clouds) * 4).clamp(0.0, 1.0) * (up * 8).clamp(0.0, 1.0)
        colour = torch.lerp(colour, put(sky.horizon * 0.5 + 0.6 * sky.horizon.max()), cover)
    towards = (direction * put(sky.sun)).sum(0).clamp_min(0.0)
    return colour + put(sky.sun_colour) * (0.15 * towards**16 + 2.0 * (towards > 0.9995))


def shade(scene: Scene, solids: Solids, view: View, depth, solid, bank: TextureBank):
    """
    Light the first hits up.

    depth, solid: (T, 256) of `raycast.cast`; returns: (3, H, W), linear radiance
    """
    rays = view.rays()
    surface = Surface(scene, solids, view, rays, depth, solid, bank)
    sky, put = scene.sky, lambda a: torch.tensor(a, dtype=torch.float32, device=depth.device)
    gaze = surface.ray / _length(surface.ray)
    up = 0.5 + 0.5 * surface.normal[2]
    indirect = put(sky.ambient)[:, None] + torch.lerp(
        put(0.25 * sky.horizon)[:, None], put(0.5 * (sky.zenith + sky.horizon))[:, None], up
    ) * (0.6 if sky.haze > 0 else 0.0)
    light = indirect * _openness(view, surface)
    mirrored = gaze + 2 * surface.facing * surface.normal
    shine = torch.zeros_like(light)
    for position, radius, strength, shadow, aim in _lights(scene):
        towards = put(position[:3])[:, None] - position[3] * surface.point
        distance = _length(towards)
        towards = towards / distance
        cosine = (surface.normal * towards).sum(0).clamp_min(0.0)
        arriving = put(strength)[:, None] / (distance**2 + 0.05 if position[3] else 1.0)
        if aim is not None:
            arriving = arriving * -(towards * put(aim)[:, None]).sum(0).clamp_max(0.0)
        if shadow:
            arriving = arriving * _visible(solids, view, surface, position, radius, cosine)
        light = light + arriving * cosine
        glint = (mirrored * towards).sum(0).clamp_min(0.0) ** 50
        shine = shine + arriving * glint * (cosine > 0)
    around = indirect
    if sky.haze > 0:
        glossy = (surface.gloss > 0).nonzero()[:, 0]
        seen = sky_radiance(sky, mirrored[:, glossy], bank).clamp_max(4.0)
        around = around.index_copy(1, glossy, seen)
    fresnel = 0.12 + 0.88 * (1 - surface.facing.clamp(0.0, 1.0)) ** 5
    colour = surface.albedo * (light + surface.glow)
    colour = colour + surface.gloss * (fresnel * around + 0.5 * shine)
    if sky.haze > 0:
        clear = torch.exp(-sky.haze * surface.depth)
        colour = torch.lerp(put(sky.horizon)[:, None], colour, clear)
    beyond = (~surface.hit).nonzero()[:, 0]
    colour = colour.index_copy(1, beyond, sky_radiance(sky, gaze[:, beyond], bank))
    return from_tiles(colour.view(3, depth.shape[0], -1).transpose(0, 1), view)


def _lights(scene: Scene):
    """Yield (homogeneous position (4,), radius, strength (3,), casts shadows, aim) of each."""
    if scene.sky.sun_colour.max() > 0:
        yield np.append(scene.sky.sun, 0.0), 0.005, scene.sky.sun_colour, True, None
    for lamp in scene.lamps:
        yield np.append(lamp.position, 1.0), lamp.radius, lamp.colour, lamp.shadow, lamp.aim


def _visible(solids, view, surface, position, radius, cosine):
    """Share of a light that each pixel sees, softly: (N,)."""
    device = surface.depth.device
    rows, columns = view.tiles
    # Every second pixel of every second row casts a shadow ray: 64 per tile.
    corner = lambda a: a.view(-1, rows * columns, 8, 2, 8, 2)[:, :, :, 0, :, 0].flatten(2)
    lifted = surface.point + surface.normal * (LIFT + 1e-3 * surface.depth)
    active = corner(surface.hit & (cosine > 0))[0]
    # Each ray of a 4 x 4 block goes to another spot of the light; the blur below joins them.
    angle = torch.arange(16, device=device) * 2.39996
    order = torch.tensor([0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5], device=device)
    spread = radius * ((order + 0.5) / 16).sqrt()
    spot = torch.stack([angle.cos() * spread, angle.sin() * spread, angle.sin() * spread * 0.5])
    light = torch.tensor(position, dtype=torch.float32, device=device)[:, None].repeat(1, 64)
    light[:3] += spot.view(3, 4, 4).repeat(1, 2, 2).view(3, 64)
    dark = blocked(solids, corner(lifted).transpose(0, 1).contiguous(), light, active)
    # Only rays that were cast count: (lit, cast) are spread over the pixels, then divided.
    mask = torch.stack([active & ~dark, active]).float().view(2, rows, columns, 8, 8)
    mask = mask.permute(0, 1, 3, 2, 4).reshape(1, 2, rows * 8, columns * 8)
    window = 5 if position[3] else 3
    mask = interpolate(avg_pool2d(mask, window, 1, window // 2), scale_factor=2, mode='bilinear')
    mask = mask[0, 0] / mask[0, 1].clamp_min(1e-6)
    return mask.view(rows, 16, columns, 16).permute(0, 2, 1, 3).reshape(-1)


def _openness(view: View, surface: Surface, reach=0.4):
    """Darken corners: how free the surroundings of each pixel are, as far as seen: (N,)."""
    rows, columns = view.tiles
    to_image = lambda a: (
        a.view(-1, rows, columns, 16, 16)
        .permute(0, 1, 3, 2, 4)
        .reshape(a.shape[0], rows * 16, columns * 16)[:, ::2, ::2]
    )
    point, upward = to_image(surface.point), to_image(surface.normal)
    depth = to_image(surface.depth[None])[0]
    height, width = depth.shape
    y, x = torch.meshgrid(
        torch.arange(height, device=depth.device),
        torch.arange(width, device=depth.device),
        indexing='ij',
    )
    pixels = (0.5 * reach / view.K_inverse[0, 0] / depth).clamp(1.5, 24.0)
    hidden = torch.zeros_like(depth)
    flat = point.flatten(1)
    for k in range(8):
        angle, far = 2.39996 * k, (0.35, 1.0)[k % 2]
        sx = (x + pixels * far * math.cos(angle)).round().long().clamp(0, width - 1)
        sy = (y + pixels * far * math.sin(angle)).round().long().clamp(0, height - 1)
        offset = flat[:, sy * width + sx] - point
        squared = (offset * offset).sum(0)
        rise = (offset * upward).sum(0) / (squared.sqrt() + 1e-3)
        hidden += (rise - 0.1).clamp_min(0.0) / (1.0 + squared / reach**2)
    openness = (1.0 - 1.6 * hidden / 8).clamp(0.25, 1.0)
    full = interpolate(openness[None, None], scale_factor=2, mode='bilinear')[0, 0]
    return full.view(rows, 16, columns, 16).permute(0, 2, 1, 3).reshape(-1)
