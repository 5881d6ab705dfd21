# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""`python -m grin_ros` is `grin`; so is `torchrun --nproc-per-node 8 -m grin_ros`."""

from __future__ import annotations

import sys

from grin_ros.cli import main

if __name__ == '__main__':
    sys.exit(main())
