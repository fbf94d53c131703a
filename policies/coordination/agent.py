"""One robot of a fleet, whole: policy, cell claims and driving, without ROS and without a simulator.

The follower node and the fast trial run this same class; they differ in who moves the bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pilotfish.hardware.differential_drive import CellDriver, Pose
from pilotfish.hardware.limits import STOP, Velocity, VelocityLimiter
from pilotfish.hardware.robots import RobotSpec
from pilotfish.policies.coordination.cells import CellGraph
from pilotfish.policies.coordination.claims import MAX_CHAIN, ClaimParameters, Claims, Pending, Perception
from pilotfish.policies.coordination.decision import Decider, Neighbour
from pilotfish.policies.coordination.wire import ClaimMessage, WireError, decode, encode
from pilotfish.policies.fleet import STAY, FleetPolicy

_TICKS = 0.1
"""What ticks of agent and wheels add to the time before a robot brakes [s]."""


@dataclass(frozen=True)
class AgentParameters:
    """How an agent decides and talks.

    Attributes:
        margin: added to the robot's radius for what control and localisation get wrong [m].
        decide_ahead: the next cell is chosen when the last one held is this near [cells].
        pause: between decisions, when the last one was to stay [s].
        patience: a wish for a cell whose holder does not leave it is dropped after this [s].
        mask: for how long a dropped wish is not repeated, at most; half of it at least [s].
        goal_tolerance: a goal counts as reached this close to its centre [cells].
        heartbeat: silence between messages when nothing changes [s]; half of it while negotiating.
        peer_timeout: proposals of peers older than this are not used [s].
    """

    margin: float = 0.05
    decide_ahead: float = 1.05
    pause: float = 0.4
    patience: float = 1.5
    mask: float = 1.5
    goal_tolerance: float = 0.3
    heartbeat: float = 0.2
    peer_timeout: float = 1.5


@dataclass(frozen=True)
class AgentOutput:
    """What one tick of an agent produces.

    Attributes:
        velocity: to be sent to the robot.
        frame: bytes to broadcast, or None.
        reached: the goal cell that was reached at this tick, or None.
    """

    velocity: Velocity
    frame: bytes | None
    reached: int | None


class FleetAgent:
    """Leads one robot from goal to goal.

    Args:
        robot: its index; lower ones have precedence.
        graph: of the map; agents of one process may share it.
        spec: the robot.
        policy: its own instance; it is reset here.
        claims: times of the claim protocol; footprint and speed come from ``spec``.
        seed: of its policy and pauses; give every robot another one.
        epoch: see `Claims`.
    """

    def __init__(
        self,
        robot: int,
        graph: CellGraph,
        spec: RobotSpec,
        policy: FleetPolicy,
        *,
        seed: int,
        epoch: int,
        parameters: AgentParameters | None = None,
        claims: ClaimParameters | None = None,
    ) -> None:
        self.robot = robot
        self.graph = graph
        self.spec = spec
        self.parameters = parameters or AgentParameters()
        claims = claims or claim_parameters(spec, self.parameters.margin)
        if 2 * claims.footprint >= graph.resolution:
            raise ValueError(
                f"a robot of radius {spec.radius} m and a margin of {self.parameters.margin} m does not fit "
                f"in cells of {graph.resolution} m: use a smaller robot or a coarser map"
            )
        self.claims = Claims(graph, robot, claims, epoch)
        self.driver = CellDriver(spec)
        self.limiter = VelocityLimiter(spec)
        self.decider = Decider(graph, policy, robot, seed)
        self.goal: int | None = None
        self.goals_reached = 0
        self.bad_frames = 0
        """Bytes from peers that were no message."""
        self.future_stamps = 0
        """Poses and sightings that were dropped because they claim to be from the future."""
        self.stale = True
        """Whether the robot stands still because its poses are too old, or of a time to come."""
        self._rng = np.random.default_rng(seed)
        self._pose: Pose | None = None
        self._pose_stamp = -math.inf
        self._others: dict[int, tuple[float, float]] = {}
        self._others_stamp = -math.inf
        self._next_decision = -math.inf
        self._masked: dict[int, float] = {}  # action -> until when
        self._masked_at = -1  # the cell where these actions were tried
        self._wish: int | None = None  # the action that led to the pending request
        self._wished_at = -1  # the cell from which it starts
        self._last_sent: ClaimMessage | None = None
        self._last_sent_at = -math.inf

    # Inputs.

    @property
    def pose(self) -> Pose | None:
        """Where the robot was last."""
        return self._pose

    def see_pose(self, pose: Pose, stamp: float, now: float) -> None:
        """Own pose and when it was measured [s]; what is not finite, or older than the last, is ignored.

        What is from the future is counted and dropped: it would never become stale, nor let a newer one in.
        """
        finite = all(map(math.isfinite, (pose.x, pose.y, pose.yaw)))
        if self._credible(stamp, now) and stamp >= self._pose_stamp and finite:
            self._pose, self._pose_stamp = pose, stamp

    def see_others(self, others: dict[int, tuple[float, float]], stamp: float, now: float) -> None:
        """Positions (x, y) [m, map frame] of all robots in view, by index, and when they were measured.

        Those from the future are counted and dropped, as in ``see_pose``.
        """
        if self._credible(stamp, now) and stamp >= self._others_stamp:
            self._others = {k: xy for k, xy in others.items() if k != self.robot}
            self._others_stamp = stamp

    def _credible(self, stamp: float, now: float) -> bool:
        credible = stamp <= now + self.claims.parameters.pose_timeout  # clocks differ a little
        self.future_stamps += not credible
        return credible

    def hear(self, frame: bytes, now: float) -> None:
        """A message from a peer; anything that is none is counted and dropped."""
        try:
            message = decode(frame)
        except WireError:
            self.bad_frames += 1
            return
        self.claims.receive(message, now)

    def set_goal(self, cell: int) -> None:
        """Go there next.

        Raises:
            ValueError: if it is not a free cell.
        """
        if not self.graph.is_free(cell):
            raise ValueError(f"goal cell {cell} of robot {self.robot} is not a free cell")
        if cell != self.goal:
            self.goal = cell
            self.decider.intent = None
            self.claims.withdraw()
            self._wish = None
            self._next_decision = -math.inf

    # Output.

    def tick(self, now: float) -> AgentOutput:
        """One round of perceiving, negotiating, deciding and driving. Call it 10-20 times a second."""
        timeout = self.claims.parameters.pose_timeout
        ages = now - self._pose_stamp, now - self._others_stamp
        # From the future is what was seen before the clock was set back: nobody knows how old it is.
        self.stale = max(ages) > timeout or min(ages) < -timeout
        pose = self._pose
        if pose is None:
            return AgentOutput(STOP, None, None)
        xy = (pose.x, pose.y)
        perception = Perception(xy, self._pose_stamp, self._others, self._others_stamp)
        reached = self._check_goal(xy)
        message = self.claims.tick(now, perception, self.decider.intent)
        if not self.stale and self.claims.chain:
            self._think(xy, now)
        self.limiter.command(STOP if self.stale else self._drive(pose, now), now)
        return AgentOutput(self.limiter.output(now), self._frame(message, now), reached)

    def _check_goal(self, xy: tuple[float, float]) -> int | None:
        if self.goal is None or not self.claims.chain:
            return None
        tolerance = self.parameters.goal_tolerance * self.graph.resolution
        if math.dist(xy, self.graph.centre(self.goal)) > tolerance:
            return None
        reached, self.goal = self.goal, None
        self.decider.intent = None
        self.goals_reached += 1
        return reached

    def _think(self, xy: tuple[float, float], now: float) -> None:
        """Drop a wish that leads nowhere, form a new one when it is time."""
        claims = self.claims
        here = claims.chain[-1]
        if here != self._masked_at:
            self._masked_at = here
            self._masked.clear()
        if claims.pending is not None and self._hopeless(claims.pending, now):
            claims.withdraw()
        if self._wish is not None and claims.pending is None:
            if self.graph.action_target(self._wished_at, self._wish) not in claims.chain:
                self._masked[self._wish] = now + self.parameters.mask * self._rng.uniform(0.5, 1.0)
                self._next_decision = now
            self._wish = None
        if claims.pending is not None or not claims.ready(now) or now < self._next_decision:
            return
        if self.goal is None or here == self.goal or len(claims.chain) >= MAX_CHAIN:
            return
        if math.dist(xy, self.graph.centre(here)) > self.parameters.decide_ahead * self.graph.resolution:
            return
        masked = [action for action, until in self._masked.items() if now < until]
        action = self.decider.decide(here, self.goal, self._others, self._neighbours(now), masked)
        target = None if action == STAY else self.graph.action_target(here, action)
        if target is None or target in claims.chain:
            self._next_decision = now + self.parameters.pause * self._rng.uniform(0.8, 1.2)
        else:
            self._wish, self._wished_at = action, here
            claims.request(target, now)

    def _hopeless(self, pending: Pending, now: float) -> bool:
        """Whether the pending cell will not become free soon, as far as one can tell."""
        holder = self.claims.claimed_by(pending.cell, now)
        if holder is None:
            return False  # grants are under way, or the request ends with its lease
        leaving = len(holder.cells) > 1 and holder.cells[-1] != pending.cell
        if leaving:
            return False
        swap = holder.request is not None and holder.request.cell in self.claims.chain
        if swap:
            return self.robot > holder.sender or now - pending.since > self.parameters.patience
        return now - pending.since > self.parameters.patience

    def _neighbours(self, now: float) -> list[Neighbour]:
        """The robots in view, with what they have proposed where that is known."""
        heard = {m.sender: m for m in self.claims.heard_recently(now, self.parameters.peer_timeout)}
        found = []
        for robot, xy in sorted(self._others.items()):
            message = heard.get(robot)
            if message is None or not message.cells:
                found.append(Neighbour(robot, self.graph.cell_at(xy), None))
                continue
            cell, intent = message.cells[-1], message.intent
            found.append(Neighbour(robot, cell, intent if intent and intent.cell == cell else None))
        return found

    def _drive(self, pose: Pose, now: float) -> Velocity:
        claims, graph = self.claims, self.graph
        waypoints = []
        for cell in claims.chain:
            if cell not in claims.touched and any(
                graph.overlaps(cell, xy, self.spec.radius) for xy in self._others.values()
            ):
                break  # somebody was pushed into a cell that is ours
            waypoints.append(graph.centre(cell))
        slack = graph.resolution / 2 - claims.parameters.footprint
        latency = max(now - self._pose_stamp, 0.0) + self.spec.command_timeout + _TICKS
        velocity = self.driver.drive(pose, waypoints, slack, latency)
        if velocity is not None:
            return velocity
        if claims.pending is not None:  # use the wait to turn
            return self.driver.face(pose, graph.centre(claims.pending.cell))
        return STOP

    def _frame(self, message: ClaimMessage, now: float) -> bytes | None:
        """The message's bytes, if it says something new or the last one is long ago."""
        last = self._last_sent
        changed = last is None or (message.cells, message.request, message.grants, message.intent) != (
            last.cells,
            last.request,
            last.grants,
            last.intent,
        )
        negotiating = message.request is not None or bool(message.grants)
        interval = self.parameters.heartbeat * (0.5 if negotiating else 1.0)
        if not changed and now - self._last_sent_at < interval - 1e-6:
            return None
        self._last_sent, self._last_sent_at = message, now
        return encode(message)


def claim_parameters(spec: RobotSpec, margin: float, **times: float) -> ClaimParameters:
    """Claim parameters for a robot; ``times`` are fields of `ClaimParameters`."""
    return ClaimParameters(footprint=spec.radius + margin, max_speed=spec.max_speed, **times)
