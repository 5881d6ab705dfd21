# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The table of ablations in miniature, and the measure of what a longer lens does to depth."""

from __future__ import annotations

from dataclasses import fields, replace
import itertools
import json
import math
from pathlib import Path
import shutil

import numpy as np
import pytest

from grin_ros import cli
from grin_ros.camera import Camera
from grin_ros.checkpoint import build_model, ModelConfig
from grin_ros.config import from_dict, load, load_yaml
from grin_ros.pipeline import Prediction
from grin_ros.training.ablate import Ablation, AblationConfig, focal_pair, score, ZOOM
from grin_ros.training.ablation_lines import VARIANTS
from grin_ros.training.ablation_table import COLUMNS
from grin_ros.training.config import TrainConfig
from grin_ros.training.labels import thin
from grin_ros.training.recipe import load_recipe
from grin_ros.training.sample import Sample
from grin_ros.training.sample_writer import SampleSetWriter
from grin_ros.training.trainer import Trainer

SIZE = (64, 96)
RECIPE = """\
model: tiny.yaml
sources: [{set: train, size: [64, 96]}]
batch: 2
pixels: 32
"""
CONFIG = """\
recipe: recipe.yaml
sets: [inside, outside]
focal: [inside]
steps: 4
seeds: [0, 1]
frames: 2
output: runs
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name, domain in (('train', 'indoor'), ('inside', 'indoor'), ('outside', 'outdoor')):
        about = {'source': name, 'licence': 'CC0', 'depth_kind': 'synthetic',
                 'domain': domain, 'min_depth': 0.3, 'max_depth': 20.0}  # fmt: skip
        with SampleSetWriter(tmp_path / name, **about) as writer:
            for i in range(3):
                image = rng.integers(0, 255, (*SIZE, 3), np.uint8)
                depth = np.full(SIZE, 1.0 + i, np.float32)
                writer.add(Sample(image, depth, Camera.default(SIZE), str(i)))
    (tmp_path / 'tiny.yaml').write_text(Path('config/grin_tiny.yaml').read_text())
    (tmp_path / 'recipe.yaml').write_text(RECIPE)
    (tmp_path / 'ablations.yaml').write_text(CONFIG)
    return tmp_path


def test_the_table_is_written_and_never_computed_twice(folder, monkeypatch, capsys):
    lines = ['no rays', '1 % of the labels']
    page = folder / 'docs' / 'ablations.md'
    argv = ['ablate', str(folder / 'ablations.yaml'), '-o', str(page), '--device', 'cpu']
    assert cli.main([*argv, '--only', *lines]) == 0
    text = page.read_text()
    rows = [row.split(' | ') for row in text.splitlines() if row.startswith('| ')]
    assert [row[0].strip('| ') for row in rows[2:]] == lines
    for row in rows[2:]:
        assert len(row) == 9
        assert all(' ± ' in cell for cell in row[1:])
    assert '4 steps of 2 images with 32 labelled pixels, resnet trained' in text
    assert 'Seeds: 0, 1' in text
    assert 'Trained on train (3).\nScored on 2 frames each of inside, outside' in text

    def never(self):
        raise AssertionError('a finished line is not trained again')

    monkeypatch.setattr(Trainer, 'run', never)
    page.unlink()
    assert cli.main([*argv, '--only', 'no rays']) == 0
    again = page.read_text().splitlines()
    assert [row for row in again if row.startswith('| no rays')] == [
        row for row in text.splitlines() if row.startswith('| no rays')
    ]
    assert cli.main([*argv, '--only', 'no wheels']) == 2
    assert 'no wheels' in capsys.readouterr().err
    assert 'What they cost' not in text


def test_a_line_is_trained_again_only_where_it_would_be_another(folder, monkeypatch):
    trained, train = [], Trainer.run

    def counted(self):
        trained.append(Path(self.config.output).name)
        return train(self)

    monkeypatch.setattr(Trainer, 'run', counted)
    monkeypatch.chdir(folder)

    def lines_trained(*names, recipe=RECIPE, config=CONFIG):
        Path('recipe.yaml').write_text(recipe)
        Path('ablations.yaml').write_text(config.replace('[0, 1]', '[0]'))
        trained.clear()
        assert cli.main(['ablate', 'ablations.yaml', '--device', 'cpu', '--only', *names]) == 0
        return list(trained)

    lines = ('no rays', 'natural log of metres')
    assert lines_trained(*lines) == ['no_rays_0', 'natural_log_of_metres_0']
    assert lines_trained(*lines, config=CONFIG + 'about: another title\n') == []
    changes = {'recipe': RECIPE.replace('pixels: 32', 'pixels: 16'), 'config': CONFIG}
    for old, new in (
        ('', ''),  # the recipe's alone, and then one more each time
        ('frames: 2', 'frames: 1'),
        ('[inside, outside]', '[outside]'),
        ('focal: [inside]', 'focal: [outside]'),
    ):
        changes['config'] = changes['config'].replace(old, new)
        assert lines_trained('no rays', **changes) == ['no_rays_0'], new
        assert lines_trained('no rays', **changes) == []
    # Scores from before there were fingerprints may be of anything, unless somebody vouches.
    kept = Path('runs/no_rays_0/scores_4.json')
    scores = json.loads(kept.read_text())
    del scores['fingerprint']
    kept.write_text(json.dumps(scores))
    assert lines_trained('no rays', **changes) == ['no_rays_0']
    scores['fingerprint'] = Ablation('ablations.yaml').fingerprint('no rays', 0)
    kept.write_text(json.dumps(scores))
    assert lines_trained('no rays', **changes) == []
    shutil.rmtree('train')
    shutil.copytree('inside', 'train')  # a set of other frames in its place
    assert lines_trained('no rays', **changes) == ['no_rays_0']


def test_latency_is_of_every_line(folder, monkeypatch):
    (folder / 'costs.yaml').write_text(f'{CONFIG}latency: true\n')
    network = build_model(load(ModelConfig, 'config/grin_tiny.yaml'))
    monkeypatch.chdir(folder)
    argv = ['ablate', 'costs.yaml', '--device', 'cpu', '--only', 'the recipe', 'no rays']
    assert cli.main(argv) == 0
    # Every table has a page of its own.
    cost = Path('docs/costs.md').read_text().partition('What they cost')[2]
    rows = [row.strip('| ').split(' | ') for row in cost.splitlines() if row.startswith('| ')][2:]
    assert [row[0] for row in rows] == ['the recipe', 'no rays']
    count = sum(p.numel() for p in network.encoder.parameters())
    for _, parameters, encoder, frame in rows:
        assert parameters == f'{count / 1e6:.1f} M'
        assert 0 <= float(encoder) <= float(frame)


def test_an_encoder_takes_the_weights_that_the_table_names_for_it(folder, monkeypatch):
    with (folder / 'ablations.yaml').open('a') as file:
        file.write('encoders: {resnet50: "${RESNET}/model.json", hiera: never.safetensors}\n')
    monkeypatch.setenv('RESNET', str(folder))
    ablation = Ablation(folder / 'ablations.yaml')
    config = ablation.train_config('ResNet-50, frozen', 1)
    assert config.encoder_weights == {'resnet50': str(folder / 'model.json')}
    assert config.seed == 1
    # One from scratch has none.
    assert ablation.train_config('the recipe', 0).encoder_weights == {}
    monkeypatch.delenv('RESNET')
    with pytest.raises(ValueError, match='set the environment variable'):
        ablation.train_config('ResNet-50, frozen', 0)


def test_every_line_changes_one_thing(monkeypatch):
    monkeypatch.setenv('GRIN_TEST_DATA', 'data')
    recipe = load_recipe('config/train_ablation.yaml')
    encoders = [name for name in VARIANTS if 'Net' in name or 'Hiera' in name]
    several = {
        'the recipe': [],
        # Other encoders have other weights.
        **{name: ['model', 'encoder_weights'] for name in encoders},
        'eps as target': ['model', 'shape'],  # only an answer of x_0 has a shape
        'v as target': ['model', 'shape'],
    }
    for name, change in VARIANTS.items():
        changed = change(recipe)
        differing = [f.name for f in fields(TrainConfig)
                     if getattr(changed, f.name) != getattr(recipe, f.name)]  # fmt: skip
        assert differing == several.get(name, differing[:1]), name
        assert (name == 'the recipe') == (changed == recipe)
    changed = [change(recipe) for change in VARIANTS.values()]
    assert not any(one == other for one, other in itertools.combinations(changed, 2))


def test_the_shipped_tables_ask_for_every_line():
    tables = [
        from_dict(AblationConfig, load_yaml(f'config/{name}.yaml'), name)
        for name in ('ablations', 'encoders')
    ]
    assert {line for config in tables for line in config.lines} == set(VARIANTS)
    for config in tables:
        assert config.lines[0] == 'the recipe'
        assert config.sets
        assert config.focal
    assert len(tables[0].seeds) > 1
    with pytest.raises(ValueError, match="no line 'no wheels'; choose of the recipe, no local"):
        AblationConfig('recipe', (), (), lines=('no wheels',))


def test_the_ablated_network_is_the_shipped_one(monkeypatch):
    monkeypatch.setenv('GRIN_TEST_DATA', 'data')
    recipe = load_recipe('config/train_ablation.yaml')
    shipped = load(ModelConfig, 'config/grin_small.yaml')
    assert recipe.model == replace(shipped, pixels=192 * 256)
    # Pictures are trained on at the size that they are scored at.
    assert {math.prod(source.size) for source in recipe.sources} == {recipe.model.pixels}


class Says:
    """Answers as `depth_of(camera)` tells, everywhere."""

    def __init__(self, depth_of):
        self.depth_of = depth_of

    def infer(self, image, camera, steps=None):
        depth = np.full(image.shape[:2], self.depth_of(camera), np.float32)
        return Prediction(depth, np.zeros_like(depth), depth > 0, camera)


def test_drift_is_the_zoom_for_who_ignores_the_lens():
    """What looks 1 / ZOOM as large is taken for that much nearer."""
    image = np.zeros((*SIZE, 3), np.uint8)
    sample = Sample(image, np.full(SIZE, 5.0, np.float32), Camera.default(SIZE), 'a')
    knows = focal_pair(Says(lambda camera: 5.0), sample)
    assert knows == {'drift': 0.0, 'whole': 0.0, 'middle': 0.0}
    blind = focal_pair(Says(lambda camera: 5.0 * camera.size[1] / SIZE[1]), sample)
    assert blind['drift'] == pytest.approx(-math.log(ZOOM), abs=0.03)
    assert blind['whole'] == pytest.approx(0)
    assert blind['middle'] == pytest.approx(1 - ZOOM, abs=0.02)


def test_who_answers_nothing_keeps_no_depth_either():
    image = np.zeros((*SIZE, 3), np.uint8)
    scenes = [
        Sample(image, np.full(SIZE, depth, np.float32), Camera.default(SIZE), 'a')
        for depth in (5.0, 0.0)  # of the second nothing was measured
    ]
    config = AblationConfig('recipe', (), ())
    for pipeline, expected in (
        (Says(lambda camera: 5.0 * camera.size[1] / SIZE[1]), -math.log(ZOOM)),
        (Says(lambda camera: math.nan), None),
    ):
        found = score(pipeline, config, [], [scenes])['focal']
        assert found.get('drift') == (expected and pytest.approx(expected, abs=0.03))
        assert COLUMNS['longer lens, drift']({'focal': found}) == found.get('drift')


def test_sparse_labels_are_the_same_ones_every_time():
    depth = np.random.default_rng(0).uniform(1, 9, (200, 300)).astype(np.float16)
    sparse = thin(depth, 0.01)
    np.testing.assert_array_equal(sparse, thin(depth.copy(), 0.01))
    kept = sparse > 0
    assert kept.mean() == pytest.approx(0.01, abs=0.002)
    np.testing.assert_array_equal(sparse[kept], depth[kept])
    other = thin(depth + np.float16(1), 0.01) > 0
    assert (kept & other).sum() < 0.1 * kept.sum()  # another image keeps others
