# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The error of shape against loops; a wrong scale costs nothing in it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grin_ros.training.shape import NEIGHBOURS, shape_error


def loop(error, uv):
    """The same in plain Python."""
    apart = np.mean([abs(e - np.mean(error)) for e in error])
    steps = []
    for i, place in enumerate(uv):
        far = [np.hypot(*(place - other)) if j != i else np.inf for j, other in enumerate(uv)]
        steps += [abs(error[i] - error[j]) for j in np.argsort(far)[:NEIGHBOURS]]
    return apart + np.mean(steps)


def test_it_is_the_mean_distance_from_the_mean_and_from_neighbours():
    generator = torch.Generator().manual_seed(0)
    error = torch.randn(3, 20, 1, generator=generator)
    uv = 100 * torch.rand(3, 20, 2, generator=generator)
    valid = torch.ones(3, 20, 1, dtype=torch.bool)
    valid[1, 12:] = False
    error[1, 15] = torch.nan
    valid[2] = False
    found = shape_error(error, valid, uv)
    expected = [loop(e.numpy()[:n, 0], p.numpy()[:n]) for e, p, n in zip(error, uv, (20, 12))]
    np.testing.assert_allclose(found[:2], expected, rtol=1e-5)
    assert found[2] == 0


def test_a_pixel_that_was_drawn_again_is_no_neighbour_of_itself():
    """Sparse labels are drawn several times; each of the copies has the others' neighbours."""
    generator = torch.Generator().manual_seed(1)
    error = torch.randn(1, 12, 1, generator=generator)
    uv = 100 * torch.rand(1, 12, 2, generator=generator)
    once = shape_error(error, torch.ones(1, 12, 1, dtype=torch.bool), uv)
    e, p = error.numpy()[0, :, 0], uv.numpy()[0]
    again = shape_error(
        error.repeat(1, 3, 1), torch.ones(1, 36, 1, dtype=torch.bool), uv.repeat(1, 3, 1)
    )
    # Two neighbours, each of them there three times.
    apart, steps = np.mean(abs(e - e.mean())), []
    for i in range(12):
        far = np.hypot(*(p[i] - p).T)
        far[i] = np.inf
        steps += [abs(e[i] - e[j]) for j in np.argsort(far)[: NEIGHBOURS // 3]]
    assert again.item() == pytest.approx(apart + np.mean(steps), rel=1e-5)
    assert again.item() != pytest.approx(once.item(), rel=1e-3)
    one, place = error[:, :1].repeat(1, 9, 1), uv[:, :1].repeat(1, 9, 1)
    assert shape_error(one, torch.ones(1, 9, 1) > 0, place).item() == 0


def test_scale_is_free_and_edges_are_not():
    uv = torch.stack(torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing='xy'), -1)
    uv = uv.reshape(1, 64, 2)
    valid = torch.ones(1, 64, 1, dtype=torch.bool)
    assert shape_error(torch.full((1, 64, 1), 0.7), valid, uv) < 1e-6
    ramp = uv[..., :1] / 7 - 0.5
    step = (uv[..., :1] > 3.5).float() - 0.5
    wave = (uv.sum(-1, keepdim=True) % 2) - 0.5
    assert shape_error(ramp, valid, uv) < shape_error(step, valid, uv)
    assert shape_error(step, valid, uv) < shape_error(wave, valid, uv)


def test_its_gradient_ignores_pixels_without_a_truth():
    error = torch.randn(1, 10, 1).requires_grad_()
    valid = torch.arange(10)[None, :, None] < 6
    shape_error(error, valid, torch.rand(1, 10, 2)).sum().backward()
    assert error.grad[0, :6].abs().sum() > 0
    assert not error.grad[0, 6:].any()
