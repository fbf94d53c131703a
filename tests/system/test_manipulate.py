"""The arm over topics: the policy's node leads the simulated arm at the rate of a real controller."""

import time

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("gymnasium", reason="needs the install group [manipulation]")

from rosbags.highlevel import AnyReader

from pilotfish.ros_nodes.live_system import LiveSystem
from pilotfish.ros_nodes.plan import plan_system


class LiveArm(LiveSystem):
    """The processes of ``run manipulate``."""

    def __init__(self, *words: str) -> None:
        super().__init__(plan_system("manipulate", words))

    @property
    def arm(self) -> dict[str, str]:
        """What the simulator says of itself."""
        return self.status.statuses.get("manipulation_sim: arm", ("", {}))[1]

    @property
    def policy(self) -> dict[str, str]:
        """What the policy's node says of itself."""
        return self.status.statuses.get("policy: policy", ("", {}))[1]

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: int(self.arm.get("commands", 0)) > 0, 60.0, "the first command")

    def episodes(self, count: int, timeout: float) -> tuple[int, int]:
        """Wait for so many episodes; returns how many ended, and how many of them succeeded."""
        self.wait_for(lambda: int(self.arm["episodes_ended"]) >= count, timeout, f"{count} episodes")
        return int(self.arm["episodes_ended"]), int(self.arm["episodes_succeeded"])


def test_a_steered_arm_pushes_over_topics_and_is_recorded(tmp_path):
    path = tmp_path / "arm"
    with LiveArm("task:=push", "policy:=dsrl", f"record:={path}") as arm:
        ended, succeeded = arm.episodes(8, 90.0)
        print(f"{succeeded} of {ended}, {arm.arm}")
        assert succeeded / ended > 0.6
        assert int(arm.arm["rejected"]) == 0
    with AnyReader([path]) as bag:
        counts = {connection.topic: connection.msgcount for connection in bag.connections}
    assert counts["/hand_twist"] > 50 and counts["/hand_pose"] > 50 and counts["/episode"] >= 8


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_an_arm_is_led_as_well_in_time_that_passes_faster_or_slower(factor):
    with LiveArm("task:=push", "policy:=dsrl", f"real_time_factor:={factor}") as arm:
        before, began = arm.arm, time.monotonic()
        ended, succeeded = arm.episodes(5, 120.0)
        simulated = float(arm.arm["simulated_seconds"]) - float(before["simulated_seconds"])
        pace = simulated / (time.monotonic() - began)
        print(f"factor {factor}: {succeeded} of {ended}, pace {pace:.2f}, {arm.arm}, {arm.policy}")
        assert succeeded / ended > 0.5
        assert pace == pytest.approx(factor, rel=0.3)
        assert float(arm.policy["period_p50_ms"]) == pytest.approx(100, abs=20)  # of simulated time


def test_a_killed_policy_stops_the_arm_and_goes_on_when_it_is_back():
    with LiveArm("task:=push", "policy:=dsrl") as arm:
        arm.episodes(1, 60.0)
        arm.system.kill("policy")
        before = int(arm.arm["episodes_ended"])
        arm.wait_for(lambda: not arm.system.running("policy"), 10.0, "the end of the policy")
        arm.system.restart("policy")
        ended, _ = arm.episodes(before + 2, 60.0)
        assert ended >= before + 2
