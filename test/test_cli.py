# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import grin_ros
from grin_ros import cli


@pytest.fixture
def command(monkeypatch):
    """Put a command in the place of `info`; its run does what the test says."""
    module = ModuleType('stand_in')
    module.add_arguments = lambda parser: parser.add_argument('--times', type=int, default=1)
    module.run = lambda args: 0
    monkeypatch.setitem(sys.modules, 'stand_in', module)
    monkeypatch.setitem(cli.COMMANDS, 'info', ('stand_in', 'a stand-in'))
    return module


def test_arguments_and_exit_code_are_the_commands(command):
    command.run = lambda args: args.times
    assert cli.main(['info', '--times', '7']) == 7
    command.run = lambda args: None
    assert cli.main(['info']) == 0


@pytest.mark.parametrize(
    ('error', 'sentence'),
    [
        (ValueError('the image is empty; give another'), 'the image is empty; give another'),
        (KeyError('no model big; candidates: small'), 'no model big; candidates: small'),
        (FileNotFoundError(2, 'No such file', 'a.png'), 'a.png: No such file.'),
        (FileNotFoundError('a.png: no such image'), 'a.png: no such image'),
        (ValueError('two\nlines'), 'two lines'),
        (ModuleNotFoundError('No module named rclpy'), 'No module named rclpy'),
        (MemoryError('cuda has not enough memory'), 'cuda has not enough memory'),
        (ValueError(), 'ValueError'),
    ],
)
def test_a_users_mistake_is_one_sentence(command, capsys, error, sentence):
    def run(args):
        raise error

    command.run = run
    assert cli.main(['info']) == 2
    assert capsys.readouterr() == ('', f'grin: {sentence}\n')


def test_what_opencv_and_torch_cannot_do_is_one_sentence(command, capsys):
    import cv2
    import torch

    for error in (cv2.error('no such\n colour'), torch.cuda.OutOfMemoryError('out of memory')):
        command.run = lambda args, error=error: (_ for _ in ()).throw(error)
        assert cli.main(['info']) == 2
        assert capsys.readouterr().err == f'grin: {" ".join(str(error).split())}\n'


def test_our_own_mistakes_keep_their_traceback(command):
    command.run = lambda args: 1 / 0
    with pytest.raises(ZeroDivisionError):
        cli.main(['info'])


def test_ctrl_c_is_quiet(command, capsys):
    def run(args):
        raise KeyboardInterrupt

    command.run = run
    assert cli.main(['info']) == 130
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize('argv', [[], ['paint'], ['info', '--tims', '3']])
def test_unknown_words_exit_with_2(command, argv, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(argv)
    assert stop.value.code == 2
    assert 'usage: grin' in capsys.readouterr().err


def test_help_and_version_import_no_command(capsys):
    code = (
        'import sys, contextlib\n'
        'from grin_ros import cli\n'
        'with contextlib.suppress(SystemExit): cli.main(["--help"])\n'
        'with contextlib.suppress(SystemExit): cli.main(["--version"])\n'
        'sys.exit("torch" in sys.modules or "numpy" in sys.modules)\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in cli.COMMANDS)
    assert f'grin {grin_ros.__version__}' in done.stdout
