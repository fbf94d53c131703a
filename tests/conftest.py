"""Keeps every test's ROS 2 traffic on the loopback interface and apart from other runs."""

import os

# Before any test imports rclpy. Workers of pytest-xdist get a domain each.
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", str(60 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 40))
os.environ.setdefault("ROS_LOG_DIR", f"/tmp/pilotfish-test-logs-{os.getuid()}")
