# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""One parameter of the node: a field of a dataclass with what a user needs to know of it."""

from __future__ import annotations

from dataclasses import field

LIVE, RELOAD = 'at once', 'when the service reload is called'
CONFIGURE, START = 'when the node is configured', 'when the process starts'


def parameter(default, text: str, when: str = LIVE, low=None, high=None, choices=()):
    """Declare a field with what a user needs to know of it; low and high are both allowed."""
    facts = {'text': text, 'when': when, 'low': low, 'high': high, 'choices': choices}
    return field(default=default, metadata=facts)
