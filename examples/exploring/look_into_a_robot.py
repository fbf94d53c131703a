"""Draws what one robot of a team knows in the middle of an episode: its map, its belief graph, its frontiers.

    python examples/exploring/look_into_a_robot.py belief.png --map "gen:hybrid?seed=950" --strides 40

The number at a frontier is how many unseen free pixels the learned judge expects behind it.
"""

import argparse

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np

from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.ir2.graph import build_graph
from pilotfish.policies.ir2.policy import IR2Policy
from pilotfish.policies.ir2.prospects import Foresight
from pilotfish.worlds.exploration.world import ExplorationWorld
from pilotfish.worlds.maps.load import load_map

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("picture", help="where to write it, a PNG")
parser.add_argument("--map", default="gen:hybrid?seed=950", help="as for pilotfish eval ir2 --maps")
parser.add_argument("--strides", type=int, default=40, help="of 15 px, before the picture")
given = parser.parse_args()

world = ExplorationWorld(load_map(given.map), robots=4, radio="mid")
team = [IR2Policy.from_pretrained("ir2/ir2") for _ in range(4)]
for policy, belief in zip(team, world.reset(0), strict=True):
    policy.reset(belief, 0)
for _ in range(given.strides):
    world.step([policy.act() for policy in team])

belief, navigation = team[0].belief, team[0].navigation
situation = Situation.of(belief, navigation)
own_place = navigation.block_at(belief.position[0])
nodes = dict.fromkeys([own_place, *situation.frontiers.block.tolist()])
graph = build_graph(situation, np.array(list(nodes))).to_networkx(situation)
places = {node: position[::-1] for node, position in graph.nodes(data="position")}

figure, axes = plt.subplots(figsize=(9, 9))
axes.imshow(np.array([0.6, 1.0, 0.0])[belief.pixels], cmap="gray", vmin=0.0, vmax=1.0)
nx.draw_networkx_edges(graph, places, ax=axes, edge_color="tab:blue", alpha=0.5)
nx.draw_networkx_nodes(graph, places, ax=axes, node_size=12, node_color="tab:blue")
expected = Foresight(team[0].prospects)(situation) if len(situation.frontiers) else []
for (row, col), behind in zip(navigation.anchors(situation.frontiers.block), expected, strict=True):
    axes.text(col, row, f"{behind:.0f}", color="tab:red", ha="center", va="center", weight="bold")
axes.plot(*belief.position[0][::-1], "o", color="tab:green", markersize=10)
axes.set_title(
    f"robot 0 after {given.strides} strides: {graph.number_of_nodes()} nodes, "
    f"{graph.number_of_edges()} edges, {nx.number_connected_components(graph)} component(s)"
)
axes.set_axis_off()
figure.savefig(given.picture, dpi=80, bbox_inches="tight")
print(axes.get_title())
