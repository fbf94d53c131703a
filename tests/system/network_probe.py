"""Run inside of a robot's network namespace: prints a line of JSON a second with what is known there.

``python network_probe.py ROBOT``: ``known`` is the share of the building in the robot's map, ``connected``
whom it hears, ``voices`` how many publishers Fast DDS knows on /exploration/air, the robot's own included.
"""

import contextlib
import json
import sys
import time

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException

robot = sys.argv[1]
said = {"known": 0.0, "connected": None, "status": ""}


def on_diagnostics(message: DiagnosticArray) -> None:
    for status in message.status:
        values = {pair.key: pair.value for pair in status.values}
        if f"known_{robot}" in values:
            said["known"] = float(values[f"known_{robot}"])
        elif status.name == f"robot_{robot}: explorer":
            said["connected"] = json.loads(values.get("connected", "null"))
            said["status"] = status.message


with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException), rclpy.init():
    node = rclpy.create_node(f"probe_{robot}")
    node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 50)
    due = time.monotonic()
    while rclpy.ok():
        rclpy.spin_once(node, timeout_sec=0.1)
        if time.monotonic() > due:
            due += 0.5
            voices = node.count_publishers("/exploration/air")
            print(json.dumps(said | {"voices": voices}), flush=True)
