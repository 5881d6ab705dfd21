# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What every test shares: the Fast DDS profile, a ROS domain of its own, the real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from shared_memory import sweep

ROOT = Path(__file__).resolve().parents[1]

# Before any test imports rclpy, and inherited by the processes that tests start.
os.environ.setdefault('FASTRTPS_DEFAULT_PROFILES_FILE', str(ROOT / 'config' / 'fastdds.xml'))
os.environ.setdefault('RCUTILS_COLORIZED_OUTPUT', '0')
os.environ.setdefault('OMP_NUM_THREADS', '2')

_domains = iter(range(101))


@pytest.fixture
def ros_domain_id(monkeypatch) -> int:
    """
    Give the test a ROS domain of its own, in ROS_DOMAIN_ID, also for the processes it starts.

    The process id spreads two runs on one machine apart; domains end at 101, because above that
    DDS's ports may be those of the operating system.
    """
    domain = (os.getpid() + next(_domains)) % 101 + 1
    monkeypatch.setenv('ROS_DOMAIN_ID', str(domain))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    return domain


@pytest.fixture(scope='session')
def real_data() -> Path:
    """Return the folder of real recordings, or skip the test where there is none."""
    if 'GRIN_TEST_DATA' not in os.environ:
        pytest.skip('GRIN_TEST_DATA names no folder of real recordings')
    return Path(os.environ['GRIN_TEST_DATA'])


@pytest.fixture(scope='session')
def open3d() -> None:
    """Skip the test where open3d lacks libraries of the system, which pip cannot install."""
    from grin_ros.training.world.raylight import import_open3d

    try:
        import_open3d()
    except OSError as error:
        pytest.skip(str(error))


@pytest.fixture
def one_thread():
    """Keep torch from waiting for its other threads, by which small work only loses."""
    import torch  # after OMP_NUM_THREADS, and not for tests that need none of it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pytest_sessionfinish() -> None:
    """Give the shared memory of the processes that tests have killed back to the machine."""
    sweep()
