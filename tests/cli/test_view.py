import numpy as np
import pytest
from PIL import Image
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from typer.testing import CliRunner

from pilotfish.cli.view import app
from pilotfish.worlds.maps.grid_map import GridMap
from pilotfish.worlds.render.recording import load_recording

STORE = get_typestore(Stores.ROS2_KILTED)
T = STORE.types
GRID = GridMap("hall", np.eye(6, 8, k=3, dtype=bool), resolution=0.5, origin=(1.0, -2.0))
SECONDS = 3.0


def header(time: float):
    stamp = T["builtin_interfaces/msg/Time"](sec=int(time), nanosec=round(time % 1 * 1e9))
    return T["std_msgs/msg/Header"](stamp=stamp, frame_id="map")


def pose(x: float, y: float, yaw: float = 0.0):
    return T["geometry_msgs/msg/Pose"](
        position=T["geometry_msgs/msg/Point"](x=x, y=y, z=0.0),
        orientation=T["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=np.sin(yaw / 2), w=np.cos(yaw / 2)),
    )


def odometry(time: float, x: float, y: float, yaw: float):
    zero = T["geometry_msgs/msg/Vector3"](x=0.0, y=0.0, z=0.0)
    return T["nav_msgs/msg/Odometry"](
        header=header(time),
        child_frame_id="base_link",
        pose=T["geometry_msgs/msg/PoseWithCovariance"](pose=pose(x, y, yaw), covariance=np.zeros(36)),
        twist=T["geometry_msgs/msg/TwistWithCovariance"](
            twist=T["geometry_msgs/msg/Twist"](linear=zero, angular=zero), covariance=np.zeros(36)
        ),
    )


def occupancy():
    return T["nav_msgs/msg/OccupancyGrid"](
        header=header(0.0),
        info=T["nav_msgs/msg/MapMetaData"](
            map_load_time=header(0.0).stamp,
            resolution=GRID.resolution,
            width=GRID.width,
            height=GRID.height,
            origin=pose(*GRID.origin),
        ),
        data=np.where(GRID.walls[::-1], 100, 0).astype(np.int8).ravel(),
    )


def record(folder, robots=(0, 1), with_map=True):
    """Robot i drives along x at 0.5 m/s, y is i metres; its goal changes after 2 s."""
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:

        def add(topic, kind):
            connection = writer.add_connection(topic, kind, typestore=STORE)
            return lambda t, m: writer.write(connection, round(t * 1e9), STORE.serialize_cdr(m, kind))

        if with_map:
            add("/fleet/map", "nav_msgs/msg/OccupancyGrid")(0.0, occupancy())
        odom = {i: add(f"/fleet/robot_{i}/odom", "nav_msgs/msg/Odometry") for i in robots}
        goal = {i: add(f"/fleet/robot_{i}/goal_pose", "geometry_msgs/msg/PoseStamped") for i in robots}
        for time in np.arange(0.0, SECONDS + 1e-6, 0.05).tolist():
            for i in robots:
                odom[i](time, odometry(time, 1.5 + 0.5 * time, i - 1.0, 3.0 + 0.2 * time))
        for time, cell in ((0.0, 7), (2.0, 15)):
            for i in robots:
                x, y = GRID.cell_centre(cell).tolist()
                goal[i](time, T["geometry_msgs/msg/PoseStamped"](header=header(time), pose=pose(x, y)))
    return next(folder.glob("*.mcap"))


def test_a_recording_becomes_the_trajectory_that_was_driven(tmp_path):
    trajectory = load_recording(record(tmp_path / "bag"))
    np.testing.assert_array_equal(trajectory.grid.walls, GRID.walls)
    assert (trajectory.grid.resolution, trajectory.grid.origin) == (0.5, (1.0, -2.0))
    assert trajectory.duration == pytest.approx(SECONDS)
    times = trajectory.times
    np.testing.assert_allclose(trajectory.poses[:, 1, 0], 1.5 + 0.5 * times, atol=1e-4)
    np.testing.assert_allclose(trajectory.poses[:, 1, 1], 0.0, atol=1e-6)
    np.testing.assert_allclose(np.unwrap(trajectory.poses[:, 0, 2]), 3.0 + 0.2 * times, atol=1e-4)
    assert trajectory.goals[0].tolist() == [7, 7] and trajectory.goals[-1].tolist() == [15, 15]
    assert trajectory.delivered[-1] == 2


def test_only_the_part_after_a_moment_counts(tmp_path):
    recording = record(tmp_path / "bag")
    part = load_recording(recording, since=2.5)
    assert part.times[0] == 0.0 and part.duration == pytest.approx(0.5)
    assert part.poses[0, 0, 0] == pytest.approx(1.5 + 0.5 * 2.5, abs=1e-4)
    assert part.delivered[-1] == 0
    with pytest.raises(ValueError, match="ends 6.0 s before"):
        load_recording(recording, since=9.0)


def test_a_recording_cut_off_is_read_as_far_as_it_goes(tmp_path):
    whole = record(tmp_path / "bag")
    cut = tmp_path / "cut.mcap"
    content = whole.read_bytes()
    # Without the chunk index and the footer, as a killed recorder leaves it.
    cut.write_bytes(content[: content.rindex(b"fleet") - 1000])
    assert load_recording(cut).duration > 0


@pytest.mark.parametrize(("flags", "frames"), [([], 15), (["--3d", "--still", "--fps", "10"], 6)])
def test_view_writes_a_video_and_a_picture(tmp_path, flags, frames):
    output = tmp_path / "new" / "film.gif"
    words = [str(record(tmp_path / "bag")), "-o", str(output), "--seconds", "0.6", "--width", "480"]
    result = CliRunner().invoke(app, [*words, "--from", "1.0", *flags])
    assert result.exit_code == 0, result.output
    assert "2 robots, 3.0 s, 2 goals" in result.output
    assert Image.open(output).n_frames == frames
    assert Image.open(output.with_suffix(".png")).width <= 480


def test_an_empty_part_is_refused(tmp_path):
    result = CliRunner().invoke(app, [str(record(tmp_path / "bag")), "--from", "5"])
    assert isinstance(result.exception, ValueError) and "nothing of 3.0 s" in str(result.exception)


@pytest.mark.parametrize(
    ("robots", "with_map", "message"),
    [
        ((), True, "no robot_<i>/odom.*holds /fleet/map"),
        ((0,), False, "no map topic"),
        ((0, 2), True, r"no odometry of robots \[1\]"),
    ],
)
def test_missing_topics_are_named(tmp_path, robots, with_map, message):
    with pytest.raises(ValueError, match=message):
        load_recording(record(tmp_path / "bag", robots, with_map))


def test_files_that_are_no_recording(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.mcap"):
        load_recording(tmp_path / "none.mcap")
    (tmp_path / "text.mcap").write_text("hello, world")
    with pytest.raises(ValueError, match="no MCAP file"):
        load_recording(tmp_path / "text.mcap")
    (tmp_path / "text.mcap").unlink()
    with pytest.raises(FileNotFoundError, match=r"no \.mcap"):
        load_recording(tmp_path)
