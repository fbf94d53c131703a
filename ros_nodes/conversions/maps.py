"""Maps as OccupancyGrid."""

from __future__ import annotations

from array import array

import numpy as np
from nav_msgs.msg import OccupancyGrid
from numpy.typing import NDArray

from pilotfish.ros_nodes.conversions.geometry import MAP_FRAME, to_time
from pilotfish.worlds.maps.grid_map import GridMap

OCCUPIED_FROM = 50
"""Percent from which a cell counts as a wall; unknown (-1) is a wall, too."""


def occupancy_grid(grid: GridMap, seconds: float) -> OccupancyGrid:
    """The map; row 0 of the message is the bottom, as ROS wants it. Start and goal cells are not kept."""
    message = OccupancyGrid()
    message.header.stamp = message.info.map_load_time = to_time(seconds)
    message.header.frame_id = MAP_FRAME
    message.info.resolution = grid.resolution
    message.info.width, message.info.height = grid.width, grid.height
    message.info.origin.position.x, message.info.origin.position.y = map(float, grid.origin)
    message.info.origin.orientation.w = 1.0
    cells = np.where(grid.walls[::-1], np.int8(100), np.int8(0))
    message.data = array("b", cells.tobytes())
    return message


def grid_from_occupancy(message: OccupancyGrid, name: str = "map") -> GridMap:
    """The map in a message.

    Raises:
        ValueError: if its size and its data do not agree, or no cell is free.
    """
    cells, resolution, origin = map_from_message(message)
    cells = cells[::-1]
    walls = np.ascontiguousarray((cells >= OCCUPIED_FROM) | (cells < 0))
    return GridMap(name=name, walls=walls, resolution=resolution, origin=origin)


def map_from_message(message: OccupancyGrid) -> tuple[NDArray[np.int8], float, tuple[float, float]]:
    """A map as it is: int8 [h, w] percent with row 0 at the bottom, resolution [m], origin (x, y) [m].

    Raises:
        ValueError: if its size and its data do not agree.
    """
    info = message.info
    if len(message.data) != info.width * info.height:
        raise ValueError(f"map message of {info.width}x{info.height} cells holds {len(message.data)} values")
    cells = np.array(message.data, dtype=np.int8).reshape(info.height, info.width)
    resolution = round(float(info.resolution), 6)  # it travels as a float32
    return cells, resolution, (info.origin.position.x, info.origin.position.y)
