import sys

import pytest

pytest.importorskip("rclpy")

from pilotfish.ros_nodes.explorer_host import ExplorerHost


@pytest.fixture
def make_host(make_node, monkeypatch):
    """A host as its command line would start it: its robots read their parameters from there, too."""

    def make(**parameters):
        words = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
        monkeypatch.setattr(sys, "argv", ["explorer_host", "--ros-args", *words])
        return make_node(ExplorerHost, **parameters)

    return make


def test_it_leads_its_share_of_the_team(make_host):
    host = make_host(first=1, count=2, robots=4, policy="nearest")
    names = [explorer.get_fully_qualified_name() for explorer in host.followers]
    assert names == ["/robot_1/explorer", "/robot_2/explorer"]
    assert [explorer.agent.robot for explorer in host.followers] == [1, 2]
    for _ in range(21):
        host._tick()
    assert all(explorer.agent.stale for explorer in host.followers)
    for explorer in host.followers:
        explorer.destroy_node()


@pytest.mark.parametrize("rate", [1.9, 0.0, -5.0])
def test_a_control_rate_that_is_too_low_is_refused(make_host, rate):
    with pytest.raises(ValueError, match=f"control_rate {rate}: a robot needs at least 2"):
        make_host(robots=1, policy="nearest", control_rate=rate)


def test_a_state_file_of_several_robots_is_refused(make_host, tmp_path):
    with pytest.raises(ValueError, match="is that of several robots"):
        make_host(robots=2, count=2, policy="nearest", state_file=str(tmp_path / "map.npz"))


def test_robots_that_the_team_does_not_have_are_refused(make_host):
    with pytest.raises(RuntimeError, match="robot_4 cannot start: robot 4 is not one of 4"):
        make_host(first=4, count=1, robots=4)
