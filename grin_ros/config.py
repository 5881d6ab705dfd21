# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Frozen dataclasses to plain dictionaries and YAML, and back, strictly.

Defaults live in the dataclasses; a YAML file holds only what differs. An unknown key, a wrong type
or a missing value is a ValueError that says where it stands and what was expected.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
import re
import types
from typing import Any, get_args, get_origin, get_type_hints, Literal, Union

import yaml


class _Loader(yaml.SafeLoader):
    """YAML 1.1, except that 1e-4 is a number, as in YAML 1.2, and a repeated key an error."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        repeated = sorted({key for key in keys if keys.count(key) > 1})
        if repeated:
            raise yaml.constructor.ConstructorError(
                None, None, f'key {repeated[0]!r} is given twice', node.start_mark
            )
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Quotes the strings that `_Loader` would take for numbers."""


for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver(
        'tag:yaml.org,2002:float',
        re.compile(r'^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$'),
        list('-+.0123456789'),
    )


def load_yaml(path) -> dict:
    """Read a YAML file that holds a mapping; an empty file is an empty one."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such YAML file.')
    try:
        data = yaml.load(path.read_text(encoding='utf-8'), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = ' '.join(str(error).split())
        raise ValueError(f'{path}: not valid YAML: {reason}.') from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ValueError(f'{path}: needs a mapping of keys to values, got {_name(type(data))}.')
    return data


def load(cls, path):
    """Read a dataclass from a YAML file."""
    return from_dict(cls, load_yaml(path), str(path))


def dump_yaml(obj) -> str:
    """Write a dataclass or a plain dictionary as YAML, keys in their own order."""
    return yaml.dump(to_dict(obj), Dumper=_Dumper, sort_keys=False)


def to_dict(obj) -> dict:
    """Turn a dataclass into plain dictionaries, lists and scalars."""
    if dataclasses.is_dataclass(obj):
        names = (field.name for field in dataclasses.fields(obj) if field.init)
        return {name: to_dict(getattr(obj, name)) for name in names}
    if isinstance(obj, dict):
        return {key: to_dict(value) for key, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        return [to_dict(value) for value in obj]
    return obj


def from_dict(cls, data: dict, where: str):
    """
    Make a dataclass from a plain dictionary, checking every key and every type.

    cls: a dataclass; its fields may be bool, int, float, str, Literal, Optional, Union, tuple,
        list, dict and other dataclasses; or a union of dataclasses, which the value of their
        field `kind` tells apart, the first one's by default
    where: what the data are, for the error message, such as the name of a file
    """
    return _convert(cls, data, where, '')


def _build(cls, data, where, path):
    place = f'{where}: {path}' if path else where
    if not isinstance(data, dict):
        raise ValueError(f'{place}: needs a mapping with keys of {cls.__name__}, got {data!r}.')
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    for key in data:
        if key not in fields:
            raise ValueError(f'{place}: unknown key {key!r}; known keys: {", ".join(fields)}.')
    for name, field in fields.items():
        if name not in data and (field.default is field.default_factory is dataclasses.MISSING):
            raise ValueError(f'{place}: key {name!r} is missing; {cls.__name__} needs it.')
    hints = get_type_hints(cls)
    values = {
        key: _convert(hints[key], value, where, f'{path}.{key}' if path else key)
        for key, value in data.items()
    }
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(f'{place}: {error}') from error


def _convert(hint, value, where, path):
    """Return value as the type that hint names, or refuse."""
    origin, args = get_origin(hint), get_args(hint)
    refusal = ValueError(f'{where}: {path} must be {_name(hint)}, got {value!r}.')
    if hint is Any:
        return value
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, where, path)
    if origin in (Union, types.UnionType):
        return _convert_union(args, value, where, path, refusal)
    if origin is Literal:
        # True == 1, so the type is compared as well.
        if any(value == choice and type(value) is type(choice) for choice in args):
            return value
        raise refusal
    if (origin or hint) in (tuple, list):
        return _convert_sequence(origin or hint, args, value, where, path, refusal)
    if (origin or hint) is dict and isinstance(value, dict):
        key_hint, value_hint = args or (Any, Any)
        return {
            _convert(key_hint, k, where, path): _convert(value_hint, v, where, f'{path}.{k}')
            for k, v in value.items()
        }
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is hint or (value is None and hint is type(None)):
        return value
    raise refusal


def _convert_union(hints, value, where, path, refusal):
    if value is None and type(None) in hints:
        return None
    hints = [hint for hint in hints if hint is not type(None)]
    if len(hints) == 1:  # Optional: the one member knows best what is wrong.
        return _convert(hints[0], value, where, path)
    if all(map(dataclasses.is_dataclass, hints)) and isinstance(value, dict):
        kinds = {hint.kind: hint for hint in hints}
        name = f'{path}.kind' if path else 'kind'
        kind = _convert(Literal[tuple(kinds)], value.get('kind', hints[0].kind), where, name)
        return _build(kinds[kind], value, where, path)
    for hint in hints:
        try:
            return _convert(hint, value, where, path)
        except ValueError:
            continue
    raise refusal


def _convert_sequence(kind, args, value, where, path, refusal):
    if not isinstance(value, (list, tuple)):
        raise refusal
    if kind is list or args[-1:] == (Ellipsis,):
        hints = [args[0] if args else Any] * len(value)
    else:
        hints = args or [Any] * len(value)
    if len(hints) != len(value):
        raise refusal
    return kind(
        _convert(hint, item, where, f'{path}[{i}]')
        for i, (hint, item) in enumerate(zip(hints, value))
    )


def _name(hint) -> str:
    """Say a type in words."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return 'one of ' + ', '.join(map(str, args))
    if origin in (Union, types.UnionType):
        return ' or '.join(map(_name, args))
    if hint is type(None):
        return 'null'
    if origin is not None:
        return f'{origin.__name__}[{", ".join("..." if a is ... else _name(a) for a in args)}]'
    return getattr(hint, '__name__', str(hint))
