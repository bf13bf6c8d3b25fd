"""Convert the user's picture to the 28 x 28 pixels that the network reads. Does not import TensorFlow.

MNIST's digits were scaled to a box of 20 x 20 pixels without changing the aspect ratio. The box was then placed with
its centre of mass in the centre of the picture. `fit="digit"` does the same. The images of other data sets fill the
28 x 28 pixels, so `fit="none"` only resizes.

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
"""

import warnings
from typing import BinaryIO, NamedTuple, Optional

import numpy as np
from PIL import Image

from legacy_graph.data.decoder import OTHER_FILE, decoded, on_background
from legacy_graph.data.mnist import SIDE
from legacy_graph.errors import UserError

BOX = 20  # pixels
LARGEST = 1000  # pixels: maximum side, larger pictures are first reduced
FAINT = 0.1  # fraction of the strongest ink; weaker pixels are noise or JPEG artefacts, not the edge of a digit
LEAST = 16  # of 255: minimum contrast of a picture
LIGHT = 127  # the background is light if the median of the border is above this


class UserImage(NamedTuple):
    """A picture as the network reads it."""

    pixels: np.ndarray  # uint8 [28, 28]
    preparation: str  # how it was converted, as text


def read_image(path: str, fit: Optional[str] = None, digits: bool = True, file: Optional[BinaryIO] = None) -> UserImage:
    """Read a picture file and convert it for the network.

    Any size up to 50 million pixels; colour or grey, 8 or 16 bits, transparent or not.
    - `fit="digit"`: scale and centre the digit as in MNIST, see `fit_to_mnist`. The background is the median colour of
      the border; ink is the difference from the background. A dark digit on light and a light digit on dark both work.
    - `fit="none"`: only resize the grey values to 28 x 28 pixels; 0 is black, transparent pixels become black.
    - `fit=None`: "digit" for a network that reads digits, else "none". If the network reads digits, a grey picture of
      28 x 28 pixels is not scaled; it is inverted if its background is light.

    Args:
        path: PNG, JPEG, BMP, GIF or WebP; the first frame of an animation. With `file`, its name in messages.
        fit: "digit", "none" or None.
        digits: whether the network reads digits.
        file: an open file with the picture; None opens `path`.

    Raises:
        UserError: the file has another format, is damaged, has too many pixels, or has no contrast.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with decoded(path, file, LARGEST) as picture:
            if picture.mode.startswith("I"):  # reduce first: later steps need 8 bytes per pixel
                picture = picture.convert("I").reduce(max(1, -(-max(picture.size) // LARGEST)))
            picture.thumbnail((LARGEST, LARGEST))
            if fit == "none" or (fit is None and not digits):
                return _checked(path, _resize(picture))
            if fit is None and picture.size == (SIDE, SIDE) and _is_gray(picture):
                return _checked(path, _light_on_dark(_gray(picture)))
            ink = _ink(picture)
    return UserImage(fit_to_mnist(_checked(path, ink)), "scaled and centred as the digits of MNIST")


def _is_gray(picture):
    """Whether all pixels are opaque and grey."""
    if picture.mode in ("L", "I"):
        return True
    layers = np.asarray(picture.convert("RGBA"))
    return bool((layers[..., :3] == layers[..., :1]).all() and (layers[..., 3] == 255).all())


def _gray(picture):
    """The grey values of a picture, uint8 [H, W]; transparent pixels become black."""
    return np.asarray(on_background(picture, "black").convert("L"))


def _resize(picture):
    values = _gray(picture)
    if values.shape == (SIDE, SIDE):
        return UserImage(values, "unchanged")
    return UserImage(np.asarray(Image.fromarray(values).resize((SIDE, SIDE), Image.BOX)), "resized to 28 x 28 pixels")


def _light_on_dark(values):
    if np.median(_border(values)) > LIGHT:
        return UserImage(255 - values, "unchanged, but inverted because its background is light")
    return UserImage(values, "unchanged")


def _checked(path, image):
    """Return the same image; UserError if it has no contrast."""
    values = image.pixels.astype(int) if isinstance(image, UserImage) else image
    if values.max() - values.min() < LEAST:
        found = "a picture of one colour, or without ink that stands out from the background"
        raise UserError(path, "a picture with contrast", found, OTHER_FILE)
    return image


def fit_to_mnist(ink: np.ndarray) -> np.ndarray:
    """Scale the ink to a box of 20 x 20 pixels, and centre its centre of mass in 28 x 28 pixels.

    Args:
        ink: float [H, W], 0 is background; at least one value is above 0.

    Returns:
        uint8 [28, 28], the maximum is 255.
    """
    visible = ink > FAINT * ink.max()
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    scale = BOX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Image.fromarray(ink.astype(np.float32)).resize(size, Image.BOX))
    small = np.rint(np.clip(small * (255 / small.max()), 0, 255))  # scaling makes thin strokes pale
    picture = np.zeros([SIDE, SIDE], np.uint8)
    y, x = _corner(small)
    picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    return picture


def _ink(picture):
    """The colour difference of each pixel from the background, less the variation of the background, float [H, W]."""
    if picture.mode == "I":  # 16 bits: Pillow would clip to 8 bits
        values = np.asarray(picture, np.float64)
        spread = values.max() - values.min()
        picture = Image.fromarray(((values - values.min()) * (255 / (spread or 1))).astype(np.uint8))
    # Premultiplied alpha, so that all transparent pixels have the same colour.
    values = np.asarray(picture.convert("RGBA").convert("RGBa"), np.float64)
    border = _border(values)
    background = np.median(border, axis=0)
    unevenness = np.abs(border - background).max(axis=1)  # of paper and lighting
    differs = np.abs(values - background).max(axis=2)
    return np.maximum(differs - 3 * np.median(unevenness), 0)


def _border(values):
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _corner(small):
    """(y, x) of the box, so that its centre of mass is between 14 and 15 pixels, as in MNIST."""
    corner = []
    for axis in (0, 1):
        mass = small.sum(axis=1 - axis, dtype=np.float64)
        centre = (mass * (np.arange(len(mass)) + 0.5)).sum() / mass.sum()
        corner.append(int(np.clip(np.ceil(SIDE / 2 - centre), 0, SIDE - len(mass))))
    return corner
