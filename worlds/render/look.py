"""The title bar that pictures, 2D and 3D videos share; colours are those of ``worlds.draw``."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageDraw, ImageFont

from pilotfish.worlds.draw import PALETTE

BAR_HEIGHT = 44
"""Height of the title bar [px]."""


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def draw_bar(image: Image.Image, title: str, facts: str) -> None:
    """Write the title to the left and the counters to the right of the bar on top of a frame."""
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, image.width, BAR_HEIGHT - 1), fill=PALETTE["ink"])
    middle = BAR_HEIGHT // 2
    size = 19 if image.width >= 720 else 15
    pen.text((14, middle), title, font=font(size), fill=(255, 255, 255), anchor="lm")
    pen.text((image.width - 14, middle), facts, font=font(size - 2), fill=(178, 190, 206), anchor="rm")


def counters(seconds: float, delivered: int) -> str:
    """The facts of the bar: time, goals, and the rate since the beginning."""
    rate = f"{delivered / seconds:.2f} goals/s" if seconds >= 1.0 else ""
    parts = (f"t {seconds:5.1f} s", f"{delivered} goal{'s' * (delivered != 1)}", rate)
    return "   ".join(part for part in parts if part)
