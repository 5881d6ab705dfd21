# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""The state of one camera's topics as an operator wants to read it: what is wrong, what to do."""

from __future__ import annotations

from grin_ros.ros.diagnostics import ERROR, OK, WARN
from grin_ros.ros.node_config import NodeConfig
from grin_ros.ros.stream import CameraStream

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'

Health = tuple[bytes, str, dict]  # level, message, values


def input_health(node, stream: CameraStream, config: NodeConfig, replaced: int) -> Health:
    """Tell whether images come, come in time, and can be used."""
    monitor = stream.monitor
    values = {'topic': stream.image_topic, **monitor.input_figures(), 'dropped_frames': replaced}
    if monitor.silence > config.warn_silence:
        level = ERROR if monitor.silence > config.error_silence else WARN
        return level, f'no image for {monitor.silence:.1f} s: {_silence(node, stream)}', values
    if complaint := monitor.complaint():
        senders = node.count_publishers(stream.image_topic)
        others = f'; {senders} publishers send {stream.image_topic}: stop or remap all but one'
        return WARN, complaint + others * (senders > 1), values
    if abs(monitor.offset) > config.warn_stamp_offset:
        side = 'behind' if monitor.offset > 0 else 'ahead of'
        return WARN, (
            f'stamps are {abs(monitor.offset):.3g} s {side} the clock: synchronise the clocks, or '
            f'set use_sim_time if a bag or a simulation has a clock of its own'
        ), values  # fmt: skip
    return OK, 'images come', values


def camera_health(node, stream: CameraStream, config: NodeConfig) -> Health:
    """Tell whether the calibration can be used, and how it is understood."""
    try:
        # While nobody asks for depth, images are not looked at, but they will have some camera.
        sight = stream.converter.sight() if stream.wanted() else None
        if sight is None and config.intrinsics == 'parameters' and stream.size is None:
            return OK, 'no image was looked at yet', {}
        view = sight[0] if sight else stream.calibration.view(None, stream.size, config)
    except ValueError as error:
        published = node.count_publishers(stream.info_topic)
        mismatch = published and stream.mismatches.get(stream.info_topic)
        hint = mismatch or _beside(node, stream)
        return ERROR, f'{error}{f"; {hint}" if hint else ""}', {'topic': stream.info_topic}
    doubt = stream.calibration.doubt(stream.header, config)
    if view is None:
        return (WARN, doubt, {}) if doubt else (OK, 'not used: intrinsics is none', {})
    camera = view[0]
    values = {name: f'{float(getattr(camera, name)):.2f}' for name in ('fx', 'fy', 'cx', 'cy')}
    values |= {
        'height': camera.size[0],
        'width': camera.size[1],
        'distortion': camera.distortion.model if camera.distortion else 'none',
        'rectified_by_node': camera.distortion is not None,
    }
    return (WARN, doubt, values) if doubt else (OK, 'usable', values)


def output_health(stream: CameraStream, config: NodeConfig) -> Health:
    """Tell whether depth goes out, and how late."""
    values = {**stream.monitor.output_figures(), 'topics': ' '.join(stream.wanted())}
    latency = stream.monitor.latency
    if latency > config.warn_latency and abs(stream.monitor.offset) <= config.warn_stamp_offset:
        level = ERROR if latency > config.error_latency else WARN
        return level, (
            f'depth is {latency:.3g} s old when it goes out: lower steps or samples, raise '
            f'stride, or use a faster device'
        ), values  # fmt: skip
    if missing := stream.monitor.missing():
        return WARN, missing, values
    for topic, sentence in stream.mismatches.items():
        if stream.unheard(topic):
            return WARN, sentence, values
    return OK, 'running' if stream.wanted() else 'idle: nobody subscribes', values


def _beside(node, stream: CameraStream) -> str:
    """Say so if there is a CameraInfo where drivers put it, and nobody publishes ours."""
    topic = stream.image_topic.removesuffix('/compressed').rpartition('/')[0] + '/camera_info'
    if node.count_publishers(stream.info_topic) or not node.count_publishers(topic):
        return ''
    return f'{topic} is there'


def _silence(node, stream: CameraStream) -> str:
    """Say why no image comes, from what the graph shows."""
    topic = stream.image_topic
    expected = COMPRESSED if topic.endswith('/compressed') else IMAGE
    others = {one.topic_type for one in node.get_publishers_info_by_topic(topic)}
    if others and topic in stream.mismatches:
        return stream.mismatches[topic]
    if others and expected not in others:
        return f'{topic} is of type {", ".join(sorted(others))}, not {expected}: remap image'
    if others:
        return (
            f'{topic} has a publisher that is silent; if it does send, its images may be too big '
            f'for the shared memory of Fast DDS: set FASTRTPS_DEFAULT_PROFILES_FILE (Fast DDS 3: '
            f'FASTDDS_DEFAULT_PROFILES_FILE) for both ends'
        )
    raw = topic.removesuffix('/compressed')
    other, name = (raw, 'raw') if topic != raw else (f'{raw}/compressed', 'compressed')
    if node.count_publishers(other):
        return f'nobody publishes {topic}, but {other} is there: set image_transport to {name}'
    return f'nobody publishes {topic}: start the camera, or remap image to its topic'
