# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""Quality of service: what we ask and offer, how users override it, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.qos import QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks

# What anybody can talk to: asked of a publisher, offered to a subscriber.
LEAST = {'reliability': 'best_effort', 'durability': 'volatile'}
MOST = {'reliability': 'reliable', 'durability': 'transient_local'}


def newest() -> dict:
    """Return the arguments of a subscription: whatever the camera offers, newest message only."""
    return _arguments(QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))


def reliable() -> dict:
    """Return the arguments of a publisher: whatever the listener asks, except for old messages."""
    return _arguments(QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE))


def subscription_events(topic: str, report: Callable[[str], None]) -> SubscriptionEventCallbacks:
    """Report, in a sentence with the remedy, a publisher that we cannot listen to."""
    return SubscriptionEventCallbacks(
        incompatible_qos=lambda event: report(
            f'a publisher of {topic} offers less {_policy(event)} than is asked for: '
            + _remedy(topic, 'subscription', _policy(event), LEAST)
        )
    )


def publisher_events(topic: str, report: Callable[[str], None]) -> PublisherEventCallbacks:
    """Report, in a sentence with the remedy, a subscriber that cannot listen to us."""
    return PublisherEventCallbacks(
        incompatible_qos=lambda event: report(
            f'a subscriber of {topic} asks for more {_policy(event)} than is offered: '
            + _remedy(topic, 'publisher', _policy(event), MOST)
        )
    )


def _arguments(profile: QoSProfile) -> dict:
    # A profile of its own for every topic, because the overrides are written into it.
    policies = (
        QoSPolicyKind.HISTORY,
        QoSPolicyKind.DEPTH,
        QoSPolicyKind.RELIABILITY,
        QoSPolicyKind.DURABILITY,
    )
    return {'qos_profile': profile, 'qos_overriding_options': QoSOverridingOptions(policies)}


def _policy(event) -> str:
    return QoSPolicyKind(event.last_policy_kind).name.lower()


def _remedy(topic: str, end: str, policy: str, value: dict[str, str]) -> str:
    if policy not in value:
        return f'change the {policy} of that node'
    return f'start with the parameter qos_overrides.{topic}.{end}.{policy} at {value[policy]}'
