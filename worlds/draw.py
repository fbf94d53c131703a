"""Pictures of grid maps and fleets, in one flat style that the videos share."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from pilotfish.worlds.maps.grid_map import GridMap

Colour = tuple[int, int, int]
PALETTE: dict[str, Colour] = {
    "floor": (247, 245, 240),
    "line": (234, 231, 223),
    "wall": (62, 74, 94),
    "wall_side": (41, 50, 66),
    "shadow": (219, 215, 206),
    "start": (214, 230, 241),
    "goal": (252, 230, 190),
    "both": (222, 236, 214),
    "ink": (41, 50, 66),
    "paper": (255, 255, 255),
}
_SUPERSAMPLE = 4
_HUES = (0.580, 0.035, 0.405, 0.925, 0.115, 0.735, 0.495, 0.985, 0.270, 0.830, 0.655, 0.075)


@lru_cache
def agent_colours(n: int) -> tuple[Colour, ...]:
    """n colours for agents: twelve hues that tell apart, then the same lighter and darker by turns."""
    shades = ((0.78, 0.62), (0.88, 0.48), (0.60, 0.62), (0.72, 0.55))  # value, saturation
    colours = []
    for index in range(n):
        value, saturation = shades[index // len(_HUES) % len(shades)]
        red, green, blue = colorsys.hsv_to_rgb(_HUES[index % len(_HUES)], saturation, value)
        colours.append((round(255 * red), round(255 * green), round(255 * blue)))
    return tuple(colours)


def draw_map(
    grid: GridMap,
    cell_px: int = 12,
    agents: ArrayLike | None = None,
    goals: ArrayLike | None = None,
    paths: Sequence[ArrayLike] | None = None,
) -> Image.Image:
    """A picture of a map, and of the fleet on it; agent i, its goal and its path share a colour.

    Args:
        cell_px: edge of a cell [pixels].
        agents: discs; cells [N], or rows and columns [N, 2] that may lie between cells (0, 0 is the
            middle of the first cell), so that videos can glide.
        goals: rings, as `agents`.
        paths: lines along the cells of each agent's path, each as `agents`.

    Returns:
        RGB, (width * cell_px) x (height * cell_px).
    """
    picture = _background(grid, cell_px).copy()
    if paths is not None:
        _draw_paths(picture, [_pixels(grid, path, cell_px) for path in paths], cell_px)
    for cells, sprite in ((goals, _ring), (agents, _disc)):
        if cells is None:
            continue
        places = _pixels(grid, cells, cell_px)
        for (x, y), colour in zip(places, agent_colours(len(places)), strict=True):
            stamp = sprite(cell_px, colour)
            picture.paste(stamp, (round(x - stamp.width / 2), round(y - stamp.height / 2)), stamp)
    return picture


def contact_sheet(grids: Sequence[GridMap], columns: int | None = None, tile_px: int = 300) -> Image.Image:
    """Many maps on one sheet, each as large as a tile allows, above its name."""
    columns = columns or min(len(grids), max(1, round(len(grids) ** 0.5 * 1.2)))
    gap, caption = tile_px // 14, tile_px // 10
    font = ImageFont.load_default(size=caption * 0.5)
    tiles = [_tile(grid, tile_px) for grid in grids]
    heights = [max(tile.height for tile in tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    size = (columns * (tile_px + gap) + gap, sum(heights) + len(heights) * (caption + gap) + gap)
    sheet = Image.new("RGB", size, PALETTE["paper"])
    pen = ImageDraw.Draw(sheet)
    for index, (grid, tile) in enumerate(zip(grids, tiles, strict=True)):
        row, column = divmod(index, columns)
        middle = gap + column * (tile_px + gap) + tile_px // 2
        bottom = gap + sum(heights[: row + 1]) + row * (caption + gap)
        left, top = middle - tile.width // 2, bottom - tile.height
        sheet.paste(tile, (left, top))
        pen.rectangle((left - 1, top - 1, left + tile.width, bottom), outline=PALETTE["wall"])
        text = _fit(grid.name, font, tile_px)
        pen.text((middle, bottom + caption * 0.55), text, PALETTE["ink"], font, anchor="mm")
    return sheet


def _tile(grid: GridMap, edge: int) -> Image.Image:
    """The map with its longer side scaled to `edge` pixels."""
    longer = max(grid.width, grid.height)
    picture = draw_map(grid, -(-edge // longer))
    size = (max(1, grid.width * edge // longer), max(1, grid.height * edge // longer))
    return picture.resize(size, Image.Resampling.BOX)


def _fit(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The text, its end cut off where it is wider than `width` pixels."""
    while font.getlength(text) > width:
        text = text.rstrip("…")[:-1] + "…"
    return text


def cell_colours(grid: GridMap) -> NDArray[np.uint8]:
    """The colour of each cell, uint8 [height, width, 3]."""
    image = np.empty((grid.height, grid.width, 3), np.uint8)
    image[:] = PALETTE["floor"]
    flat = image.reshape(-1, 3)
    if grid.starts is not None and grid.goals is not None:
        flat[grid.starts] = PALETTE["start"]
        if len(grid.goals) < len(grid.free_cells):  # where all is goal, only the starts stand out
            flat[grid.goals] = PALETTE["goal"]
            flat[np.intersect1d(grid.starts, grid.goals)] = PALETTE["both"]
    image[grid.walls] = PALETTE["wall"]
    return image


@lru_cache(maxsize=8)
def _background(grid: GridMap, cell_px: int) -> Image.Image:
    """The map alone; kept, since a video draws it for every frame. GridMaps compare by identity."""
    image = cell_colours(grid).repeat(cell_px, axis=0).repeat(cell_px, axis=1)
    walls = grid.walls.repeat(cell_px, axis=0).repeat(cell_px, axis=1)
    if cell_px >= 8:
        lines = np.zeros(walls.shape, bool)
        lines[::cell_px], lines[:, ::cell_px] = True, True
        image[lines & ~walls] = _darkened(image[lines & ~walls], "line")
    if cell_px >= 6:  # walls stand up: a darker front where the cell below is free, and its shadow
        side, shadow = round(cell_px * 0.28), round(cell_px * 0.18)
        image[walls & ~_shifted_up(walls, side)] = PALETTE["wall_side"]
        shaded = ~walls & _shifted_up(walls, -shadow)
        image[shaded] = _darkened(image[shaded], "shadow")
    return Image.fromarray(image)


def _darkened(colours: NDArray[np.uint8], shade: str) -> NDArray[np.uint8]:
    """Colours as much darker as the floor is under a line or a shadow."""
    return (colours * (np.array(PALETTE[shade]) / PALETTE["floor"])).astype(np.uint8)


def _shifted_up(walls: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """The mask moved up by `pixels` (down if negative); beyond the picture all is wall, so no edge shows."""
    moved = np.ones_like(walls)
    if pixels > 0:
        moved[:-pixels] = walls[pixels:]
    elif pixels < 0:
        moved[-pixels:] = walls[:pixels]
        moved[:-pixels] = False
    return moved


def _pixels(grid: GridMap, cells: ArrayLike, cell_px: int) -> NDArray[np.float64]:
    """Middles [N, 2] as (x, y) [pixels] of cells [N] or of rows and columns [N, 2]."""
    cells = np.asarray(cells)
    rows_columns = np.stack(np.divmod(cells, grid.width), axis=-1) if cells.ndim == 1 else cells
    return (rows_columns[:, ::-1] + 0.5) * cell_px


def _sprite(cell_px: int, size: float) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    """A transparent square of `size` cells, `_SUPERSAMPLE` times too large, and its pen."""
    edge = max(3, round(cell_px * size)) * _SUPERSAMPLE
    image = Image.new("RGBA", (edge, edge), (0, 0, 0, 0))
    return image, ImageDraw.Draw(image), edge


def _shrunk(image: Image.Image) -> Image.Image:
    # Transparent pixels are black: without premultiplied alpha they would darken the rim.
    return image.convert("RGBa").reduce(_SUPERSAMPLE).convert("RGBA")


@lru_cache(maxsize=4096)
def _disc(cell_px: int, colour: Colour) -> Image.Image:
    """An agent: a disc with a light rim."""
    image, pen, edge = _sprite(cell_px, 0.84)
    pen.ellipse((0, 0, edge - 1, edge - 1), fill=PALETTE["paper"])
    rim = round(edge * 0.07)
    pen.ellipse((rim, rim, edge - 1 - rim, edge - 1 - rim), fill=colour)
    return _shrunk(image)


@lru_cache(maxsize=4096)
def _ring(cell_px: int, colour: Colour) -> Image.Image:
    """A goal: a rounded square outline with a dot."""
    image, pen, edge = _sprite(cell_px, 0.84)
    line = max(_SUPERSAMPLE, round(edge * 0.14))
    pen.rounded_rectangle((0, 0, edge - 1, edge - 1), radius=edge * 0.28, outline=colour, width=line)
    dot = edge * 0.36
    pen.ellipse((dot, dot, edge - 1 - dot, edge - 1 - dot), fill=colour)
    return _shrunk(image)


def _draw_paths(picture: Image.Image, paths: Sequence[NDArray[np.float64]], cell_px: int) -> None:
    """Half transparent lines with round joints."""
    size = (picture.width * 2, picture.height * 2)
    overlay = Image.new("RGBA", size, (0, 0, 0, 0))
    pen = ImageDraw.Draw(overlay)
    width = max(2, round(cell_px * 0.4))
    for points, colour in zip(paths, agent_colours(len(paths)), strict=True):
        if not len(points):
            continue
        ends = [tuple(point) for point in points * 2]
        pen.line(ends, fill=(*colour, 150), width=width, joint="curve")
        for x, y in (ends[0], ends[-1]):
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=(*colour, 150))
    overlay = overlay.convert("RGBa").reduce(2).convert("RGBA")
    picture.paste(overlay, (0, 0), overlay)
