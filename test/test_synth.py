# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""`grin synth`: the set holds what the worlds render, whatever the number of processes."""

from __future__ import annotations

from asset_pack import write_pack
import numpy as np
import pytest

from grin_ros.cli import main
from grin_ros.training.sample import SampleSet
from grin_ros.training.world import render
from grin_ros.training.world.furnished import Furnished
from grin_ros.training.world.mesh import MeshWorld


def synth(folder, *words):
    return main(['synth', '-o', str(folder), '--size', '32x40', *words])


def test_procedural_set(tmp_path):
    assert synth(tmp_path / 'a', '--count', '2', '--seed', '11', '--workers', '1') == 0
    found = SampleSet(tmp_path / 'a')
    assert (found.depth_kind, found.domain) == ('synthetic', 'indoor')
    assert 'seeds 11 to 12' in found.source
    assert 'room' in found.source
    assert found.licence.startswith('Apache-2.0')
    for sample, seed in zip(found, (11, 12), strict=True):
        truth = render('room', seed, (32, 40))
        np.testing.assert_allclose(sample.depth, truth.depth, atol=2.1e-3)
        np.testing.assert_allclose(sample.camera.K, truth.camera.K, rtol=1e-6)
        assert np.abs(sample.image.astype(int) - truth.image).mean() < 12  # JPEG


def test_processes_do_not_change_the_set(tmp_path):
    words = ('--count', '3', '--domain', 'street')
    assert synth(tmp_path / 'one', *words, '--workers', '1') == 0
    assert synth(tmp_path / 'two', *words, '--workers', '2') == 0
    one, two = SampleSet(tmp_path / 'one'), SampleSet(tmp_path / 'two')
    assert one.domain == 'outdoor'
    assert one.stems == two.stems
    for name in sorted(p.name for p in (tmp_path / 'one').iterdir()):
        assert (tmp_path / 'one' / name).read_bytes() == (tmp_path / 'two' / name).read_bytes()


@pytest.mark.usefixtures('open3d')
@pytest.mark.parametrize(
    ('name', 'world', 'words'),
    [
        ('cell', lambda pack: MeshWorld(pack, 'cell'), ()),
        ('furnished', Furnished, ('--world', 'furnished')),
    ],
)
def test_mesh_set(tmp_path, name, world, words):
    pack = write_pack(tmp_path / 'pack')
    words = ('--assets', str(pack), '--count', '2', '--seed', '4', '--workers', '1', *words)
    assert synth(tmp_path / 'set', *words) == 0
    found, world = SampleSet(tmp_path / 'set'), world(pack)
    assert found.stems == [f'{name}_0000004', f'{name}_0000005']
    assert name in found.source
    assert 'test/asset_pack.py' in found.source  # furnished rooms name where their things are from
    assert 'Apache-2.0' in found.licence
    for sample, seed in zip(found, (4, 5), strict=True):
        np.testing.assert_allclose(sample.depth, world.render(seed, (32, 40)).depth, atol=6e-4)


@pytest.mark.parametrize(
    ('words', 'sentence'),
    [
        (('--domain', 'moon'), 'room, corridor, street'),
        (('--count', '0'), '--count'),
        (('--world', 'cell'), '--assets'),
        (('--assets', 'nowhere'), 'no asset pack'),
        (('--assets', 'nowhere', '--world', 'x'), 'no asset pack'),
        (('--assets', 'nowhere', '--textures', 'x'), '--textures'),
        (('--textures', 'nowhere'), 'no .jpg or .png'),
    ],
)
def test_refuses_in_one_sentence(tmp_path, capsys, words, sentence):
    assert synth(tmp_path / 'set', *words, '--workers', '1') == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith('grin: ')
    assert sentence in error
    assert not (tmp_path / 'set' / 'frames.json').exists()


def test_refuses_a_size(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(['synth', '-o', str(tmp_path / 'set'), '--size', '320'])
    assert stop.value.code == 2
    assert 'HxW' in capsys.readouterr().err


def test_does_not_write_over_a_set(tmp_path, capsys):
    words = ('--count', '1', '--workers', '1')
    assert synth(tmp_path / 'set', *words) == 0
    assert synth(tmp_path / 'set', *words) == 2
    assert 'already holds a sample set' in capsys.readouterr().err
