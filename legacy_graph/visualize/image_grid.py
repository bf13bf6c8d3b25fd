"""Draw pictures from arrays: scaling, grids, captions, curves of signals, PNG. Does not import TensorFlow.

A picture is uint8 [H, W], grey, or [H, W, 3], RGB. To build a sheet, lay out tiles with
`grid`, put text above them, then stack the pictures. A stack of grey and RGB pictures is RGB.
"""

import io
from typing import Optional, Sequence

import numpy as np
from PIL import Image, ImageDraw

from legacy_graph.visualize.fonts import choose_font

PAPER, EMPTY, LINE, ZERO = 255, 232, 190, 127  # grey of: background, empty cell, line between cells, value 0
OUTSIDE = 64  # grey outside the image, in the patch of a spot
CURVE, SIGNAL = (84, 252), 160  # height and width in pixels of the picture of a signal, and the grey of its curve
SPOT_PERCENTILE = 98  # of the magnitudes of a map's projected pixels; larger magnitudes are clipped


def to_grey(values: np.ndarray, largest: float, signed: bool = True) -> np.ndarray:
    """Values of any shape as grey: zero is 127, `largest` 254, -`largest` 0; without `signed` zero is 0, `largest` 255.

    If `largest` is 0, all values are drawn as zero.
    """
    zero, span, low = (ZERO, ZERO, -1) if signed else (0, 255, 0)
    scaled = values / largest if largest > 0 else np.zeros_like(values)
    return np.rint(zero + span * np.clip(scaled, low, 1)).astype(np.uint8)


def percentile_scale(values: np.ndarray, percentile: float) -> float:
    """The magnitude to draw as white or black: a percentile of the nonzero magnitudes; 0 if all are 0. Any shape."""
    strengths = np.abs(values[values != 0])
    if not len(strengths):
        return 0.0
    # As np.percentile, whose checks take five times as long as the rest for the few pixels of a tile.
    place = (len(strengths) - 1) * percentile / 100
    lower, upper = int(np.floor(place)), int(np.ceil(place))
    strengths.partition([lower, upper])
    low, high = float(strengths[lower]), float(strengths[upper])
    return low + (high - low) * (place - lower)


def enlarge(tiles: np.ndarray, times: int) -> np.ndarray:
    """[N, H, W] or [N, H, W, 3], each pixel repeated as a square of `times` x `times`, without interpolation."""
    return tiles.repeat(times, axis=1).repeat(times, axis=2)


def resize(tiles: np.ndarray, side: int, largest: Optional[int] = None) -> np.ndarray:
    """Enlarge tiles to a longer side of at most `side` pixels. Those that are larger than `largest` are shrunk to it.

    `largest` is `side` by default.
    """
    return shrink(enlarge(tiles, max(1, side // max(tiles.shape[1:3]))), largest or side)


def shrink(tiles: np.ndarray, side: int) -> np.ndarray:
    """Shrink tiles, uint8 [N, H, W] or [N, H, W, 3], to a longer side of at most `side` pixels, by area averaging."""
    height, width = tiles.shape[1:3]
    longest = max(height, width)
    if longest <= side:
        return tiles
    size = [max(1, round(length * side / longest)) for length in (width, height)]
    shrunk = [np.asarray(Image.fromarray(tile).resize(size, Image.BOX)) for tile in tiles]
    return np.array(shrunk, np.uint8).reshape((len(tiles), size[1], size[0], *tiles.shape[3:]))


def draw_frame(picture: np.ndarray, top: int, left: int, height: int, width: int) -> None:
    """Draw a frame into a picture, in place: a white line around a black one, visible on every background.

    The frame covers rows `top` to `top + height - 1`, and the columns likewise; it is clipped at the picture.
    """
    for inset, value in ((0, 255), (1, 0)):
        y, x = np.indices(picture.shape[:2])
        down, across = np.minimum(y - top, top + height - 1 - y), np.minimum(x - left, left + width - 1 - x)
        picture[np.minimum(down, across) == inset] = value


def draw_curve(signal: np.ndarray, projection: Optional[np.ndarray] = None, signed: bool = True) -> np.ndarray:
    """A signal in grey, from its minimum to its maximum, and a projection over it in black.

    Args:
        signal: [1, w], or the channels [1, w, 3], whose mean is drawn; NaN is outside the image.
        projection: as `signal`, divided by its scale; larger magnitudes than 1 are clipped.
        signed: zero of the projection is in the middle; if not, at the lower edge.

    Returns:
        uint8 [height, width] of `CURVE`.
    """
    height, width = CURVE
    signal, projection = [  # the mean over the channels
        row if row is None else row[0].reshape(row.shape[1], -1).mean(1, dtype=np.float32)
        for row in (signal, projection)
    ]
    canvas = Image.new("L", (width, height), PAPER)
    draw = ImageDraw.Draw(canvas)
    across = (np.arange(len(signal)) + 0.5) * width / len(signal)
    inside = ~np.isnan(signal)
    if inside.any():
        low, high = signal[inside].min(), signal[inside].max()
        rising = (signal[inside] - low) / (high - low) if high > low else np.zeros(inside.sum())
        _line(draw, across[inside], (1 - rising) * (height - 5) + 2, SIGNAL)
    if projection is not None:
        zero, low = (height // 2, -1) if signed else (height - 3, 0)
        draw.line([(0, zero), (width, zero)], fill=LINE)
        _line(draw, across, (1 - np.clip(projection, low, 1)) / (1 - low) * (height - 5) + 2, 0)
    return np.asarray(canvas)


def _line(draw, across, down, grey):
    draw.line([(float(x), float(y)) for x, y in zip(across, down)], fill=grey)


def grid(tiles: np.ndarray, columns: int, line: int = 2) -> np.ndarray:
    """Lay out uint8 tiles, [N, H, W] or [N, H, W, 3], row by row, with lines `line` pixels thick around each."""
    count, height, width = tiles.shape[:3]
    rows = -(-count // columns)
    size = (rows * (height + line) + line, columns * (width + line) + line)
    picture = np.full(size + tiles.shape[3:], LINE, np.uint8)
    for number, tile in enumerate(tiles):
        y, x = number // columns * (height + line) + line, number % columns * (width + line) + line
        picture[y : y + height, x : x + width] = tile
    return picture


def render_text(line: str, size: int = 14, width: int = 0) -> np.ndarray:
    """One line of black text, at least `width` pixels wide, in a font with its characters (`fonts.choose_font`)."""
    line, font = choose_font(line, size)
    left, _, right, bottom = font.getbbox(line)
    _, _, _, tall = font.getbbox("Agj")
    canvas = Image.new("L", (max(width, right - min(left, 0) + 1), max(bottom, tall) + 3), PAPER)
    ImageDraw.Draw(canvas).text((0, 0), line, fill=0, font=font)
    return np.asarray(canvas)


def stack_horizontally(pictures: Sequence[np.ndarray], gap: int = 12) -> np.ndarray:
    """Pictures from left to right, aligned at the top, on white."""
    turned = stack_vertically([picture.swapaxes(0, 1) for picture in pictures], gap)
    return np.ascontiguousarray(turned.swapaxes(0, 1))


def stack_vertically(pictures: Sequence[np.ndarray], gap: int = 4) -> np.ndarray:
    """Pictures from top to bottom, aligned at the left, on white."""
    heights, widths = zip(*(picture.shape[:2] for picture in pictures))
    colours = (3,) if any(picture.ndim == 3 for picture in pictures) else ()
    canvas = np.full((sum(heights) + gap * (len(pictures) - 1), max(widths), *colours), PAPER, np.uint8)
    top = 0
    for picture, height, width in zip(pictures, heights, widths):
        canvas[top : top + height, :width] = picture[..., None] if picture.ndim < canvas.ndim else picture
        top += height + gap
    return canvas


def add_margin(picture: np.ndarray, pixels: int = 24) -> np.ndarray:
    """The picture with a white margin."""
    sides = [(pixels, pixels), (pixels, pixels), (0, 0)][: picture.ndim]
    return np.pad(picture, sides, "constant", constant_values=PAPER)


def encode_png(picture: np.ndarray) -> bytes:
    """The PNG file of a picture. Equal pictures give equal bytes."""
    file = io.BytesIO()
    # Takes half of the time of the default level, for files of about the same size.
    Image.fromarray(picture).save(file, "PNG", compress_level=3)
    return file.getvalue()
