"""Floor plans: a rectangle divided by corridors and walls again and again, and which rooms have a door."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pilotfish.worlds.maps.generators.networks import joined


@dataclass(frozen=True)
class Room:
    """A rectangle of cells, as half-open ranges of rows and columns."""

    top: int
    bottom: int
    left: int
    right: int
    corridor: bool = False

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left


@dataclass(frozen=True)
class Door:
    """An opening between two rooms.

    rows, columns: the half-open ranges that it takes, from the middle of one room to that of the other:
        what is not rectangular is reached too.
    between: the rooms' numbers.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]
    between: tuple[int, int]


@dataclass(frozen=True)
class Measures:
    """What a floor is divided into [cells], each drawn between (smallest, largest).

    corridors: how often a part is divided by a corridor before walls divide it.
    halls: share of the parts that stay whole though they are up to twice the largest room long.
    """

    room: tuple[int, int]
    corridor: tuple[int, int]
    wall: tuple[int, int]
    door: tuple[int, int]
    corridors: int
    halls: float


def divide(height: int, width: int, border: int, measures: Measures, rng: np.random.Generator) -> list[Room]:
    """Rooms and corridors with walls between them and a border around them."""
    pending = [(Room(border, height - border, border, width - border), 0)]
    rooms: list[Room] = []
    while pending:
        part, level = pending.pop()
        walls = [_between(measures.wall, rng) for _ in range(2)]
        lane = _between(measures.corridor, rng)
        smallest, largest = measures.room
        # Long parts are cut across, unless a corridor is to run along them.
        tall = rng.random() < part.height**2 / (part.height**2 + part.width**2)
        if level < measures.corridors:
            strip = sum(walls) + lane
            for downward in (not tall, tall) if rng.random() < 0.6 else (tall, not tall):
                if (part.height if downward else part.width) >= strip + 2 * smallest:
                    first, second = _cut(part, downward, strip, smallest, rng)
                    edge = (first.bottom if downward else first.right) + walls[0]
                    rooms.append(
                        Room(edge, edge + lane, part.left, part.right, True)
                        if downward
                        else Room(part.top, part.bottom, edge, edge + lane, True)
                    )
                    pending += [(first, level + 1), (second, level + 1)]
                    break
            else:
                pending.append((part, measures.corridors))
            continue
        limit = largest * (2 if rng.random() < measures.halls else 1)
        fits = [length >= walls[0] + 2 * smallest for length in (part.height, part.width)]
        if max(part.height, part.width) <= limit or not any(fits):
            rooms.append(part)
            continue
        downward = fits[0] if tall else not fits[1]
        pending += [(half, level) for half in _cut(part, downward, walls[0], smallest, rng)]
    return rooms


def _between(limits: tuple[int, int], rng: np.random.Generator) -> int:
    return int(rng.integers(limits[0], limits[1] + 1))


def _cut(part: Room, downward: bool, strip: int, smallest: int, rng: np.random.Generator) -> list[Room]:
    """The two sides of a strip across a part: above and below, or left and right."""
    low, high = (part.top, part.bottom) if downward else (part.left, part.right)
    edge = int(rng.integers(low + smallest, high - strip - smallest + 1))
    if downward:
        return [
            Room(part.top, edge, part.left, part.right),
            Room(edge + strip, part.bottom, part.left, part.right),
        ]
    return [
        Room(part.top, part.bottom, part.left, edge),
        Room(part.top, part.bottom, edge + strip, part.right),
    ]


def doors(
    rooms: list[Room], thickest: int, measures: Measures, loops: float, rng: np.random.Generator
) -> list[Door]:
    """Openings that join all rooms: corridors to each other first, then rooms to corridors, then the rest.

    Args:
        thickest: widest wall that a door goes through [cells].
        loops: share of the other possible doors that are built too; between a room and a corridor
            twice, between two rooms half as often.
    """
    shortest = min(measures.door[0], *(min(room.height, room.width) for room in rooms))
    possible = [
        (one, other, along)
        for one in range(len(rooms))
        for other in range(len(rooms))
        if one != other
        for along in (True, False)
        if _shared(rooms[one], rooms[other], along, thickest)[1] >= shortest
    ]
    if not possible:
        return []
    pairs = np.array([sorted(pair[:2]) for pair in possible])
    _, first = np.unique(pairs, axis=0, return_index=True)  # two rooms have one door between them
    possible = [possible[index] for index in first]
    halls = np.array([rooms[one].corridor + rooms[other].corridor for one, other, _ in possible])
    weights = 3.0 - halls + 0.9 * rng.random(len(possible))
    often = np.array([0.5, 2.0, 2.0])[halls] * loops
    chosen = joined(len(rooms), pairs[first], weights, often, rng)
    return [_door(rooms, possible[index], measures, rng) for index in np.flatnonzero(chosen)]


def _shared(one: Room, other: Room, along: bool, thickest: int) -> tuple[int, int]:
    """First coordinate and length of the wall with `other` right of (`along`) or below `one`; 0 if none."""
    if along:
        gap, low, high = (
            other.left - one.right, max(one.top, other.top), min(one.bottom, other.bottom)
        )  # fmt: skip
    else:
        gap, low, high = (
            other.top - one.bottom, max(one.left, other.left), min(one.right, other.right)
        )  # fmt: skip
    return low, (high - low if 0 < gap <= thickest else 0)


def _door(
    rooms: list[Room], between: tuple[int, int, bool], measures: Measures, rng: np.random.Generator
) -> Door:
    one, other, along = between
    first, second = rooms[one], rooms[other]
    low, length = _shared(first, second, along, 10**6)
    wide = length if first.corridor and second.corridor else min(length, _between(measures.door, rng))
    spare = min(3, (length - wide) // 2)  # from the corners
    start = low + spare + int(rng.integers(0, length - wide - 2 * spare + 1))
    across = (start, start + wide)
    if along:
        return Door(
            across, ((first.left + first.right) // 2, (second.left + second.right) // 2), (one, other)
        )
    return Door(((first.top + first.bottom) // 2, (second.top + second.bottom) // 2), across, (one, other))
