# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""How long a node takes to obey while a frame is in its model."""

from __future__ import annotations

from lifecycle_msgs.srv import ChangeState
import numpy as np
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter

from grin_ros.ros.stopwatch import Stopwatch

ANSWER_LIMIT = 10.0  # seconds


def command_times(
    watch: Stopwatch, node: str, rounds: int, lead: float
) -> dict[str, dict[str, float]]:
    """
    Set a parameter, deactivate and activate, each time with a frame in the model.

    node: its full name, of a node in the namespace that `watch` sends to
    lead: seconds that a frame is given to get into the model, less than it stays there
    returns: for each command p50 and max, milliseconds from the call to the reply
    Raises RuntimeError when the node refuses one, TimeoutError when it does not answer.
    """
    namespace = node.strip('/').partition('/')[0]
    took: dict[str, list[float]] = {'set_parameters': [], 'deactivate': [], 'activate': []}

    def ask(name: str, kind: type, service: str, request) -> object:
        seconds, reply = watch.ask(kind, f'{node}/{service}', request, ANSWER_LIMIT)
        took[name].append(1000 * seconds)
        return reply

    for number in range(rounds):
        watch.send(namespace)
        watch.wait(lambda: False, lead)
        change = SetParametersAtomically.Request()
        change.parameters = [Parameter('steps', value=1 + number % 2).to_parameter_msg()]
        service = 'set_parameters_atomically'
        result = ask('set_parameters', SetParametersAtomically, service, change).result
        if not result.successful:
            raise RuntimeError(f'{node} refused a parameter: {result.reason}')
        for label in ('deactivate', 'activate'):
            change = ChangeState.Request()
            change.transition.label = label
            if not ask(label, ChangeState, 'change_state', change).success:
                raise RuntimeError(f'{node} did not {label}')
    return {
        name: {'p50': float(np.median(times)), 'max': max(times)} for name, times in took.items()
    }
