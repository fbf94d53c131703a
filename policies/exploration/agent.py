"""One robot of an exploring team, whole: map, talk, policy and driving, without ROS and without a simulator.

The explorer node and the tests run this same class; they differ in who moves the bytes.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pilotfish.hardware.differential_drive import Pose
from pilotfish.hardware.lidar import LidarSpec, Scan
from pilotfish.hardware.limits import STOP, Velocity, VelocityLimiter
from pilotfish.hardware.path_follower import PathFollower
from pilotfish.hardware.robots import RobotSpec
from pilotfish.policies.exploration.agent_parameters import ExplorerParameters
from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.explorer import ExplorationPolicy
from pilotfish.policies.exploration.mapping import NO_MASKS, MapFrame, OccupancyMap, Window
from pilotfish.policies.exploration.obstructions import Obstructions
from pilotfish.policies.exploration.odometry import PoseTrack
from pilotfish.policies.exploration.own_map_file import load_own_map, save_own_map
from pilotfish.policies.exploration.rays import way_is_clear
from pilotfish.policies.exploration.route import last_resort, nothing_left, way_to
from pilotfish.policies.exploration.team_map import TeamMap
from pilotfish.policies.exploration.team_talk import TalkParameters, TeamTalk
from pilotfish.policies.exploration.wire import Source

_TICKS = 0.1
"""What ticks of agent and wheels add to the time before a robot brakes [s]."""

_SETTLE = 0.5
"""Scans are not used so soon after a jump of the odometry [s]."""

_CHECKED = 40.0
"""A path is checked this far ahead when the map has changed [px]."""


@dataclass(frozen=True)
class ExplorerOutput:
    """What one tick of an explorer produces.

    Attributes:
        velocity: to be sent to the robot.
        frames: bytes to broadcast.
        decided: whether there is a new decision; then ``path`` of the explorer is new.
        halted: whether the robot must not drive, whoever leads its wheels.
        changed: pixels of the belief that own scans may have changed, if any.
    """

    velocity: Velocity
    frames: list[bytes]
    decided: bool
    halted: bool
    changed: Window | None


class ExplorerAgent:
    """Leads one robot of a team through the unknown.

    Args:
        robot: its index.
        robots: how many the team has.
        frame: of the map; the same for the whole team.
        spec: the robot.
        policy: its own instance; it is reset here, as soon as the robot knows where it is.
        seed: of its policy; the same for the whole team.
        epoch: when this process started [ns]; later than that of the robot's process before.
        lidar: its laser.
        start_pose: pose of its odometry's frame in the map frame.
    """

    def __init__(
        self,
        robot: int,
        robots: int,
        frame: MapFrame,
        spec: RobotSpec,
        policy: ExplorationPolicy,
        *,
        seed: int,
        epoch: int,
        lidar: LidarSpec | None = None,
        start_pose: Pose | None = None,
        parameters: ExplorerParameters | None = None,
        talk: TalkParameters | None = None,
    ) -> None:
        self.robot = robot
        self.frame = frame
        self.spec = spec
        self.policy = policy
        p = self.parameters = parameters or ExplorerParameters()
        self.belief = TeamBelief(robot, robots, frame.shape)
        self.own = OccupancyMap(frame, lidar or LidarSpec(), spec.radius, p.clear_infinite)
        self.team_map = TeamMap(self.belief, self.own, Source(robot, epoch))
        pace = spec.max_speed / frame.resolution
        self.talk = TeamTalk(self.team_map, talk or TalkParameters(), pace)
        self.track = PoseTrack(spec, start_pose or Pose(0.0, 0.0, 0.0), p.pose_timeout)
        self.follower = PathFollower(spec)
        self.limiter = VelocityLimiter(spec)
        self.obstructions = Obstructions(self.team_map, seed * 1009 + robot)
        self.clearance = math.ceil(round((spec.radius + p.margin) / frame.resolution, 6))
        self.goal: tuple[float, float] | None = None
        """Where somebody wants the robot to go first, (x, y) [m, map frame]."""
        self.dropped: Counter[str] = Counter()
        """Scans not used, by reason."""
        self.seconds: deque[float] = deque(maxlen=500)
        """What the last decisions took [s]."""
        self.decisions = 0
        self.stuck = 0
        """How often the robot did not get on."""
        self.done = False
        """Whether nothing is left that the robot can do, as far as it knows."""
        self.stale = True
        """Whether the robot stands still because its odometry or its laser is silent."""
        self.failure = ""
        """What the policy has raised at the last decision."""
        self._scans: list[Scan] = []  # what waits for its pose, and the newest behind it
        self._points: NDArray[np.float64] = np.empty((0, 2))  # what the laser sees, base frame
        self._room: NDArray[np.float64] = np.empty(0)  # how much larger these count [m]
        self._ticked_at = self._seen_at = self._decided_at = -math.inf
        self._decided_way = 0.0
        self._decide_now = True
        self._doubted_at = -math.inf
        self._progress: tuple[float, float, float] | None = None  # x, y, since when
        self._blocked_since: float | None = None
        self._seed = seed
        self._finished = False  # whether the last decision found nothing left to explore
        self._begun: float | None = None  # when the mission began by the policy's times, once it was reset

    # Inputs.

    @property
    def pose(self) -> Pose | None:
        """Where the robot was last, map frame."""
        return self.track.pose

    @property
    def free_area(self) -> float:
        """Free space that this robot knows [m^2]."""
        return self.belief.free_pixels * self.frame.resolution**2

    def see_odometry(self, pose: Pose, stamp: float, now: float) -> None:
        """Own pose in the odometry's frame, and when it was measured [s]; see `PoseTrack.add`."""
        if self.track.add(pose, stamp, now):
            self._rest()

    def see_scan(self, scan: Scan, now: float) -> None:
        """A turn of the laser. One from the future is counted and dropped."""
        if scan.stamp > now + self.parameters.pose_timeout:
            self.dropped["future"] += 1
        elif self._scans and scan.stamp <= self._scans[-1].stamp:
            self.dropped["old"] += 1
        else:
            # The first goes on waiting for its pose: it would wait forever if each new one took its place.
            self.dropped["overtaken"] += len(self._scans) > 1
            self._scans = [*self._scans[:1], scan]

    def hear(self, frame: bytes, now: float) -> None:
        """A message of a peer; anything that is none is counted and dropped."""
        self.talk.hear(frame, now)

    def set_goal(self, xy: tuple[float, float]) -> None:
        """Go there before exploring on, (x, y) [m, map frame].

        Raises:
            ValueError: it is outside of the map.
        """
        row, col = self.frame.to_pixels(xy)
        if not (0 <= row < self.frame.height and 0 <= col < self.frame.width):
            raise ValueError(f"goal {xy} is outside of the map")
        self.goal = xy
        self._decide_now = True

    def remember(self, file: Path) -> None:
        """Begin with what ``save`` has written; raises what ``load_own_map`` does."""
        window, self.belief.home[:] = load_own_map(self.own, self.robot, file)
        self.team_map.apply_own(window)

    def save(self, file: Path) -> None:
        """Write the robot's own map, for ``remember``; raises what ``save_own_map`` does."""
        save_own_map(self.own, self.robot, self.belief.home, file)

    # Output.

    @property
    def path(self) -> list[tuple[float, float]]:
        """Corners that are left to drive, (x, y) [m, map frame]."""
        return self.follower.left

    def tick(self, now: float) -> ExplorerOutput:
        """One round of mapping, talking, deciding and driving. Call it 10-20 times a second."""
        changed, decided = None, False
        if now < self._ticked_at:
            self._set_clock_back(now)
        self._ticked_at = now
        self.talk.look(now)
        pose = self.track.pose
        if pose is not None:
            self._report(pose, now)
            changed = self._map(now)
            self.obstructions.expire(now)
        settled = now - self.track.settled_at >= _SETTLE
        self.stale = now - min(self.track.stamp, self._seen_at) > self.parameters.pose_timeout
        velocity = STOP
        halted = pose is None or self.stale or not settled
        if halted:
            self._decide_now = True
        elif pose is not None:
            self._watch(pose, now)
            decided = self._decide(pose, changed is not None, now)
            velocity = self._drive(pose, now)
        self.limiter.command(velocity, now)
        return ExplorerOutput(self.limiter.output(now), self.talk.speak(now), decided, halted, changed)

    def _set_clock_back(self, now: float) -> None:
        """The clock was set back to ``now`` [s]: all that waits for later times begins again; maps stay."""
        self.dropped["clock_set_back"] += len(self._scans)
        self._scans = []
        self._seen_at = self._decided_at = self._doubted_at = -math.inf
        self._begun = None
        self.track.set_clock_back()
        self.talk.set_clock_back(now)
        self.obstructions.expire(math.inf)
        self._rest()

    def _report(self, pose: Pose, now: float) -> None:
        pixels = self.frame.clipped(self.frame.to_pixels((pose.x, pose.y)))
        travelled = self.track.travelled / self.frame.resolution
        self.belief.report(pixels, self.talk.time(now), travelled)
        if now - self._doubted_at >= self.parameters.stride / self.talk.pace:
            self._doubted_at = now
            self.belief.doubt()

    def _map(self, now: float) -> Window | None:
        """Take in the scan that waits, if there is a pose of its time."""
        p = self.parameters
        if not self._scans:
            return None
        scan = self._scans[0]
        if self.track.stamp < scan.stamp and now - scan.stamp < p.pose_tolerance:
            return None
        del self._scans[0]
        pose = self.track.at(scan.stamp, p.pose_tolerance)
        if pose is None or scan.stamp < self.track.settled_at + _SETTLE:
            self.dropped["no_pose" if pose is None else "after_jump"] += 1
            self._see(scan, None, NO_MASKS)
            return None
        peers = self._peers(now)
        before = self._see(scan, pose, peers)
        window = self.own.insert(scan, pose, peers)
        if window is None:
            self.dropped["refused"] += 1
            self._seen_at = before
            return None
        self.team_map.apply_own(window)
        return window

    def _see(self, scan: Scan, pose: Pose | None, peers: NDArray[np.float64]) -> float:
        """Note what stands around the robot; returns when that was known before.

        What stands where the map was free may move. Of two robots the one of higher index keeps away from
        the other more: if both did, they would wait for each other in front of a door.
        """
        before, p = self._seen_at, self.parameters
        if np.isnan(scan.ranges).all():
            return before
        self._points, self._seen_at = scan.points(self.own.lidar), max(scan.stamp, before)
        self._room = np.zeros(len(self._points))
        if pose is not None and len(self._points):
            cos, sin = math.cos(pose.yaw), math.sin(pose.yaw)
            xy = self._points @ np.array([[cos, sin], [-sin, cos]]) + [pose.x, pose.y]
            self._room = np.where(self.own.was_free(xy), p.keep_apart, 0.0)
            if len(peers):
                apart = np.hypot(*np.moveaxis(xy[:, None] - peers[None, :, :2], -1, 0))
                nearest = apart.argmin(axis=1)
                is_peer = apart[np.arange(len(xy)), nearest] <= peers[nearest, 2]
                first = self._there()[nearest] < self.robot
                self._room = np.where(is_peer, np.where(first, p.keep_apart, p.keep_apart / 3), self._room)
        return before

    def _peers(self, now: float) -> NDArray[np.float64]:
        """Discs (x, y, radius) [m] where connected peers may be."""
        belief, there = self.belief, self._there()
        age = np.clip((self.talk.time(now) - belief.stamp[there]) / self.talk.pace, 0.0, 0.6)
        radius = self.spec.radius + self.parameters.peer_margin + self.spec.max_speed * age
        return np.column_stack([self.frame.to_metres(belief.position[there]).reshape(-1, 2), radius])

    def _there(self) -> NDArray[np.int64]:
        """Connected peers whose place is known."""
        placed = self.belief.connected & np.isfinite(self.belief.position).all(axis=1)
        placed[self.robot] = False
        return np.flatnonzero(placed)

    # Deciding.

    def _rest(self) -> None:
        """Nothing to drive; decide anew."""
        self.follower.follow(())
        self._decide_now = True
        self._progress = self._blocked_since = None

    def _watch(self, pose: Pose, now: float) -> None:
        """Notice what stands in the way for long, and a robot that does not get on."""
        p = self.parameters
        if self.follower.arrived:
            self._progress = self._blocked_since = None
            return
        if not self.follower.blocked:
            self._blocked_since = None
        elif self._blocked_since is None:
            self._blocked_since = now
        if self._progress is None or math.dist(self._progress[:2], (pose.x, pose.y)) > self.spec.radius / 2:
            self._progress = (pose.x, pose.y, now)
        # Robots that face each other give way at different times.
        patience = p.patience * (1.0 + 0.5 * (self.robot % 4))
        if self._blocked_since is not None and now - self._blocked_since > patience:
            self._avoid(pose, self.follower.obstacle, now)
        elif now - self._progress[2] > p.stuck_after:
            self._avoid(pose, None, now)

    def _avoid(self, pose: Pose, obstacle: tuple[float, float] | None, now: float) -> None:
        """Give up a place for a while: what stands there, or else the next corner."""
        self.stuck += 1
        radius = self.spec.radius
        centre = np.array(obstacle or self.path[0])
        if obstacle is not None:
            # Its surface is seen; take it for a robot, where one is believed, else right behind the surface.
            away = centre - (pose.x, pose.y)
            centre = centre + away * (radius / max(float(np.hypot(*away)), 1e-6))
            radius += self.parameters.margin
            peers = self._peers(now)[:, :2]
            if len(peers):
                apart = np.hypot(*(peers - obstacle).T)
                centre = peers[apart.argmin()] if apart.min() < 2 * self.spec.radius else centre
        row, col = self.frame.to_pixels(centre)
        self.obstructions.add(float(row), float(col), radius / self.frame.resolution, now)
        self._rest()

    def _decide(self, pose: Pose, map_changed: bool, now: float) -> bool:
        p = self.parameters
        due = (
            self._decide_now
            or now - self._decided_at >= p.decision_period
            or self.track.travelled - self._decided_way >= p.stride * self.frame.resolution
            or (self.follower.arrived and not self.done)
            or (map_changed and not self._clear(pose))
        )
        if not due or now - self._decided_at < p.decision_pause:
            return False
        self._decide_now = False
        self._decided_at, self._decided_way = now, self.track.travelled
        began = time.perf_counter()
        try:
            corners = self._choose(pose)
        except Exception as error:  # Whatever a policy raises: the robot stops, and tries again.
            self.failure = f"{type(error).__name__}: {error}"
            corners = np.empty((0, 2))
        else:
            self.failure = ""
        self.seconds.append(time.perf_counter() - began)
        self.decisions += 1
        path = self.frame.to_metres(np.asarray(corners, float).reshape(-1, 2))
        self.follower.follow([(x, y) for x, y in path.tolist()])
        self.done = self._finished and not self.failure and not self.obstructions.passing
        return True

    def _choose(self, pose: Pose) -> NDArray:
        """Corners [px] of the way to the goal, else of the policy's choice."""
        self._finished = False
        if self._begun != self.talk.started:  # At the start, or where a peer says that it was earlier.
            self.policy.reset(self.belief, self._seed, self.clearance)
            self._begun = self.talk.started
        if self.goal is not None:
            corners = way_to(self.policy, self.frame.to_pixels(self.goal))
            if len(corners) and math.dist(self.goal, (pose.x, pose.y)) > 3 * self.frame.resolution:
                self.belief.target[self.robot] = corners[-1]
                return corners
            self.goal = None  # Reached, or nothing leads there.
        corners = self.policy.act()
        if not len(corners) and nothing_left(self.policy):
            corners = last_resort(self.policy)
            self._finished = not len(corners)
            if len(corners):
                self.belief.target[self.robot] = corners[-1]
        return corners

    def _clear(self, pose: Pose) -> bool:
        """Whether the map shows no obstacle on what comes next of the path."""
        corners = self.frame.to_pixels(np.array(self.path).reshape(-1, 2))
        row, col = (float(v) for v in self.frame.to_pixels((pose.x, pose.y)))
        return bool(
            way_is_clear(self.belief.pixels, corners, row, col, _CHECKED, max(self.clearance - 1.0, 1.0))
        )

    def _drive(self, pose: Pose, now: float) -> Velocity:
        seen = min(self.track.stamp, self._seen_at)
        latency = max(now - seen, 0.0) + self.spec.command_timeout + _TICKS
        return self.follower.drive(pose, self._points, self._room, latency)
