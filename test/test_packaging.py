# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Both colcon builds of a copy of the tree, offline, and what `make` says on a bare machine."""

from __future__ import annotations

from functools import cache
import importlib.util
from itertools import chain
import os
from pathlib import Path
import re
import runpy
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest

import grin_ros

ROOT = Path(__file__).resolve().parents[1]
COLCON = Path(sys.executable).with_name('colcon')
SOURCES = ('grin_ros', 'training', 'launch', 'config', 'resource')
FILES = ('package.xml', 'setup.py', 'setup.cfg')


def run(command, cwd, **environment) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope='session')
def workspace(tmp_path_factory) -> Path:
    """Lay out a workspace as a robot has one; the weights are stand-ins of their names."""
    if not COLCON.exists():
        pytest.skip('colcon is not installed beside this Python')
    package = tmp_path_factory.mktemp('workspace') / 'src' / 'grin_ros'
    package.mkdir(parents=True)
    for name in SOURCES:
        ignore = shutil.ignore_patterns('__pycache__')
        shutil.copytree(ROOT / name, package / name, symlinks=True, ignore=ignore)
    for name in FILES:
        shutil.copy(ROOT / name, package / name)
    (package / 'weights').mkdir()
    for name in ['stand_in.safetensors', *(p.name for p in ROOT.glob('weights/*.safetensors'))]:
        (package / 'weights' / name).touch()
    return package.parents[1]


@cache
def build(workspace: Path, *options: str) -> Path:
    """Build the workspace, once for each form; returns the install folder."""
    form = workspace / (options[0].strip('-') if options else 'plain')
    folders = ['--build-base', form / 'build', '--install-base', form / 'install']
    command = [COLCON, '--log-base', form / 'log', 'build', '--base-paths', 'src', *folders]
    run([*command, *options], cwd=workspace, COLCON_HOME=str(workspace))
    return form / 'install'


FORMS = pytest.mark.parametrize('options', [(), ('--symlink-install',)], ids=['plain', 'symlink'])


def test_colcon_sees_an_ament_package(workspace):
    listed = run([COLCON, 'list', '--base-paths', 'src'], workspace, COLCON_HOME=str(workspace))
    assert re.fullmatch(r'grin_ros\s+src/grin_ros\s+\(ros\.ament_python\)\s*', listed)


@FORMS
def test_share_has_everything(workspace, options):
    share = build(workspace, *options) / 'grin_ros' / 'share'
    package = workspace / 'src' / 'grin_ros'
    assert (share / 'ament_index' / 'resource_index' / 'packages' / 'grin_ros').exists()
    assert (share / 'grin_ros' / 'package.xml').read_text() == (ROOT / 'package.xml').read_text()
    expected = {
        'launch': {'depth.launch.py'},
        'rviz': {'depth.rviz'},
        'config': {p.name for p in package.glob('config/*') if p.suffix != '.rviz'},
        'weights': {p.name for p in package.glob('weights/*')},
    }
    assert {'fastdds.xml', 'depth_node.yaml'} <= expected['config']
    for folder, names in expected.items():
        assert {p.name for p in (share / 'grin_ros' / folder).iterdir()} == names


@FORMS
def test_the_executables_are_where_ros_looks(workspace, options):
    prefix = build(workspace, *options) / 'grin_ros'
    executables = prefix / 'lib' / 'grin_ros'
    assert {p.name for p in executables.iterdir()} == {'depth_node', 'grin'}
    assert all(os.access(p, os.X_OK) for p in executables.iterdir())
    script = f'. {prefix.parent}/setup.bash && {executables}/grin --version'
    assert run(['bash', '-c', script], workspace).strip() == f'grin {grin_ros.__version__}'


@FORMS
def test_the_training_package_is_imported_from_the_build(workspace, options):
    install = build(workspace, *options)
    code = (
        'import os, grin_ros, grin_ros.training\n'
        'from importlib.util import find_spec\n'
        'print(os.environ["AMENT_PREFIX_PATH"].split(":")[0])\n'
        'print(grin_ros.__file__, grin_ros.training.__file__)\n'
        'print(find_spec("grin_ros.training.world").origin)\n'
    )
    script = f". {install}/setup.bash && {sys.executable} -c '{code}'"
    prefix, *files = run(['bash', '-c', script], workspace).split()
    assert Path(prefix) == install / 'grin_ros'
    # Not this checkout, which an editable installation may offer as well.
    home = workspace / 'src' if options else install
    assert len(files) == 3
    assert all(Path(file).resolve().is_relative_to(home) for file in files), files


@pytest.fixture
def setup(monkeypatch) -> dict:
    """Return what setup.py tells setuptools."""
    told = {}
    monkeypatch.setattr('setuptools.setup', lambda **arguments: told.update(arguments))
    monkeypatch.chdir(ROOT)
    runpy.run_path('setup.py')
    return told


def test_one_version_everywhere(setup):
    assert ElementTree.parse(ROOT / 'package.xml').findtext('version') == grin_ros.__version__
    assert setup['version'] == grin_ros.__version__


def test_every_requirement_is_pinned(setup):
    required = [*setup['install_requires'], *chain(*setup['extras_require'].values())]
    lines = (ROOT / 'constraints.txt').read_text().splitlines()
    pinned = {line.partition('==')[0].lower() for line in lines}
    assert {re.match(r'[\w-]+', requirement)[0].lower() for requirement in required} <= pinned


@pytest.fixture
def doctor():
    spec = importlib.util.spec_from_file_location('doctor', ROOT / '.ci' / 'doctor.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('version', [(2, 7, 18), (3, 9, 18), (3, 14, 0)])
def test_an_unfit_python_is_named(doctor, monkeypatch, version):
    monkeypatch.setattr(sys, 'version_info', version)
    fault = doctor.python_fault()
    assert '.'.join(map(str, version)) in fault and 'PYTHON=' in fault and '\n' not in fault


@pytest.mark.parametrize('version', [(3, 10, 0), (3, 13, 9)])
def test_a_fit_python_passes(doctor, monkeypatch, version):
    monkeypatch.setattr(sys, 'version_info', version)
    assert doctor.python_fault() is None


def test_debians_split_off_venv_is_named(doctor, monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    assert 'apt install python3-venv' in doctor.python_fault()


@pytest.mark.parametrize(
    'venv, wheels, told',
    [
        ((1, 4.1), (1, 4.1), None),
        (
            (1, 3.9),
            (1, 3.9),
            '3.9 GB are free on the disk of {here}, and setting up takes 4: free some',
        ),
        ((1, 3.1), (2, 1.1), None),
        (
            (1, 2.9),
            (2, 1.1),
            '2.9 GB are free on the disk of {here}, and setting up takes 3: free some',
        ),
        (
            (1, 3.1),
            (2, 0.4),
            '0.4 GB are free on the disk of {wheels}, and setting up takes 1: free some',
        ),
    ],
)
def test_a_full_disk_is_told_before_anything_is_fetched(
    doctor, monkeypatch, tmp_path, venv, wheels, told
):
    monkeypatch.setattr(doctor.tempfile, 'tempdir', str(tmp_path))
    disks = {os.getcwd(): venv, str(tmp_path): wheels}
    monkeypatch.setattr(doctor, '_disk', disks.get)
    fault = doctor.disk_fault()
    assert fault == (told and told.format(here=os.getcwd(), wheels=tmp_path))


def test_missing_system_libraries_are_named_as_packages(doctor, monkeypatch, tmp_path):
    (tmp_path / 'needs_gl.py').write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(doctor, 'MODULES', ['json', 'needs_gl'])
    monkeypatch.setattr(doctor, '_loads', lambda name: name not in ('libGL.so.1', 'libEGL.so.1'))
    assert doctor.install_fault() == 'needs_gl needs system libraries: apt install libegl1 libgl1'
    monkeypatch.setattr(doctor, 'MODULES', ['json'])
    assert doctor.install_fault() is None
