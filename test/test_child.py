# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
import sys
import time

import pytest

from grin_ros import child as module
from grin_ros.child import Child

STUBBORN = """
import os, signal, subprocess, sys, time
for number in (signal.SIGINT, signal.SIGTERM)[:int(sys.argv[1])]:
    signal.signal(number, signal.SIG_IGN)
grandchild = subprocess.Popen(['sleep', '60'])
print(grandchild.pid, flush=True)
time.sleep(60)
"""


BUSY = """
import threading, time
def work():
    while time.process_time() < 0.3:
        pass
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(time.process_time(), flush=True)
time.sleep(60)
"""


def python(tmp_path, code, *arguments) -> Child:
    return Child('robot', [sys.executable, '-c', code, *arguments], tmp_path / 'robot.log')


def wait_for(condition):
    end = time.monotonic() + 20
    while not (value := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return value


def alive(pid: int) -> bool:
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


@pytest.mark.parametrize('ignored', [0, 1, 2])
def test_a_child_goes_and_takes_its_own_children_along(tmp_path, monkeypatch, ignored):
    patience = [(number, 0.5) for number, _ in module.REQUESTS]
    monkeypatch.setattr(module, 'REQUESTS', patience)
    child = python(tmp_path, STUBBORN, str(ignored))
    grandchild = int(wait_for(child.log.read_text))
    assert alive(grandchild)
    begin = time.monotonic()
    child.stop()
    # A grandchild ignores what its parent ignored when it was started.
    assert 0.5 * ignored <= time.monotonic() - begin < 5
    wait_for(lambda: not alive(grandchild))
    with pytest.raises(RuntimeError, match=r'the robot (was )?ended'):
        child.check()
    child.stop()  # once more does no harm


def test_a_child_that_runs_is_fine_and_one_that_ended_is_quoted(tmp_path):
    child = python(tmp_path, 'import time; time.sleep(60)')
    child.check()
    child.stop()
    child = python(tmp_path, "import sys; print('fine so far'); sys.exit('wheel lost')")

    def ended():
        try:
            child.check()
        except RuntimeError as error:
            return str(error)

    message = f'the robot ended with exit code 1: wheel lost; all it said is in {child.log}'
    assert wait_for(ended) == message


def test_processor_time_counts_all_threads_and_is_finer_than_a_tick(tmp_path):
    child = python(tmp_path, BUSY)
    try:
        told = float(wait_for(child.log.read_text))
        seconds = child.cpu_seconds
        assert told <= seconds < told + 0.009  # less than a tick
    finally:
        child.stop()
