"""Pictures from numbers: scaling, grids, captions, PNG. Every picture is grey, uint8 [height, width]. No TensorFlow.

A sheet is put together from the inside out: `grid` of tiles, `text` above it, `beside` and `above` each other.
"""

import io
from typing import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAPER, EMPTY, LINE, ZERO = 255, 232, 190, 127  # a sheet's ground; a cell with nothing in it; between cells; the value 0


def to_diverging(values: np.ndarray, largest: float) -> np.ndarray:
    """Signed values as grey: zero is 127, `largest` 254, -`largest` 0; all 127 where `largest` is 0. Any shape."""
    scaled = values / largest if largest > 0 else np.zeros_like(values)
    return np.rint(ZERO + ZERO * np.clip(scaled, -1, 1)).astype(np.uint8)


def to_grayscale(values: np.ndarray, largest: float) -> np.ndarray:
    """Values from zero up as grey: zero is 0, `largest` 255; all 0 where `largest` is 0. Any shape."""
    scaled = values / largest if largest > 0 else np.zeros_like(values)
    return np.rint(255 * np.clip(scaled, 0, 1)).astype(np.uint8)


def enlarge(tiles: np.ndarray, times: int) -> np.ndarray:
    """[..., H, W] -> [..., H * times, W * times]: each pixel a square, so that nothing is made up between them."""
    return tiles.repeat(times, axis=-2).repeat(times, axis=-1)


def grid(tiles: np.ndarray, columns: int, line: int = 2) -> np.ndarray:
    """Lay out uint8 tiles [N, H, W] row by row, with lines `line` pixels thick between them and around them all."""
    count, height, width = tiles.shape
    rows = -(-count // columns)
    picture = np.full([rows * (height + line) + line, columns * (width + line) + line], LINE, np.uint8)
    for number, tile in enumerate(tiles):
        y, x = number // columns * (height + line) + line, number % columns * (width + line) + line
        picture[y : y + height, x : x + width] = tile
    return picture


def render_text(line: str, size: int = 14, width: int = 0) -> np.ndarray:
    """One line of black text, at least `width` pixels wide; what is not in Latin-1 shows as a question mark."""
    line = line.encode("latin-1", "replace").decode("latin-1")
    font = _font(size)
    left, _, right, bottom = font.getbbox(line)
    _, _, _, tall = font.getbbox("Agj")
    canvas = Image.new("L", (max(width, right - min(left, 0) + 1), max(bottom, tall) + 3), PAPER)
    ImageDraw.Draw(canvas).text((0, 0), line, fill=0, font=font)
    return np.asarray(canvas)


def stack_horizontally(pictures: Sequence[np.ndarray], gap: int = 12) -> np.ndarray:
    """Pictures from left to right, their upper edges in line, on paper."""
    return np.ascontiguousarray(stack_vertically([picture.T for picture in pictures], gap).T)


def stack_vertically(pictures: Sequence[np.ndarray], gap: int = 4) -> np.ndarray:
    """Pictures from top to bottom, their left edges in line, on paper."""
    width = max(picture.shape[1] for picture in pictures)
    rows = [np.pad(picture, [(0, gap), (0, width - picture.shape[1])], "constant", constant_values=PAPER)
            for picture in pictures]  # fmt: skip
    return np.concatenate(rows)[: -gap or None]


def add_margin(picture: np.ndarray, pixels: int = 24) -> np.ndarray:
    """Paper all around, as a printer needs it."""
    return np.pad(picture, pixels, "constant", constant_values=PAPER)


def encode_png(picture: np.ndarray) -> bytes:
    """The PNG file of a picture, byte for byte the same for the same picture."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    return file.getvalue()


def _font(size):
    try:
        return ImageFont.load_default(size)
    except TypeError:  # Pillow before 10.1 has but one size, 11 pixels.
        return ImageFont.load_default()
