# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The node: camera topics in, metric depth image and point cloud out.

The main thread runs the callbacks, which only store the newest frame; one worker thread decodes,
infers and publishes. Without a listener no frame is decoded.
"""

from __future__ import annotations

import signal
import sys
import threading

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rcl_interfaces.msg import SetParametersResult
import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import Trigger
import torch

from grin_ros.pipeline import DepthPipeline
from grin_ros.ros.background import Background
from grin_ros.ros.converter import DepthConverter, OUTPUTS
from grin_ros.ros.diagnostics import FrameMonitor, status
from grin_ros.ros.newest import NewestWorker
from grin_ros.ros.parameters import declare_parameters, revise

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR
NEWEST = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)


class DepthNode(LifecycleNode):
    """
    The lifecycle node `grin_depth`: configured it holds a model, active it works.

    load: (checkpoint path or None, device=) -> a DepthPipeline, or what can stand in for one
    """

    def __init__(self, load=DepthPipeline.from_checkpoint, **kwargs) -> None:
        super().__init__('grin_depth', **kwargs)
        self._load = load
        self._config = declare_parameters(self)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._converter = None  # while configured
        self._worker = None  # while active
        self._failure = ''  # why the last configuration failed
        self._reloading = False
        self._inputs = []
        self._outputs = {}  # topic -> publisher
        self._info = None  # the newest CameraInfo
        self._monitor = FrameMonitor()
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # A group of its own, because it keeps its group from other callbacks as long as it waits.
        group = ReentrantCallbackGroup()
        self.create_service(Trigger, '~/reload', self._on_reload, callback_group=group)
        # Steady, because under use_sim_time a paused simulation would silence it.
        self.create_timer(1.0, self._diagnose, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def start(self) -> None:
        """Configure and activate, if the parameters want it."""
        if self._config.autostart and self.trigger_configure() == SUCCESS:
            self.trigger_activate()

    # Lifecycle

    def on_configure(self, state) -> TransitionCallbackReturn:
        try:
            pipeline = self._ready_pipeline(self._config)
        except Exception as error:  # whatever a file, a driver or a GPU can do wrong
            self._failure = sentence(error)
            self.get_logger().error(f'Cannot configure: {self._failure}')
            return FAILURE
        self._converter, self._failure = DepthConverter(pipeline), ''
        self._outputs = {
            name: self.create_lifecycle_publisher(kind, name, RELIABLE)
            for name, kind in OUTPUTS.items()
        }
        chosen = ', chosen by device: auto' if self._config.device == 'auto' else ''
        self.get_logger().info(f'Loaded {pipeline.checkpoint} on {pipeline.device}{chosen}')
        return SUCCESS

    def on_activate(self, state) -> TransitionCallbackReturn:
        self._monitor, self._info = FrameMonitor(), None
        self._worker = NewestWorker(self._process)
        topic, kind = self.resolve_topic_name('image'), Image
        if self._config.image_transport == 'compressed':
            topic, kind = f'{topic}/compressed', CompressedImage
        self._inputs = [
            self.create_subscription(kind, topic, self._on_image, NEWEST),
            self.create_subscription(CameraInfo, 'camera_info', self._on_info, NEWEST),
        ]
        self.get_logger().info(
            f'Listening to {" and ".join(one.topic_name for one in self._inputs)}'
        )
        return super().on_activate(state)

    def on_deactivate(self, state) -> TransitionCallbackReturn:
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state) -> TransitionCallbackReturn:
        self.release()
        return SUCCESS

    on_shutdown = on_error = on_cleanup

    def release(self) -> None:
        """Stop the work and let go of model, memory and topics; harmless at any time."""
        self._stop()
        for publisher in self._outputs.values():
            self.destroy_lifecycle_publisher(publisher)
        self._outputs, self._converter = {}, None
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def _stop(self) -> None:
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self._inputs = []
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    # Models

    def _ready_pipeline(self, config):
        """Load the checkpoint of a configuration and infer once; raises whatever can go wrong."""
        device = config.device
        if device == 'auto':
            device = 'cuda' if torch.cuda.is_available() else 'cpu'
        pipeline = self._load(config.checkpoint or None, device=device)
        DepthConverter(pipeline).warm_up(config)
        return pipeline

    async def _on_reload(self, request, response) -> Trigger.Response:
        """Load beside the model that works, and change over between two frames."""
        response.success, response.message = await self._reload()
        if response.success:
            self.get_logger().info(f'Reloaded {response.message}')
        else:
            self.get_logger().error(f'Not reloaded: {response.message}')
        return response

    async def _reload(self) -> tuple[bool, str]:
        converter, config = self._converter, self._config
        if converter is None:
            return False, 'there is no model yet: configure the node, which loads the checkpoint'
        if self._reloading:
            return False, 'a reload is under way: wait for its answer'
        self._reloading = True
        try:
            pipeline = await Background(lambda: self._ready_pipeline(config))
        except Exception as error:
            kept = f'{sentence(error)}; {converter.pipeline.checkpoint} stays in use'
            return False, kept
        finally:
            self._reloading = False
        if converter is not self._converter:
            return False, 'the node was cleaned up in the meantime'
        converter.pipeline = pipeline
        return True, f'{pipeline.checkpoint} on {pipeline.device}'

    # Callbacks of the main thread

    def _on_image(self, message) -> None:
        self._monitor.received()
        self._worker.put(message)

    def _on_info(self, message: CameraInfo) -> None:
        self._info = message

    def _on_set_parameters(self, parameters) -> SetParametersResult:
        changes = {parameter.name: parameter.value for parameter in parameters}
        try:
            self._config = revise(self._config, changes, configured=self._converter is not None)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    # Work of the worker thread

    def _process(self, message) -> None:
        """Bring one frame through; whatever is wrong with it, the next one gets its chance."""
        try:
            wanted = [name for name, one in self._outputs.items() if one.get_subscription_count()]
            if not wanted:
                return
            for name, result in self._converter(message, self._info, self._config, wanted):
                self._outputs[name].publish(result)
            stamp, now = message.header.stamp, self.get_clock().now().nanoseconds
            self._monitor.published(1e-9 * (now - stamp.nanosec) - stamp.sec)
        except Exception as error:
            if self._monitor.refuse(str(error)):
                self.get_logger().warning(f'Frame refused: {error}')

    # What the operator sees

    def _diagnose(self) -> None:
        node = self.get_fully_qualified_name().lstrip('/')
        array = DiagnosticArray()
        array.header.stamp = self.get_clock().now().to_msg()
        array.status = [status(node, 'depth', *self._depth_health())]
        if self._worker is not None:
            array.status.append(status(node, 'camera_info', *self._camera_health()))
        self._diagnostics.publish(array)

    def _depth_health(self) -> tuple[bytes, str, dict]:
        if self._converter is None:
            values = {'device': self._config.device}
            return (ERROR if self._failure else WARN), self._failure or 'unconfigured', values
        pipeline = self._converter.pipeline
        values = {
            'device': pipeline.device,
            'checkpoint': pipeline.checkpoint,
            'steps': self._config.steps or pipeline.steps,
        }
        if self._worker is None:
            return WARN, 'inactive', values
        values |= {**self._monitor.figures(), 'dropped_frames': self._worker.replaced}
        problem = self._monitor.problem()
        if problem:
            return WARN, problem, values
        listeners = any(one.get_subscription_count() for one in self._outputs.values())
        return OK, 'running' if listeners else 'idle: nobody subscribes', values

    def _camera_health(self) -> tuple[bytes, str, dict]:
        try:
            camera = self._converter.camera(self._info, self._config)
        except ValueError as error:
            return ERROR, str(error), {}
        if camera is None:
            return OK, 'not used: intrinsics is none', {}
        values = {name: f'{float(getattr(camera, name)):.2f}' for name in ('fx', 'fy', 'cx', 'cy')}
        distortion = camera.distortion.model if camera.distortion else 'none'
        values |= {'height': camera.size[0], 'width': camera.size[1], 'distortion': distortion}
        return OK, 'usable', values


def sentence(error: Exception) -> str:
    """Return what an error says, in one line."""
    return ' '.join(str(error).split()) or type(error).__name__


def main(args: list[str] | None = None, load=DepthPipeline.from_checkpoint) -> int:
    """Run the node until SIGINT or SIGTERM, which are a good end."""
    # rclpy's own handlers take the context away from under a transition or a publisher, and
    # Python's raise in the middle of anything; ours only let the loop end, however many come.
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = DepthNode(load)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        node.start()
        while not ended.is_set():
            try:
                executor.spin_once(timeout_sec=0.1)
            except Exception as error:  # such as a transition that the present state does not have
                node.get_logger().error(f'Request refused: {sentence(error)}')
        node.release()
        executor.shutdown()
        node.destroy_node()
    except (ValueError, ParameterException) as error:
        print(f'grin_depth: {error}', file=sys.stderr)
        return 2
    finally:
        rclpy.try_shutdown()
    return 0


if __name__ == '__main__':
    sys.exit(main())
