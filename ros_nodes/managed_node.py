"""The life cycle that the nodes which lead a robot share."""

from __future__ import annotations

import math
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

from pilotfish.ros_nodes.common import parameter


def control_rate(node: Node) -> float:
    """The parameter of this name: control ticks a second.

    Raises:
        ValueError: it is below 2: what is done a few times a second is done in a tick.
    """
    rate = float(parameter(node, "control_rate", 20.0))
    if not 2.0 <= rate < math.inf:
        raise ValueError(f"control_rate {rate}: a robot needs at least 2 control ticks a second")
    return rate


class ManagedNode(LifecycleNode):
    """A lifecycle node that can start itself, and whose robot stands still where it is not active.

    Subclasses say what is made, what stops the robot, and what is forgotten.

    Args:
        name: of the node.
        hosted: somebody else calls its timers' work and switches the states, so that it offers no services
            for them.
        options: of `rclpy.node.Node`.

    Attributes:
        label: what errors call it.
        active: whether the robot may be moved.
        refusal: why the last configuration failed.
    """

    def __init__(self, name: str, hosted: bool = False, **options: Any) -> None:
        super().__init__(name, enable_communication_interface=not hosted, **options)
        self.label = self.get_name()
        self.active = False
        self.refusal: Exception | None = None

    def configure(self) -> None:
        """Make what the node works with; whatever it raises, the node stays unconfigured."""
        raise NotImplementedError

    def halt(self) -> None:
        """Stop the robot; called in any state."""
        raise NotImplementedError

    def forget(self) -> None:
        """Let go of what ``configure`` has made, also where it failed half-way."""
        raise NotImplementedError

    def autostart(self) -> None:
        """Start, unless the parameter ``autostart`` is false. Raises RuntimeError."""
        if parameter(self, "autostart", True):
            self.start()

    def start(self) -> None:
        """Configure and activate.

        Raises:
            RuntimeError: from the reason why that failed.
        """
        for transition in (self.trigger_configure, self.trigger_activate):
            if transition() != TransitionCallbackReturn.SUCCESS:
                raise RuntimeError(f"{self.label} cannot start: {self.refusal}") from self.refusal

    def retire(self) -> bool:
        """Stop the robot at the end of the process, where ROS still runs; whether there was one to stop."""
        moving = self.active and self.context.ok()
        if moving:
            self.trigger_deactivate()
        return moving

    def destroy_node(self) -> None:
        """Also stops the robot."""
        self.retire()
        super().destroy_node()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """``configure``; a failure says why in the log."""
        try:
            self.configure()
        except Exception as error:  # whatever a policy raises: rclpy would drop it without a word
            self.forget()
            self.refusal = error
            self.get_logger().error(f"cannot be configured: {error}")
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From now on the robot may move."""
        self.active = True
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the robot."""
        self.active = False
        self.halt()
        return super().on_deactivate(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the robot, for good; from any state."""
        return self.on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """``forget``."""
        self.forget()
        return TransitionCallbackReturn.SUCCESS
