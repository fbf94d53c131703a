"""The runs of a policy node: when they begin and end, and what is told about them.

Services ``~/start`` and ``~/cancel`` (Trigger); topic ``success`` (Bool) in, ``~/status`` (String, latched:
JSON) out. The parameters ``mode`` and ``time_limit`` are described in ``policy_node.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from rclpy.node import Node
from std_msgs.msg import Bool, String
from std_srvs.srv import Trigger

from pilotfish.ros_nodes.common import LATCHED, parameter, publish, subscribe

MODES = ("continuous", "on_request")


class PolicyRuns:
    """Which run it is, and how it goes.

    Args:
        node: whose services, topics and parameters these are.
        clock: [s].
        begun: called when a run begins.
        halt: called when one ends, and when an episode does: stops the robot.

    Attributes:
        state: idle, running, done, cancelled or failed.
        reason: why it is in this state, where there is one to tell.
        number: runs so far.
        open: whether requests are taken.
    """

    def __init__(
        self, node: Node, clock: Callable[[], float], begun: Callable[[], None], halt: Callable[[], None]
    ) -> None:
        self.state, self.reason, self.number, self.open = "idle", "", 0, False
        self._node, self._clock, self._begun, self._halt = node, clock, begun, halt
        self._started = 0.0
        self._status = publish(node, String, "~/status", LATCHED)
        subscribe(node, Bool, "success", self.on_success, 1)
        node.create_service(Trigger, "~/start", self.on_start)
        node.create_service(Trigger, "~/cancel", self.on_cancel)

    @property
    def running(self) -> bool:
        """Whether the policy leads the robot."""
        return self.state == "running"

    def configure(self) -> None:
        """Read the parameters. Raises ValueError."""
        self.mode = str(parameter(self._node, "mode", MODES[0]))
        if self.mode not in MODES:
            raise ValueError(f"mode {self.mode!r}: choose {' or '.join(MODES)}")
        self.time_limit = float(parameter(self._node, "time_limit", 0.0))

    def activate(self) -> None:
        """Take requests from now on; in mode continuous a run begins."""
        self.open = True
        self.state, self.reason = "idle", ""
        if self.mode == "continuous":
            self._begin()
        else:
            self._tell()

    def deactivate(self, reason: str) -> None:
        """Stop the robot, and take no more requests; a run ends as cancelled."""
        self.end("cancelled", reason)
        self.open = False

    def _begin(self) -> None:
        self.state, self.reason = "running", ""
        self.number += 1
        self._started = self._clock()
        self._begun()
        self._tell()

    def end(self, state: str, reason: str) -> None:
        """Stop the robot, whatever the state; a run ends."""
        self._halt()
        if self.running:
            self.state, self.reason = state, reason
            self._tell()

    def end_if_overdue(self, now: float) -> None:
        """A requested run that has gone on for longer than the time limit has failed."""
        if self._started <= 0.0 or now < self._started:  # simulated time had not begun, or has begun anew
            self._started = now
        overdue = 0.0 < self.time_limit < now - self._started
        if self.running and self.mode == "on_request" and overdue:
            self.end("failed", f"not done after {self.time_limit:g} s")

    def _tell(self) -> None:
        facts = {
            "state": self.state,
            "reason": self.reason,
            "policy": str(parameter(self._node, "policy", "")),
            "task": str(parameter(self._node, "task", "")),
            "run": self.number,
            "seconds": round(self._clock() - self._started, 3) if self._started > 0.0 else 0.0,
        }
        self._status.publish(String(data=json.dumps(facts)))

    def on_start(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Begin a run, unless one is under way."""
        if not self.open or self.running:
            response.message = "running already" if self.open else "the node is not active"
            return response
        self._begin()
        response.success, response.message = True, f"run {self.number}"
        return response

    def on_cancel(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """End the run; the robot is stopped even where none is under way."""
        response.success = self.running
        response.message = f"run {self.number} cancelled" if response.success else "nothing runs"
        if self.open:
            self.end("cancelled", "on request")
        return response

    def on_success(self, message: Bool) -> None:
        """The end of a requested run, if it says so; in mode continuous a new episode begins."""
        if not self.running:
            return
        if self.mode == "continuous":
            self._halt()
        elif message.data:
            self.end("done", "success")
