import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from pilotfish.ros_nodes.launcher import Launcher, Printer, command_line, process_name
from pilotfish.ros_nodes.plan import NodeSpec

PROGRAMS = {
    "talker": """
import sys, time
print("ready", *sys.argv[1:])
while True:
    time.sleep(0.05)
""",
    "stubborn": """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready")
while True:
    time.sleep(0.05)
""",
    "failing": "raise SystemExit(3)",
    "short": "print('done')",
    "environment": "import os; print(os.environ['TOY'], os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'])",
}


@pytest.fixture
def toy_env(tmp_path):
    """An environment in which the package ``toy`` has the programs above as its nodes."""
    folder = tmp_path / "toy" / "ros_nodes"
    folder.mkdir(parents=True)
    for name, code in PROGRAMS.items():
        (folder / f"{name}.py").write_text(code)
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


@pytest.fixture
def start(toy_env):
    """Launcher(specs) of toy programs, silent."""
    return partial(Launcher, env=toy_env, output=lambda *_: None)


def toy(executable: str, **options) -> NodeSpec:
    return NodeSpec(executable, options.pop("name", executable), package="toy", **options)


def wait_for(condition, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_command_line_carries_names_parameters_and_files():
    spec = NodeSpec(
        "follower_node",
        "follower",
        namespace="robot_1",
        parameters={"radius": 1.0, "map": "a b", "on": True, "goals": [1, 2]},
        params_files=("fleet.yaml",),
        remappings=(("odom", "pose"),),
    )
    words = command_line(spec)
    assert words[:4] == [sys.executable, "-m", "pilotfish.ros_nodes.follower_node", "--ros-args"]
    text = " ".join(words)
    assert "-r __node:=follower -r __ns:=/robot_1 -r odom:=pose --params-file fleet.yaml" in text
    assert '-p radius:=1.0 -p map:="a b" -p on:=true -p goals:=[1, 2]' in text
    assert process_name(spec) == "robot_1/follower"


def test_programs_of_ros_are_found_in_its_prefixes(tmp_path, monkeypatch):
    program = tmp_path / "lib/rviz2/rviz2"
    program.parent.mkdir(parents=True)
    spec = NodeSpec("rviz2", "rviz", package="rviz2", arguments=("-d", "a.rviz"), program=True)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="rviz2 is not installed here.*leave rviz out"):
        Launcher([spec])
    program.touch(0o755)
    assert command_line(spec) == [str(program), "-d", "a.rviz", "--ros-args", "-r", "__node:=rviz"]


def test_processes_run_until_the_block_is_left(toy_env):
    with Launcher(
        [toy("talker"), toy("talker", name="second")], env=toy_env, output=lambda *_: None
    ) as system:
        wait_for(lambda: all(system.tail(name) for name in system.names))
        assert system.tail("second")[0].startswith("ready --ros-args -r __node:=second")
        assert system.wait(timeout=0.1) is None
        pids = [system.pid(name) for name in system.names]
    assert all(gone(pid) for pid in pids)


def test_one_that_ignores_sigint_is_stopped_all_the_same(start):
    with start([toy("stubborn")]) as system:
        wait_for(lambda: system.tail("stubborn"))
        pid = system.pid("stubborn")
    assert gone(pid)


def test_the_end_of_a_required_process_ends_the_system(toy_env):
    with Launcher(
        [toy("talker"), toy("failing", required=True)], env=toy_env, output=lambda *_: None
    ) as system:
        assert system.wait(timeout=15) == 3


def test_a_system_whose_processes_are_all_done_is_done(start):
    with start([toy("short"), toy("failing")]) as system:
        assert system.wait(timeout=15) == 3
        assert system.tail("short") == ["done"]


def test_respawn_starts_a_crashed_process_again(start):
    with start([toy("talker", respawn=True)]) as system:
        wait_for(lambda: system.tail("talker"))
        first = system.pid("talker")
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: system.running("talker") and system.pid("talker") != first)


def test_kill_keeps_it_down_and_restart_brings_it_back(toy_env):
    with Launcher(
        [toy("talker", respawn=True, required=True)], env=toy_env, output=lambda *_: None
    ) as system:
        wait_for(lambda: system.tail("talker"))
        first = system.pid("talker")
        system.kill("talker")
        assert not system.running("talker") and gone(first)
        assert system.wait(timeout=0.1) is None, "who killed it on purpose wants the system to go on"
        system.restart("talker")
        assert system.running("talker") and system.pid("talker") != first


def test_discovery_stays_on_loopback_unless_said_otherwise(toy_env, start):
    toy_env.pop("ROS_AUTOMATIC_DISCOVERY_RANGE", None)
    with start([toy("environment", environment={"TOY": "1"})]) as system:
        assert system.wait(timeout=15) == 0
        assert system.tail("environment") == ["1 LOCALHOST"]


def test_two_processes_of_one_name_are_refused():
    with pytest.raises(ValueError, match="'a/n'"):
        Launcher([NodeSpec("x", "n", namespace="/a"), NodeSpec("y", "n", namespace="a")])


@pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's parent-death signal")
def test_the_processes_die_with_a_killed_launcher(toy_env):
    code = (
        "from pilotfish.ros_nodes.launcher import Launcher\n"
        "from pilotfish.ros_nodes.plan import NodeSpec\n"
        "with Launcher([NodeSpec('talker', 'talker', package='toy')], output=lambda *_: None) as system:\n"
        "    print(system.pid('talker'), flush=True)\n"
        "    system.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], env=toy_env, stdout=subprocess.PIPE, text=True
    ) as host:
        pid = int(host.stdout.readline())
        assert not gone(pid)
        host.kill()
        wait_for(lambda: gone(pid))


def test_lines_are_printed_behind_the_name_that_said_them(capsys):
    printer = Printer(["a", "longer"])
    printer("a", "hello")
    printer("longer", "world")
    assert capsys.readouterr().out == "a      | hello\nlonger | world\n"
