import pytest

pytest.importorskip("rclpy")

from pilotfish.ros_nodes.follower_host import robot_arguments


def test_renamings_of_the_process_do_not_reach_the_robots():
    words = "host --ros-args -r __node:=host_1 -r __ns:=/fleet -r map:=/map --params-file f.yaml -p seed:=3"
    assert robot_arguments(words.split()) == (
        ["--ros-args", "-r", "map:=/map", "--params-file", "f.yaml", "-p", "seed:=3"]
    )


def test_no_ros_arguments_are_none():
    assert robot_arguments(["host"]) == []
