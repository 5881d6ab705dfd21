# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The masked loss against loops, and what invalid pixels must not do."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch

from grin_ros.camera import Camera
from grin_ros.checkpoint import ModelConfig
from grin_ros.depth import DepthConfig, DepthTransform
from grin_ros.diffusion import masked_loss
from grin_ros.training.config import TrainConfig
from grin_ros.training.dataset import Batch
from grin_ros.training.objective import Objective


def loop(prediction, target, valid, norm, weight):
    means = []
    for p, t, ok, w in zip(prediction, target, valid, weight):
        errors = [
            float(w) * (abs(a - b) if norm == 'l1' else (a - b) ** 2)
            for a, b, measured in zip(p.flatten().tolist(), t.flatten().tolist(), ok.flatten())
            if measured
        ]
        if errors:
            means.append(sum(errors) / len(errors))
    return sum(means) / len(means) if means else 0.0


@settings(deadline=None)
@given(
    st.sampled_from(['l1', 'l2']),
    st.sampled_from([(7, 1), (1, 3, 4)]),
    st.floats(0, 1),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_it_is_the_mean_of_means(norm, shape, share, weighted, seed):
    generator = torch.Generator().manual_seed(seed)
    prediction, target = torch.randn(2, 4, *shape, generator=generator)
    valid = torch.rand(4, *shape, generator=generator) < share
    valid[1] = False
    weight = torch.rand(4, generator=generator) if weighted else None
    loss = masked_loss(prediction, target, valid, norm, weight)
    truth = loop(prediction, target, valid, norm, torch.ones(4) if weight is None else weight)
    assert loss.ndim == 0 and loss.item() == pytest.approx(truth, rel=1e-4, abs=1e-6)


def test_weights_may_differ_by_pixel():
    prediction, target = torch.ones(1, 4, 1), torch.zeros(1, 4, 1)
    valid = torch.tensor([True, True, False, True]).reshape(1, 4, 1)
    weight = torch.tensor([1.0, 2, 100, 0]).reshape(1, 4, 1)
    assert masked_loss(prediction, target, valid, weight=weight).item() == pytest.approx(1)


@pytest.mark.parametrize('norm', ['l1', 'l2'])
@pytest.mark.parametrize('poison', [float('nan'), float('inf'), -float('inf')])
def test_invalid_pixels_leak_nothing(norm, poison):
    prediction, target = torch.randn(2, 3, 6, 1, generator=torch.Generator().manual_seed(0))
    valid = torch.zeros(3, 6, 1, dtype=torch.bool)
    valid[0, :2] = valid[2, 3:] = True
    weight = torch.ones(3, 6, 1)
    clean = prediction.clone().requires_grad_()
    expected = masked_loss(clean, target, valid, norm)
    expected.backward()
    for spoilt in (prediction, target, weight):
        spoilt[~valid] = poison
    prediction.requires_grad_()
    loss = masked_loss(prediction, target, valid, norm, weight)
    loss.backward()
    assert torch.equal(loss, expected)
    assert torch.equal(prediction.grad, clean.grad)
    assert (prediction.grad[~valid] == 0).all() and (prediction.grad[valid] != 0).all()


def test_nothing_valid_is_zero_with_zero_gradient():
    prediction = torch.full((2, 3, 1), float('nan'), requires_grad=True)
    loss = masked_loss(prediction, prediction.detach(), torch.zeros(2, 3, 1, dtype=torch.bool))
    loss.backward()
    assert loss == 0 and (prediction.grad == 0).all()


def test_half_precision_is_summed_in_full():
    prediction = torch.full((1, 4096, 1), 1.0).bfloat16()
    valid = torch.ones(1, 4096, 1, dtype=torch.bool)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = masked_loss(prediction, torch.full((1, 4096, 1), 0.7), valid)
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(0.3, abs=1e-5)


def test_misuse_is_refused():
    x = torch.zeros(2, 3, 1)
    with pytest.raises(ValueError, match=r"'huber'.*l1, l2"):
        masked_loss(x, x, x.bool(), 'huber')
    with pytest.raises(ValueError, match='one shape'):
        masked_loss(x, x[..., 0], x.bool())
    with pytest.raises(ValueError, match='one shape'):
        masked_loss(x, x, x[:, :1].bool())


def test_who_is_in_doubt_says_less_under_the_relative_loss():
    """Of 2, 3, 4, 8 and 16 m the best single answer is the median weighted by 1 / depth: 3 m."""
    transform = DepthTransform(DepthConfig())
    depth = torch.tensor([2.0, 3.0, 4.0, 8.0, 16.0])
    answers = torch.arange(1, 17, 0.25)
    truth, guesses = (transform.encode(x) for x in (depth, answers))
    relative = [transform.relative_error(g, truth).abs().mean() for g in guesses]
    by_hand = [((a - depth).abs() / depth).mean() for a in answers]
    torch.testing.assert_close(torch.stack(relative), torch.stack(by_hand), rtol=1e-4, atol=1e-4)
    assert answers[int(torch.stack(relative).argmin())] == 3
    plain = [(g - truth).abs().mean() for g in guesses]
    assert answers[int(torch.stack(plain).argmin())] == 4


class Oracle:
    """Knows the truth of every pixel that is given with it."""

    def __init__(self, x_0):
        self.x_0 = x_0

    def condition(self, *frame):
        return None

    def __call__(self, x_t, gamma, cond, state):
        return self.x_0, state


def test_what_a_canonical_camera_cannot_say_is_not_taught():
    """With a focal of 250, 150 m are 250 m to a lens of 150, and 0.11 m are 5 cm to one of 500."""
    fx, depth = torch.tensor([150.0, 500.0]), torch.tensor([150.0, 50, 0.11, 0])[:, None]
    K = torch.eye(3).repeat(2, 1, 1)
    K[:, 0, 0] = K[:, 1, 1] = fx
    config = TrainConfig(model=ModelConfig(depth=DepthConfig(focal=250.0)), batch=2)
    kept = (depth * 250 / fx[:, None, None]).log() - math.log(0.1)
    wanted = 2 * kept / math.log(2000) - 1
    said = torch.tensor([[False, True, True, False], [True, True, False, False]])[..., None]
    batch = Batch(
        None, [], Camera(K, (64, 96)), torch.rand(2, 4, 2), depth.expand(2, -1, -1),
        torch.rand(2), torch.randn(2, 4, 1), torch.zeros(2, dtype=torch.bool), [0, 1],
    )  # fmt: skip
    objective = Objective(config)
    assert objective(Oracle(torch.where(said, wanted, 0.3)), batch) < 1e-6
    assert objective(Oracle(torch.where(said, wanted + 0.5, 0.3)), batch) == pytest.approx(0.5)
