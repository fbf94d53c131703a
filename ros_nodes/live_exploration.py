"""An exploring team of live processes under test."""

from __future__ import annotations

import time

from rclpy.client import Client
from std_srvs.srv import SetBool

from pilotfish.ros_nodes.live_system import LiveSystem
from pilotfish.ros_nodes.plan import plan_system

START_TIMEOUT = 60.0
"""How long, on the wall clock, all robots may take to have seen something [s]."""


class LiveExploration(LiveSystem):
    """The processes of a team, as a context manager that is entered when every robot has a map.

    Args:
        world: the map.
        robots: how many.
        arguments: further launch arguments, such as ``radio="mid"``.

    Raises:
        TimeoutError: on entering, when the robots do not start; with the processes' last words.
    """

    def __init__(self, world: str, robots: int, **arguments: object) -> None:
        words = {"world": world, "robots": robots} | arguments
        super().__init__(plan_system("explore", [f"{name}:={value}" for name, value in words.items()]))
        self.robots = robots
        self.hosts = [name for name in self.system.names if "explorer" in name]

    def wait_until_ready(self) -> None:
        """Until all robots have a map."""
        self.wait_for(lambda: min(self.known) > 0, START_TIMEOUT, "all robots to have a map")

    @property
    def known(self) -> list[float]:
        """Share of the free space that each robot's own map holds, as the simulator sees it."""
        return self.status.known(self.robots)

    @property
    def world(self) -> dict[str, str]:
        """What the simulator reports."""
        return self.status.team_world

    @property
    def radio(self) -> dict[str, str]:
        """What the radio reports."""
        return self.status.team_radio

    def explore(self, share: float, timeout: float) -> float:
        """Wait [s, wall clock] until every robot's own map holds a share; returns the time it took [s]."""
        start = time.monotonic()
        try:
            self.wait_for(lambda: min(self.known) >= share, timeout, f"{share:.0%} in every map")
        except TimeoutError as error:
            said = {name: words for name, (words, _) in self.status.statuses.items()}
            raise TimeoutError(f"{self.known} known; {self.world}; {said}; {error}") from None
        return time.monotonic() - start

    def cut_radio(self, cut: bool) -> None:
        """Cut all links, or let the model decide again.

        Raises:
            TimeoutError: the radio does not answer.
        """
        client: Client = self.watch.node.create_client(SetBool, "cut_radio")
        try:
            if not client.wait_for_service(10.0):
                raise TimeoutError("nobody offers cut_radio")
            answer = client.call_async(SetBool.Request(data=cut))
            self.wait_for(answer.done, 10.0, "the radio to answer")
        finally:
            self.watch.node.destroy_client(client)
