"""The simulated radio of an exploring team: relays what robots say to those that the model lets hear it.

``robot_i/outbox`` goes to ``robot_j/inbox`` while the two are linked. Who is linked is what the model of
``worlds/exploration/radio.py`` says of the robots' true ``poses`` and the true walls. Only direct links are
relayed; explorers pass on what they hear. All that arrives for a robot within one tick goes out as one
bundle (``coordination/wire.py``). On real robots the network takes this node's place.

Parameters: ``radio`` (the regime: open, mid, closed, random, full) and ``seed``; ``range_scale``, how many
metres of the model one metre of the building is: the model's walls block from 3 m on and its ranges in
sight are 70 to 312 m, so at 1 nobody in a house would ever lose anybody, while at 10 a cell of 0.1 m counts
as one metre, as in the fast simulator; ``cut``, times [s since the first poses] from, until, from, until
... at which no link works. The service ``cut_radio`` (SetBool) does so from now on, until it is called with
false.

Gives ``links``: Float32MultiArray [N, N] of how much stronger the signals are than needed [dB], linked
above 0; ``link_markers`` for RViz and Foxglove; bytes a minute on /diagnostics.
"""

from __future__ import annotations

from array import array
from collections import deque

import numpy as np
from geometry_msgs.msg import PoseArray
from rclpy.node import Node
from std_msgs.msg import Float32MultiArray, MultiArrayDimension, UInt8MultiArray
from std_srvs.srv import SetBool
from visualization_msgs.msg import MarkerArray

from pilotfish.policies.coordination.wire import MAX_FRAME, bundle
from pilotfish.ros_nodes.common import (
    OK,
    SENSOR,
    STREAM,
    WARN,
    Diagnostics,
    Status,
    parameter,
    publish,
    run_node,
    seconds_now,
    subscribe,
)
from pilotfish.ros_nodes.conversions.fleet import bytes_from_message, bytes_to_message
from pilotfish.ros_nodes.conversions.geometry import positions_from_pose_array
from pilotfish.ros_nodes.conversions.links import link_markers
from pilotfish.worlds.exploration.radio import NEEDED, SENT, components, draw_radio, signal_strength
from pilotfish.worlds.maps.load import load_map

CUT = SENT - NEEDED - 1000.0
"""Margin of a link that is cut [dB]."""


class ExplorationRadioNode(Node):
    """Links by the model, and what goes over them."""

    def __init__(self) -> None:
        super().__init__("exploration_radio")
        self.grid = load_map(str(parameter(self, "world", "")))
        n = self.n_robots = int(parameter(self, "robots", 1))
        rng = np.random.default_rng([int(parameter(self, "seed", 0)), 0x1E2])
        self.radio = draw_radio(str(parameter(self, "radio", "random")), rng)
        scale = float(parameter(self, "range_scale", 10.0))
        if not scale > 0:
            raise ValueError(f"range_scale must be positive, got {scale}")
        self._metres = scale * self.grid.resolution
        self._windows = _windows(list(parameter(self, "cut", [0.0])))
        self.cut = False
        self.margins: np.ndarray | None = None
        self._started: float | None = None
        self._waiting: list[list[bytes]] = [[] for _ in range(n)]
        self._sent, self._relayed = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self._counts: deque[tuple[float, np.ndarray, np.ndarray]] = deque()
        self._connected, self._looks = 0, 0

        self._links = publish(self, Float32MultiArray, "links", SENSOR)
        self._markers = publish(self, MarkerArray, "link_markers", SENSOR)
        self._inboxes = [publish(self, UInt8MultiArray, f"robot_{i}/inbox", STREAM) for i in range(n)]
        for i in range(n):
            subscribe(
                self, UInt8MultiArray, f"robot_{i}/outbox", lambda m, i=i: self._on_outbox(i, m), STREAM
            )
        subscribe(self, PoseArray, "poses", self._on_poses, SENSOR)
        self.create_service(SetBool, "cut_radio", self._on_cut)
        self.create_timer(float(parameter(self, "relay_period", 0.05)), self._relay)
        self.create_timer(float(parameter(self, "links_period", 0.2)), self._publish_links)
        Diagnostics(self, "exploration_radio: relay", self._status)
        self.get_logger().info(
            f"X_g {self.radio.shadowing:.1f} dB, K {self.radio.wall_loss:.1f} dB, in sight "
            f"{self.radio.range_in_sight / scale:.1f} m of the building"
        )

    def _on_cut(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self.cut = request.data
        response.success, response.message = (
            True,
            "all links are cut" if self.cut else "links are as modelled",
        )
        return response

    def _on_poses(self, message: PoseArray) -> None:
        xy = positions_from_pose_array(message)
        if len(xy) != self.n_robots or not np.isfinite(xy).all():
            return
        now = seconds_now(self)
        self._started = now if self._started is None else self._started
        since = now - self._started
        if self.cut or any(begin <= since < end for begin, end in self._windows):
            self.margins = np.full((len(xy), len(xy)), CUT)
            np.fill_diagonal(self.margins, SENT - NEEDED)
        else:
            cells = np.maximum(self.grid.cell_at(xy), 0)
            pixels = np.stack(np.divmod(cells, self.grid.width), axis=-1)
            self.margins = signal_strength(self.grid.walls, pixels, self.radio, self._metres) - NEEDED
        self._positions = xy
        self._looks += 1
        self._connected += int((components(self.margins > 0) == 0).all())

    def _on_outbox(self, sender: int, message: UInt8MultiArray) -> None:
        frame = bytes_from_message(message)
        if len(frame) > MAX_FRAME:
            self.get_logger().warning(
                f"dropped a message of robot_{sender}: {len(frame)} bytes, at most {MAX_FRAME} fit",
                throttle_duration_sec=5.0,
            )
            return
        self._sent[sender] += len(frame)
        if self.margins is None:
            return
        for receiver in np.flatnonzero(self.margins[sender] > 0).tolist():
            if receiver != sender:
                self._waiting[receiver].append(frame)
                self._relayed[sender] += len(frame)

    def _relay(self) -> None:
        for robot, frames in enumerate(self._waiting):
            if frames:
                self._inboxes[robot].publish(bytes_to_message(bundle(frames)))
                frames.clear()

    def _publish_links(self) -> None:
        if self.margins is None:
            return
        n = self.n_robots
        message = Float32MultiArray(data=array("f", self.margins.astype(np.float32).tobytes()))
        message.layout.dim = [
            MultiArrayDimension(label="robot", size=n, stride=n * n),
            MultiArrayDimension(label="robot", size=n, stride=n),
        ]
        self._links.publish(message)
        self._markers.publish(link_markers(self._positions, self.margins, seconds_now(self)))

    def _status(self) -> Status:
        if self.margins is None:
            return WARN, "no poses yet, so nobody is linked", {}
        now = seconds_now(self)
        self._counts.append((now, self._sent.copy(), self._relayed.copy()))
        while now - self._counts[0][0] > 60.0:
            self._counts.popleft()
        before, sent, relayed = self._counts[0]
        minutes = max(now - before, 1.0) / 60.0
        links = int((np.triu(self.margins, 1) > 0).sum())
        values: dict[str, object] = {
            "links": links,
            "components": len(np.unique(components(self.margins > 0))),
            "connected_share": round(self._connected / max(self._looks, 1), 3),
            "bytes_relayed": int(self._relayed.sum()),
        }
        for robot in range(self.n_robots):
            values[f"sent_bytes_per_minute_{robot}"] = round((self._sent - sent)[robot] / minutes)
            values[f"relayed_bytes_per_minute_{robot}"] = round((self._relayed - relayed)[robot] / minutes)
        return OK, "cut" if self.cut else "relaying", values


def _windows(times: list[float]) -> list[tuple[float, float]]:
    """Pairs of times [s]; one number alone, the empty default, is none.

    Raises:
        ValueError: an odd number of times, or a window that ends before it begins.
    """
    if len(times) <= 1:
        return []
    pairs = list(zip(times[::2], times[1::2], strict=False))
    if len(times) % 2 or any(end <= begin for begin, end in pairs):
        raise ValueError(f"cut is a list of from, until, from, until ... [s], got {times}")
    return pairs


def main(args: list[str] | None = None) -> None:
    """Run the radio."""
    run_node(ExplorationRadioNode, args)


if __name__ == "__main__":
    main()
