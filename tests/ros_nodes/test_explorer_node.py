"""An explorer node in this process: its life cycle, its inputs and what it does when they stop."""

import math

import numpy as np
import pytest

pytest.importorskip("rclpy")

import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from sensor_msgs.msg import LaserScan

from pilotfish.policies.coordination.wire import bundle
from pilotfish.policies.exploration.wire import Beacon, Source, encode
from pilotfish.ros_nodes.common import ERROR, OK, WARN
from pilotfish.ros_nodes.conversions.fleet import bytes_to_message
from pilotfish.ros_nodes.conversions.geometry import odometry, pose_stamped, to_time
from pilotfish.ros_nodes.explorer_node import ExplorerNode


def room(half: float, seconds: float, rays: int = 360) -> LaserScan:
    """A scan in the middle of a square room [m]."""
    angles = -math.pi + 2 * math.pi / 360 * np.arange(rays)
    ranges = half / np.maximum(np.abs(np.cos(angles)), np.abs(np.sin(angles)))
    ranges[65:116] = math.inf  # a wide door to the right
    message = LaserScan(angle_min=-math.pi, angle_increment=2 * math.pi / 360, range_min=0.02, range_max=8.0)
    message.angle_max = math.pi - 2 * math.pi / 360
    message.header.stamp = to_time(seconds)
    message.ranges = ranges.astype(np.float32).tolist()
    return message


class Bench:
    """A node, its clock, and what it has published."""

    def __init__(self, context, **parameters) -> None:
        self.now = 100.0
        self.sent: dict[str, list] = {}
        self.node = ExplorerNode(
            clock=lambda: self.now,
            hosted=True,
            context=context,
            namespace="/robot_1",
            parameter_overrides=[
                Parameter(name, value=value)
                for name, value in ({"robot": 1, "robots": 2} | parameters).items()
            ],
        )
        for name in ("_command", "_map", "_waypoint", "_plan", "_outbox", "_explored"):
            publisher = getattr(self.node, name)
            self.sent[name] = []
            publisher.publish = self.sent[name].append

    def tick(self, scan: bool = True, odom: bool = True) -> None:
        self.now += 0.05
        if odom:
            self.node._on_odometry(odometry((0.0, 0.0, 0.0), (0.0, 0.0), "robot_1", self.now))
        if scan:
            self.node._on_scan(room(2.0, self.now))
        self.node.tick()

    @property
    def speed(self) -> float:
        twist = self.sent["_command"][-1].twist
        return abs(twist.linear.x) + abs(twist.angular.z)


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


def test_from_scans_and_odometry_it_drives_and_shows_its_map(make):
    bench = make()
    bench.node.start()
    for _ in range(20):
        bench.tick()
    assert bench.speed > 0.1
    assert bench.node.status()[0] == OK
    bench.node.report()
    (image,) = bench.sent["_map"]
    cells = np.array(image.data, np.int8).reshape(image.info.height, image.info.width)
    assert image.header.frame_id == "map"
    column = round((0.0 - image.info.origin.position.x) / image.info.resolution)
    row = round((0.0 - image.info.origin.position.y) / image.info.resolution)
    assert cells[row, column] == pytest.approx(5, abs=5)
    assert cells[row + 30, column] == -1  # beyond the wall to the left
    assert cells[row - 30, column] < 50  # through the door to the right
    assert bench.sent["_explored"][-1].data == pytest.approx(16 + 26.6, rel=0.05)
    assert bench.sent["_plan"][-1].poses[0].pose.position.x == pytest.approx(0.0)
    assert bench.sent["_waypoint"]
    assert bench.sent["_outbox"]
    bench.node.report()
    assert len(bench.sent["_map"]) == 1  # nothing new


@pytest.mark.parametrize("lost", ["scan", "odom"])
def test_it_stops_when_inputs_stop(make, lost):
    bench = make()
    bench.node.start()
    for _ in range(20):
        bench.tick()
    assert bench.speed > 0.1
    for _ in range(30):
        bench.tick(**{lost: False})
    assert bench.speed == 0.0
    assert bench.node.status()[:2] == (ERROR, "stopped: odometry or scans are too old")
    for _ in range(10):
        bench.tick()
    assert bench.speed > 0.0


@pytest.mark.parametrize("end", ["trigger_deactivate", "trigger_shutdown"])
def test_it_stops_driving_when_it_is_deactivated_or_shut_down(make, end):
    bench = make()
    bench.node.start()
    for _ in range(20):
        bench.tick()
    assert getattr(bench.node, end)() == TransitionCallbackReturn.SUCCESS
    assert bench.speed == 0.0
    assert bench.node.status()[:2] == (WARN, "inactive")
    sent = len(bench.sent["_outbox"])
    bench.tick()
    assert len(bench.sent["_outbox"]) == sent


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("policy", "no_such", "no exploration policy 'no_such'"),
        ("driver", "magic", "driver 'magic': choose follower or nav2"),
        ("robot_type", "horse", "no robot called 'horse'"),
        ("map_size", [1.0], "map_size is 2 numbers"),
        ("stride", -1.0, "stride must be positive"),
        ("bytes_per_second", 0.0, "bytes_per_second must be positive"),
        ("robots", 1, "robot 1 is not one of 1"),
    ],
)
def test_what_cannot_be_configured_is_named(make, name, value, text):
    bench = make(**{name: value})
    with pytest.raises(RuntimeError, match=f"robot_1 cannot start: {text}"):
        bench.node.start()


def test_a_failed_configuration_may_be_tried_again(make):
    bench = make(policy="no_such")
    with pytest.raises(RuntimeError):
        bench.node.start()
    bench.node.set_parameters([Parameter("policy", value="nearest")])
    bench.node.start()
    assert bench.node.agent.policy.name == "nearest"


def test_nav2_is_asked_for_by_name_where_it_is_not_installed(make):
    try:
        import nav2_msgs  # noqa: F401
    except ImportError:
        with pytest.raises(RuntimeError, match="driver nav2 needs the package nav2_msgs"):
            make(driver="nav2").node.start()
    else:
        pytest.skip("Nav2 is installed")


def test_silent_inputs_stop_nav2_too(make, nav2):
    bench = make(driver="nav2")
    bench.node.start()
    for _ in range(20):
        bench.tick()
    [goal] = nav2.goals
    nav2.accept(goal)
    for _ in range(20):
        bench.tick(scan=False)
    assert goal.cancelled
    for _ in range(20):
        bench.tick()
    assert len(nav2.goals) == 2, "it goes on when scans come again"
    assert not bench.sent["_command"], "the wheels are Nav2's"


def test_a_scan_of_the_wrong_size_is_counted(make):
    bench = make()
    bench.node.start()
    bench.node._on_scan(room(2.0, bench.now, rays=200))
    message = room(2.0, bench.now)
    message.angle_increment = math.nan
    bench.node._on_scan(message)
    assert bench.node.agent.dropped["malformed"] == 2
    assert "'malformed': 2" in str(bench.node.status()[2]["dropped_scans"])


def test_bundles_are_heard_and_garbage_is_counted(make):
    bench = make()
    bench.node.start()
    agent = bench.node.agent
    hello = encode(Beacon(Source(0, 1), 1, 0.0, 0.0, ()), agent.talk.geometry)
    bench.node._on_inbox(bytes_to_message(bundle([hello, b"garbage"])))
    bench.node._on_inbox(bytes_to_message(b"\xff\xff"))
    bench.tick()
    assert agent.belief.connected.all()
    values = bench.node.status()[2]
    assert values["connected"] == [0]
    assert values["refused_messages"] == {"garbage": 1, "bundles": 1}


def test_on_a_shared_network_its_own_echo_is_no_peer(make):
    bench = make(peers_topic="network")
    bench.node.start()
    bench.tick()
    for message in list(bench.sent["_outbox"]):
        bench.node._on_air(message)
    bench.tick()
    assert bench.node.agent.belief.connected.tolist() == [False, True]
    assert not bench.node.agent.talk.refused


@pytest.mark.parametrize(
    ("frame", "x", "taken"),
    [("map", 0.5, True), ("", 0.5, True), ("robot_1/odom", 0.5, False), ("map", 500.0, False)],
)
def test_a_goal_is_taken_in_the_map_only(make, frame, x, taken):
    bench = make()
    bench.node.start()
    goal = pose_stamped(x, 0.0, 1.0)
    goal.header.frame_id = frame
    bench.node._on_goal(goal)
    assert (bench.node.agent.goal is not None) == taken


def test_its_map_outlives_the_process(make, tmp_path):
    pattern = str(tmp_path / "robot_{robot}.npz")
    bench = make(state_file=pattern)
    bench.node.start()
    for _ in range(10):
        bench.tick()
    bench.node.trigger_deactivate()
    assert (tmp_path / "robot_1.npz").is_file()
    again = make(state_file=pattern)
    again.node.start()
    assert again.node.agent.free_area == pytest.approx(bench.node.agent.free_area)
    (tmp_path / "robot_1.npz").write_bytes(b"damaged")
    third = make(state_file=pattern)
    third.node.start()
    assert third.node.agent.free_area == 0.0


def test_the_start_pose_places_odometry_in_the_map(make):
    bench = make(start_pose=[3.0, -2.0, math.pi / 2])
    bench.node.start()
    bench.tick()
    pose = bench.node.agent.pose
    assert (pose.x, pose.y, pose.yaw) == pytest.approx((3.0, -2.0, math.pi / 2))


def test_an_unknown_way_to_talk_is_refused(make):
    with pytest.raises(ValueError, match="peers_topic 'pigeon': choose radio or network"):
        make(peers_topic="pigeon")
