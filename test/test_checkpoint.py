# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Checkpoints: what is saved comes back, and what is damaged is refused in a sentence."""

from __future__ import annotations

from dataclasses import replace
import json

import pytest
from safetensors.torch import load_file, save_file
import torch

from grin_ros.checkpoint import build_model, load, ModelConfig, save
from grin_ros.config import load as load_config
from grin_ros.config import to_dict
from grin_ros.pipeline import DepthPipeline

TINY = load_config(ModelConfig, 'config/grin_tiny.yaml')


def test_a_checkpoint_gives_back_model_configuration_and_facts(tmp_path):
    torch.manual_seed(1)
    config = replace(TINY, steps=3, target='v')
    model = build_model(config)
    save(tmp_path / 'a.safetensors', model, config, hours=1.5)
    loaded, found, facts = load(tmp_path / 'a.safetensors')
    assert found == config
    assert facts == {'hours': 1.5}
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    assert DepthPipeline.from_checkpoint(tmp_path / 'a.safetensors').steps == 3
    save(tmp_path / 'half.safetensors', model, config, half=True)
    small, _, _ = load(tmp_path / 'half.safetensors')
    torch.testing.assert_close(small.out_norm.weight, model.out_norm.weight, atol=0, rtol=1e-3)
    sizes = [(tmp_path / n).stat().st_size for n in ('a.safetensors', 'half.safetensors')]
    assert sizes[1] < 0.6 * sizes[0]


def test_checkpoints_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / 'a.safetensors'
    save(path, build_model(TINY), TINY)
    tensors = load_file(path)
    header = json.dumps({'network': {'blokcs': 3}})
    save_file(tensors, tmp_path / 'key.safetensors', metadata={'config': header})
    with pytest.raises(ValueError, match=r'blokcs.*another version of grin_ros.*train it again'):
        load(tmp_path / 'key.safetensors')
    save_file(tensors, tmp_path / 'size.safetensors', metadata={'config': '{}'})
    with pytest.raises(ValueError, match='does not fit its own configuration'):
        load(tmp_path / 'size.safetensors')
    save_file(tensors, tmp_path / 'none.safetensors')
    with pytest.raises(ValueError, match='holds no grin_ros configuration'):
        load(tmp_path / 'none.safetensors')
    whole = {'config': json.dumps(to_dict(TINY)), 'metadata': '{}'}
    for part in whole:
        for broken in ('null', '[1]', '{"hours": ', '[' * 100_000):
            save_file(tensors, tmp_path / 'b.safetensors', metadata={**whole, part: broken})
            with pytest.raises(ValueError, match=rf'b\.safetensors has a broken {part} entry'):
                load(tmp_path / 'b.safetensors')
    (tmp_path / 'cut.safetensors').write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match='not a readable safetensors'):
        load(tmp_path / 'cut.safetensors')
    with pytest.raises(FileNotFoundError, match='there is no checkpoint'):
        load(tmp_path / 'absent.safetensors')
