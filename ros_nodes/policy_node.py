"""Lets any chunk policy, or any policy saved by LeRobot, lead a robot: messages in, chunks, commands out.

What it listens to and what it sends stands in a mapping (``conversions/features.py``); how chunks are timed
in ``chunk_player.py``. Besides, it takes ``success`` (Bool) and gives ``~/status`` (String, latched: JSON
with ``state`` idle, running, done, cancelled or failed, and ``reason``, ``policy``, ``task``, ``run``) and
/diagnostics; services ``~/start`` and ``~/cancel`` (Trigger).

Parameters (times in seconds): ``policy`` (a registered name or a LeRobot folder), ``task`` (a registered one,
or words), ``base`` (the diffusion policy that is steered or guided, if not the task's own), ``mapping`` (a
file, or a preset such as policy_arm), ``rate`` (actions a second, as in the policy's training), ``seed``, and

- ``mode``: ``continuous`` runs from activation on, without an end; any message on ``success`` begins a new
  episode, for which the policy starts anew. ``on_request`` waits for ``~/start``, and ends *done* when
  ``success`` says true, *failed* after ``time_limit`` (0: none). ``~/cancel`` ends a run and ``~/start``
  begins one in both modes.
- ``input_timeout``: an input older than this (a source's own ``max_age`` wins) stops the robot once; it is
  held, with an ERROR on /diagnostics, until all are fresh, and then the policy starts anew. With
  ``use_stamps`` the age counts from a message's stamp, if that is earlier than its arrival.
- ``use_sim_time``: all times are the simulator's, whatever its real-time factor. Where its clock goes back,
  the policy starts anew; where it stands still for a second of the wall clock, the robot is stopped once.
- ``blend``, ``margin``, ``chunk_timeout``, ``patience`` (here a share of a tick): of the ``ChunkPlayer``.

To stop is to send zero to every TwistStamped output; trajectories and poses are not sent any more, so that
their controllers hold the last one. The robot is stopped on deactivation, shutdown, cancel and every other
end of a run, when inputs become stale, at each tick that a chunk is waited for, and when the process is
interrupted (SIGINT, SIGTERM). What is not finite is never sent: a chunk with such a number is refused,
counted and asked for anew; a policy that raises ends the run as *failed*.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from pilotfish.policies.manipulation.chunks import ChunkPolicy
from pilotfish.ros_nodes.chunk_player import ChunkPlayer
from pilotfish.ros_nodes.chunk_worker import ChunkWorker, warm_up
from pilotfish.ros_nodes.common import (
    ERROR,
    OK,
    SENSOR,
    WARN,
    Diagnostics,
    Status,
    parameter,
    publish,
    run_node,
    seconds_now,
)
from pilotfish.ros_nodes.conversions.feature_files import load_feature_map
from pilotfish.ros_nodes.conversions.feature_inputs import FeatureInputs
from pilotfish.ros_nodes.conversions.features import FeatureMap
from pilotfish.ros_nodes.conversions.messages import RejectedError, message_class, new_ros_message
from pilotfish.ros_nodes.managed_node import ManagedNode
from pilotfish.ros_nodes.pace import Pace
from pilotfish.ros_nodes.policy_runs import PolicyRuns

MakePolicy = Callable[[str, str, str], ChunkPolicy]
REMEMBERED = 500
"""Ticks and chunks that the figures on /diagnostics are of."""


def registered_policy(name: str, task: str, base: str) -> ChunkPolicy:
    """By name or folder, over a base policy. Raises ValueError, FileNotFoundError."""
    from pilotfish.policies.registry import make_chunk_policy

    return make_chunk_policy(name, task, base)


def _image_sizes(policy: ChunkPolicy) -> dict[str, tuple[int, int]]:
    """Feature -> (H, W) of the images that a policy of LeRobot takes; others do not say."""
    features = getattr(policy, "features", None)
    if not isinstance(features, Mapping):
        return {}
    return {name: (shape[1], shape[2]) for name, shape in features.items() if len(shape) == 3}


class PolicyNode(ManagedNode):
    """The ROS side of a `ChunkPolicy`.

    Args:
        make_policy: makes one of the parameters ``policy``, ``task`` and ``base``.
        clock: seconds of the time that stamps are in; the node's own clock if None.
        hosted: somebody else calls ``tick`` and ``report``, and switches the states.
        options: of `rclpy.node.Node`.
    """

    def __init__(
        self,
        make_policy: MakePolicy = registered_policy,
        clock: Callable[[], float] | None = None,
        hosted: bool = False,
        **options: Any,
    ) -> None:
        super().__init__("policy", hosted, **options)
        self.clock = clock or (lambda: seconds_now(self))
        self.refused_actions, self.clamped = 0, 0
        self.policy: ChunkPolicy | None = None
        self.mapping: FeatureMap | None = None
        self._make_policy = make_policy
        self._stale = [""]
        self._anew = True  # the policy is to be reset before it acts
        self._worker: ChunkWorker | None = None
        self._outputs: dict[str, Any] = {}
        self._subscriptions_made: list[Any] = []
        self._late_reported = 0
        self._last_tick: float | None = None
        self._reported_at, self._frozen = 0.0, False
        self._periods: deque[float] = deque(maxlen=REMEMBERED)
        self._latencies: deque[float] = deque(maxlen=REMEMBERED)
        self._pace = Pace(None if parameter(self, "use_sim_time", False) else 1.0)
        self.runs = PolicyRuns(self, self.clock, self._run_begun, self._stop_and_start_anew)
        self.rate = self._positive("rate", 10.0)
        name = self.get_fully_qualified_name().strip("/")
        self.diagnostics = Diagnostics(self, f"{name}: policy", self.status, period=0.0)
        if not hosted:
            self.create_timer(1.0 / self.rate, self.tick)
            # Of the wall clock: it also lets signals through where the simulator's clock stands still.
            self.create_timer(1.0, self.report, clock=Clock(clock_type=ClockType.STEADY_TIME))
            self.autostart()

    # Life cycle.

    def configure(self) -> None:
        """Load the mapping and the policy, and ask it once."""
        self.runs.configure()
        self.seed = int(parameter(self, "seed", 0))
        timeout = self._positive("input_timeout", 0.5)
        mapping = load_feature_map(str(parameter(self, "mapping", "policy_arm")))
        name = str(parameter(self, "policy", ""))
        if not name:
            raise ValueError("parameter policy is empty: name a registered policy or a LeRobot folder")
        task, base = str(parameter(self, "task", "")), str(parameter(self, "base", ""))
        policy = self._make_policy(name, task, base)
        if policy.chunk_shape[1] != len(mapping.action):
            entries = ", ".join(mapping.action)
            size = policy.chunk_shape[1]
            raise ValueError(f"policy {name!r} gives {size} numbers an action, the mapping names {entries}")
        mapping = mapping.expecting(_image_sizes(policy))
        self.inputs = FeatureInputs(mapping, timeout, bool(parameter(self, "use_stamps", True)))
        self.player = ChunkPlayer(
            1.0 / self.rate,
            int(parameter(self, "blend", 2)),
            float(parameter(self, "margin", 0.02)),
            self._positive("chunk_timeout", 2.0),
            float(parameter(self, "patience", 0.25)) / self.rate,
            self._warm_up(policy, name),
        )
        self.mapping, self.policy = mapping, policy
        self._worker = ChunkWorker(policy)
        for output in mapping.outputs:
            self._outputs[output.topic] = publish(self, message_class(output.kind), output.topic, 1)
        events = SubscriptionEventCallbacks(use_default_callbacks=False)
        for topic, kind in mapping.inputs.items():

            def see(message: Any, topic: str = topic) -> None:
                self.inputs.see(topic, message, self.clock())

            self._subscriptions_made.append(
                self.create_subscription(message_class(kind), topic, see, SENSOR, event_callbacks=events)
            )

    def _warm_up(self, policy: ChunkPolicy, name: str) -> float:
        """Latency of a chunk of zeros [s]; 0 where their shapes are not known."""
        zeros = self.inputs.zeros()
        if zeros is None:
            return 0.0
        try:
            return warm_up(policy, zeros, self.seed)
        except Exception as error:
            given = ", ".join(f"{feature} {values.shape[1:]}" for feature, values in zeros.items())
            raise ValueError(
                f"policy {name!r} does not take what the mapping gives, {given}: {error}"
            ) from error

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From now on it takes requests; in mode continuous it runs."""
        self.runs.activate()
        return super().on_activate(state)

    def halt(self) -> None:
        """Stop the robot; a run ends as cancelled."""
        self.runs.deactivate("deactivated")

    def forget(self) -> None:
        """The policy and the mapping."""
        if self._worker is not None:
            self._worker.close(wait=False)
        self.policy = self.mapping = self._worker = None
        for subscription in self._subscriptions_made:
            self.destroy_subscription(subscription)
        for publisher in self._outputs.values():
            self.destroy_publisher(publisher)
        self._subscriptions_made, self._outputs = [], {}

    def destroy_node(self) -> None:
        """Also ends the policy's worker."""
        self.retire()
        self.active = False
        if self._worker is not None:
            self._worker.close()
        super().destroy_node()

    def _positive(self, name: str, default: float) -> float:
        value = float(parameter(self, name, default))
        if not 0.0 < value < np.inf:
            raise ValueError(f"{name} must be positive, not {value:g}")
        return value

    def _run_begun(self) -> None:
        self._stale, self._last_tick = [""], None
        self._start_anew()

    def _start_anew(self) -> None:
        """Forget the chunk; the next one comes from a policy that has seen nothing."""
        if self.mapping is not None:
            self.player.reset()
        self._anew = True

    def _stop_and_start_anew(self) -> None:
        self._stop()
        self._start_anew()

    # The control loop.

    def tick(self) -> None:
        """One control tick: take a finished chunk, ask for the next one, send the action that is due."""
        now, worker = self.clock(), self._worker
        if worker is None or not self.active or now <= 0.0:  # simulated time has not begun
            return
        self._pace.read(now, time.perf_counter())
        self._collect(worker, now)
        self.runs.end_if_overdue(now)
        if not self.runs.running:
            return
        if self._last_tick is not None:
            self._periods.append(now - self._last_tick)
            if now < self._last_tick:
                self._clock_went_back()
        self._last_tick = now
        if not self._fresh(now):
            return
        wanted = not worker.busy and self.player.wants_chunk(now)
        observation = self.inputs.observation() if wanted or worker.observe is not None else None
        if observation is not None and worker.observe is not None:
            worker.observe(observation)
        if observation is not None and wanted:
            seed = self.seed + self.runs.number - 1 if self._anew else None
            self._anew = False
            worker.ask(self.player.request(now), observation, seed)
            if self.player.prompt:
                worker.wait(self.player.patience / self._pace.value)
                self._collect(worker, now)
        if self.runs.running:
            self._send(self.player.action(now), now)

    def _clock_went_back(self) -> None:
        """The simulator has begun anew: what was seen and planned is of another world."""
        self._periods.clear()
        self.inputs.forget()
        self._stop_and_start_anew()

    def _fresh(self, now: float) -> bool:
        """Whether all inputs are; where they begin not to be, stop the robot."""
        stale, was = self.inputs.stale(now), self._stale
        self._stale = stale
        if stale and not was or was == [""]:
            self._start_anew()
            if stale:
                self._stop()
                self.get_logger().warning(f"waits: {'; '.join(stale)}", throttle_duration_sec=5.0)
        return not stale

    def _collect(self, worker: ChunkWorker, now: float) -> None:
        """Take the chunk that the worker has finished."""
        found = worker.collect()
        if found is None or self.mapping is None:
            return
        ticket, result = found
        if isinstance(result, Exception):
            self.player.failed(ticket)
            self.get_logger().error(f"the policy fails: {result!r}")
            if self.runs.running:
                self.runs.end("failed", f"the policy fails: {result}")
            return
        chunk, latency = result[0], result[1] * self._pace.value
        try:
            self.mapping.check_action(chunk)
        except RejectedError as error:
            self.player.failed(ticket)
            self._refuse(error)
        else:
            self._latencies.append(latency)
            self.player.arrived(ticket, chunk, now, latency)

    def _refuse(self, error: RejectedError) -> None:
        self.refused_actions += 1
        self.get_logger().warning(f"action refused: {error}", throttle_duration_sec=5.0)

    def _send(self, action: NDArray[np.float32] | None, now: float) -> None:
        assert self.mapping is not None
        if action is None:
            self._stop()
            return
        try:
            messages = self.mapping.output_messages(action, int(now * 1e9), new_ros_message)
        except RejectedError as error:
            self._refuse(error)
            self._stop()
            return
        self.clamped += self.mapping.clamped(action)
        for topic, message in messages.items():
            self._outputs[topic].publish(message)

    def _stop(self) -> None:
        if self.mapping is not None:
            now = int(self.clock() * 1e9)
            for topic, message in self.mapping.stop_messages(now, new_ros_message).items():
                self._outputs[topic].publish(message)

    # What is told.

    def report(self) -> None:
        """Publish the diagnostics; called once a second of the wall clock, the only one that always runs."""
        now, frozen = self.clock(), self._frozen
        self._frozen = self.runs.running and 0.0 < now == self._reported_at
        self._reported_at = now
        if self._frozen and not frozen:
            self._stop()  # no tick will
        self.diagnostics.report()

    def status(self) -> Status:
        """For /diagnostics."""
        if self.policy is None:
            return ERROR, f"not configured: {self.refusal or 'nobody has asked for it'}", {}
        counts, runs = self.player.counts, self.runs
        values: dict[str, object] = {"state": runs.state, "run": runs.number, "rate_hz": self.rate}
        for name, figures in (("period", self._periods), ("latency", self._latencies)):
            if figures:
                p50, p99 = np.percentile(figures, [50, 99]) * 1000
                values |= {f"{name}_p50_ms": round(float(p50), 3), f"{name}_p99_ms": round(float(p99), 3)}
        values |= {
            "chunks": counts.chunks,
            "late_chunks": counts.late,
            "held_ticks": counts.held,
            "discarded_chunks": counts.discarded,
            "refused_actions": self.refused_actions,
            "clamped_numbers": self.clamped,
            "rejected_messages": dict(self.inputs.rejected),
            "last_rejection": self.inputs.complaint,
        }
        late, self._late_reported = counts.late > self._late_reported, counts.late
        if not self.active:
            return WARN, "inactive", values
        if runs.state == "failed":
            return ERROR, f"failed: {runs.reason}", values
        if not runs.running:
            return OK, f"{runs.state}: {runs.reason}" if runs.reason else runs.state, values
        if self._frozen:
            return ERROR, "stopped: the clock stands still", values
        if self._stale and self._stale != [""]:
            return ERROR, f"stopped: {'; '.join(self._stale)}", values
        if late:
            return WARN, "chunks come late", values
        return OK, "running", values


def main(args: list[str] | None = None) -> None:
    """Run the node."""
    run_node(PolicyNode, args, SingleThreadedExecutor)


if __name__ == "__main__":
    main()
