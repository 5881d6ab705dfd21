# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""A child process that is gone when we are done with it, whatever happens."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
import signal
import subprocess
import time

# What a process is asked with, and how many seconds it has to obey.
REQUESTS = ((signal.SIGINT, 5.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0))


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
