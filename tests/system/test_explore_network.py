"""Explorers on a real network whose links go down and up: a network namespace for each robot.

Each robot's simulator and explorer run in a namespace of their own. A veth pair joins each to a bridge,
which stands in a namespace, too: nothing leaves this machine. Needs root and iproute2.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from pilotfish.ros_nodes.launcher import command_line
from pilotfish.ros_nodes.plan import NodeSpec, plan_system
from pilotfish.worlds.exploration.starts import team_starts
from pilotfish.worlds.maps.load import load_map

WORLD = "gen:offices?size=80x120&seed=1"
ROBOTS = 2
AIR = f"pf{os.getpid()}air"
PROFILE = """<?xml version="1.0" encoding="UTF-8" ?>
<profiles xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles">
  <participant profile_name="short_lease" is_default_profile="true">
    <rtps><builtin><discovery_config>
      <leaseDuration><sec>5</sec></leaseDuration>
      <leaseAnnouncement><sec>1</sec></leaseAnnouncement>
    </discovery_config></builtin></rtps>
  </participant>
</profiles>
"""
"""Fast DDS gives up a silent peer after 5 s instead of 20."""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def why_not() -> str:
    """Why namespaces cannot be made here; "" if they can."""
    if shutil.which("ip") is None:
        return "iproute2 is not installed (apt install iproute2)"
    probe = f"pf{os.getpid()}try"
    result = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if result.returncode:
        return f"`ip netns add` fails (it needs root): {result.stderr.strip()}"
    ip("netns", "del", probe)
    return ""


class Robot:
    """A namespace with a simulator, an explorer and a probe in it."""

    def __init__(self, index: int, specs: list[NodeSpec], environment: dict[str, str]) -> None:
        self.index = index
        self.namespace = f"pf{os.getpid()}r{index}"
        self.cable = f"pf{index}"
        self.said: dict = {}
        self.processes: list[subprocess.Popen] = []
        ip("netns", "add", self.namespace)
        inside = ("-n", self.namespace)
        ip(
            "-n",
            AIR,
            "link",
            "add",
            self.cable,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            self.namespace,
        )
        ip("-n", AIR, "link", "set", self.cable, "master", "bridge", "up")
        ip(*inside, "link", "set", "lo", "up")
        ip(*inside, "address", "add", f"10.77.0.{index + 1}/24", "dev", "eth0")
        ip(*inside, "link", "set", "eth0", "up")
        ip(*inside, "route", "add", "default", "dev", "eth0")
        self._environment = environment
        for spec in specs:
            self._start(command_line(spec), None)
        probe = [sys.executable, str(Path(__file__).with_name("network_probe.py")), str(index)]
        self._start(probe, subprocess.PIPE)
        threading.Thread(target=self._listen, daemon=True).start()

    def _start(self, command: list[str], output: int | None) -> None:
        words = ["ip", "netns", "exec", self.namespace, *command]
        self.processes.append(
            subprocess.Popen(words, env=self._environment, stdout=output, text=True, start_new_session=True)
        )

    def _listen(self) -> None:
        for line in self.processes[-1].stdout:
            if line.startswith("{"):
                self.said = json.loads(line)

    def link(self, up: bool) -> None:
        ip("-n", AIR, "link", "set", self.cable, "up" if up else "down")

    def stop(self) -> None:
        for number, seconds in ((signal.SIGINT, 5.0), (signal.SIGKILL, 5.0)):
            for process in self.processes:
                if process.poll() is None:
                    os.killpg(process.pid, number)
            deadline = time.monotonic() + seconds
            while any(process.poll() is None for process in self.processes) and time.monotonic() < deadline:
                time.sleep(0.05)


@pytest.fixture
def robots(tmp_path):
    reason = why_not()
    if reason:
        message = f"NOT TESTED: explorers on links that go down and up, because {reason}"
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    profile = tmp_path / "fastdds.xml"
    profile.write_text(PROFILE)
    environment = os.environ | {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET",  # the subnet is the bridge, and nothing else
        "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4",  # shared memory would go around the network
        "FASTDDS_DEFAULT_PROFILES_FILE": str(profile),
        "OMP_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
    }
    simulator, _, *hosts = plan_system(
        "explore", [f"world:={WORLD}", f"robots:={ROBOTS}", f"processes:={ROBOTS}", "use_sim_time:=false"]
    )
    grid = load_map(WORLD)
    places = grid.cell_centre(team_starts(grid, ROBOTS, 0.2)).tolist()
    made: list[Robot] = []
    ip("netns", "add", AIR)
    try:
        ip("-n", AIR, "link", "add", "bridge", "type", "bridge", "mcast_snooping", "0")
        ip("-n", AIR, "link", "set", "bridge", "up")
        for index, (place, host) in enumerate(zip(places, hosts, strict=True)):
            alone = {"robots": 1, "first": index, "starts": place, "seed": index}
            world = NodeSpec(
                "explore_sim_node",
                f"explore_sim_{index}",
                parameters=dict(simulator.parameters) | alone,
                params_files=simulator.params_files,
            )
            explorer = NodeSpec(
                "explorer_host",
                host.name,
                parameters=dict(host.parameters) | {"peers_topic": "network"},
                params_files=host.params_files,
            )
            made.append(Robot(index, [world, explorer], environment))
        yield made
    finally:
        for robot in made:
            robot.stop()
        for namespace in (*(robot.namespace for robot in made), AIR):
            subprocess.run(["ip", "netns", "del", namespace], capture_output=True)


def wait_for(robots: list[Robot], condition, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not all(robot.said and condition(robot) for robot in robots):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}: {[robot.said for robot in robots]}")
        time.sleep(0.1)


def test_explorers_lose_and_regain_each_other_with_the_network(robots):
    start = time.monotonic()
    others = ROBOTS - 1
    wait_for(robots, lambda r: len(r.said["connected"] or ()) == others, 40.0, "everybody to meet")
    assert all(robot.said["voices"] == ROBOTS for robot in robots)
    print(f"met after {time.monotonic() - start:.0f} s")

    for robot in robots:
        robot.link(False)
    wait_for(robots, lambda r: r.said["connected"] == [], 20.0, "the explorers to be alone")
    wait_for(robots, lambda r: r.said["voices"] == 1, 45.0, "Fast DDS to give the others up")
    wait_for(robots, lambda r: r.said["known"] > 0.4, 40.0, "each to explore alone")
    print(f"alone after {time.monotonic() - start:.0f} s: {[robot.said['known'] for robot in robots]}")

    for robot in robots:
        robot.link(True)
    wait_for(robots, lambda r: r.said["voices"] == ROBOTS, 20.0, "Fast DDS to find the others again")
    wait_for(robots, lambda r: len(r.said["connected"]) == others, 20.0, "everybody to hear each other again")
    wait_for(robots, lambda r: r.said["known"] >= 0.99, 60.0, "every map to be whole")
    print(f"whole after {time.monotonic() - start:.0f} s")
