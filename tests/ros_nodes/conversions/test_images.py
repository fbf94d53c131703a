"""Pictures from messages: encodings, padded rows, sizes."""

import numpy as np
import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import Image

from pilotfish.ros_nodes.conversions.images import ENCODINGS, check_image, read_image
from pilotfish.ros_nodes.conversions.messages import RejectedError

PIXELS = np.random.default_rng(0).integers(0, 255, (5, 7, 3), np.uint8)


def encoded(pixels, encoding, padding=0, big_endian=False):
    """A message of these pixels [H, W, 3], its rows padded with bytes that must not be seen."""
    order, size = ENCODINGS[encoding]
    height, width = pixels.shape[:2]
    full = np.concatenate([pixels, np.full((height, width, 1), 255, np.uint8)], axis=2)
    channels = full[:, :, :1] if order == "L" else full[:, :, ["RGBA".index(letter) for letter in order]]
    numbers = channels.astype(np.uint16) * 256 + 77 if size == 2 else channels
    data = numbers.astype(f"{'>' if big_endian else '<'}u{size}").reshape(height, -1).view(np.uint8)
    data = np.pad(data, ((0, 0), (0, padding)), constant_values=66)
    return Image(
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(big_endian),
        step=data.shape[1],
        data=data.tobytes(),
    )


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_gives_the_same_pixels_red_first(encoding, padding):
    expected = np.repeat(PIXELS[:, :, :1], 3, axis=2) if encoding.startswith("mono") else PIXELS
    for big_endian in (False, True):
        found = read_image(encoded(PIXELS, encoding, padding, big_endian))
        np.testing.assert_array_equal(found, expected)
        assert found.flags.c_contiguous and found.dtype == np.uint8


def test_grey_pictures_have_one_channel_where_one_is_asked_for():
    grey = read_image(encoded(PIXELS, "mono8", padding=1), channels=1)
    np.testing.assert_array_equal(grey, PIXELS[:, :, :1])
    assert read_image(encoded(PIXELS, "bgr8"), channels=1).shape == (5, 7, 1)


def test_a_resized_picture_keeps_its_sides():
    halves = np.zeros((4, 8, 3), np.uint8)
    halves[:, 4:] = 200
    small = read_image(encoded(halves, "rgb8"), resize=(2, 4))
    assert small.shape == (2, 4, 3)
    assert small[:, 0].max() < 60 and small[:, -1].min() > 140


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"encoding": "16UC1", "step": 4}, "encoding"),
        ({"encoding": "bayer_rggb8", "step": 2}, "encoding"),
        ({"encoding": ""}, "encoding"),
        ({"encoding": "rgb8", "step": 6, "data": [0] * 11}, "size"),
        ({"encoding": "rgb8", "step": 5, "data": [0] * 12}, "size"),
        ({"encoding": "mono16", "step": 5, "data": [0] * 10}, "size"),
        ({"encoding": "rgb8", "height": 0}, "size"),
    ],
)
def test_what_is_no_picture_is_rejected_before_it_is_decoded(fields, reason):
    message = Image(**{"height": 2, "width": 2} | fields)
    for use in (check_image, read_image):
        with pytest.raises(RejectedError) as caught:
            use(message)
        assert caught.value.reason == reason
