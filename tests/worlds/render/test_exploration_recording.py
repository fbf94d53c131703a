"""Recordings of exploring teams, written as the recorder does, become trajectories and videos."""

import numpy as np
import pytest
from PIL import Image
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from typer.testing import CliRunner

from pilotfish.cli.view import app
from pilotfish.policies.exploration.blocks import FREE, OCCUPIED, UNKNOWN
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.render.coverage import Coverage
from pilotfish.worlds.render.exploration_recording import holds_exploration, load_exploration

STORE = get_typestore(Stores.ROS2_KILTED)
T = STORE.types
WALLS = np.zeros((16, 32), bool)
WALLS[:, 16] = WALLS[0] = True
WALLS[8, 16] = False
GRID = GridMap("two rooms", WALLS, resolution=0.25, origin=(-1.0, 2.0))
START = 1000.0


def header(time: float):
    stamp = T["builtin_interfaces/msg/Time"](sec=int(time), nanosec=round(time % 1 * 1e9))
    return T["std_msgs/msg/Header"](stamp=stamp, frame_id="map")


def pose(x: float, y: float, yaw: float = 0.0):
    return T["geometry_msgs/msg/Pose"](
        position=T["geometry_msgs/msg/Point"](x=x, y=y, z=0.0),
        orientation=T["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=np.sin(yaw / 2), w=np.cos(yaw / 2)),
    )


def odometry(time: float, x: float, y: float):
    zero = T["geometry_msgs/msg/Vector3"](x=0.0, y=0.0, z=0.0)
    return T["nav_msgs/msg/Odometry"](
        header=header(time),
        child_frame_id="base_link",
        pose=T["geometry_msgs/msg/PoseWithCovariance"](pose=pose(x, y), covariance=np.zeros(36)),
        twist=T["geometry_msgs/msg/TwistWithCovariance"](
            twist=T["geometry_msgs/msg/Twist"](linear=zero, angular=zero), covariance=np.zeros(36)
        ),
    )


def occupancy(time: float, cells: np.ndarray, origin=GRID.origin):
    """cells int8 [H, W], row 0 at the top as in a GridMap."""
    return T["nav_msgs/msg/OccupancyGrid"](
        header=header(time),
        info=T["nav_msgs/msg/MapMetaData"](
            map_load_time=header(0.0).stamp,
            resolution=GRID.resolution,
            width=cells.shape[1],
            height=cells.shape[0],
            origin=pose(*origin),
        ),
        data=np.ascontiguousarray(cells[::-1]).ravel(),
    )


def matrix(rows):
    layout = T["std_msgs/msg/MultiArrayLayout"](dim=[], data_offset=0)
    return T["std_msgs/msg/Float32MultiArray"](layout=layout, data=np.array(rows, np.float32).ravel())


def record(folder, true_map=True, links=True, robots=(0, 1)):
    """Two robots side by side for 4 s; robot 0's map grows at 2 s, the link breaks at 3 s."""
    truth = np.where(WALLS, 100, 0).astype(np.int8)
    half = truth.copy()
    half[:, 17:] = -1
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {}

        def add(topic, message, time):
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            writer.write(connections[topic], int(time * 1e9), STORE.serialize_cdr(message, kind))

        if true_map:
            add("/true_map", occupancy(START, truth), START)
        for step in range(41):
            time = START + 0.1 * step
            for robot in robots:
                add(f"/robot_{robot}/odom", odometry(time, 0.5 * 0.1 * step, 3.0 + robot), time)
            if links:
                margin = 12.0 if step < 30 else -5.0
                add("/links", matrix([[50.0, margin], [margin, 50.0]]), time)
            if step in (5, 20):
                add("/robot_0/map", occupancy(time, half if step == 5 else truth), time)
        goal = T["geometry_msgs/msg/PoseStamped"](header=header(START + 1), pose=pose(2.0, 4.0))
        add("/robot_0/waypoint", goal, START + 1)
    return folder


def test_it_becomes_a_trajectory(tmp_path):
    bag = record(tmp_path / "bag")
    assert holds_exploration(bag)
    trajectory = load_exploration(bag)
    assert trajectory.n_robots == 2 and trajectory.duration == pytest.approx(4.0)
    np.testing.assert_array_equal(trajectory.grid.walls, WALLS)
    assert trajectory.poses[-1, 1, :2] == pytest.approx([2.0, 4.0], abs=0.01)
    assert trajectory.component_at(1.0).tolist() == [0, 0]
    assert trajectory.component_at(3.5).tolist() == [0, 1]
    assert np.isnan(trajectory.targets[0, 0]).all()
    assert trajectory.targets[-1, 0].tolist() == [2.0, 4.0]
    before, after = trajectory.maps[0].at(1.0), trajectory.maps[0].at(3.0)
    assert before[5, 5] == FREE and before[5, 20] == UNKNOWN and after[5, 20] == FREE
    assert before[0, 0] == OCCUPIED and len(trajectory.maps[1]) == 0
    # Robot 1 believes robot 0 to be where it was when the link broke.
    assert trajectory.believed[-1, 1, 0] == pytest.approx([1.45, 3.0], abs=0.06)
    assert Coverage(trajectory).share(0, 4.0) == 1.0


def test_without_links_everybody_is_alone(tmp_path):
    trajectory = load_exploration(record(tmp_path / "bag", links=False))
    assert trajectory.component_at(2.0).tolist() == [0, 1]


def test_a_map_of_its_own_size_is_brought_to_the_true_cells(tmp_path):
    trajectory = load_exploration(
        record(tmp_path / "bag"), GridMap("half", WALLS[:, :10], resolution=0.25, origin=(-1.0, 2.0))
    )
    assert trajectory.maps[0].at(3.0).shape == (16, 10)


def test_view_knows_what_it_is(tmp_path):
    output = tmp_path / "film.gif"
    words = [str(record(tmp_path / "bag")), "-o", str(output), "--seconds", "0.6", "--fps", "10"]
    result = CliRunner().invoke(app, [*words, "--width", "600"])
    assert result.exit_code == 0, result.output
    assert "2 robots, 4.0 s, explored 100.0% together; each: 100.0%, 0.0%" in result.output
    assert Image.open(output).n_frames == 6
    assert Image.open(output.with_suffix(".png")).width <= 600
    refused = CliRunner().invoke(app, [*words, "--3d"])
    assert isinstance(refused.exception, ValueError) and "--3d shows fleets" in str(refused.exception)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"true_map": False}, "no true_map.*it holds /links"),
        ({"robots": ()}, "odometry of robots altogether"),
        ({"robots": (1,)}, r"odometry of robots \[0\]"),
    ],
)
def test_what_is_missing_is_named(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        load_exploration(record(tmp_path / "bag", **options))
