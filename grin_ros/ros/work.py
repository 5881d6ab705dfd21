# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the worker thread does: frames of one or several cameras through the model, and out."""

from __future__ import annotations

from collections.abc import Callable
import time

from grin_ros.ros.diagnostics import sentence
from grin_ros.ros.model import Interrupted, Model
from grin_ros.ros.node_config import NodeConfig
from grin_ros.ros.stream import CameraStream


def bring_through(
    messages: dict[CameraStream, object],
    model: Model,
    config: NodeConfig,
    alive: Callable[[], bool],
) -> str | None:
    """
    Decode, infer and publish; whatever is wrong with a frame, the next one gets its chance.

    messages: the newest image of each camera that has one
    alive: tells whether the answers are still wanted
    returns: why the model failed, empty if it did not, None if it had nothing to do
    """
    begun, frames = time.monotonic(), {}
    for stream, message in messages.items():
        if not stream.wanted(message.header, config):
            continue
        try:
            frames[stream] = stream.read(message, config)
        except Exception as error:
            stream.refuse(sentence(error))
    if not frames:
        return None
    try:
        predictions = model.infer([*frames.values()], config, alive)
    except Interrupted:
        return None
    except Exception as error:
        for stream in frames:
            stream.refuse(sentence(error))
        return sentence(error)
    for (stream, frame), prediction in zip(frames.items(), predictions):
        try:
            if alive():
                missing = stream.write(frame, prediction, config, begun)
                if missing and alive():
                    stream.miss(missing)
        except Exception as error:
            if alive():  # else its topics went away under it
                stream.refuse(sentence(error))
    return ''
