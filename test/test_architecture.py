# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The import rules that keep every arrow pointing one way, read from the sources with `ast`."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[1]
COPYRIGHT = '# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0'


def sources() -> list[Path]:
    """Every module of the library by its real path; grin_ros/training is a link to training."""
    found = [p for folder in ('grin_ros', 'training') for p in (ROOT / folder).rglob('*.py')]
    return sorted({p.resolve().relative_to(ROOT) for p in found})


def module_name(path: Path) -> str:
    parts = list(path.with_suffix('').parts)
    if parts[0] == 'training':
        parts.insert(0, 'grin_ros')
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def imports(path: Path, source: str) -> list[tuple[str, int]]:
    """List (absolute module, level of the statement: 0 absolute, 1.. relative) of a source."""
    package = module_name(path).split('.')
    if path.name != '__init__.py':
        package.pop()
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(alias.name, 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = '.'.join([*base, *([node.module] if node.module else [])])
            # `from a import b` may mean the module a.b: both names are looked at.
            found += [(name, node.level)]
            found += [(f'{name}.{alias.name}', node.level) for alias in node.names]
    return found


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + '.') for package in packages)


def violations(path: Path, source: str) -> list[str]:
    """Say which rules a source breaks."""
    place = path.as_posix()
    me = module_name(path)
    broken = []
    for name, level in imports(path, source):
        root = name.split('.')[0]
        ros = root in ('rclpy', 'cv_bridge', 'sensor_msgs_py') or root.endswith('_msgs')
        if ros and not within(me, 'grin_ros.ros'):
            broken.append(f'{name} belongs into grin_ros/ros/')
        if (root == 'rclpy' or root.endswith('_msgs')) and me == 'grin_ros.ros.from_msg':
            broken.append('from_msg reads messages by field name and needs no ROS')
        if root == 'rosbags' and place not in ('training/bag.py', 'training/bag_writer.py'):
            broken.append('only training/bag.py and bag_writer.py know rosbags')
        if root == 'yaml' and place != 'grin_ros/config.py':
            broken.append('only grin_ros/config.py knows yaml')
        if root == 'training':
            broken.append('the training package is called grin_ros.training')
        if within(name, 'grin_ros.training'):
            if not within(me, 'grin_ros.training') and me != 'grin_ros.cli':
                broken.append('only training and cli.py import grin_ros.training')
            if within(me, 'grin_ros.training') and level == 0:
                broken.append('inside training, siblings are imported relatively')
        if within(me, 'grin_ros.models') and within(name, 'grin_ros.diffusion'):
            broken.append('models do not know diffusion')
        if within(me, 'grin_ros.diffusion') and within(name, 'grin_ros.models'):
            broken.append('diffusion does not know models')
        core = ('camera', 'depth', 'config', 'checkpoint', 'pipeline', 'models', 'diffusion')
        if within(me, *(f'grin_ros.{c}' for c in core)) and within(name, 'grin_ros.ros'):
            broken.append('the library does not know its ROS wrapper')
    return broken


@pytest.mark.parametrize('path', sources(), ids=str)
def test_imports_point_one_way(path):
    assert not violations(path, (ROOT / path).read_text())


@pytest.mark.parametrize(
    ('place', 'source'),
    [
        ('grin_ros/pipeline.py', 'import rclpy'),
        ('training/bag.py', 'from sensor_msgs.msg import Image'),
        ('grin_ros/demo.py', 'def f():\n    import rclpy.node'),
        ('grin_ros/pipeline.py', 'import cv_bridge'),
        ('grin_ros/ros/from_msg.py', 'from sensor_msgs.msg import Image'),
        ('training/sample.py', 'import rosbags.highlevel'),
        ('training/config.py', 'import yaml'),
        ('grin_ros/pipeline.py', 'from training import sample'),
        ('grin_ros/pipeline.py', 'import grin_ros.training.sample'),
        ('grin_ros/pipeline.py', 'from grin_ros import training'),
        ('grin_ros/pipeline.py', 'from .training import sample'),
        ('training/trainer.py', 'from grin_ros.training.sample import Sample'),
        ('grin_ros/models/grin.py', 'from ..diffusion import sampling'),
        ('grin_ros/diffusion/loss.py', 'import grin_ros.models.grin'),
        ('grin_ros/camera.py', 'from .ros import from_msg'),
    ],
)
def test_each_rule_can_fail(place, source):
    assert violations(Path(place), source)


def test_what_the_rules_allow():
    assert not violations(Path('grin_ros/ros/to_msg.py'), 'from sensor_msgs.msg import Image')
    assert not violations(Path('training/world/mesh.py'), 'from ..sample import Sample')
    assert not violations(
        Path('training/bag.py'), 'import rosbags\nfrom grin_ros.ros import from_msg'
    )


def test_no_two_modules_import_each_other():
    known = {module_name(path): path for path in sources()}
    graph = {}
    for name, path in known.items():
        needed = {n for n, _ in imports(path, (ROOT / path).read_text()) if n in known}
        # A package's __init__ runs before its modules, yet is not `below` them.
        graph[name] = {n for n in needed if n != name and not within(name, n)}
    list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_what_is_imported_is_declared():
    """A robot installs what package.xml lists, anybody else what setup.py does."""
    declared = (ROOT / 'setup.py').read_text() + (ROOT / 'package.xml').read_text()
    other_names = {
        'cv2': 'opencv-python-headless', 'rerun': 'rerun-sdk', 'tf2_ros': 'tf2_ros_py',
        'yaml': 'pyyaml',
    }  # fmt: skip
    places = [*sources(), Path('launch/depth.launch.py')]
    roots = {
        name.split('.')[0]
        for place in places
        for name, _ in imports(place, (ROOT / place).read_text())
    }
    roots -= {'grin_ros', *sys.stdlib_module_names}
    assert roots >= {'torch', 'rclpy', 'cv2', 'launch_ros'}
    names = {other_names.get(root, root) for root in roots}
    assert {n for n in names if f"'{n}" not in declared and f'>{n}<' not in declared} == set()


def test_the_package_itself_imports_nothing():
    for place in ('grin_ros/__init__.py', 'grin_ros/ros/__init__.py', 'training/__init__.py'):
        assert not imports(Path(place), (ROOT / place).read_text())


def test_every_source_starts_with_the_copyright():
    everything = [*sources(), *(p.relative_to(ROOT) for p in ROOT.glob('test/**/*.py'))]
    wrong = [p for p in everything if (ROOT / p).read_text().splitlines()[:1] != [COPYRIGHT]]
    assert not wrong


def test_the_library_imports_without_ros():
    """What a robot's recordings need on a training machine: no rclpy and no messages."""
    modules = ['grin_ros.pipeline', 'grin_ros.ros.from_msg', 'grin_ros.training.bag']
    code = 'import sys\n'
    code += ''.join(f'sys.modules[{name!r}] = None\n' for name in ('rclpy', 'sensor_msgs'))
    code += ''.join(f'import {name}\n' for name in modules)
    subprocess.run([sys.executable, '-c', code], check=True, cwd=ROOT)
