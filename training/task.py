# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the runs in a folder are of, so that nobody takes them for those of something else."""

from __future__ import annotations

import json
from pathlib import Path

NAME = 'task.json'


def settle(folder: Path, task: dict) -> None:
    """
    Note what the runs in a folder are of, before the first; later, see that it is still the same.

    task: plain values on which the runs depend
    raises: FileExistsError where the folder holds runs of something else
    """
    path = folder / NAME
    text = json.dumps(task) + '\n'
    found = path.read_text() if path.is_file() else ''
    if found != text and next(folder.glob('*/*.safetensors'), None):
        raise FileExistsError(
            f'{folder} holds runs of {found.strip() or "nobody knows what"}, not of '
            f'{text.strip()}: name another folder, or delete it'
        )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
