# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The model card holds the figures of the evaluations, and what people wrote stays in it."""

from __future__ import annotations

import csv
import json
from xml.etree import ElementTree

import pytest

from grin_ros import cli
from grin_ros.checkpoint import build_model, ModelConfig, save
from grin_ros.config import load as load_config
from grin_ros.training.card import BEGIN, END
from grin_ros.training.history import add, row
from grin_ros.training.metrics import METRICS
from grin_ros.training.uncertainty import FIGURES


def evaluation(steps, base, uncertainty=False):
    """What grin eval writes, with figures that are told apart: base + 0.001 per set."""
    sets = []
    for i, (name, domain) in enumerate((('stairs', 'indoor'), ('drive', 'outdoor'))):
        figures = dict.fromkeys(METRICS, base + 0.001 * i)
        scaled = dict.fromkeys(METRICS, base + 0.05 + 0.001 * i)
        report = {'name': name, 'domain': domain, 'frames': 4, 'coverage': 1.0,
                  'ms_per_frame': 100.0 + i, 'metrics': figures, 'scaled': scaled}  # fmt: skip
        if uncertainty:
            report['uncertainty'] = dict.fromkeys(FIGURES, 0.61)
        sets.append(report)
    domains = {
        s['domain']: {'sets': 1, 'metrics': s['metrics'], 'scaled': s['scaled']} for s in sets
    }
    return {'checkpoint': 'x', 'device': 'cpu', 'steps': steps, 'samples': 4 if uncertainty else 1,
            'stride': 4, 'limit': None, 'sets': sets, 'domains': domains}  # fmt: skip


@pytest.fixture
def files(tmp_path):
    config = load_config(ModelConfig, 'config/grin_tiny.yaml')
    source = {'name': 'room', 'frames': 90, 'variants': 2, 'source': 'seeds 0 to 89',
              'licence': 'Apache-2.0'}  # fmt: skip
    save(
        tmp_path / 'w.safetensors', build_model(config), config, step=60, hours=1.25, device='cpu',
        sources=[source], recipe={'batch': 16, 'seed': 3}, evaluation='never trained on val',
        note='Steps by hand.',
        earlier=[{'step': 40, 'hours': 0.5, 'sources': [{**source, 'name': 'street'}]}],
    )  # fmt: skip
    for name, data in (('2', evaluation(2, 0.3)), ('1', evaluation(1, 0.4)),
                       ('u', evaluation(2, 0.2, True))):  # fmt: skip
        (tmp_path / f'{name}.json').write_text(json.dumps(data))
    return tmp_path


def test_the_card_tells_data_recipe_and_figures(files):
    page = files / 'CARD.md'
    argv = ['card', str(files / 'w.safetensors'), '-o', str(page), '--eval']
    assert cli.main([*argv, *(str(files / f'{name}.json') for name in '21u')]) == 0
    text = page.read_text()
    assert '| AbsRel | 1 step, 1 sample | 2 steps, 1 sample | 2 steps, 4 samples |' in text
    assert '| stairs (indoor) | 0.400 | 0.300 | 0.200 |' in text
    assert '| drive (outdoor) | 0.451 | 0.351 | 0.251 |' in text  # after scaling
    assert '| **mean outdoor** | **0.401** | **0.301** | **0.201** |' in text
    assert '| stairs | 100 | 100 | 100 |' in text
    assert '| room | 90 | 2 | seeds 0 to 89 | Apache-2.0 |' in text
    assert '| street | 90 | 1 | seeds 0 to 89 | Apache-2.0 |' in text
    assert '| 1 | 40 |  | 0.50 |  |  |  |' in text
    assert '| 2 | 60 | 16 | 1.25 | 3 | cpu |  |' in text
    assert 'Trained 1.75 h in sum. Never trained on val. Steps by hand.' in text
    assert '| drive | 0.61 | 0.610 | 0.610 | 61% | 61% |' in text
    assert 'must not be' in text


def test_what_people_wrote_stays(files):
    page = files / 'CARD.md'
    argv = ['card', str(files / 'w.safetensors'), '-o', str(page)]
    assert cli.main(argv) == 0
    before, rest = page.read_text().split(BEGIN)
    page.write_text(f'{before}{BEGIN}\nIt takes a poster for a window.\n{END}{rest.split(END)[1]}')
    assert cli.main([*argv, '--eval', str(files / '2.json')]) == 0
    text = page.read_text()
    assert text.count('It takes a poster for a window.') == 1
    assert '| stairs (indoor) | 0.300 |' in text


def test_figures_of_other_sets_are_not_put_side_by_side(files, capsys):
    other = evaluation(4, 0.1)
    other['sets'][0]['name'] = 'office'
    (files / 'o.json').write_text(json.dumps(other))
    argv = ['card', str(files / 'w.safetensors'), '-o', str(files / 'C.md'), '--eval']
    assert cli.main([*argv, str(files / '2.json'), str(files / 'o.json')]) == 2
    assert 'different sets' in capsys.readouterr().err
    (files / 'o.json').write_text(json.dumps({**evaluation(4, 0.1), 'limit': 8}))
    assert cli.main([*argv, str(files / '2.json'), str(files / 'o.json')]) == 2
    assert 'limit differs between the evaluations: 8, null' in capsys.readouterr().err
    for other in ('{"a": 1}', '{', '[1]', '3'):
        (files / 'o.json').write_text(other)
        assert cli.main([*argv, str(files / 'o.json')]) == 2
        assert 'o.json is no evaluation; make it with' in capsys.readouterr().err
    assert not (files / 'C.md').exists()
    assert cli.main([*argv, str(files / 'none.json')]) == 2
    assert 'grin eval --json' in capsys.readouterr().err


def test_weights_that_ship_are_remembered_and_drawn(files, capsys):
    steps = load_config(ModelConfig, 'config/grin_tiny.yaml').steps
    (files / 'usual.json').write_text(json.dumps(evaluation(steps, 0.5)))
    table = files / 'shipped.csv'
    argv = ['card', str(files / 'w.safetensors'), '-o', str(files / 'C.md')]
    argv += ['--history', str(table), '--note', 'more, of rooms']
    argv += ['--eval', str(files / 'u.json'), str(files / 'usual.json')]
    assert cli.main(argv) == 0
    assert table.read_text().splitlines()[1] == (
        '1.75,0.500,0.550,0.500,0.550,0.501,0.551,0.501,0.551,"more, of rooms"'
    )
    # Earlier weights go before it; a row of as many hours takes the old one's place.
    earlier = row(0.75, evaluation(steps, 0.9), 'first')
    add(table, row(0.75, evaluation(steps, 0.1), 'wrong'))
    rows = add(table, earlier)
    assert [(r['hours'], r['note']) for r in rows] == [
        ('0.75', 'first'),
        ('1.75', 'more, of rooms'),
    ]
    assert list(csv.DictReader(table.open())) == rows
    assert cli.main(argv) == 0
    curves = [
        [float(y) for x, y in (point.split(',') for point in line.get('points').split())]
        for line in ElementTree.parse(table.with_suffix('.svg')).iter()
        if line.tag.endswith('polyline')
    ]
    assert len(curves) == 8  # four charts, before and after scaling
    for unscaled, scaled in zip(curves[::2], curves[1::2]):
        # From 0.9 and 0.95 down to 0.5 and 0.55: on paper y grows downwards.
        low, high = unscaled[1], scaled[0]
        assert unscaled[0] - high == pytest.approx((low - high) / 9, abs=0.1)
        assert low - scaled[1] == pytest.approx((low - high) / 9, abs=0.1)


def test_a_history_is_not_made_of_other_figures(files, capsys):
    argv = ['card', str(files / 'w.safetensors'), '-o', str(files / 'C.md')]
    argv += ['--history', str(files / 'h.csv'), '--eval']
    assert cli.main([*argv, str(files / 'u.json')]) == 2
    assert '1 sample' in capsys.readouterr().err
    assert not (files / 'C.md').exists()  # refused before anything is written
    indoor = evaluation(2, 0.3)
    del indoor['domains']['outdoor']
    with pytest.raises(ValueError, match='no outdoor set'):
        row(1, indoor, '')
    (files / 'h.csv').write_text('hours,words\n1,2\n')
    with pytest.raises(ValueError, match='other columns'):
        add(files / 'h.csv', row(1, evaluation(2, 0.3), ''))
    assert (files / 'h.csv').read_text() == 'hours,words\n1,2\n'
