"""A task of the arm on the table: a Gymnasium environment with seeded resets, and scripted ways to do it.

Observations carry LeRobot's names: ``observation.state`` is the robot, ``observation.environment_state`` what
lies on the table; with ``images`` also ``observation.image`` [H, W, 3] uint8 of a fixed camera. An action is
in [-1, 1]: a step of the hand, for some tasks a turn, and the finger width; see ``ACTION_NAMES``.

The reward is -1 for each step until the task is done and 0 for the step that does it; a done episode is
terminated, one that runs out of steps is truncated.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pybullet
from gymnasium.spaces import Box, Dict
from numpy.typing import NDArray
from pybullet_utils.bullet_client import BulletClient

from pilotfish.worlds.manipulation.arm import STEP, SUBSTEPS, TURN, WIDEST, Hand, PandaArm, QuietClient

STATE = "observation.state"
ENVIRONMENT_STATE = "observation.environment_state"
IMAGE = "observation.image"

STATE_NAMES = ("x", "y", "z", "sin_2yaw", "cos_2yaw", "width")
"""Of the hand: [m, table frame]; the yaw twice, since the two fingers are alike; between the fingers [m]."""
ACTION_NAMES = ("dx", "dy", "dz", "dyaw", "width")
"""Steps of STEP metres, a turn of TURN radians, and -1 for closed to 1 for wide open; all in [-1, 1]."""

AWAY = 5.0
"""Where things are kept that an episode has no use for: x [m]."""
IMAGE_SIZE = (96, 96)
"""Height and width [px]."""


@dataclass(frozen=True)
class Waypoint:
    """A piece of a scripted way: go there, and stay for some steps.

    Attributes:
        position: of the hand [m, table frame].
        yaw: of the hand [rad].
        width: between the fingers [m].
        wait: steps to stay after arrival, as for fingers to close.
        tolerance: that counts as arrival [m].
    """

    position: tuple[float, float, float]
    yaw: float = 0.0
    width: float = 0.0
    wait: int = 0
    tolerance: float = 0.012


class ArmTask(gymnasium.Env):
    """What the tasks share: the physics, the arm, the clock; a task adds its things and its success.

    Args:
        images: observe a camera's picture, too.
    """

    NAME: ClassVar[str]
    SENTENCE: ClassVar[str]
    """The task in words, as LeRobot's ``task``."""
    ACTIONS: ClassVar[tuple[str, ...]]
    """Which of ACTION_NAMES it takes."""
    STRATEGIES: ClassVar[tuple[str, ...]]
    """Scripted ways to do it; which one works depends on the episode."""
    MAX_STEPS: ClassVar[int]
    HOLD: ClassVar[int] = 1
    """Steps in a row that ``is_success`` must hold for."""
    ENVIRONMENT_NAMES: ClassVar[tuple[str, ...]]
    """Of the entries of ENVIRONMENT_STATE; positions in [m, table frame]."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, images: bool = False) -> None:
        self.images, self.render_mode = images, "rgb_array"
        self.client = QuietClient()
        # At the end of the process too, before the modules that the client needs are gone.
        self._end = weakref.finalize(self, _disconnect, self.client)
        self.client.setGravity(0, 0, -9.81)
        self._box((0.8, 1.0, 0.2), mass=0.0, colour=(0.85, 0.85, 0.82, 1), position=(0.0, 0.0, -0.2))
        self.arm = PandaArm(self.client)
        self.random = np.random.default_rng(0)
        self.steps = 0
        self._build()
        self._clean = self.client.saveState()
        spaces: dict[str, gymnasium.Space] = {
            STATE: Box(-np.inf, np.inf, (len(STATE_NAMES),), np.float32),
            ENVIRONMENT_STATE: Box(-np.inf, np.inf, (len(self.ENVIRONMENT_NAMES),), np.float32),
        }
        if images:
            spaces[IMAGE] = Box(0, 255, (*IMAGE_SIZE, 3), np.uint8)
        self.observation_space = Dict(spaces)
        self.action_space = Box(-1.0, 1.0, (len(self.ACTIONS),), np.float32)

    def _build(self) -> None:
        """Put the task's things into the scene, once."""
        raise NotImplementedError

    def _arrange(self) -> tuple[tuple[float, float, float], float, float]:
        """Draw an episode and lay everything out; returns the hand's position [m], yaw [rad], width [m]."""
        raise NotImplementedError

    def environment_state(self) -> NDArray[np.float32]:
        """What ENVIRONMENT_NAMES says."""
        raise NotImplementedError

    def is_success(self) -> bool:
        """Whether the task is done now."""
        raise NotImplementedError

    def right_strategy(self) -> str:
        """The scripted way that works in this episode."""
        raise NotImplementedError

    def waypoints(self, strategy: str) -> list[Waypoint]:
        """A scripted way from where things are at the start of the episode."""
        raise NotImplementedError

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """Start an episode; without a seed, the next of those that follow from the last one."""
        super().reset(seed=seed)
        if seed is not None:
            self.random = np.random.default_rng(seed)
        # Contacts that the solver remembers would make an episode depend on the one before it.
        # Everything lies apart in that state, so looking for collisions there forgets the last ones.
        self.client.restoreState(self._clean)
        self.client.performCollisionDetection()
        self.arm.place(*self._arrange_hand())
        self.steps = self._held = 0
        return self.observe(), {"is_success": False}

    def _arrange_hand(self) -> tuple[NDArray[np.float64], float, float]:
        position, yaw, width = self._arrange()
        return np.array(position), yaw, width

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[dict[str, NDArray], float, bool, bool, dict[str, Any]]:
        """One action [A] in [-1, 1]. Raises ValueError for one that is not finite or of another size."""
        action = np.asarray(action, np.float64)
        if action.shape != self.action_space.shape or not np.isfinite(action).all():
            raise ValueError(f"{self.NAME} takes {len(self.ACTIONS)} finite numbers, got {action}")
        asked = dict.fromkeys(ACTION_NAMES, 0.0)
        asked["width"] = -1.0
        asked.update(zip(self.ACTIONS, np.clip(action, -1, 1), strict=True))
        self.arm.move(
            STEP * np.array([asked["dx"], asked["dy"], asked["dz"]]),
            TURN * asked["dyaw"],
            WIDEST * (asked["width"] + 1) / 2,
        )
        self.simulate(SUBSTEPS)
        success = self.judge()
        truncated = self.steps >= self.MAX_STEPS and not success
        return self.observe(), 0.0 if success else -1.0, success, truncated, {"is_success": success}

    def simulate(self, substeps: int) -> None:
        """Let physics steps of 1/240 s pass."""
        for _ in range(substeps):
            self.client.stepSimulation()

    def judge(self) -> bool:
        """Count a period of control; whether ``is_success`` has held for HOLD of them."""
        self.steps += 1
        self._held = self._held + 1 if self.is_success() else 0
        return self._held >= self.HOLD

    def observe(self) -> dict[str, NDArray]:
        """The observation now."""
        seen: dict[str, NDArray] = {
            STATE: hand_state(self.arm.hand()),
            ENVIRONMENT_STATE: np.asarray(self.environment_state(), np.float32),
        }
        if self.images:
            seen[IMAGE] = self.picture(*IMAGE_SIZE)
        return seen

    def render(self) -> NDArray[np.uint8]:
        """A picture for people: uint8 [360, 480, 3]."""
        return self.picture(360, 480)

    def picture(self, height: int, width: int) -> NDArray[np.uint8]:
        """What the fixed camera sees: uint8 [height, width, 3]."""
        view = self.client.computeViewMatrix((0.75, -0.45, 0.65), (0.0, 0.0, 0.08), (0, 0, 1))
        projection = self.client.computeProjectionMatrixFOV(42, width / height, 0.05, 4.0)
        seen = self.client.getCameraImage(
            width, height, view, projection, renderer=pybullet.ER_TINY_RENDERER
        )[2]
        return np.asarray(seen, np.uint8).reshape(height, width, 4)[..., :3]

    def close(self) -> None:
        """Free the physics."""
        self._end()

    def _box(
        self,
        size: tuple[float, float, float],
        mass: float,
        colour: tuple[float, float, float, float],
        position: tuple[float, float, float] | None = None,
        friction: float = 0.6,
    ) -> int:
        """A box of a size [m] and mass [kg] (0: fixed), its lower face at ``position``; a tall box stands."""
        half = [edge / 2 for edge in size]
        shape = self.client.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half)
        visual = self.client.createVisualShape(pybullet.GEOM_BOX, halfExtents=half, rgbaColor=colour)
        x, y, z = position or (AWAY + self.client.getNumBodies(), 0.0, 0.0)
        body = self.client.createMultiBody(mass, shape, visual, (x, y, z + half[2]))
        self.client.changeDynamics(body, -1, lateralFriction=friction)
        return body

    def _mark(self, radius: float, colour: tuple[float, float, float, float]) -> int:
        """A disc that is only seen."""
        visual = self.client.createVisualShape(
            pybullet.GEOM_CYLINDER, radius=radius, length=0.002, rgbaColor=colour
        )
        return self.client.createMultiBody(0.0, -1, visual, (AWAY, 0, 0))

    def _put(
        self, body: int, position: tuple[float, float, float], yaw: float = 0.0, slope: float = 0.0
    ) -> None:
        """Lay a body at rest: its centre [m, table frame], yaw about z and slope about y [rad]."""
        self.client.resetBasePositionAndOrientation(
            body, position, pybullet.getQuaternionFromEuler((0, slope, yaw))
        )
        self.client.resetBaseVelocity(body, (0, 0, 0), (0, 0, 0))

    def _pose(self, body: int) -> tuple[NDArray[np.float64], float]:
        """Position of a body's centre [m, table frame] and its yaw [rad]."""
        position, orientation = self.client.getBasePositionAndOrientation(body)
        return np.array(position), pybullet.getEulerFromQuaternion(orientation)[2]

    def _side(self) -> float:
        """-1 or 1."""
        return float(self.random.choice((-1.0, 1.0)))

    def _near(self, value: float, spread: float) -> float:
        """Uniform in value +- spread."""
        return float(self.random.uniform(value - spread, value + spread))


def _disconnect(client: BulletClient) -> None:
    if client.isConnected():
        client.disconnect()


def hand_state(hand: Hand) -> NDArray[np.float32]:
    """``STATE_NAMES`` of a hand, float32 [6]."""
    return np.array([*hand.position, np.sin(2 * hand.yaw), np.cos(2 * hand.yaw), hand.width], np.float32)
