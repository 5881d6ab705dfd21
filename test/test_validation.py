# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a run says of itself while it trains: on held-out frames, and on sets of their own."""

from __future__ import annotations

import cv2
from painted_planes import recipe, write_planes
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from grin_ros.checkpoint import read_metadata
from grin_ros.pipeline import DepthPipeline
from grin_ros.training.config import ValidationConfig
from grin_ros.training.evaluation import evaluate
from grin_ros.training.sample import SampleSet
from grin_ros.training.source import Part
from grin_ros.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def planes(tmp_path_factory):
    return write_planes(tmp_path_factory.mktemp('planes'))


def test_sets_of_one_name_are_judged_by_each_alone_and_all_together(planes, tmp_path):
    near = planes
    far = write_planes(tmp_path / 'other' / planes.name, count=3)
    for path in far.glob('*.depth.png'):  # what is said of the planes is right, of these it is not
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED) * 2)
    validation = ValidationConfig(sets=(str(near), str(far)), every=6)
    trainer = Trainer(recipe(planes, tmp_path / 'run', validation=validation))
    trainer.run()
    found = {name: figures['abs_rel'] for name, figures in trainer.figures.items()}
    assert list(found) == [planes.name, f'{planes.name} 2', 'mean']
    assert found['mean'] == pytest.approx((found[planes.name] + found[f'{planes.name} 2']) / 2)
    pipeline = DepthPipeline.from_checkpoint(tmp_path / 'run' / 'best.safetensors')
    for name, path in ((planes.name, near), (f'{planes.name} 2', far)):
        alone = evaluate(pipeline, SampleSet(path))['metrics']['abs_rel']
        assert found[name] == pytest.approx(alone, rel=0.01)
    assert abs(found[planes.name] - found[f'{planes.name} 2']) > 0.05
    assert trainer.best == found['mean']


def test_a_run_is_judged_by_what_it_held_out(planes, tmp_path):
    """`best` has the weights of the best validation, scored as `grin eval` would."""
    validation = ValidationConfig(holdout=0.25, every=2)
    trainer = Trainer(recipe(planes, tmp_path, steps=6, ema=0.5, validation=validation))
    trainer.run()
    board = EventAccumulator(str(tmp_path / 'board')).Reload()
    found = {e.step: e.value for e in board.Scalars('mean/abs_rel')}
    assert list(found) == [2, 4, 6]
    assert trainer.best == pytest.approx(min(found.values()))
    best = tmp_path / 'best.safetensors'
    metadata = read_metadata(best)
    assert metadata['step'] == min(found, key=found.get)
    assert metadata['validation']['mean']['abs_rel'] == pytest.approx(trainer.best)
    held = Part(SampleSet(planes), range(6, 8))
    report = evaluate(DepthPipeline.from_checkpoint(best), held)
    # The file has half precision.
    assert report['metrics']['abs_rel'] == pytest.approx(trainer.best, rel=0.01)


def test_the_best_is_of_the_sets_that_a_run_is_judged_by_now(planes, tmp_path):
    other = write_planes(tmp_path / 'other', count=3)

    def run(judge, steps):
        validation = ValidationConfig(sets=(str(judge),), every=2)
        trainer = Trainer(recipe(planes, tmp_path / 'run', steps=steps, validation=validation))
        if (tmp_path / 'run' / 'state.safetensors').is_file():
            trainer.resume()
        return trainer

    first = run(planes, 2)
    first.run()
    assert run(planes, 2).best == first.best < 10
    assert run(other, 2).best == float('inf')
