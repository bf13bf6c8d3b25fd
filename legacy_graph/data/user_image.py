"""The user's own picture as the 28 x 28 pixels that the network reads. No TensorFlow.

MNIST's digits were scaled, keeping their proportions, into a box of 20 x 20 pixels, and this was laid into the picture
with its centre of mass in the middle. `fit="digit"` does the same. Other data sets fill their 28 x 28 pixels, so that
`fit="none"` only resizes.

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
"""

import contextlib
import os
import warnings
from typing import NamedTuple, Optional

import numpy as np
from PIL import Image, ImageOps

from legacy_graph.data.mnist import SIDE
from legacy_graph.errors import UserError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP")  # as Pillow spells them
FORMAT_NAMES = "PNG, JPEG, BMP, GIF or WebP"
FITS = ("digit", "none")
OTHER_FILE = "name another file"
MAX_PIXELS = 50000000  # of a picture, known before it is decoded; a telephone's camera has up to 50 million
FEWER_PIXELS, SMALLER = f"a picture of at most {MAX_PIXELS:,} pixels", "make it smaller"
BOX = 20  # pixels
LARGEST = 1000  # pixels a side, to which a photograph is first brought down
FAINT = 0.1  # of the strongest ink: what is below is no edge of a digit, but noise, or what JPEG adds around it
LEAST = 16  # of 255: what differs less from the ground is no ink
LIGHT = 127  # a median of the border above this is a light ground


class UserImage(NamedTuple):
    """A picture as the network reads it."""

    pixels: np.ndarray  # uint8 [28, 28]
    preparation: str  # how it was brought to this, in words


def read_image(path: str, fit: Optional[str] = None, digits: bool = True) -> UserImage:
    """A picture file as the network reads it.

    Any size up to 50 million pixels; colour or grey, 8 or 16 bits, transparent or not.
    - `fit="digit"`: as MNIST's digits were made, see `fit_to_mnist`. The ground is the colour of most of the border,
      ink is what differs from it: dark on light and light on dark come to the same.
    - `fit="none"`: grey values as they are, 0 is black, resized to 28 x 28 pixels; what is transparent is black.
    - `fit=None`: "digit" for a network that reads digits, else "none". For such a network a grey picture of 28 x 28
      pixels goes in as it is, and is only inverted if its ground is light.

    Args:
        path: PNG, JPEG, BMP, GIF or WebP; of a moving picture the first frame counts.
        fit: "digit", "none" or None.
        digits: whether the network reads digits.

    Raises:
        UserError: the file is no such picture, is broken, has too many pixels, or shows nothing.
    """
    if not os.path.isfile(path):
        found = "a directory" if os.path.isdir(path) else "no file"
        raise UserError(path, f"a picture in {FORMAT_NAMES}", found, OTHER_FILE)
    try:
        picture = _decode(path)
        if fit == "none" or (fit is None and not digits):
            return _checked(path, _resize(picture))
        if fit is None and picture.size == (SIDE, SIDE) and _is_gray(picture):
            return _checked(path, _light_on_dark(_gray(picture)))
        ink = _ink(picture)
    except UserError:
        raise
    except Image.DecompressionBombError as error:  # above 179 million Pillow does not even tell the size
        raise UserError(path, FEWER_PIXELS, "more than 178 million", SMALLER) from error
    except Exception as error:  # whatever a decoder makes of a broken file
        raise UserError(path, f"a picture in {FORMAT_NAMES}", str(error) or type(error).__name__, OTHER_FILE) from error
    return UserImage(fit_to_mnist(_checked(path, ink)), "fitted as MNIST's digits were")


def _decode(path):
    """The picture upright, at most `LARGEST` pixels a side, in mode L, I (16 bits), RGB, RGBA or what JPEG has."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        picture = stack.enter_context(Image.open(path, formats=FORMATS))
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise UserError(path, FEWER_PIXELS, f"{width:,} x {height:,}", SMALLER)
        if picture.mode.startswith("I"):  # reduced before it takes 8 bytes a pixel
            small = picture.convert("I").reduce(max(1, -(-max(width, height) // LARGEST)))
        elif "transparency" in picture.info or picture.mode in ("P", "PA", "1"):
            opaque = picture.mode == "1" and "transparency" not in picture.info
            small = picture.convert("L" if opaque else "RGBA")
        else:
            small = picture
        small.thumbnail((LARGEST, LARGEST))
        small.load()
        return ImageOps.exif_transpose(small)


def _is_gray(picture):
    """Whether all pixels are opaque and grey."""
    if picture.mode in ("L", "I"):
        return True
    layers = np.asarray(picture.convert("RGBA"))
    return bool((layers[..., :3] == layers[..., :1]).all() and (layers[..., 3] == 255).all())


def _gray(picture):
    """The grey values of a picture, uint8 [H, W]; what is transparent is black."""
    if picture.mode == "I":
        return np.rint(np.clip(np.asarray(picture) / 257, 0, 255)).astype(np.uint8)
    layers = picture.convert("RGBA")
    black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
    return np.asarray(Image.alpha_composite(black, layers).convert("L"))


def _resize(picture):
    values = _gray(picture)
    if values.shape == (SIDE, SIDE):
        return UserImage(values, "as it is")
    return UserImage(np.asarray(Image.fromarray(values).resize((SIDE, SIDE), Image.BOX)), "resized to 28 x 28 pixels")


def _light_on_dark(values):
    if np.median(_border(values)) > LIGHT:
        return UserImage(255 - values, "as it is, but inverted: its ground is light")
    return UserImage(values, "as it is")


def _checked(path, image):
    """The same image; UserError if it shows nothing."""
    values = image.pixels.astype(int) if isinstance(image, UserImage) else image
    if values.max() - values.min() < LEAST:
        raise UserError(path, "a picture with contrast", "a picture of one colour, or nearly so", OTHER_FILE)
    return image


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
    if picture.mode == "I":  # 16 bits, which Pillow would clip to 8
        values = np.asarray(picture, np.float64)
        spread = values.max() - values.min()
        picture = Image.fromarray(((values - values.min()) * (255 / (spread or 1))).astype(np.uint8))
    # Premultiplied, so that what is transparent has but one colour, of its own.
    values = np.asarray(picture.convert("RGBA").convert("RGBa"), np.float64)
    border = _border(values)
    ground = np.median(border, axis=0)
    unevenness = np.abs(border - ground).max(axis=1)  # of the paper and its light
    differs = np.abs(values - ground).max(axis=2)
    return np.maximum(differs - 3 * np.median(unevenness), 0)


def _border(values):
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _corner(small):
    """Where the box begins, down and across, so that its mass is centred in the pixel from 14 to 15, as in MNIST."""
    corner = []
    for axis in (0, 1):
        mass = small.sum(axis=1 - axis, dtype=np.float64)
        centre = (mass * (np.arange(len(mass)) + 0.5)).sum() / mass.sum()
        corner.append(int(np.clip(np.ceil(SIDE / 2 - centre), 0, SIDE - len(mass))))
    return corner
