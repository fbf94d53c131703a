"""Radio links as lines for RViz and Foxglove."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from pilotfish.ros_nodes.conversions.geometry import MAP_FRAME, to_time
from pilotfish.worlds.draw import agent_colours

SURE_LINK = 15.0
"""A link with this much more than is needed is drawn as strong as any [dB]."""
HEIGHT = 0.4
"""Of lines and spheres over the floor [m]."""


def link_markers(positions: NDArray[np.float64], margins: NDArray[np.float64], seconds: float) -> MarkerArray:
    """A line for each link, the more solid the stronger, and a ball for each robot.

    Args:
        positions: [N, 2] x, y [m, map frame].
        margins: [N, N] over what is needed [dB].
    """
    lines = _marker("links", Marker.LINE_LIST, seconds)
    lines.scale.x = 0.06
    points = [Point(x=x, y=y, z=HEIGHT) for x, y in positions.tolist()]
    for a in range(len(points)):
        for b in range(a + 1, len(points)):
            if margins[a, b] > 0:
                strength = 0.3 + 0.7 * min(float(margins[a, b]) / SURE_LINK, 1.0)
                lines.points += [points[a], points[b]]
                lines.colors += [ColorRGBA(r=0.15, g=0.65, b=0.36, a=strength)] * 2
    robots = _marker("robots", Marker.SPHERE_LIST, seconds)
    robots.scale.x = robots.scale.y = robots.scale.z = 0.4
    robots.points = points
    robots.colors = [
        ColorRGBA(r=red / 255, g=green / 255, b=blue / 255, a=1.0)
        for red, green, blue in agent_colours(len(points))
    ]
    return MarkerArray(markers=[lines, robots])


def _marker(namespace: str, kind: int, seconds: float) -> Marker:
    marker = Marker(ns=namespace, type=kind, action=Marker.ADD)
    marker.header.frame_id = MAP_FRAME
    marker.header.stamp = to_time(seconds)
    marker.pose.orientation.w = 1.0
    return marker
