"""Pictures of cameras from messages, and back. No ROS: any object with the fields of sensor_msgs/Image.

Encodings are those of sensor_msgs: rgb8, bgr8, rgba8, bgra8, mono8 and the same with 16 bits, of which the
upper eight are kept. Depth (16UC1, 32FC1), Bayer and YUV pictures are rejected: let the driver, or a node of
image_proc, convert them. Rows may be padded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.ros_nodes.conversions.messages import RejectedError

ENCODINGS = {
    f"{name}{bits}": (order, bits // 8)
    for name, order in (("rgb", "RGB"), ("bgr", "BGR"), ("rgba", "RGBA"), ("bgra", "BGRA"), ("mono", "L"))
    for bits in (8, 16)
}
"""Encoding -> its channels in order, and bytes of each."""


def check_image(message: Any) -> tuple[str, int]:
    """Channels in order, and bytes of each. Raises RejectedError, as ``read_image`` would."""
    if message.encoding not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise RejectedError("encoding", f"encoding {message.encoding!r}: there are {known}")
    order, size = ENCODINGS[message.encoding]
    height, width, count = message.height, message.width, len(message.data)
    row = width * len(order) * size
    step = message.step or row
    if height * width == 0 or step < row or step % size or count < step * height:
        raise RejectedError("size", f"{count} bytes for {height} rows of {width} pixels ({step} bytes)")
    return order, size


def read_image(message: Any, resize: tuple[int, int] | None = None, channels: int = 3) -> NDArray[np.uint8]:
    """Pixels uint8 [H, W, channels], red first.

    Args:
        message: sensor_msgs/Image.
        resize: (H, W) to scale to, bilinear.
        channels: 3, or 1 for grey.

    Raises:
        RejectedError: an encoding that is not known, or not as many bytes as it says.
    """
    order, size = check_image(message)
    height, width = message.height, message.width
    row = width * len(order) * size
    step = message.step or row
    rows = np.frombuffer(message.data, np.uint8)[: step * height].reshape(height, step)[:, :row]
    if size == 2:  # only the upper byte of each number
        rows = rows[:, 0 if message.is_bigendian else 1 :: 2]
    pixels: NDArray[np.uint8] = rows.reshape(height, width, len(order))
    if len(order) > 1:
        pixels = pixels[:, :, [order.index(channel) for channel in "RGB"]]
    if channels != pixels.shape[2] or (resize is not None and resize != (height, width)):
        pixels = _converted(pixels, resize, channels)
    return np.ascontiguousarray(pixels)


def _converted(pixels: NDArray[np.uint8], resize: tuple[int, int] | None, channels: int) -> NDArray[np.uint8]:
    from PIL import Image

    grey = pixels.shape[2] == 1
    picture = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if grey else pixels))
    picture = picture.convert("L" if channels == 1 else "RGB")
    if resize is not None:
        picture = picture.resize((resize[1], resize[0]), Image.Resampling.BILINEAR)
    return np.asarray(picture).reshape(picture.height, picture.width, channels)


def write_image(message: Any, pixels: NDArray[np.uint8]) -> None:
    """Fill an Image with pixels uint8 [H, W, 3] (rgb8) or [H, W, 1] (mono8)."""
    height, width, depth = pixels.shape
    message.height, message.width, message.step = height, width, width * depth
    message.encoding = "rgb8" if depth == 3 else "mono8"
    message.data = np.frombuffer(np.ascontiguousarray(pixels).tobytes(), np.uint8)
