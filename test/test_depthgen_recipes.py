# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The recipes of DepthGen: what they say, and that each begins where the last one ended."""

from __future__ import annotations

from pathlib import Path
import shutil

from painted_planes import write_planes
import torch

from grin_ros import cli
from grin_ros.checkpoint import build_model, DepthGenConfig, load, save
from grin_ros.config import dump_yaml, load_yaml, to_dict
from grin_ros.models.unet import UNetConfig
from grin_ros.training.recipe import load_recipe

CONFIG = Path(__file__).resolve().parents[1] / 'config'
STEPS = ('pretrain', 'indoor', 'outdoor', 'finetune')
TINY = {'dim': 8, 'multipliers': [1, 2], 'blocks': [1, 1], 'heads': 2}


def test_they_say_what_the_paper_does(tmp_path):
    pictures, indoor, outdoor = (load_recipe(CONFIG / f'depthgen_{n}.yaml') for n in STEPS[:3])
    assert pictures.loss == 'l2' and {indoor.loss, outdoor.loss} == {'l1'}
    assert pictures.model.network.channels == 3
    for depth in (indoor, outdoor):
        assert depth.model.network == UNetConfig() and depth.model.depth.kind == 'linear'
        assert depth.model.target == 'eps' and depth.model.steps == 128
        assert depth.dense.infill and not depth.dense.unroll  # only in fine-tuning
        assert {s.augment for s in depth.sources} == {'flip'}
    assert (indoor.model.depth.max, outdoor.model.depth.max) == (10, 80)
    # The first and the last layer are all that depth changes.
    assert pictures.model.network == UNetConfig(channels=3)


def test_each_goes_on_from_the_one_before(tmp_path):
    """The recipes as they are, but for a tiny network, one step and two pictures."""
    (tmp_path / 'config').mkdir()
    planes = write_planes(tmp_path / 'planes', 3, depth_kind='lidar')
    for name in STEPS:
        data = load_yaml(CONFIG / f'depthgen_{name}.yaml')
        if 'model' in data:
            model = data['model']
            model = load_yaml(CONFIG / model) if isinstance(model, str) else model
            channels = model.get('network', {}).get('channels', 1)
            data['model'] = {**model, 'network': {**TINY, 'channels': channels}, 'pixels': 2048}
        data |= {'steps': 1, 'batch': 2, 'microbatch': 0, 'workers': 0, 'save_every': 1}
        data['sources'] = [{'set': str(planes), 'size': [32, 64], 'augment': 'flip'}]
        data.pop('validation', None)
        path = tmp_path / 'config' / f'{name}.yaml'
        path.write_text(dump_yaml(data))
        command = 'pretrain' if name == 'pretrain' else 'train'
        assert cli.main([command, str(path), '--device', 'cpu']) == 0
    _, config, metadata = load(tmp_path / 'runs' / 'depthgen_finetune' / 'last.safetensors')
    assert config.network.channels == 1 and config.depth.max == 10
    assert [stage['recipe']['loss'] for stage in metadata['earlier']] == ['l2', 'l1']
    assert metadata['recipe']['dense'] == {'infill': True, 'unroll': 1.0}
    shutil.rmtree(tmp_path / 'runs')


def test_pictures_are_no_start_for_another_size(tmp_path, capsys):
    larger = DepthGenConfig(network=UNetConfig(**{**TINY, 'blocks': (1, 2), 'channels': 3}))
    torch.manual_seed(0)
    save(tmp_path / 'p.safetensors', build_model(larger), larger)
    depth = DepthGenConfig(network=UNetConfig(dim=8, multipliers=(1, 2), blocks=(1, 1), heads=2))
    recipe = {'model': to_dict(depth), 'initial': 'p.safetensors', 'sources': [{'world': 'room'}]}
    (tmp_path / 'r.yaml').write_text(dump_yaml(recipe))
    assert cli.main(['train', str(tmp_path / 'r.yaml'), '--device', 'cpu']) == 2
    assert 'another network' in capsys.readouterr().err
