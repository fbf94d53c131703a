"""``pilotfish convert``: a recording into a dataset and back."""

import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest

pytest.importorskip("lerobot")

from rosbags.rosbag2 import StoragePlugin, Writer
from typer.testing import CliRunner

from pilotfish.cli.convert import app
from pilotfish.ros_nodes.conversions.bag_streams import SECOND, STORE, new_bag_message
from pilotfish.ros_nodes.conversions.messages import set_header

ODOM, TWIST = "nav_msgs/msg/Odometry", "geometry_msgs/msg/TwistStamped"


@pytest.fixture
def bag(tmp_path):
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {
            kind: writer.add_connection(topic, kind, typestore=STORE)
            for topic, kind in (("/robot_1/odom", ODOM), ("/robot_1/cmd_vel", TWIST))
        }
        for k in range(12):
            for kind, connection in connections.items():
                message = new_bag_message(kind)
                set_header(message, k * SECOND // 10 + SECOND)
                if kind == ODOM:
                    message.pose.pose.orientation.w = 1.0
                writer.write(connection, k * SECOND // 10 + SECOND, STORE.serialize_cdr(message, kind))
    return tmp_path / "bag"


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_there_and_back(bag, tmp_path):
    data, report = tmp_path / "data", tmp_path / "out" / "report.json"
    words = ("--mapping", "policy_base", "--namespace", "robot_1")
    made = call(bag, data, *words, "--fps", 10, "--task", "drive", "--json", report)
    assert made.exit_code == 0, made.output
    assert "1 episodes, 12 frames" in made.output
    assert json.loads(report.read_text())["lengths"] == [12]
    back = call(data, tmp_path / "back", *words)
    assert back.exit_code == 0, back.output
    assert (tmp_path / "back" / "metadata.yaml").is_file()
    assert call(tmp_path / "back", tmp_path / "again", *words, "--fps", 10).exit_code == 0


def test_mistakes_are_named(bag, tmp_path):
    def error(*words):
        return str(call(*words, "--mapping", "policy_base").exception)

    assert "/odom" in error(bag, tmp_path / "x", "--fps", 10)
    assert "--fps is missing" in error(bag, tmp_path / "x")
    assert "does not exist: name a recording" in error(tmp_path / "nothing", tmp_path / "x", "--fps", 10)
    assert "--clock sun: write stamp or log" in error(bag, tmp_path / "x", "--clock", "sun", "--fps", 10)
    assert "exists already" in error(bag, bag, "--fps", 10, "--namespace", "robot_1")
    assert not (tmp_path / "x").exists()


def test_help_teaches():
    text = call("--help").output
    for word in ("pilotfish convert", "--mapping", "--max-age", "gap"):
        assert word in text
