# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Child processes that are gone when we are done with them, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import contextlib
from contextlib import contextmanager
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

# What a process is asked with, and how many seconds it has to obey.
REQUESTS = ((signal.SIGINT, 5.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))
DOMAINS = range(60, 101)  # of DDS: robots count from 0, and above 101 ports may be taken


class Child:
    """
    A process in a group of its own, so that Ctrl-C reaches it only through us.

    name: what errors call it
    log: file that gets all that it prints
    """

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        self.name, self.log = name, log
        with open(log, 'wb') as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def check(self) -> None:
        """Raise a RuntimeError with the last words of a child that ended by itself."""
        code = self._process.poll()
        if code is None:
            return
        lines = [line for line in self.log.read_text(errors='replace').splitlines() if line]
        ending = f'was ended by signal {-code}' if code < 0 else f'ended with exit code {code}'
        words = f': {lines[-1].strip()}' if lines else ''
        raise RuntimeError(f'the {self.name} {ending}{words}; all it said is in {self.log}')

    @property
    def cpu_seconds(self) -> float:
        """Seconds of processor time that all its threads have used so far, on Linux."""
        # The clock that clock_getcpuclockid(3) names; /proc counts in hundredths of a second.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def stop(self) -> None:
        """Ask, insist, kill; returns when the process and those it started are gone."""
        for number, seconds in REQUESTS:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self._process.poll()  # reaps it, without which the group would go on
                if not self._alive():
                    return
                time.sleep(0.02)

    def _alive(self) -> bool:
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True


def isolate() -> None:
    """Keep our topics from a robot nearby, and let big images through; children inherit it."""
    os.environ['ROS_DOMAIN_ID'] = str(DOMAINS[os.getpid() % len(DOMAINS)])
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    shares = [Path(prefix) / 'share' / 'grin_ros' for prefix in prefixes if prefix]
    for folder in (Path(__file__).resolve().parents[1], *shares):
        if (folder / 'config' / 'fastdds.xml').is_file():
            profile = str(folder / 'config' / 'fastdds.xml')
            os.environ.setdefault('FASTRTPS_DEFAULT_PROFILES_FILE', profile)


@contextmanager
def children(folder: Path) -> Iterator[Callable[..., Child]]:
    """Start Python processes by `start(name, *arguments)`, and end them all at the end."""
    born = []

    def start(name: str, *arguments: str) -> Child:
        born.append(Child(name, [sys.executable, *arguments], folder / f'{name}.log'))
        return born[-1]

    try:
        yield start
    finally:
        for child in reversed(born):
            child.stop()


@contextmanager
def signals_held() -> Iterator[list[int]]:
    """
    Collect signals, so that none comes between the birth of a child and our knowing of it.

    Nor can a second Ctrl-C keep us from cleaning up after the first.
    """
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {one: signal.signal(one, lambda number, _: came.append(number)) for one in numbers}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt
