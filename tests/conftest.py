"""Keeps every test's ROS 2 traffic on the loopback interface and apart from other runs."""

import os
from pathlib import Path

import pytest

# Before any test imports rclpy. Two runs at once must not hear each other, hence the process's number;
# workers of pytest-xdist, which inherit what is set here, get a domain each.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
_own = os.environ.get("ROS_DOMAIN_ID", str(1 + os.getpid() % 97))
_first = int(os.environ.setdefault("PILOTFISH_TEST_DOMAIN", _own))
os.environ["ROS_DOMAIN_ID"] = str((_first + _worker) % 101)
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_LOG_DIR", f"/tmp/pilotfish-test-logs-{os.getuid()}")

SYSTEM_TESTS = Path(__file__).parent / "system"


def pytest_collection_modifyitems(items):
    """All of tests/system starts live nodes, which need the machine for themselves."""
    for item in items:
        if SYSTEM_TESTS in item.path.parents:
            item.add_marker(pytest.mark.system)
