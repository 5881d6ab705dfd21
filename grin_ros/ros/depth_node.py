# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
"""
The node: camera topics in, metric depth image and point cloud out.

The main thread runs the callbacks, which only store the newest frames; one worker thread decodes,
infers and publishes. Without a listener no frame is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
import signal
import sys
import threading

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args
from std_srvs.srv import Trigger

from grin_ros.pipeline import DepthPipeline
from grin_ros.ros.background import Background
from grin_ros.ros.diagnostics import ERROR, OK, sentence, status, WARN
from grin_ros.ros.health import camera_health, Health, input_health, output_health
from grin_ros.ros.model import keep_memory, Model, release_memory
from grin_ros.ros.newest import NewestWorker
from grin_ros.ros.parameters import declare_parameters, revise
from grin_ros.ros.stream import CameraStream
from grin_ros.ros.work import bring_through

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


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
        self._model = None  # while configured
        self._streams = []  # of the cameras, while configured
        self._worker = None  # while active
        self._retired = None  # the worker before
        self._failure = ''  # why the last configuration or inference failed
        self._reloading = False
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
            for name in self._config.camera_names:
                self._streams.append(CameraStream(self, name))
            # Not in this thread: OpenMP keeps helpers for every thread that ever computed, and
            # with more than cores the worker's sleep in between, for twice the time of a frame.
            self._model = Background(lambda: Model(self._load, self._config)).result()
            self._failure = ''
        except Exception as error:  # whatever a file, a driver or a GPU can do wrong
            self._failure = sentence(error)
        if self._failure:  # and the error is gone, whose traceback holds what was loaded
            self.release()
            self.get_logger().error(f'Cannot configure: {self._failure}')
            return FAILURE
        pipeline = self._model.pipeline
        chosen = ', chosen by device: auto' if self._config.device == 'auto' else ''
        self.get_logger().info(f'Loaded {pipeline.checkpoint} on {pipeline.device}{chosen}')
        return SUCCESS

    def on_activate(self, state) -> TransitionCallbackReturn:
        window = self._config.batch_window if len(self._streams) > 1 else 0.0
        self._worker = NewestWorker(self._process, len(self._streams), window)
        try:
            for stream in self._streams:
                stream.open(self._config, self._worker.put)
                topics = f'{stream.image_topic} and {stream.info_topic}'
                self.get_logger().info(f'Listening to {topics}')
        except Exception as error:  # a qos_overrides that does not exist, for one
            self._stop()
            self._failure = sentence(error)
            self.get_logger().error(f'Cannot activate: {self._failure}')
            return FAILURE
        self._failure = ''
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
        for stream in self._streams:
            stream.destroy()
        self._streams, self._model = [], None
        release_memory()

    def join(self) -> None:
        """Return when the thread that worked is gone."""
        if self._retired is not None:
            self._retired.join()

    def _stop(self) -> None:
        for stream in self._streams:
            stream.close()
        if self._worker is not None:
            # Not waited for, because a transition has to answer at once; it drops its frames.
            self._worker.stop()
            self._worker, self._retired = None, self._worker

    # Models

    async def _on_reload(self, request, response) -> Trigger.Response:
        """Load beside the model that works, and change over between two frames."""
        response.success, response.message = await self._reload()
        if response.success:
            self.get_logger().info(f'Reloaded {response.message}')
        else:
            self.get_logger().error(f'Not reloaded: {response.message}')
        return response

    async def _reload(self) -> tuple[bool, str]:
        model, config = self._model, self._config
        if model is None:
            return False, 'there is no model yet: configure the node, which loads the checkpoint'
        if self._reloading:
            return False, 'a reload is under way: wait for its answer'
        self._reloading, other, problem = True, None, ''
        try:
            other = await Background(lambda: Model(self._load, config))
            other.check(self._config)  # parameters may have changed in the meantime
        except Exception as error:
            problem = f'{sentence(error)}; {model.pipeline.checkpoint} stays in use'
        finally:
            self._reloading = False
        if not problem and model is not self._model:
            problem = 'the node was cleaned up in the meantime'
        if problem:
            other = None
        else:
            self._model, self._failure = other, ''
        del model
        release_memory()
        if problem:
            return False, problem
        return True, f'{other.pipeline.checkpoint} on {other.pipeline.device}'

    # Callbacks of the main thread

    def _on_set_parameters(self, parameters) -> SetParametersResult:
        changes = {parameter.name: parameter.value for parameter in parameters}
        try:
            config = revise(self._config, changes, configured=self._model is not None)
            if self._model is not None:
                self._model.check(config)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._config = config
        return SetParametersResult(successful=True)

    # Work of the worker thread

    def _process(self, messages: dict[CameraStream, object], alive: Callable[[], bool]) -> None:
        model = self._model
        if model is None:
            return
        failure = bring_through(messages, model, self._config, alive)
        if model is not self._model:  # exchanged or let go of in the meantime
            del model
            release_memory()
        elif failure is not None:
            self._failure = failure

    # What the operator sees

    def _diagnose(self) -> None:
        node = self.get_fully_qualified_name().lstrip('/')
        array = DiagnosticArray()
        array.header.stamp = self.get_clock().now().to_msg()
        array.status = [status(node, 'inference', *self._inference_health())]
        worker, config = self._worker, self._config
        for stream in self._streams if worker else ():
            aspects = {
                'input': input_health(self, stream, config, worker.replaced[stream]),
                'camera_info': camera_health(self, stream, config),
                'output': output_health(stream, config),
            }
            self._report_silence(stream, *aspects['input'][:2])
            for aspect, health in aspects.items():
                array.status.append(status(node, f'{stream.name} {aspect}'.strip(), *health))
        self._diagnostics.publish(array)

    def _report_silence(self, stream: CameraStream, level: bytes, message: str) -> None:
        """Say once on the console what keeps images away, for whoever reads no diagnostics."""
        if level == ERROR:
            cause = message.partition(': ')[2]  # without the seconds
            if cause != stream.silence:
                self.get_logger().warning(f'{stream.image_topic}: {message}')
            stream.silence, stream.silent_since = cause, stream.monitor.last
        elif stream.silence and stream.monitor.last > stream.silent_since:
            self.get_logger().info(f'{stream.image_topic}: images come')
            stream.silence = ''

    def _inference_health(self) -> Health:
        if self._model is None:
            values = {'device': self._config.device}
            return (ERROR if self._failure else WARN), self._failure or 'unconfigured', values
        values = self._model.figures(self._config)
        if self._failure:
            return ERROR, self._failure, values
        return (OK, 'active', values) if self._worker else (WARN, 'inactive', values)


def main(args: list[str] | None = None, load=DepthPipeline.from_checkpoint) -> int:
    """Run the node until SIGINT or SIGTERM, which are a good end."""
    # rclpy's own handlers take the context away from under a transition or a publisher, and
    # Python's raise in the middle of anything; ours only let the loop end, however many come.
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    keep_memory()
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
        if words := remove_ros_args(args)[1:]:
            raise ValueError(f'{" ".join(words)}: parameters and remappings come after --ros-args')
    except (RuntimeError, ValueError) as error:  # rcl's own are RuntimeErrors
        rclpy.try_shutdown()
        print(f'grin_depth: {sentence(error)}', file=sys.stderr)
        return 2
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
        node.join()
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
