# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Where a ray enters a unit solid: box, wedge, ellipsoid, cone; all tensors, any device.

Every function takes rays in the solid's own frame, where it spans [-1, 1] on every axis:
o: (P, 3, 1 or R), start; d: (P, 3, 1 or R), direction; taper: (P, 4, 1)
returns: (P, R), entry and exit as multiples of d; entry > exit where the ray misses
"""

from __future__ import annotations

import torch

from .scene import CONE, ELLIPSOID


def box(o, d, taper):
    """Intersect with the cube: the three slabs."""
    inverse = 1.0 / d
    middle, reach = -o * inverse, inverse.abs()
    return (middle - reach).amax(1), (middle + reach).amin(1)


def wedge(o, d, taper):
    """
    Intersect with a cube whose upright sides lean in.

    taper k of a side moves its top edge in by k: x <= 1 - k (z + 1) / 2.
    """
    sign = torch.tensor([1.0, -1.0], device=d.device)
    half = taper.unflatten(1, (2, 2)) / 2  # (P, axis, side, 1)
    side = sign[None, None, :, None]
    d_out = d[:, :2, None] * side + half * d[:, 2:, None]
    o_out = o[:, :2, None] * side + half * (o[:, 2:, None] + 1.0) - 1.0
    t = (-o_out / d_out).flatten(1, 2)
    enters = (d_out < 0).flatten(1, 2)
    near = torch.where(enters, t, -torch.inf).amax(1)
    far = torch.where(enters, torch.inf, t).amin(1)
    inverse = 1.0 / d[:, 2]
    middle, reach = -o[:, 2] * inverse, inverse.abs()
    return torch.maximum(near, middle - reach), torch.minimum(far, middle + reach)


def ellipsoid(o, d, taper):
    """Intersect with the unit sphere."""
    a = (d * d).sum(1)
    t = -(o * d).sum(1) / a
    # The distance of the ray from the centre loses fewer digits than the textbook discriminant.
    nearest = o + t[:, None] * d
    squared = (1.0 - (nearest * nearest).sum(1)) / a
    # Negative where the ray misses; NaN, the textbook's answer, costs a CPU ten times as much.
    reach = torch.copysign(squared.abs().sqrt(), squared)
    return t - reach, t + reach


def cone(o, d, taper):
    """Intersect with the cylinder or cone of radius 1 at z = -1 and taper[0] at z = 1."""
    top = taper[:, 0]
    slope, middle = (top - 1.0) / 2, (top + 1.0) / 2
    dx, dy, dz = d.unbind(1)
    ox, oy, oz = o.unbind(1)
    radius_d, radius_o = slope * dz, middle + slope * oz
    a = dx * dx + dy * dy - radius_d * radius_d
    b = dx * ox + dy * oy - radius_d * radius_o
    c = ox * ox + oy * oy - radius_o * radius_o
    squared = b * b - a * c
    root = squared.clamp_min(0.0).sqrt()
    q = -(b + torch.copysign(root, b))
    side = torch.stack([q / a, c / q], 1)
    inside_height = (oz[:, None] + side * dz[:, None]).abs() <= 1.0
    inside_height &= (squared >= 0.0)[:, None]
    caps = torch.stack([(1.0 - oz) / dz, (-1.0 - oz) / dz], 1)
    x, y = ox[:, None] + caps * dx[:, None], oy[:, None] + caps * dy[:, None]
    limit = torch.stack([top, torch.ones_like(top)], 1)
    inside_cap = x * x + y * y <= limit * limit
    t = torch.cat([side, caps], 1)
    good = torch.cat([inside_height, inside_cap], 1)
    near = torch.where(good, t, torch.inf).amin(1)
    return near, torch.where(good, t, -torch.inf).amax(1)


ENTRY_AND_EXIT = (box, wedge, ellipsoid, cone)  # in the order of scene.BOX ... scene.CONE


def normal(kind, local, taper):
    """
    Outward normal of the solid at a point of its surface, in its own unit frame.

    kind: (N,); local: (3, N), point on the surface; taper: (4, N)
    returns: (3, N) unnormalised, and (N,) index of the axis that it mostly follows
    """
    x, y, z = local
    zero = torch.zeros_like(x)
    # Box and wedge: the face whose plane is nearest, i.e. the largest of the six distances.
    rise = (z + 1.0) / 2
    sloped = [x + taper[0] * rise, -x + taper[1] * rise, y + taper[2] * rise, -y + taper[3] * rise]
    along_x = torch.maximum(sloped[0], sloped[1])
    along_y = torch.maximum(sloped[2], sloped[3])
    is_z = (z.abs() >= along_x) & (z.abs() >= along_y)
    is_x = ~is_z & (along_x >= along_y)
    is_y = ~is_z & ~is_x
    slope_x = torch.where(x > 0, taper[0], taper[1]) / 2
    slope_y = torch.where(y > 0, taper[2], taper[3]) / 2
    slope = torch.where(is_x, slope_x, slope_y)
    flat_z = torch.where(is_z, z.sign(), slope)
    flat = torch.stack(
        [torch.where(is_x, x.sign(), zero), torch.where(is_y, y.sign(), zero), flat_z]
    )
    axis = torch.where(is_z, 2, torch.where(is_y, 1, 0))
    # Cone: its side leans by the change of radius; a cap is where the height is at its limit.
    radius = 1.0 + (taper[0] - 1.0) * rise
    is_cone = kind == CONE
    on_cap = z.abs() > (x * x + y * y).sqrt() / radius.clamp_min(1e-3)
    side = torch.stack([x, y, radius * (1.0 - taper[0]) / 2])
    cap = torch.stack([zero, zero, z.sign()])
    result = torch.where(is_cone, torch.where(on_cap, cap, side), flat)
    result = torch.where(kind == ELLIPSOID, local, result)
    return result, torch.where(is_cone, torch.where(on_cap, 2, 0), axis)
