# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
Published evaluation protocols, each reading a data set in the layout it is distributed in.

docs/protocols.md says which files, frames, pixels and depths count, and after whom.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from .protocol import ProtocolSet

# protocol -> its module here, which has load(root) -> list[ProtocolSet]
PROTOCOLS = {
    'kitti_eigen': 'kitti',
    'nyu': 'nyu',
    'ddad': 'ddad',
    'nuscenes': 'nuscenes',
    'sunrgbd': 'sunrgbd',
    'diode': 'diode',
    'ibims1': 'ibims1',
    'eth3d': 'eth3d',
    'vkitti2': 'vkitti2',
}


def load_protocol(name: str, root: str | Path) -> list[ProtocolSet]:
    """
    Find the frames of a protocol.

    root: folder of the data set
    returns: the sets that the protocol reports apart, mostly one; none is empty
    """
    if name not in PROTOCOLS:
        raise ValueError(f'unknown protocol {name!r}; choose one of {", ".join(PROTOCOLS)}')
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f'{root}: no such folder; name the one that holds {name}')
    sets = import_module(f'.{PROTOCOLS[name]}', __name__).load(root)
    found = [one for one in sets if len(one)]
    if not found:
        raise ValueError(
            f'{root}: no frame of {name}; docs/protocols.md says what has to lie where'
        )
    return found
