import numpy as np
import pytest

from pilotfish.hardware.differential_drive import CellDriver, Pose, angle_difference
from pilotfish.hardware.limits import VelocityLimiter
from pilotfish.hardware.robots import get_robot
from pilotfish.worlds.grid.kinematic import KinematicFleetWorld
from pilotfish.worlds.maps.grid_map import GridMap

DT = 0.05
SLACK = 0.15
SPEC = get_robot("carrier")
LATENCY = SPEC.command_timeout + 2 * DT


class Drive:
    """One robot on an empty map, driven along cells."""

    def __init__(self, cells: list[tuple[int, int]], seed: int = 0) -> None:
        grid = GridMap("empty", np.zeros((6, 6), dtype=bool))
        self.points = [tuple(grid.cell_centre(row * 6 + col).tolist()) for row, col in cells]
        start = cells[0][0] * 6 + cells[0][1]
        self.world = KinematicFleetWorld(grid, np.array([start]), SPEC.radius)
        self.pose = self.world.reset(seed)[0]
        self.driver, self.limiter = CellDriver(SPEC), VelocityLimiter(SPEC)
        self.now = 0.0
        self.speeds: list[float] = []

    def tick(self, command: bool = True, points: list | None = None) -> bool:
        """True when the driver says that the last waypoint is reached."""
        done = False
        if command:
            wanted = self.driver.drive(Pose(*self.pose), points or self.points, SLACK, LATENCY)
            done = wanted is None
            if not done:
                self.limiter.command(wanted, self.now)
        sent = self.limiter.output(self.now)
        self.speeds.append(sent.forward)
        self.pose = self.world.step(np.array([[sent.forward, sent.turn]]), DT)[0]
        self.now += DT
        return done

    def off_track(self) -> float:
        """Distance to the polyline through the waypoints."""
        xy = self.pose[:2]
        best = np.inf
        for a, b in zip(self.points[:-1], self.points[1:], strict=True):
            a, b = np.array(a), np.array(b)
            t = np.clip((xy - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
            best = min(best, np.linalg.norm(xy - a - t * (b - a)))
        return float(best)


ROUTES = {
    "straight": [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)],
    "corner": [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)],
    "u-turn": [(3, 3), (2, 3), (2, 2), (3, 2)],
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("seed", range(4))  # the yaw at the start
def test_reaches_the_end_and_stays_on_the_line(route, seed):
    drive = Drive(ROUTES[route], seed)
    for _ in range(600):
        if drive.tick():
            break
        assert drive.off_track() < SLACK
    assert np.linalg.norm(drive.pose[:2] - drive.points[-1]) <= drive.driver.gains.arrive + 0.02


def test_straight_on_does_not_stop_at_each_cell():
    drive = Drive(ROUTES["straight"])
    while not drive.tick():
        pass
    moving = np.flatnonzero(np.array(drive.speeds) > 0.05)
    assert min(drive.speeds[moving[0] + 10 : moving[-1] - 20]) > 0.5


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("last", range(5, 200, 12))
def test_stops_inside_its_cells_whenever_the_last_command_gets_lost(route, last):
    drive = Drive(ROUTES[route], seed=1)
    for _ in range(last):
        drive.tick()
    for _ in range(40):
        drive.tick(command=False)
        assert drive.off_track() < SLACK
    assert drive.speeds[-1] == 0.0


def test_a_path_that_turns_back_to_a_cell_driven_before_is_followed_in_order():
    drive = Drive([(0, 0), (0, 1), (1, 1)])
    a, b, c = drive.points
    while np.linalg.norm(drive.pose[:2] - b) > 0.1:
        drive.tick(points=[a, b])
    for _ in range(5):
        drive.tick(points=[b])
    for _ in range(60):
        drive.tick(points=[b, a])
    assert np.linalg.norm(drive.pose[:2] - a) < 0.5
    assert drive.off_track() < SLACK
    assert c == drive.points[2]


def test_angles_wrap():
    assert angle_difference(3.0, -3.0) == pytest.approx(6.0 - 2 * np.pi)
    assert angle_difference(0.5, 0.25) == pytest.approx(0.25)
