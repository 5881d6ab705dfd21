# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The lines of the tables of ablations: what is changed in a recipe, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .config import TrainConfig

Change = Callable[[TrainConfig], TrainConfig]


def _network(**changes) -> Change:
    return lambda c: replace(
        c, model=replace(c.model, network=replace(c.model.network, **changes))
    )


def _encoder(**changes) -> Change:
    # One encoder alone: the recipe joins two.
    def change(config: TrainConfig) -> TrainConfig:
        encoder = replace(config.model.network.encoder, beside=(), **changes)
        weights = {k: w for k, w in config.encoder_weights.items() if k in encoder.kinds}
        return _network(encoder=encoder)(replace(config, encoder_weights=weights))

    return change


def _depth(**changes) -> Change:
    return lambda c: replace(c, model=replace(c.model, depth=replace(c.model.depth, **changes)))


def _target(target: str) -> Change:
    # Shape and expected error are of depth, which only an answer of x_0 tells.
    return lambda c: replace(c, model=replace(_headless(c).model, target=target), shape=0.0)


def _linear(config: TrainConfig) -> TrainConfig:
    return _depth(kind='linear')(_headless(config))


_headless = _network(error_head=False)


def _labels(share: float) -> Change:
    return lambda c: replace(c, labels=share)


# What is changed, and how; one line each of the table.
VARIANTS: dict[str, Change] = {
    'the recipe': lambda c: c,
    'no local conditioning': _network(local_conditioning=False),
    'no global conditioning': _network(global_conditioning=False),
    'no rays': _network(geometry=False),
    'neck without attention': _network(neck_layers=(0, 0)),
    'no head of the error': _headless,
    'no loss of shape': lambda c: replace(c, shape=0.0),
    'AdamW instead of Muon': lambda c: replace(c, optimiser=replace(c.optimiser, kind='adamw')),
    'depth of a canonical camera': _depth(focal=250.0),
    'log10 of metres': _depth(kind='log10'),
    'natural log of metres': _depth(kind='ln'),
    'linear depth': _linear,
    '10 % of the labels': _labels(0.1),
    '1 % of the labels': _labels(0.01),
    '0.1 % of the labels': _labels(0.001),
    'eps as target': _target('eps'),
    'v as target': _target('v'),
    'Hiera, frozen': _encoder(kind='hiera', stages=4),
    'Hiera, three stages': _encoder(kind='hiera', stages=3),
    'Hiera, trained too': _encoder(kind='hiera', stages=4, frozen=False),
    'EfficientNet-Lite0, frozen': _encoder(),
    'EfficientNet-Lite0, trained too': _encoder(frozen=False),
    'ResNet-50, frozen': _encoder(kind='resnet50'),
    'ResNet-18 from scratch': _encoder(kind='resnet', frozen=False),
}
