"""The user's own picture of a digit, fitted into 28 x 28 pixels as MNIST was. No TensorFlow.

MNIST's digits were scaled, keeping their proportions, into a box of 20 x 20 pixels, and this was laid into the picture
with its centre of mass in the middle. A digit of MNIST itself therefore comes out as it went in,
but for its faintest traces.

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
"""

import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

from legacy_graph.data.mnist import SIDE
from legacy_graph.errors import UserError

OTHER_FILE = "name another file"
BOX = 20  # pixels
LARGEST = 1000  # pixels a side, to which a photograph is first brought down
FAINT = 0.1  # of the strongest ink: what is below is no edge of a digit, but noise, or what JPEG adds around it
LEAST = 16  # of 255: what differs less from the ground is no ink
# What Pillow raises, besides OSError, on a file that begins as a picture and goes on as something else.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


def read_image(path: str) -> np.ndarray:
    """A picture file as MNIST would show it: uint8 [28, 28], 0 is the ground, 255 the ink.

    Any size; PNG, JPEG or whatever else Pillow reads; colour or grey, 8 or 16 bits, transparent or not; dark on light
    or light on dark. The ground is the colour of most of the border, and ink is what differs from it.

    Raises:
        UserError: the file is no picture, is broken, or shows nothing.
    """
    if not os.path.isfile(path):
        raise UserError(
            path, "a picture such as PNG or JPEG", "a directory" if os.path.isdir(path) else "no file", OTHER_FILE
        )
    try:
        with Image.open(path) as picture:
            ink = _ink(ImageOps.exif_transpose(picture))
    except BROKEN as error:
        raise UserError(
            path, "a picture such as PNG or JPEG", str(error) or type(error).__name__, OTHER_FILE
        ) from error
    if ink.max() < LEAST:
        raise UserError(
            path, "a digit in another colour than its ground", "a picture of one colour, or nearly so", OTHER_FILE
        )
    return fit_to_mnist(ink)


def fit_to_mnist(ink: np.ndarray) -> np.ndarray:
    """Scale ink into the box of 20 x 20 pixels, and lay this with its centre of mass into the middle of 28 x 28.

    Args:
        ink: float [H, W], 0 is the ground; not all of it.

    Returns:
        uint8 [28, 28], its strongest ink 255.
    """
    visible = ink > FAINT * ink.max()
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    scale = BOX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, Image.BOX))
    small = np.rint(np.clip(small * (255 / small.max()), 0, 255))  # thin strokes of a large picture have turned pale
    picture = np.zeros([SIDE, SIDE], np.uint8)
    y, x = _corner(small)
    picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    return picture


def _ink(picture):
    """How far each pixel is from the ground in colour, float [H, W]; what the ground itself varies is cut off."""
    if picture.mode.startswith(("I", "F")):  # 16 or 32 bits, which Pillow would clip to 8
        values = np.asarray(picture, np.float64)
        spread = values.max() - values.min()
        picture = Image.fromarray(((values - values.min()) * (255 / (spread or 1))).astype(np.uint8))
    picture = picture.convert("RGBA")
    picture.thumbnail((LARGEST, LARGEST))
    # Premultiplied, so that what is transparent has but one colour, of its own.
    values = np.asarray(picture.convert("RGBa"), np.float64)
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    ground = np.median(border, axis=0)
    unevenness = np.abs(border - ground).max(axis=1)  # of the paper and its light
    differs = np.abs(values - ground).max(axis=2)
    return np.maximum(differs - 3 * np.median(unevenness), 0)


def _corner(small):
    """Where the box begins, down and across, so that its mass is centred in the pixel from 14 to 15, as in MNIST."""
    corner = []
    for axis in (0, 1):
        mass = small.sum(axis=1 - axis, dtype=np.float64)
        centre = (mass * (np.arange(len(mass)) + 0.5)).sum() / mass.sum()
        corner.append(int(np.clip(np.ceil(SIDE / 2 - centre), 0, SIDE - len(mass))))
    return corner
