# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The `grin` command: one thin dispatcher over the commands, each of which lives in its module.

A command's module is imported only when it is asked for, because torch alone takes seconds.
"""

from __future__ import annotations

import argparse
from importlib import import_module
import sys

import grin_ros

# command -> module with add_arguments(parser) and run(args) -> exit code, and its one-line help.
COMMANDS = {
    'predict': ('grin_ros.predict', 'images to metric depth files'),
    'complete': ('grin_ros.complete', 'images and a little known depth to dense depth'),
    'eval': ('grin_ros.training.evaluate', 'score a checkpoint on sample sets'),
    'scene': ('grin_ros.scene_command', 'one image to a 3D scene and a flight through it'),
    'train': ('grin_ros.training.train', 'train from a YAML recipe'),
    'pretrain': ('grin_ros.training.pretrain', 'teach DepthGen pictures, without any depth'),
    'weights': ('grin_ros.training.weights', 'make the default weights, from nothing'),
    'average': ('grin_ros.training.average', 'one checkpoint between several'),
    'ablate': ('grin_ros.training.ablate', 'what each part of the method is worth'),
    'calibrate': ('grin_ros.training.calibrate', 'fit the uncertainty of a checkpoint'),
    'bag': ('grin_ros.training.bag_command', 'look into bags and make sample sets of them'),
    'card': ('grin_ros.training.card', 'write the model card of a checkpoint'),
    'synth': ('grin_ros.training.world.synth', 'render a synthetic sample set'),
    'bench': ('grin_ros.bench', 'time the pipeline on this machine'),
    'bench-data': ('grin_ros.training.bench_data', 'the same as `bench data`: time bag to batch'),
    'study': ('grin_ros.training.study', 'measure prompts and video on known depth'),
    'info': ('grin_ros.info', 'say what a checkpoint holds'),
    'play': ('grin_ros.training.play', 'publish a bag or a sample set as a camera'),
    'demo': ('grin_ros.demo', 'camera process and node over DDS, with pictures and a report'),
}

USER_ERROR = 2
INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """
    Run one command.

    argv: the words after `grin`; None takes them from the process
    returns: exit code; 0 well, 2 a mistake that one sentence on stderr explains, 130 Ctrl-C
    """
    argv = sys.argv[1:] if argv is None else argv
    if argv[:2] == ['bench', 'data']:  # of training, of which grin_ros.bench knows nothing
        argv = ['bench-data', *argv[2:]]
    try:
        args = _parser(argv).parse_args(argv)
        return args.run(args) or 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # `grin ... | head` is no mistake
        return 0
    except _mistakes() as error:
        print(f'grin: {_sentence(error)}', file=sys.stderr)
        return USER_ERROR


def _mistakes() -> tuple[type[Exception], ...]:
    """Return what one sentence explains; of libraries only where a command has imported them."""
    others = (('cv2', 'error'), ('torch.cuda', 'OutOfMemoryError'))
    loaded = [getattr(sys.modules[name], error) for name, error in others if name in sys.modules]
    return (ValueError, KeyError, OSError, MemoryError, ModuleNotFoundError, *loaded)


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='grin', description='Metric depth from one camera.')
    parser.add_argument('--version', action='version', version=f'grin {grin_ros.__version__}')
    commands = parser.add_subparsers(metavar='command', required=True)
    chosen = argv[0] if argv else None
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == chosen:
            implementation = import_module(module)
            implementation.add_arguments(command)
            command.set_defaults(run=implementation.run)
    return parser


def _sentence(error: Exception) -> str:
    """Bring an exception to one line: KeyError quotes its text, OSError keeps the path apart."""
    if isinstance(error, OSError) and error.filename is not None:
        return f'{error.filename}: {error.strerror}.'
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return ' '.join(text.split()) or type(error).__name__
