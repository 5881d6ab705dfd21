# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a run keeps of itself, and which changes of a recipe make it another run."""

from __future__ import annotations

from dataclasses import replace

from painted_planes import recipe, write_planes
import pytest
import torch

from grin_ros.checkpoint import load
from grin_ros.config import to_dict
from grin_ros.training.config import ValidationConfig
from grin_ros.training.state import differences
from grin_ros.training.trainer import Trainer


@pytest.mark.parametrize(
    'field, value',
    [('seed', 1), ('pixels', 32), ('batch', 2), ('loss', 'l2'), ('ema', 0.5), ('edges', 0.3)],
)
def test_what_changes_the_answer_is_named(field, value):
    config = recipe('planes', 'out')
    assert differences(to_dict(config), replace(config, **{field: value})) == [field]


def test_how_a_run_is_watched_is_no_other_run_but_what_it_may_see_is():
    config = recipe('planes', 'out')
    for same in ({'output': 'elsewhere'}, {'save_every': 7}, {'microbatch': 2}):
        assert differences(to_dict(config), replace(config, **same)) == []
    less = replace(config, validation=ValidationConfig(holdout=0.25))
    assert differences(to_dict(config), less) == ['holdout']


def test_what_is_handed_out_is_the_average_and_steps_skipped_in_a_row_count_on(tmp_path):
    planes = write_planes(tmp_path / 'planes')
    config = recipe(planes, tmp_path / 'out', ema=0.999, steps=2)
    trainer = Trainer(config)
    trainer.run()
    kept = dict(load(tmp_path / 'out' / 'last.safetensors')[0].named_parameters())
    for name, average in trainer.ema.average.items():
        assert torch.equal(kept[name], average.half().float()), name
    now = dict(trainer.model.named_parameters())
    assert any(not torch.equal(now[name].half().float(), kept[name]) for name in kept)
    trainer.skipped = 7
    trainer.save()
    again = Trainer(config)
    again.resume()
    assert again.skipped == 7
