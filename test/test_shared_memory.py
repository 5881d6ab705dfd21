# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""How much memory the profile shares, and that what is swept away is what nobody holds."""

from __future__ import annotations

import fcntl
import os
from xml.etree import ElementTree

from shared_memory import FRESH, sweep


def test_only_segments_without_an_owner_go(tmp_path):
    def make(name, age=2 * FRESH):
        for suffix in ('', '_el'):
            path = tmp_path / f'{name}{suffix}'
            path.write_bytes(b'x')
            os.utime(path, (path.stat().st_mtime - age,) * 2)

    for name in ('fastrtps_dead', 'fastdds_dead', 'fastrtps_alive', 'fastrtps_port7400', 'other'):
        make(name)
    make('fastrtps_new', age=0)
    with open(tmp_path / 'fastrtps_alive_el') as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        assert sweep(tmp_path) == 2
    left = {path.name for path in tmp_path.iterdir() if not path.name.endswith('_el')}
    assert left == {'fastrtps_alive', 'fastrtps_port7400', 'fastrtps_new', 'other'}


def test_the_profile_has_64_mib_of_shared_memory_and_a_network():
    tree = ElementTree.parse(os.environ['FASTRTPS_DEFAULT_PROFILES_FILE'])
    transports = {t.findtext('type'): t for t in tree.iterfind('.//transport_descriptor')}
    assert transports.keys() == {'SHM', 'UDPv4'}
    assert int(transports['SHM'].findtext('segment_size')) == 64 * 2**20
