"""The simulated arm on its table, as a robot with a Cartesian servo would show itself.

Takes ``hand_twist`` (TwistStamped: linear [m/s], angular.z [rad/s], table frame; each message moves the
hand's target once, by the way of one period of control) and ``gripper`` (JointTrajectory: position of a
finger [m], the last point counts). Gives ``joint_states``, ``hand_pose``, ``things`` (what lies on the table:
the names are the layout's label), latched ``success`` and ``episode`` (number of the episode), and, where
``image_period`` [s] says so, ``image``: the fixed camera's picture, of ``image_size`` (height, width) [px].
Stamps are of its own time, which it gives on ``/clock``: it starts at the time of day, and passes
``real_time_factor`` times as fast. With ``wall_clock`` they are the time of day.

A command that is too fast is cut to what one action may ask for; one that is not finite is dropped, and
counted. Where no command comes, the arm stays where it is. Service ``~/reset``: the next episode; with
``auto_reset`` one begins ``pause`` seconds after a success or after the task's time is over.
"""

from __future__ import annotations

import math
import time

import numpy as np
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.clock import Clock as WallClock
from rclpy.clock import ClockType
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Bool, Float32MultiArray, Int64, MultiArrayDimension
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from pilotfish.ros_nodes.common import (
    LATCHED,
    OK,
    SENSOR,
    WARN,
    Diagnostics,
    Status,
    parameter,
    publish,
    run_node,
    subscribe,
)
from pilotfish.ros_nodes.conversions.geometry import to_time
from pilotfish.worlds.manipulation.arm import CONTROL_RATE, STEP, SUBSTEPS, TURN, WIDEST
from pilotfish.worlds.manipulation.task import IMAGE_SIZE
from pilotfish.worlds.registry import make_task

SLICES = 6
"""Parts of a control period that the physics is run in, so that a command acts soon after it came."""
SLICE = 1 / (CONTROL_RATE * SLICES)
"""Of simulated time [s]."""
FINGER = "panda_finger_joint1"
FRAME = "table"
CATCH_UP = 0.3
"""Delay that is made good later [s, wall clock]."""


class ManipulationSimNode(Node):
    """An `ArmTask` on topics, in real time times ``real_time_factor``."""

    def __init__(self) -> None:
        super().__init__("manipulation_sim")
        self.task = make_task(str(parameter(self, "task", "push")))
        self.seed = int(parameter(self, "seed", 0))
        self.auto_reset = bool(parameter(self, "auto_reset", False))
        self.pause = float(parameter(self, "pause", 1.0))
        self.image_period = float(parameter(self, "image_period", 0.0))
        height, width = parameter(self, "image_size", list(IMAGE_SIZE))
        self.image_size = (int(height), int(width))
        factor = float(parameter(self, "real_time_factor", 1.0))
        if factor <= 0:
            raise ValueError(f"real_time_factor must be positive, got {factor}")
        self.wall_clock = bool(parameter(self, "wall_clock", False))
        if self.wall_clock and factor != 1:
            raise ValueError(f"real_time_factor {factor} needs wall_clock false: the time of day has its own")
        self._slice = SLICE / factor
        self.now = self._began = time.time()
        self.episode = -1
        self.rejected = self.commands = self.succeeded = self.ended = 0
        self._joints = publish(self, JointState, "joint_states", SENSOR)
        self._pose = publish(self, PoseStamped, "hand_pose", SENSOR)
        self._things = publish(self, Float32MultiArray, "things", SENSOR)
        self._success = publish(self, Bool, "success", LATCHED)
        self._episode = publish(self, Int64, "episode", LATCHED)
        self._image = publish(self, Image, "image", SENSOR)
        self._clock_time = publish(self, Clock, "/clock", 10)
        subscribe(self, TwistStamped, "hand_twist", self._on_twist, 10)
        subscribe(self, JointTrajectory, "gripper", self._on_gripper, 10)
        self.create_service(Trigger, "~/reset", self._on_reset)
        Diagnostics(self, "manipulation_sim: arm", self._status)
        self.reset()
        self.create_timer(self._slice / 2, self._on_timer, clock=WallClock(clock_type=ClockType.STEADY_TIME))

    def reset(self) -> None:
        """Begin the next episode."""
        self.episode += 1
        self.task.reset(seed=self.seed + self.episode)
        self.width = self.task.arm.hand().width
        self.slices, self.success = 0, False
        self.over_since: float | None = None  # done, or out of time [s]
        self._due = time.monotonic()
        self._success.publish(Bool(data=False))
        self._episode.publish(Int64(data=self.episode))
        self._publish()

    def destroy_node(self) -> None:
        """Also ends the physics, where it has come into being."""
        if hasattr(self, "task"):
            self.task.close()
        super().destroy_node()

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self.reset()
        response.success, response.message = True, f"episode {self.episode}"
        return response

    def _on_twist(self, message: TwistStamped) -> None:
        linear, turn = message.twist.linear, message.twist.angular.z
        asked = np.array([linear.x, linear.y, linear.z, turn]) / CONTROL_RATE
        if not np.isfinite(asked).all():
            self.rejected += 1
            return
        self.commands += 1
        step, turn = np.clip(asked[:3], -STEP, STEP), float(np.clip(asked[3], -TURN, TURN))
        self.task.arm.move(step, turn, self.width)

    def _on_gripper(self, message: JointTrajectory) -> None:
        if FINGER not in message.joint_names or not message.points:
            self.rejected += 1
            return
        positions = message.points[-1].positions
        place = message.joint_names.index(FINGER)
        if place >= len(positions) or not math.isfinite(positions[place]):
            self.rejected += 1
            return
        self.width = min(max(2 * positions[place], 0.0), WIDEST)
        self.task.arm.close_to(self.width)

    def _on_timer(self) -> None:
        for _ in range(SLICES):  # no more at once: commands have to get in
            now = time.monotonic()
            if now < self._due:
                return
            self._due = max(self._due + self._slice, now - CATCH_UP)
            self._advance()

    def _advance(self) -> None:
        """Let a slice of time pass, and tell."""
        self.task.simulate(SUBSTEPS // SLICES)
        self.now = max(self.now + 1e-4, time.time()) if self.wall_clock else self.now + SLICE
        self.slices += 1
        if self.slices % SLICES == 0:
            self._judge()
            self._publish()
        self._clock_time.publish(Clock(clock=to_time(self.now)))

    def _judge(self) -> None:
        """Count the period of control; say so when the task is done, begin anew when it is time."""
        done = self.task.judge()
        if self.over_since is None and (done or self.task.steps >= self.task.MAX_STEPS):
            self.over_since, self.success = self.now, done
            self.ended += 1
            self.succeeded += done
            self._success.publish(Bool(data=done))
        elif done and not self.success and not self.auto_reset:
            # Not counted, for the task's time was over; but a run that was asked for later is done.
            self.success = True
            self._success.publish(Bool(data=True))
        if self.auto_reset and self.over_since is not None and self.now - self.over_since > self.pause:
            self.reset()

    def _publish(self) -> None:
        stamp = to_time(self.now)
        positions, velocities = self.task.arm.joints()
        joints = JointState(name=self.task.arm.joint_names, position=positions.tolist())
        joints.velocity = velocities.tolist()
        hand = self.task.arm.hand()
        pose = PoseStamped()
        pose.pose.position.x, pose.pose.position.y, pose.pose.position.z = hand.position.tolist()
        # The hand points down: half a turn about x, then the yaw about z.
        pose.pose.orientation.x, pose.pose.orientation.y = math.cos(hand.yaw / 2), math.sin(hand.yaw / 2)
        pose.pose.orientation.w = 0.0
        for message in (joints, pose):
            message.header.stamp, message.header.frame_id = stamp, FRAME
        things = Float32MultiArray(data=self.task.environment_state().tolist())
        label = ",".join(self.task.ENVIRONMENT_NAMES)
        things.layout.dim = [MultiArrayDimension(label=label, size=len(things.data), stride=1)]
        self._joints.publish(joints)
        self._pose.publish(pose)
        self._things.publish(things)
        if self.image_period and self.task.steps % max(1, round(self.image_period * CONTROL_RATE)) == 0:
            self._image.publish(self._picture(stamp))

    def _picture(self, stamp) -> Image:
        height, width = self.image_size
        image = Image(height=height, width=width, encoding="rgb8", step=width * 3)
        image.header.stamp, image.header.frame_id = stamp, FRAME
        image.data = self.task.picture(height, width).tobytes()
        return image

    def _status(self) -> Status:
        values = {
            "task": self.task.NAME,
            "episode": self.episode,
            "success": self.success,
            "episodes_ended": self.ended,
            "episodes_succeeded": self.succeeded,
            "simulated_seconds": round(self.now - self._began, 2),
            "commands": self.commands,
            "rejected": self.rejected,
        }
        return (WARN if self.rejected else OK), f"episode {self.episode}", values


def main(args: list[str] | None = None) -> None:
    """Run the arm."""
    run_node(ManipulationSimNode, args)


if __name__ == "__main__":
    main()
