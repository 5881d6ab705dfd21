# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Recipes: the YAML files from which `grin train` reads its configuration."""

from __future__ import annotations

from dataclasses import replace
import os
from pathlib import Path

from grin_ros.checkpoint import default_checkpoint, load
from grin_ros.config import from_dict, load_yaml, to_dict

from .config import TrainConfig

SHIPPED = 'shipped'  # as `initial` or `encoder_weights`: what comes with the package


def load_recipe(path: str | Path, optional: bool = False) -> TrainConfig:
    """
    Read a recipe.

    `model` may name a preset file beside it instead of listing the model, or be a mapping whose
    `preset` names one and whose other keys replace those of that file, one by one at any depth; a
    recipe that only names an `initial` checkpoint takes the model that this holds. Relative paths
    in the recipe are taken from its folder. Raises ValueError on unknown keys.

    optional: leave out what names an environment variable that is not set, instead of refusing it
    """
    path = Path(path)
    data = load_yaml(path)
    model = data.get('model')
    if isinstance(model, str):
        model = {'preset': model}
    if isinstance(model, dict) and 'preset' in model:
        preset = load_yaml(path.parent / model.pop('preset'))
        data['model'] = _merged(preset, model)

    def resolve(name: str) -> str:
        return str(path.parent / expand(name, path)) if name else name

    def checkpoint(name: str) -> str:
        return str(default_checkpoint()) if name == SHIPPED else resolve(name)

    initial = data.get('initial')
    if isinstance(initial, str):
        initial = checkpoint(initial)
        if initial and 'model' not in data:  # before all else, which may depend on its kind
            data['model'] = to_dict(load(initial)[1])
    config = from_dict(TrainConfig, data, str(path))
    if optional:
        config = _without_unset(config)
    return replace(
        config,
        sources=tuple(
            replace(s, set=resolve(s.set), textures=resolve(s.textures), images=resolve(s.images))
            for s in config.sources
        ),
        validation=replace(
            config.validation, sets=tuple(resolve(s) for s in config.validation.sets)
        ),
        output=resolve(config.output),
        features=resolve(config.features),
        encoder_weights={k: checkpoint(w) for k, w in config.encoder_weights.items()},
        initial=initial or '',
    )


def _merged(preset: dict, changes: dict) -> dict:
    merged = dict(preset)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(preset.get(key), dict)
        merged[key] = _merged(preset[key], value) if both else value
    return merged


def _without_unset(config: TrainConfig) -> TrainConfig:
    """Leave out the sources, validation sets and encoder that name a variable without value."""

    def known(name):
        return '$' not in os.path.expandvars(name)

    return replace(
        config,
        sources=tuple(s for s in config.sources if known(s.set + s.textures + s.images)),
        validation=replace(config.validation, sets=tuple(filter(known, config.validation.sets))),
        encoder_weights={k: w for k, w in config.encoder_weights.items() if known(w)},
    )


def expand(name: str, recipe: Path) -> str:
    """Expand ${VARIABLES}; one that is not set is an error and not a folder of that name."""
    expanded = os.path.expandvars(name)
    if '$' in expanded:
        raise ValueError(f"{recipe}: set the environment variable in '{name}'")
    return expanded


def portable(config: TrainConfig) -> dict:
    """Give the recipe without folders of this machine."""
    recipe = to_dict(config)
    for name in ('model', 'output', 'features', 'sources', 'validation'):
        recipe.pop(name)
    encoders = {kind: Path(weights).name for kind, weights in config.encoder_weights.items()}
    return {**recipe, 'initial': Path(config.initial).name, 'encoder_weights': encoders}
