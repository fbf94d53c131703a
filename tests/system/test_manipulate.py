"""The arm over topics: the policy's node leads the simulated arm at the rate of a real controller."""

import time

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("gymnasium", reason="needs the install group [manipulation]")

from rosbags.highlevel import AnyReader
from std_srvs.srv import Trigger

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

    @property
    def said_by_policy(self) -> str:
        """In words."""
        return self.status.statuses["policy: policy"][0]

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: self.arm and self.policy.get("state"), 60.0, "both nodes")

    def call(self, service: str) -> Trigger.Response:
        """Ask for something."""
        client = self.watch.node.create_client(Trigger, service)
        assert client.wait_for_service(10.0)
        answer = client.call_async(Trigger.Request())
        self.wait_for(answer.done, 10.0, f"{service} to answer")
        return answer.result()

    @property
    def commands(self) -> int:
        """That the arm has got."""
        return int(self.arm["commands"])

    @property
    def ended(self) -> int:
        """Episodes, for whatever reason."""
        return int(self.arm["episodes_ended"])

    def episodes(self, count: int, timeout: float) -> float:
        """Wait for so many episodes after the one that is under way; the share that succeeded."""
        first = self.ended + 1
        self.wait_for(lambda: self.ended >= first, timeout, "the end of an episode")
        ended, succeeded = self.ended, int(self.arm["episodes_succeeded"])
        self.wait_for(lambda: self.ended >= ended + count, timeout, f"{count} episodes")
        return (int(self.arm["episodes_succeeded"]) - succeeded) / (self.ended - ended)


def test_a_steered_arm_pushes_over_topics_and_is_recorded(tmp_path):
    path = tmp_path / "arm"
    with LiveArm("task:=push", "policy:=dsrl", f"record:={path}") as arm:
        success_rate = arm.episodes(8, 90.0)
        print(f"{success_rate:.0%}, {arm.arm}")
        assert success_rate > 0.6
        assert int(arm.arm["rejected"]) == 0
    with AnyReader([path]) as bag:
        counts = {connection.topic: connection.msgcount for connection in bag.connections}
    assert counts["/hand_twist"] > 50 and counts["/hand_pose"] > 50 and counts["/episode"] >= 8


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_an_arm_is_led_as_well_in_time_that_passes_faster_or_slower(factor):
    with LiveArm("task:=push", "policy:=dsrl", f"real_time_factor:={factor}") as arm:
        before, began = arm.arm, time.monotonic()
        success_rate = arm.episodes(5, 120.0)
        simulated = float(arm.arm["simulated_seconds"]) - float(before["simulated_seconds"])
        pace = simulated / (time.monotonic() - began)
        print(f"factor {factor}: {success_rate:.0%}, pace {pace:.2f}, {arm.arm}, {arm.policy}")
        assert success_rate > 0.5
        assert pace == pytest.approx(factor, rel=0.3)
        assert float(arm.policy["period_p50_ms"]) == pytest.approx(100, abs=20)  # of simulated time


def test_a_request_is_done_though_the_arm_has_waited_for_longer_than_the_task_takes():
    words = ["task:=push", "policy:=dsrl", "mode:=on_request", "auto_reset:=false", "real_time_factor:=3"]
    with LiveArm(*words) as arm:
        arm.wait_for(lambda: arm.ended == 1, 60.0, "the end of the task's time")
        assert arm.commands == 0 and arm.policy["state"] == "idle"
        assert arm.call("/policy/start").message == "run 1"
        arm.wait_for(lambda: arm.policy["state"] == "done", 60.0, "the end of the run")
        arm.wait_for(lambda: arm.arm["success"] == "True", 10.0, "the arm to say so, too")
        assert arm.arm["episodes_succeeded"] == "0"
        again = arm.call("/policy/cancel")
        assert not again.success and again.message == "nothing runs"


def test_an_arm_without_its_policy_gets_no_commands_until_it_is_back():
    with LiveArm("task:=push", "policy:=dsrl") as arm:
        arm.wait_for(lambda: arm.commands > 0, 60.0, "commands")
        arm.system.kill("policy")
        arm.wait_for(lambda: not arm.system.running("policy"), 10.0, "the end of the policy")
        first = arm.ended
        arm.wait_for(lambda: arm.ended >= first + 1, 20.0, "the end of an episode")
        alone = arm.commands
        arm.wait_for(lambda: arm.ended >= first + 2, 20.0, "an episode without a policy")
        assert arm.commands == alone
        arm.system.restart("policy")
        arm.wait_for(lambda: arm.commands > alone, 60.0, "commands")
        assert arm.episodes(3, 60.0) > 0.3


def test_a_simulator_that_stands_still_is_noticed_until_it_goes_on():
    with LiveArm("task:=push", "policy:=base") as arm:
        arm.wait_for(lambda: arm.commands > 0, 60.0, "commands")
        arm.freeze("manipulation_sim", True)
        arm.wait_for(lambda: "stands still" in arm.said_by_policy, 10.0, "the policy to notice")
        arm.freeze("manipulation_sim", False)
        before = arm.commands
        arm.wait_for(lambda: arm.commands > before + 5, 20.0, "commands")
        arm.wait_for(lambda: "stands still" not in arm.said_by_policy, 10.0, "the policy to go on")
