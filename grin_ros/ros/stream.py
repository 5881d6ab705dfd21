# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""One camera of the node: its topics, its calibration, and what was counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import math
import time

from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Float64

from grin_ros.pipeline import Prediction
from grin_ros.prompt import Prompt
from grin_ros.ros import qos
from grin_ros.ros.calibration import Calibration, seconds
from grin_ros.ros.converter import DepthConverter, Frame, OUTPUTS
from grin_ros.ros.diagnostics import FrameMonitor, sentence
from grin_ros.ros.node_config import NodeConfig
from grin_ros.ros.prompt_topic import PromptTopic
from grin_ros.ros.transforms import Transforms
from grin_ros.video import Video

# Milliseconds: of work, from publication to publication, from stamp to publication.
DEBUG = ('debug/processing_time_ms', 'debug/cyclic_time_ms', 'debug/pipeline_latency_ms')
ANEW = 1.0  # seconds that stamps go back where time begins anew; frames that swap places, less
EARLY = 0.95  # of the period of clouds, because cameras are not quite regular


class CameraStream:
    """
    The topics of one camera: publishers at once, subscriptions while it is open.

    node: the LifecycleNode that they belong to
    name: prefix of the topics; empty without one
    """

    def __init__(self, node, name: str) -> None:
        self.name = name
        self._node = node
        self._prefix = f'{name}/' if name else ''
        self.info_topic = node.resolve_topic_name(f'{self._prefix}camera_info')
        self.mismatches = {}  # topic -> sentence about its quality of service
        self.silence, self.silent_since = '', 0.0  # what keeps images away, if they have for long
        self._inputs, self._outputs, self._transforms = [], {}, None
        try:
            for topic, kind in {**OUTPUTS, **dict.fromkeys(DEBUG, Float64)}.items():
                self._outputs[topic] = self._create_publisher(kind, self._prefix + topic)
        except Exception:
            self.destroy()
            raise

    def open(self, config: NodeConfig, put: Callable[[CameraStream, Image], None]) -> None:
        """Listen to image and CameraInfo; put: called with (self, image)."""
        topic, kind = self._node.resolve_topic_name(f'{self._prefix}image'), Image
        self.monitor, self.calibration = FrameMonitor(), Calibration(topic)
        self.converter = DepthConverter(self.calibration)
        self.header = self.size = None  # of the newest image; (height, width), None if compressed
        self.silence = ''
        self._published = None  # when, monotonic seconds
        self._cloud_stamp = -math.inf
        if config.image_transport == 'compressed':
            topic, kind = f'{topic}/compressed', CompressedImage
        self.image_topic = topic

        def on_image(message):
            self.header = message.header
            self.size = (message.height, message.width) if kind is Image else None
            back = self.monitor.received(seconds(message.header.stamp), self._now())
            if back > ANEW and self._transforms is not None:
                self._transforms.clear()
            put(self, message)

        self._subscribe(kind, topic, on_image)
        self._subscribe(CameraInfo, self.info_topic, self.calibration.add)
        self._open_prompts(config)

    def _open_prompts(self, config: NodeConfig) -> None:
        """Listen to what else is asked for: clouds, transforms."""
        self._video = self._prompts = None
        frame, prompted = config.cloud_height_frame, config.prompt != 'off'
        uses = {
            'prompt without prompt_extrinsic': prompted and not config.static_extrinsic,
            'prompt_fixed_frame': prompted and config.prompt_fixed_frame,
            'cloud_height_frame': frame,
        }
        needed_by = next((name for name, used in uses.items() if used), None)
        if needed_by:
            self._transforms = Transforms(self._node, needed_by)
        if frame:
            self.converter.plane = lambda header: tuple(
                self._transforms.pose(frame, header.frame_id, header.stamp)[2]
            )
        if prompted:
            self._prompts = PromptTopic(self._transforms)
            topic = self._node.resolve_topic_name(f'{self._prefix}points_prompt')
            self._subscribe(PointCloud2, topic, self._prompts.add)

    def close(self) -> None:
        """Stop listening."""
        if self._transforms is not None:
            self._transforms.close()
            self._transforms = None
        for subscription in self._inputs:
            self._node.destroy_subscription(subscription)
        self._inputs = []

    def destroy(self) -> None:
        """Remove all topics."""
        self.close()
        for publisher in self._outputs.values():
            self._node.destroy_lifecycle_publisher(publisher)
        self._outputs = {}

    def wanted(self, header=None, config: NodeConfig | None = None) -> list[str]:
        """Return the outputs that somebody listens to; of an image, those whose turn it is."""
        outputs = self._outputs.copy()
        names = [name for name in OUTPUTS if name in outputs and _heard(outputs[name])]
        if 'points' in names and header is not None and config.cloud_rate:
            since = seconds(header.stamp) - self._cloud_stamp
            if 0 < since < EARLY / config.cloud_rate:
                names.remove('points')
        return names

    def unheard(self, topic: str) -> bool:
        """Tell whether somebody subscribes to an output whom it does not reach."""
        reached = [one for one in self._outputs.values() if one.topic_name == topic]
        count = sum(one.get_subscription_count() for one in reached)
        return bool(reached) and self._node.count_subscribers(topic) > count

    def read(self, message, config: NodeConfig) -> Frame:
        """Make a frame of an image; raises a ValueError that says what is wrong with it."""
        age = self._now() - seconds(message.header.stamp)
        if 0 < config.max_age < age:
            raise ValueError(
                f'the image is {age:.3g} s old, older than max_age: synchronise the clocks, or '
                f'raise max_age'
            )
        if config.intrinsics == 'camera_info':
            self.calibration.wait(message.header)
        frame = self.converter.read(message, config)
        return replace(
            frame, prompt=self._prompt(frame, config), video=self._follow(frame, config)
        )

    def _prompt(self, frame: Frame, config: NodeConfig) -> Prompt | None:
        if self._prompts is None:
            return None
        try:
            return self._prompts.prompt(frame.header, frame.camera, config)
        except ValueError as error:
            self.miss(f'no prompt: {error}')
            return None

    def _follow(self, frame: Frame, config: NodeConfig) -> Video | None:
        if not config.video_start:
            self._video = None
            return None
        options = config.video_start, config.video_hold, config.video_max_gap
        self._video = self._video or Video(*options)
        self._video.set(*options)
        self._video.follow(frame.image, seconds(frame.header.stamp))
        return self._video

    def write(self, frame: Frame, prediction: Prediction, config: NodeConfig, begun: float) -> str:
        """
        Publish all that is wanted of a frame and can be made.

        begun: monotonic seconds
        returns: which topics are missing and why, empty if none is
        raises: ValueError saying the same if all of them are
        """
        outputs = self._outputs.copy()
        wanted, failures = self.wanted(frame.header, config), {}
        for topic, make in self.converter.write(frame, prediction, config, wanted):
            try:
                outputs[topic].publish(make())
            except Exception as error:  # a transform, a library; the other topics need neither
                failures[topic] = sentence(error)
        missing = '; '.join(f'no {topic}: {reason}' for topic, reason in failures.items())
        if failures and len(failures) == len(wanted):
            raise ValueError(missing)
        if 'points' in wanted and 'points' not in failures:
            self._cloud_stamp = seconds(frame.header.stamp)
        now, latency = time.monotonic(), self._now() - seconds(frame.header.stamp)
        self.monitor.published(latency)
        cycle = now - (self._published or now)
        self._published = now
        for topic, value in zip(DEBUG, (now - begun, cycle, latency)):
            if _heard(outputs[topic]):
                outputs[topic].publish(Float64(data=1e3 * value))
        return missing

    def refuse(self, reason: str) -> None:
        """Count a frame that could not be used, and say so now and then."""
        if self.monitor.refuse(reason):
            self._node.get_logger().warning(f'Frame refused: {reason}')

    def miss(self, reason: str) -> None:
        """Say now and then that, and why, a frame went out without a prompt or some topic."""
        if self.monitor.miss(reason):
            self._node.get_logger().warning(f'Frame incomplete: {reason}')

    def _now(self) -> float:
        return 1e-9 * self._node.get_clock().now().nanoseconds

    def _create_publisher(self, kind, topic: str):
        topic = self._node.resolve_topic_name(topic)
        return self._node.create_lifecycle_publisher(
            kind,
            topic,
            event_callbacks=qos.publisher_events(topic, self._mismatch(topic)),
            **qos.reliable(),
        )

    def _subscribe(self, kind, topic: str, callback) -> None:
        def receive(message):
            self.mismatches.pop(topic, None)  # over, as this shows
            callback(message)

        self.mismatches.pop(topic, None)
        events = qos.subscription_events(topic, self._mismatch(topic))
        self._inputs.append(
            self._node.create_subscription(
                kind, topic, receive, event_callbacks=events, **qos.newest()
            )
        )

    def _mismatch(self, topic: str):
        def report(sentence: str) -> None:
            if self.mismatches.get(topic) != sentence:
                self._node.get_logger().warning(f'Topics do not connect: {sentence}')
            self.mismatches[topic] = sentence

        return report


def _heard(publisher) -> bool:
    return publisher.get_subscription_count() > 0
