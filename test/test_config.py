# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Configurations: what is written comes back, and what is wrong is named."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hypothesis import example, given, settings
from hypothesis import strategies as st
import pytest

from grin_ros.config import dump_yaml, from_dict, load, load_yaml, to_dict
from grin_ros.depth import DepthConfig
from grin_ros.diffusion import ScheduleConfig


@dataclass(frozen=True)
class Block:
    width: int
    act: Literal['gelu', 'silu'] = 'gelu'

    def __post_init__(self):
        if self.width < 1:
            raise ValueError(f'Block: width must be positive, got {self.width}.')


@dataclass(frozen=True)
class Config:
    name: str = 'tiny'
    rate: float = 1e-4
    steps: int = 10
    ema: bool = True
    seed: int | None = None
    size: tuple[int, int] = (192, 256)
    betas: tuple[float, ...] = (0.9, 0.99)
    target: Literal['eps', 'x_0', 'v'] = 'v'
    first: Block = Block(8)
    second: Block | None = None
    blocks: tuple[Block, ...] = ()
    sets: list[str] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    either: int | str = 0
    channels: Literal[1, 3] = 3
    extra: Any = None


finite = st.floats(allow_nan=False, allow_infinity=False)
blocks = st.builds(Block, st.integers(1), st.sampled_from(['gelu', 'silu']))
configs = st.builds(
    Config,
    name=st.text(),
    rate=finite,
    steps=st.integers(),
    ema=st.booleans(),
    seed=st.none() | st.integers(),
    size=st.tuples(st.integers(), st.integers()),
    betas=st.lists(finite).map(tuple),
    target=st.sampled_from(['eps', 'x_0', 'v']),
    first=blocks,
    second=st.none() | blocks,
    blocks=st.lists(blocks, max_size=3).map(tuple),
    sets=st.lists(st.text(), max_size=3),
    weights=st.dictionaries(st.text(), finite, max_size=3),
    either=st.integers() | st.text(),
)


@settings(deadline=None)
@given(configs)
@example(Config(name='0E0'))  # a number, if it were not quoted
def test_what_is_written_comes_back(tmp_path_factory, config):
    assert from_dict(Config, to_dict(config), 'here') == config
    path = tmp_path_factory.mktemp('config') / 'config.yaml'
    path.write_text(dump_yaml(config), encoding='utf-8')
    assert load(Config, path) == config


def test_a_file_holds_only_what_differs(tmp_path):
    path = tmp_path / 'config.yaml'
    path.write_text('rate: 3e-4\nsteps: 4\nfirst: {width: 3}\nbetas: [1, 2e0, .5]\nseed: null\n')
    expected = replace(Config(), rate=3e-4, steps=4, first=Block(3), betas=(1.0, 2.0, 0.5))
    config = load(Config, path)
    assert config == expected and [type(b) for b in config.betas] == [float] * 3
    path.write_text('# nothing\n')
    assert load_yaml(path) == {} and load(Config, path) == Config()


def test_the_real_configurations_come_back():
    for config in (DepthConfig('log10', max=80.0), ScheduleConfig('cosine', input_scale=0.5)):
        assert from_dict(type(config), to_dict(config), 'here') == config


@pytest.mark.parametrize(
    'data, message',
    [
        ({'stepz': 3}, "a.yaml: unknown key 'stepz'; known keys: name, rate, steps, "),
        ({'first': {'widht': 3}}, "a.yaml: first: unknown key 'widht'; known keys: width, act."),
        ({'first': {}}, "a.yaml: first: key 'width' is missing"),
        ({'first': {'width': 0}}, 'a.yaml: first: Block: width must be positive, got 0.'),
        ({'blocks': [{'width': 1}, {'width': 'x'}]}, 'a.yaml: blocks[1].width must be int'),
        ({'second': {'act': 3, 'width': 1}}, 'a.yaml: second.act must be one of gelu, silu'),
        ({'first': 3}, 'a.yaml: first: needs a mapping with keys of Block, got 3.'),
        ({'rate': '1e-4'}, "a.yaml: rate must be float, got '1e-4'."),
        ({'rate': True}, 'a.yaml: rate must be float, got True.'),
        ({'steps': 1.0}, 'a.yaml: steps must be int, got 1.0.'),
        ({'steps': True}, 'a.yaml: steps must be int, got True.'),
        ({'ema': 1}, 'a.yaml: ema must be bool, got 1.'),
        ({'name': 1}, 'a.yaml: name must be str, got 1.'),
        ({'name': None}, 'a.yaml: name must be str, got None.'),
        ({'seed': 'x'}, "a.yaml: seed must be int, got 'x'."),
        ({'size': [1, 2, 3]}, 'a.yaml: size must be tuple[int, int], got [1, 2, 3].'),
        ({'size': 'ab'}, "a.yaml: size must be tuple[int, int], got 'ab'."),
        ({'betas': [0.9, 'x']}, "a.yaml: betas[1] must be float, got 'x'."),
        ({'target': 'z'}, "a.yaml: target must be one of eps, x_0, v, got 'z'."),
        ({'channels': True}, 'a.yaml: channels must be one of 1, 3, got True.'),
        ({'sets': 'val'}, "a.yaml: sets must be list[str], got 'val'."),
        ({'weights': {'a': 'x'}}, "a.yaml: weights.a must be float, got 'x'."),
        ({'weights': [1]}, 'a.yaml: weights must be dict[str, float], got [1].'),
        ({'either': 1.5}, 'a.yaml: either must be int or str, got 1.5.'),
        ([1], 'a.yaml: needs a mapping with keys of Config, got [1].'),
    ],
)
def test_what_is_wrong_is_named(data, message):
    with pytest.raises(ValueError) as caught:
        from_dict(Config, data, 'a.yaml')
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    'text, message',
    [
        ('a: 1\nb: {c: 2, c: 3}\n', "key 'c' is given twice"),
        ('a: [1\n', 'not valid YAML'),
        ('- 1\n', 'needs a mapping'),
        ('a: !!python/object/apply:os.getcwd []\n', 'not valid YAML'),
    ],
)
def test_broken_files_are_named(tmp_path, text, message):
    path = tmp_path / 'broken.yaml'
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        load_yaml(path)
    assert str(caught.value).startswith(f'{path}: ') and '\n' not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.yaml'):
        load_yaml(tmp_path / 'none.yaml')
