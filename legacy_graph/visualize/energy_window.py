"""Large projections: the window of an image where a projection has its energy, its sum of squares."""

from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from legacy_graph.article.receptive_field import Field, Fields
from legacy_graph.visualize.top_activations import TopActivations

LARGEST = 128  # pixels: larger fields are cropped
SMALLEST = 64  # pixels of a signal: smaller fields are shown with what is beside them
# Windows have this fraction of the energy, for this percentage of the projections; 1 and 100 if that is small enough.
ENERGY, MOST = 0.9, 75
WORTH = 0.8  # a window that is not smaller than the field by this factor is not used


class Shown(NamedTuple):
    """The part of the images that a sheet shows, in the form that `crop_patches` takes."""

    places: np.ndarray  # int64 [M, top, 2]
    fields: Fields
    energy: Optional[float] = None  # the median fraction of a projection's energy in its window; None without windows


def choose_windows(found: TopActivations, fields: Fields, unknown: bool = False) -> Shown:
    """The receptive fields, or windows of one size where the projections have their energy.

    Windows are chosen for fields of more than `LARGEST` pixels, and for unknown ones. They lie inside the image. The
    fields of signals, images of one row, are widened to `SMALLEST` pixels.

    Args:
        found: the spots of all maps of a sheet.
        fields: the receptive fields.
        unknown: these are not known, and `fields` is the complete image.
    """
    there = found.images >= 0
    squares = found.projections[there].astype(np.float64) ** 2
    squares = squares.sum(3) if squares.ndim == 4 else squares  # [n, H, W]
    alive = squares.any(axis=(1, 2))
    wanted = unknown or max(field.size for field in fields) > LARGEST
    if not wanted or not alive.any():
        return Shown(found.places, _widened(*fields) if found.projections.shape[2] == 1 else fields)
    sides = _sides(squares[alive], 1, 100)
    if max(sides) > LARGEST:
        sides = _sides(squares[alive], ENERGY, MOST)
    if all(side > WORTH * field.size for side, field in zip(sides, fields)):
        return Shown(found.places, fields)
    best = [_best_place(energy, *sides) for energy in squares]
    places = np.zeros_like(found.places)
    places[there] = [place for place, _ in best]
    inside = [part for (_, part), lives in zip(best, alive) if lives]
    return Shown(places, (Field(sides[0], 1, 0), Field(sides[1], 1, 0)), float(np.median(inside)))


def _widened(down, across):
    """The fields of a signal; those smaller than `SMALLEST` get pixels on both sides."""
    more = max(0, SMALLEST - across.size) if across.step else 0
    return down, Field(across.size + more, across.step, across.begin - more // 2)


def _sides(squares: np.ndarray, energy: float, most: float) -> List[int]:
    """Height and width of the windows, a square as far as the images are large enough.

    The sides are long enough for this fraction of the energy, for this percentage of the projections; [n, H, W].
    """
    sides = []
    for axis in (2, 1):
        lines = squares.sum(axis=axis).cumsum(axis=1)  # [n, H], then [n, W]
        lines /= lines[:, -1:]
        rest = (1 - energy) / 2
        lengths = (lines < 1 - rest).sum(1) - (lines <= rest).sum(1) + 1
        sides.append(int(np.ceil(np.percentile(lengths, most))))
    return [min(max(sides), length) for length in squares.shape[1:]]


def _best_place(energy: np.ndarray, height: int, width: int) -> Tuple[Tuple[int, int], float]:
    """The upper left corner of the window with the largest sum, and its fraction of the total; [H, W]."""
    sums = np.pad(energy.cumsum(0).cumsum(1), ((1, 0), (1, 0)), "constant")
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    y, x = np.unravel_index(inside.argmax(), inside.shape)
    return (int(y), int(x)), inside[y, x] / max(sums[-1, -1], np.finfo(float).tiny)
