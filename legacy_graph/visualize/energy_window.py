"""Large projections: the window of an image with most energy, the sum of squares. Does not import TensorFlow."""

from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from legacy_graph.article.receptive_field import Field, Fields
from legacy_graph.visualize.strongest import TopActivations

LARGEST = 128  # pixels: larger fields are cropped
SMALLEST = 64  # pixels of a signal: smaller fields are shown with the pixels around them
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
    projections = [found.projections[spot] for spot in zip(*np.nonzero(found.there))]  # views: a copy can take 500 MB
    wanted = unknown or max(field.size for field in fields) > LARGEST
    alive = [projection.any() for projection in projections if wanted]
    if not any(alive):
        return Shown(found.places, widen(fields) if found.projections.shape[2] == 1 else fields)
    lines = [_lines(projection) for projection, lives in zip(projections, alive) if lives]
    sides = _sides(lines, 1, 100)
    if max(sides) > LARGEST:
        sides = _sides(lines, ENERGY, MOST)
    if all(side > WORTH * field.size for side, field in zip(sides, fields)):
        return Shown(found.places, fields)
    best = [_best_place(_energy(projection), *sides) for projection in projections]
    places = found.spread(np.array([place for place, _ in best]))
    inside = [part for (_, part), lives in zip(best, alive) if lives]
    return Shown(places, (Field(sides[0], 1, 0), Field(sides[1], 1, 0)), float(np.median(inside)))


def widen(fields: Fields) -> Fields:
    """The fields of a signal; those smaller than `SMALLEST` get pixels on both sides."""
    down, across = fields
    more = max(0, SMALLEST - across.size) if across.step else 0
    return down, Field(across.size + more, across.step, across.begin - more // 2)


def _energy(projection: np.ndarray) -> np.ndarray:
    """The squares of a projection, [H, W] or [H, W, 3], summed over the colours: float64 [H, W]."""
    squares = projection.astype(np.float64) ** 2
    return squares[..., 0] + squares[..., 1] + squares[..., 2] if squares.ndim == 3 else squares  # faster than sum(2)


def _lines(projection: np.ndarray) -> List[np.ndarray]:
    """The fraction of the energy up to each row, float64 [H], and up to each column, [W]."""
    sums = [_energy(projection).sum(axis=axis).cumsum() for axis in (1, 0)]
    return [line / line[-1] for line in sums]


def _sides(lines: Sequence[List[np.ndarray]], energy: float, most: float) -> List[int]:
    """Height and width of the windows, a square as far as the images are large enough.

    The sides are long enough for this fraction of the energy, for this percentage of the projections, see `_lines`.
    """
    sides, rest = [], (1 - energy) / 2
    for along in map(np.array, zip(*lines)):  # [n, H], then [n, W]
        lengths = (along < 1 - rest).sum(1) - (along <= rest).sum(1) + 1
        sides.append(int(np.ceil(np.percentile(lengths, most))))
    return [min(max(sides), len(line)) for line in lines[0]]


def _best_place(energy: np.ndarray, height: int, width: int) -> Tuple[Tuple[int, int], float]:
    """The upper left corner of the window with the largest sum, and its fraction of the total; [H, W]."""
    sums = np.pad(energy.cumsum(0).cumsum(1), ((1, 0), (1, 0)), "constant")
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    y, x = np.unravel_index(inside.argmax(), inside.shape)
    return (int(y), int(x)), inside[y, x] / max(sums[-1, -1], np.finfo(float).tiny)
