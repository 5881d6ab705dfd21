# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the pages under docs/ promise is there."""

from __future__ import annotations

import ast
from pathlib import Path
import re

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(ROOT.glob('docs/*.md'))
COMPLAINTS = (ROOT / 'docs' / 'complaints.md').read_text()


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_tests_that_are_named_exist(page):
    for file, name in re.findall(r'`([\w/]+\.py)(?:::(\w+))?`', page.read_text()):
        path = ROOT / 'test' / file if not (ROOT / file).exists() else ROOT / file
        assert path.exists(), file
        assert not name or name in functions(path), f'{file}::{name}'


@pytest.mark.parametrize('page', [*PAGES, ROOT / 'README.md'], ids=lambda page: page.name)
def test_pages_that_are_named_exist(page):
    text = page.read_text()
    for name in re.findall(r'\b(?:docs|config)/\w+\.(?:md|yaml|xml|jpg|rviz)\b', text):
        assert (ROOT / name).exists(), name


def test_every_complaint_has_an_answer():
    rows = re.findall(r'^\| (\d+) \| (.+) \| (.+) \|$', COMPLAINTS, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, 49))
    readme = (ROOT / 'README.md').read_text()
    for number, _, answer in rows:
        assert re.search(r'::|README|docs/|cannot apply|as \d+', answer), number
        for title in re.findall(r'README, "([^"]+)"', answer):
            assert f'## {title}' in readme, title
