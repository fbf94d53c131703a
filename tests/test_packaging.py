"""The package as pip and ROS install it: names, versions, data, executables."""

import ast
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import entry_points, requires, version
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROS_PACKAGES_OF_THE_WHEELS = {"rclpy", "launch", "launch_ros"}
MESSAGES = re.compile(r".*_(msgs|srvs|interfaces)$")


@pytest.fixture(scope="module")
def manifest():
    return ElementTree.parse(ROOT / "package.xml").getroot()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A prefix with what ``setup.py`` installs."""
    prefix = tmp_path_factory.mktemp("prefix")
    for step in (["build_py", "--build-lib", prefix / "lib"], ["install_data", "--install-dir", prefix]):
        command = [sys.executable, "setup.py", "--quiet", *map(str, step)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, result.stderr
    return prefix


def test_the_version_is_the_same_everywhere(manifest):
    assert manifest.findtext("version") == version("pilotfish")
    assert f"## {version('pilotfish')}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_manifest_names_every_ros_package_that_is_imported(manifest):
    declared = {element.text for element in manifest.findall("exec_depend")}
    imported = set()
    for path in ROOT.joinpath("ros_nodes").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    ros = {name for name in imported if name in ROS_PACKAGES_OF_THE_WHEELS or MESSAGES.match(name)}
    assert ros <= declared, f"add to package.xml: {sorted(ros - declared)}"


def test_every_module_data_file_and_model_is_installed(installed):
    """Whatever git knows of the import folders arrives, under the import package."""
    tracked = subprocess.run(
        ["git", "ls-files", "policies", "worlds", "ros_nodes", "hardware", "cli"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    missing = [
        path
        for path in tracked.stdout.splitlines()
        if (ROOT / path).is_file() and not (installed / "lib" / "pilotfish" / path).is_file()
    ]
    assert not missing, f"setup.py does not install {missing}"


def test_ros_finds_its_files_under_share(installed):
    share = installed / "share"
    assert (share / "ament_index/resource_index/packages/pilotfish").is_file()
    assert (share / "pilotfish/package.xml").is_file()
    views = (("launch", "*.rviz"), ("launch", "*.foxglove.json"))
    for folder, pattern in (("launch", "*.launch.py"), ("launch/params", "*.yaml"), *views):
        for path in (ROOT / folder).glob(pattern):
            assert (share / "pilotfish" / folder / path.name).is_file()


def test_nothing_shadows_ros_launch():
    assert not (ROOT / "launch" / "__init__.py").exists()


def test_every_executable_has_its_module():
    scripts = [script for script in entry_points(group="console_scripts") if script.dist.name == "pilotfish"]
    assert {"pilotfish", "follower_host", "fleet_sim_node"} <= {script.name for script in scripts}
    for script in scripts:
        module = find_spec(script.module)
        assert module is not None, f"{script.name}: no module {script.module}"
        functions = [
            node.name
            for node in ast.parse(Path(module.origin).read_text()).body
            if isinstance(node, ast.FunctionDef)
        ]
        assert script.attr in functions, f"{script.module} has no function {script.attr}"


def test_every_requirement_is_pinned():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {_normal(line.split("==")[0]) for line in lines if "==" in line}
    needed = {_normal(re.split(r"[ ;<>=!~\[]", line, maxsplit=1)[0]) for line in requires("pilotfish")}
    assert needed <= pinned, f"run `make lock`: {sorted(needed - pinned)}"
    assert not [line for line in lines if "+" in line], "local versions are not on PyPI"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
