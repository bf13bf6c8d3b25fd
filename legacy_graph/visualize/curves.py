"""Curves of signals, the images of a 1-D network, and of their projections. Does not import TensorFlow."""

from typing import Optional

import numpy as np
from PIL import Image, ImageDraw

from legacy_graph.visualize import image_grid

CURVE = (84, 252)  # height and width of a picture in pixels
SIGNAL = 160  # grey of the curve of a signal


def draw_curve(signal: np.ndarray, projection: Optional[np.ndarray] = None) -> np.ndarray:
    """A signal in grey, from its minimum to its maximum, and a projection over it in black; zero is in the middle.

    Args:
        signal: [1, w], or the channels [1, w, 3], whose mean is drawn; NaN is outside the image.
        projection: as `signal`, divided by its scale; larger magnitudes than 1 are clipped.

    Returns:
        uint8 [height, width] of `CURVE`.
    """
    height, width = CURVE
    signal, projection = [row if row is None else _mean(row) for row in (signal, projection)]
    canvas = Image.new("L", (width, height), image_grid.PAPER)
    draw = ImageDraw.Draw(canvas)
    across = (np.arange(len(signal)) + 0.5) * width / len(signal)
    inside = ~np.isnan(signal)
    if inside.any():
        low, high = signal[inside].min(), signal[inside].max()
        rising = (signal[inside] - low) / (high - low) if high > low else np.zeros(inside.sum())
        _line(draw, across[inside], (1 - rising) * (height - 5) + 2, SIGNAL)
    if projection is not None:
        draw.line([(0, height // 2), (width, height // 2)], fill=image_grid.LINE)
        _line(draw, across, (1 - np.clip(projection, -1, 1)) * (height - 5) / 2 + 2, 0)
    return np.asarray(canvas)


def _mean(row):
    """float [w], the mean over the channels of [1, w] or [1, w, 3]."""
    return row[0].reshape(row.shape[1], -1).mean(1, dtype=np.float32)


def _line(draw, across, down, grey):
    draw.line([(float(x), float(y)) for x, y in zip(across, down)], fill=grey)
