"""A team's map out of everybody's evidence: one layer a source, and the belief that is their sum.

Own evidence wins over what others told; of what others told, the newest wins; what was known once stays
known. Each source's layer is kept apart, so robots that see a pixel differently do not quarrel over it, and
every robot can pass on what it was told.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import BLOCK, FREE, UNKNOWN
from pilotfish.policies.exploration.mapping import TILE, MapFrame, OccupancyMap, Window
from pilotfish.policies.exploration.rays import apply_window
from pilotfish.policies.exploration.wire import Report, Source, Tiles, WireError

LIVES = 4
"""Layers of one robot that are kept, of its newest lives; the oldest is no longer passed on."""

GAPS = 256
"""Ranges of versions that are remembered until what lies before them arrives."""

_BLOCKS = TILE // BLOCK


class Layer:
    """Evidence of one source, as far as it is known here.

    Attributes:
        pixels: uint8 [H, W].
        version: int64 [th, tw] of each tile; 0 where nothing is known.
        stamp: float64 [th, tw] when the source last changed it [s].
        have: this layer is complete up to this version.
    """

    def __init__(self, source: Source, frame: MapFrame) -> None:
        self.source = source
        self.pixels = np.zeros(frame.shape, np.uint8)
        self.version = np.zeros(frame.tiles, np.int64)
        self.stamp = np.zeros(frame.tiles)
        self.have = 0
        self._ahead: list[tuple[int, int]] = []

    def completed(self, after: int, upto: int) -> None:
        """All changes after one version up to another have arrived; what came before may still lack."""
        self._ahead = [*self._ahead, (after, upto)][-GAPS:]
        while True:
            fitting = [end for start, end in self._ahead if start <= self.have < end]
            if not fitting:
                break
            self.have = max(fitting)
        self._ahead = [item for item in self._ahead if item[1] > self.have]


class TeamMap:
    """Layers, and the belief they make up.

    Args:
        belief: of this robot; ``pixels``, ``known``, ``changed`` and ``free`` are kept by this object.
        own: this robot's own evidence.
        source: this robot and its life.
    """

    def __init__(self, belief: TeamBelief, own: OccupancyMap, source: Source) -> None:
        self.belief = belief
        self.own = own
        self.frame = own.frame
        self.changes = 0
        """Counts the pixels of the belief that have changed."""
        self.blocked = np.zeros(self.frame.shape, bool)
        self.shared = Layer(source, self.frame)
        """Own evidence as it was last told."""
        self.layers: dict[Source, Layer] = {source: self.shared}
        self._have: list[dict[Source, int]] = [{} for _ in range(belief.robots)]
        self._epoch = [-1] * belief.robots

    # Own evidence.

    def apply_own(self, window: Window) -> int:
        """Take own pixels of a window into the belief; the number of pixels that have changed."""
        return self._apply(self.own.pixels[window.slices], window.top, window.left)

    def share(self, now: float) -> int:
        """Give what has changed in the own map new versions, to be told; the number of tiles."""
        layer = self.shared
        rows, cols = np.nonzero(self.own.dirty)
        for i, j in zip(rows.tolist(), cols.tolist(), strict=True):
            piece = self._piece(i, j)
            layer.pixels[piece] = self.own.pixels[piece]
            layer.have += 1
            layer.version[i, j], layer.stamp[i, j] = layer.have, now
        self.own.dirty[:] = False
        return len(rows)

    def begin_life(self, epoch: int) -> None:
        """Go on under a later epoch; peers take the own evidence for that of a new life."""
        del self.layers[self.shared.source]
        self.shared.source = Source(self.belief.me, epoch)
        self.layers[self.shared.source] = self.shared

    # What others tell.

    def receive(self, tiles: Tiles) -> list[int]:
        """Take in pieces of a source's map; the tiles that were new.

        Raises:
            WireError: a tile lies outside of the map, or the source is a robot's life before the last few.
        """
        count = self.shared.version.size
        if len(tiles.tile) and int(tiles.tile.max()) >= count:
            raise WireError(f"tile {int(tiles.tile.max())} of a map of {count} tiles")
        if tiles.source == self.shared.source:
            return []
        layer = self._layer(tiles.source)
        new = []
        for k, tile in enumerate(tiles.tile.tolist()):
            i, j = divmod(tile, self.frame.tiles[1])
            if tiles.version[k] <= layer.version[i, j]:
                continue
            layer.pixels[self._piece(i, j)] = tiles.pixels[k]
            layer.version[i, j], layer.stamp[i, j] = tiles.version[k], tiles.stamp[k]
            self._fuse(i, j)
            new.append(tile)
        layer.completed(tiles.after, tiles.upto)
        for robot in range(self.belief.robots):
            if robot != self.belief.me and self._epoch[robot] >= 0:
                self._credit(robot, new)
        return new

    def knows(self, report: Report) -> None:
        """Robot ``report.source.robot`` has said what it knows of everybody's map."""
        robot, epoch = report.source
        if epoch != self._epoch[robot]:  # A new life begins with an empty head.
            self._epoch[robot] = epoch
            self._have[robot] = {}
            self.belief.free[robot] = 0
        before = self._have[robot]
        self._have[robot] = report.have
        touched = np.zeros(self.frame.tiles, bool)
        for source, layer in self.layers.items():
            old, new = before.get(source, 0), report.have.get(source, 0)
            if new > old:
                touched |= (layer.version > old) & (layer.version <= new)
        self._credit(robot, np.flatnonzero(touched).tolist())

    def _credit(self, robot: int, tiles: Iterable[int]) -> None:
        """Note which free pixels of some tiles a robot knows by now."""
        have, life = self._have[robot], Source(robot, self._epoch[robot])
        belief = self.belief
        for tile in tiles:
            i, j = divmod(tile, self.frame.tiles[1])
            piece = self._piece(i, j)
            blocks = slice(_BLOCKS * i, _BLOCKS * (i + 1)), slice(_BLOCKS * j, _BLOCKS * (j + 1))
            known = np.zeros((TILE, TILE), bool)
            everything = not self.own.dirty[i, j]
            for source, layer in self.layers.items():
                version = layer.version[i, j]
                if version == 0:
                    continue
                if source == life or version <= have.get(source, 0):
                    known |= layer.pixels[piece] != UNKNOWN
                else:
                    everything = False
            if everything:
                belief.free[robot][blocks] = belief.free[belief.me][blocks]
            else:
                free = known & (belief.pixels[piece] == FREE)
                counts = free.reshape(_BLOCKS, BLOCK, _BLOCKS, BLOCK).sum(axis=(1, 3), dtype=np.uint8)
                belief.free[robot][blocks] = np.maximum(belief.free[robot][blocks], counts)

    # Places that cannot be driven, whatever the map says.

    def block(self, row: float, col: float, radius: float) -> None:
        """Let the free pixels of a disc count as occupied, until ``unblock`` [px]."""
        window = self.own.window(row, col, radius)
        rows, cols = np.ogrid[window.top : window.bottom, window.left : window.right]
        disc = (rows - row) ** 2 + (cols - col) ** 2 <= radius**2
        self.blocked[window.slices] |= disc & (self.belief.pixels[window.slices] == FREE)
        self._apply(self.belief.pixels[window.slices].copy(), window.top, window.left)

    def unblock(self) -> None:
        """Let all blocked pixels be again what the layers say."""
        rows, cols = np.nonzero(self.blocked)
        self.blocked[:] = False
        for tile in np.unique(rows // TILE * self.frame.tiles[1] + cols // TILE).tolist():
            i, j = divmod(tile, self.frame.tiles[1])
            inside = (rows // TILE == i) & (cols // TILE == j)
            values = np.zeros((TILE, TILE), np.uint8)
            values[rows[inside] % TILE, cols[inside] % TILE] = FREE  # Only free pixels are ever blocked.
            self._apply(values, TILE * i, TILE * j)
            self._fuse(i, j)

    # Inside.

    def _layer(self, source: Source) -> Layer:
        if source in self.layers:
            return self.layers[source]
        if source.robot >= self.belief.robots:
            raise WireError(f"robot {source.robot} is not one of {self.belief.robots}")
        lives = sorted(other for other in self.layers if other.robot == source.robot)
        if len(lives) >= LIVES:
            oldest = min(life for life in lives if life != self.shared.source)
            if source < oldest:
                raise WireError(f"life {source.epoch} of robot {source.robot} is long over")
            del self.layers[oldest]
        self.layers[source] = Layer(source, self.frame)
        return self.layers[source]

    def _piece(self, i: int, j: int) -> tuple[slice, slice]:
        return slice(TILE * i, TILE * (i + 1)), slice(TILE * j, TILE * (j + 1))

    def _fuse(self, i: int, j: int) -> None:
        """Bring a tile of the belief up to date with all layers."""
        piece = self._piece(i, j)
        values = self.own.pixels[piece].copy()
        told = [layer for layer in self.layers.values() if layer is not self.shared and layer.version[i, j]]
        for layer in sorted(told, key=lambda layer: (-layer.stamp[i, j], layer.source)):
            values = np.where(values == UNKNOWN, layer.pixels[piece], values)
        self._apply(values, TILE * i, TILE * j)

    def _apply(self, values: NDArray[np.uint8], top: int, left: int) -> int:
        belief = self.belief
        count = apply_window(
            values, top, left, self.blocked,
            belief.pixels, belief.known, belief.free[belief.me], belief.changed,
        )  # fmt: skip
        self.changes += int(count)
        return int(count)
