"""A policy node in this process: runs, stops, stale inputs, bad messages; and live, over ROS."""

import json
import math
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from geometry_msgs.msg import PoseStamped, TwistStamped
from nav_msgs.msg import Odometry
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float32MultiArray, String
from std_srvs.srv import Trigger

from pilotfish.ros_nodes.common import ERROR, LATCHED, OK, WARN
from pilotfish.ros_nodes.conversions.geometry import to_time
from pilotfish.ros_nodes.policy_node import PolicyNode

PERIOD = 0.1


class Ramp:
    """Drives at a tenth, two tenths, three tenths ... of a chunk of 8; turns as its first input says."""

    name, chunk_shape = "ramp", (8, 2)

    def __init__(self, *_):
        self.seeds, self.seen, self.latency, self.answer = [], [], 0.0, None

    def reset(self, seed):
        self.seeds.append(seed)

    def act(self, observations):
        self.seen.append(observations["observation.state"].copy())
        time.sleep(self.latency)
        if isinstance(self.answer, Exception):
            raise self.answer
        chunk = np.stack([0.1 * np.arange(1, 9), np.full(8, self.seen[-1][0, 0])], axis=1)
        return np.float32(chunk[None]) if self.answer is None else self.answer


def odometry(x: float, seconds: float = 0.0) -> Odometry:
    message = Odometry()
    message.pose.pose.position.x = x
    message.pose.pose.orientation.w = 1.0
    message.header.stamp = to_time(seconds)
    return message


class Bench:
    """A node, its clock, its policy, and what it has published."""

    def __init__(self, context, **parameters) -> None:
        self.now, self.policy = 100.0, Ramp()
        given = {"policy": "ramp", "mapping": "policy_base", "blend": 0} | parameters
        self.node = PolicyNode(
            make_policy=lambda name, task, base: self.policy,
            clock=lambda: self.now,
            hosted=True,
            context=context,
            parameter_overrides=[Parameter(name, value=value) for name, value in given.items()],
        )
        self.sent: list[TwistStamped] = []
        self.states: list[dict] = []
        self.node.runs._status.publish = lambda message: self.states.append(json.loads(message.data))

    def start(self):
        self.node.start()
        self.node._outputs["cmd_vel"].publish = self.sent.append

    def tick(self, x: float | None = 0.5) -> None:
        """One period: odometry, unless there is none, the control tick, and time for the policy."""
        self.now += PERIOD
        if x is not None:
            self.node.inputs.see("odom", odometry(x, self.now), self.now)
        self.node.tick()
        worker = self.node._worker
        if worker is not None and worker._job is not None and self.policy.latency == 0.0:
            worker._job[1].exception()

    def call(self, name: str) -> Trigger.Response:
        return getattr(self.node.runs, f"on_{name}")(Trigger.Request(), Trigger.Response())

    @property
    def speeds(self) -> list[float]:
        return [round(message.twist.linear.x, 3) for message in self.sent]

    @property
    def stopped(self) -> bool:
        twist = self.sent[-1].twist
        return twist.linear.x == 0.0 and twist.angular.z == 0.0


@pytest.fixture
def make():
    context = rclpy.Context()
    context.init(args=[])
    benches = []

    def bench(**parameters) -> Bench:
        benches.append(Bench(context, **parameters))
        return benches[-1]

    yield bench
    for bench in benches:
        bench.node.destroy_node()
    context.try_shutdown()


def test_it_drives_as_the_policy_says_within_the_limits(make):
    bench = make()
    bench.start()
    for _ in range(9):
        bench.tick(x=3.0)
    assert bench.speeds == [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.05]  # half of the action, by scale
    assert {message.twist.angular.z for message in bench.sent} == {1.0}  # 3.0 is clamped
    assert bench.sent[-1].header.frame_id == "base_link"
    assert bench.sent[-1].header.stamp == to_time(bench.now)
    np.testing.assert_allclose(bench.policy.seen[-1], [[3.0, 0.0, 0.0, 1.0, 0.0, 0.0]])
    level, text, values = bench.node.status()
    assert (level, text) == (OK, "running")
    assert values["clamped_numbers"] == 9
    assert values["late_chunks"] == 0
    assert values["latency_p50_ms"] < 50


def test_a_chunk_that_is_late_is_held_for(make):
    bench = make()
    bench.start()
    bench.tick()
    bench.policy.latency = 0.4  # of wall clock time; the bench does not wait for it
    for _ in range(12):
        bench.tick()
    assert bench.stopped
    values = bench.node.status()[2]
    assert values["late_chunks"] == 1
    assert values["held_ticks"] == 5
    time.sleep(0.5)
    bench.tick()
    assert not bench.stopped


def test_stale_inputs_stop_it_once_until_they_are_fresh_again(make):
    bench = make(input_timeout=0.25)
    bench.start()
    for _ in range(4):
        bench.tick()
    assert not bench.stopped
    sent = len(bench.sent)
    for _ in range(8):
        bench.tick(x=None)
    assert bench.stopped
    assert len(bench.sent) == sent + 3  # two that were still fresh, one stop, and silence
    level, text, _ = bench.node.status()
    assert level == ERROR
    assert text.startswith("stopped: odom is 0.8")
    resets = len(bench.policy.seeds)
    for _ in range(3):
        bench.tick()
    assert not bench.stopped
    assert bench.speeds[-1] == 0.15  # a new chunk, from its beginning
    assert len(bench.policy.seeds) == resets + 1
    assert bench.node.status()[:2] == (OK, "running")


def test_what_arrives_late_by_its_stamp_is_stale(make):
    bench = make(input_timeout=0.25)
    bench.start()
    bench.node.inputs.see("odom", odometry(0.0, bench.now - 5.0), bench.now)
    bench.tick(x=None)
    assert bench.node.status()[1] == "stopped: odom is 5.10 s old"


def test_before_the_first_input_it_says_what_it_waits_for(make):
    bench = make()
    bench.start()
    bench.tick(x=None)
    assert bench.node.status()[:2] == (ERROR, "stopped: odom has said nothing usable")
    assert not bench.policy.seen[2:]  # but for the warm-up


def test_bad_messages_are_counted_and_not_used(make):
    bench = make()
    bench.start()
    bench.tick()
    inputs = bench.node.inputs
    inputs.see("odom", odometry(math.nan, bench.now), bench.now)
    inputs.see("odom", odometry(7.0, bench.now - 0.05), bench.now)
    assert inputs.rejected == {"not_finite": 1, "out_of_order": 1}
    assert inputs.observation()["observation.state"][0, 0] == 0.5
    assert bench.node.status()[2]["rejected_messages"] == {"not_finite": 1, "out_of_order": 1}


def test_a_chunk_that_is_not_finite_is_never_sent(make):
    bench = make()
    bench.start()
    bench.policy.answer = np.full((1, 8, 2), np.nan, np.float32)
    for _ in range(5):
        bench.tick()
    assert set(bench.speeds) == {0.0}
    assert bench.node.status()[2]["refused_actions"] >= 3
    bench.policy.answer = None
    for _ in range(3):
        bench.tick()
    assert not bench.stopped


def test_a_policy_that_raises_ends_the_run(make):
    bench = make()
    bench.start()
    bench.policy.answer = RuntimeError("out of memory")
    for _ in range(3):
        bench.tick()
    assert bench.stopped
    assert bench.states[-1]["state"] == "failed"
    assert bench.node.status()[:2] == (ERROR, "failed: the policy fails: out of memory")
    bench.policy.answer = None
    assert bench.call("start").success
    for _ in range(3):
        bench.tick()
    assert not bench.stopped


def test_a_request_runs_until_success(make):
    bench = make(mode="on_request", task="push", seed=5)
    bench.start()
    for _ in range(3):
        bench.tick()
    assert not bench.sent
    assert bench.node.status()[:2] == (OK, "idle")
    assert bench.call("start").success
    assert not bench.call("start").success
    for _ in range(4):
        bench.tick()
    assert not bench.stopped
    bench.node.runs.on_success(Bool(data=False))
    assert bench.node.runs.state == "running"
    bench.node.runs.on_success(Bool(data=True))
    assert bench.stopped
    assert [told["state"] for told in bench.states] == ["idle", "running", "done"]
    assert bench.states[-1] | {"seconds": 0} == {
        "state": "done",
        "reason": "success",
        "policy": "ramp",
        "task": "push",
        "run": 1,
        "seconds": 0,
    }
    sent = len(bench.sent)
    bench.tick()
    assert len(bench.sent) == sent
    bench.call("start")
    bench.tick()
    assert bench.policy.seeds[-2:] == [5, 6]  # each run has draws of its own


def test_a_request_ends_at_its_time_limit(make):
    bench = make(mode="on_request", time_limit=0.45)
    bench.start()
    bench.call("start")
    for _ in range(5):
        bench.tick()
    assert bench.stopped
    assert (bench.node.runs.state, bench.node.runs.reason) == ("failed", "not done after 0.45 s")


def test_a_request_before_simulated_time_has_begun_does_not_count_from_1970(make):
    bench = make(mode="on_request", time_limit=0.45)
    bench.now = 0.0
    bench.start()
    bench.call("start")
    bench.now = 100.0
    for _ in range(5):
        bench.tick()
        assert bench.node.runs.running
    bench.tick()
    assert bench.node.runs.reason == "not done after 0.45 s"


def test_a_clock_that_goes_back_makes_it_start_anew(make):
    bench = make(use_sim_time=True)
    bench.start()
    for _ in range(4):
        bench.tick()
    resets = len(bench.policy.seeds)
    bench.now = 50.0  # a simulator that was started again
    bench.tick(x=None)
    assert bench.stopped
    assert bench.node.status()[:2] == (ERROR, "stopped: odom has said nothing usable")
    bench.tick()
    assert bench.speeds[-1] == 0.05
    assert len(bench.policy.seeds) == resets + 1


def test_a_clock_that_stands_still_stops_it_once(make):
    bench = make(use_sim_time=True)
    bench.start()
    for _ in range(3):
        bench.tick()
    bench.node.report()
    assert not bench.stopped
    for _ in range(3):
        bench.node.report()
    assert bench.speeds == [0.05, 0.1, 0.15, 0.0]
    assert bench.node.status()[:2] == (ERROR, "stopped: the clock stands still")
    bench.tick()
    bench.node.report()
    assert bench.speeds[-1] == 0.2
    assert bench.node.status()[:2] == (OK, "running")


def test_latency_and_patience_are_of_simulated_time(make):
    bench = make(use_sim_time=True, patience=0.5)
    bench.start()
    for _ in range(5):
        bench.tick()
        time.sleep(0.01)  # a tick of 0.1 s ten times as fast, or a little less
    pace = bench.node._pace.value
    assert 2.0 < pace < 11.0
    bench.node.runs.on_success(Bool(data=True))  # the next tick asks for a chunk
    bench.policy.latency = 0.02
    began = time.perf_counter()
    bench.tick()
    assert time.perf_counter() - began < 0.02  # it waits for half a tick: 5 ms of the wall clock
    time.sleep(0.05)
    bench.tick()
    assert bench.node.player.expected_latency == pytest.approx(0.02 * bench.node._pace.value, rel=0.5)


@pytest.mark.parametrize("mode", ["continuous", "on_request"])
def test_a_run_can_be_cancelled(make, mode):
    bench = make(mode=mode)
    bench.start()
    bench.call("start")
    for _ in range(4):
        bench.tick()
    assert not bench.stopped
    assert bench.call("cancel").success
    assert bench.stopped
    assert bench.states[-1]["state"] == "cancelled"
    assert not bench.call("cancel").success


def test_in_continuous_mode_the_end_of_an_episode_makes_it_start_anew(make):
    bench = make()
    bench.start()
    for _ in range(4):
        bench.tick()
    resets = len(bench.policy.seeds)
    bench.node.runs.on_success(Bool(data=True))
    assert bench.stopped
    bench.tick()
    assert bench.speeds[-1] == 0.05
    assert len(bench.policy.seeds) == resets + 1
    assert bench.node.runs.state == "running"


@pytest.mark.parametrize("end", ["trigger_deactivate", "trigger_shutdown"])
def test_it_stops_the_robot_when_it_is_deactivated_or_shut_down(make, end):
    bench = make()
    bench.start()
    for _ in range(4):
        bench.tick()
    assert getattr(bench.node, end)() == TransitionCallbackReturn.SUCCESS
    assert bench.stopped
    assert bench.node.runs.state == "cancelled"
    assert bench.node.status()[:2] == (WARN, "inactive")
    sent = len(bench.sent)
    bench.tick()
    assert len(bench.sent) == sent
    assert not bench.call("start").success


def test_it_can_be_cleaned_up_and_configured_anew(make):
    bench = make()
    bench.start()
    bench.node.trigger_deactivate()
    bench.node.trigger_cleanup()
    assert bench.node.status()[0] == ERROR
    bench.start()
    for _ in range(3):
        bench.tick()
    assert not bench.stopped


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("policy", "", "parameter policy is empty"),
        ("mapping", "nowhere.yaml", "no mapping 'nowhere.yaml'"),
        ("mapping", "policy_arm", "gives 2 numbers an action, the mapping names dx, dy, dz, dyaw, width"),
        ("mode", "sometimes", "mode 'sometimes': choose continuous or on_request"),
        ("input_timeout", 0.0, "input_timeout must be positive"),
        ("chunk_timeout", -1.0, "chunk_timeout must be positive"),
        ("blend", -1, "blend -1 must not be negative"),
    ],
)
def test_what_cannot_be_configured_is_named(make, name, value, text):
    with pytest.raises(RuntimeError, match=f"policy cannot start: .*{text}"):
        make(**{name: value}).start()


def test_a_policy_that_does_not_take_the_mappings_features_is_named(make):
    bench = make()
    bench.policy.answer = ValueError("no camera")
    with pytest.raises(RuntimeError, match=r"not take .* observation.state \(6,\): no camera"):
        bench.start()


class Robot(Node):
    """Says where it is 50 times a second, and notes the commands."""

    def __init__(self, context) -> None:
        super().__init__("robot", context=context)
        self.heard: list[tuple[float, float]] = []
        self.states: list[str] = []
        self.odom = self.create_publisher(Odometry, "odom", 10)
        self.success = self.create_publisher(Bool, "success", 1)
        self.create_subscription(TwistStamped, "cmd_vel", self.note, 10)
        self.create_subscription(
            String, "/policy/status", lambda m: self.states.append(json.loads(m.data)["state"]), LATCHED
        )
        self.start = self.create_client(Trigger, "/policy/start")
        self.create_timer(0.02, lambda: self.odom.publish(odometry(0.5, time.time())))

    def note(self, message: TwistStamped) -> None:
        self.heard.append((time.monotonic(), message.twist.linear.x))


def until(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def test_live_a_request_drives_a_robot_at_its_rate_until_success():
    context = rclpy.Context()
    context.init(args=[])
    policy = Ramp()
    policy.latency = 0.03
    given = {"policy": "ramp", "mapping": "policy_base", "mode": "on_request", "rate": 20.0}
    node = PolicyNode(
        make_policy=lambda name, task, base: policy,
        context=context,
        parameter_overrides=[Parameter(name, value=value) for name, value in given.items()],
    )
    robot = Robot(context)
    executors = [SingleThreadedExecutor(context=context) for _ in range(2)]
    for executor, member in zip(executors, (node, robot), strict=True):
        executor.add_node(member)
        threading.Thread(target=executor.spin, daemon=True).start()
    try:
        until(lambda: robot.start.service_is_ready() and robot.states == ["idle"])
        robot.start.call_async(Trigger.Request())
        until(lambda: len(robot.heard) >= 40)
        robot.success.publish(Bool(data=True))
        until(lambda: robot.states[-1] == "done")
        time.sleep(0.2)
        assert robot.states == ["idle", "running", "done"]
        assert robot.heard[-1][1] == 0.0
        moving = [at for at, speed in robot.heard if speed > 0.0]
        assert np.median(np.diff(moving)) == pytest.approx(0.05, abs=0.01)
        values = node.status()[2]
        assert values["late_chunks"] == 0
        assert 30 <= values["latency_p50_ms"] < 100
        assert values["period_p50_ms"] == pytest.approx(50, abs=5)
        print(values)
    finally:
        for executor in executors:
            executor.shutdown()
        node.destroy_node()
        robot.destroy_node()
        context.try_shutdown()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_process_that_is_interrupted_stops_its_robot(how):
    context = rclpy.Context()
    context.init(args=[])
    table = Table(context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(table)
    threading.Thread(target=executor.spin, daemon=True).start()
    given = {"policy": "base", "task": "push", "mapping": "arm_push"}
    words = [word for name, value in given.items() for word in ("-p", f"{name}:={value}")]
    command = [sys.executable, "-m", "pilotfish.ros_nodes.policy_node", "--ros-args", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        until(lambda: len(table.heard) >= 5 and any(table.heard[-1]), 30.0)
        process.send_signal(how)
        said, _ = process.communicate(timeout=15)
        assert process.returncode == 0, said
        assert "Traceback" not in said
        until(lambda: not any(table.heard[-1]), 2.0)
    finally:
        process.kill()
        executor.shutdown()
        table.destroy_node()
        context.try_shutdown()


class Table(Node):
    """An arm's inputs, 50 times a second, and the commands that it gets."""

    def __init__(self, context) -> None:
        super().__init__("table", context=context)
        self.heard: list[tuple[float, float, float]] = []
        self.inputs = {
            "hand_pose": PoseStamped(),
            "joint_states": JointState(name=["panda_finger_joint1"], position=[0.02]),
            "things": Float32MultiArray(data=[0.1] * 8),
        }
        self.inputs["hand_pose"].pose.position.z = 0.2
        self.givers = {
            topic: self.create_publisher(type(message), topic, 1) for topic, message in self.inputs.items()
        }
        self.create_subscription(TwistStamped, "hand_twist", self.note, 10)
        self.create_timer(0.02, self.say)

    def say(self) -> None:
        for topic, message in self.inputs.items():
            self.givers[topic].publish(message)

    def note(self, message: TwistStamped) -> None:
        self.heard.append((message.twist.linear.x, message.twist.linear.y, message.twist.linear.z))
