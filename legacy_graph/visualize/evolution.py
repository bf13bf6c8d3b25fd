"""How the feature maps of a layer develop during training: sheets of all maps, and of a map's strongest spot by step.

Does not import TensorFlow.

Source: Zeiler and Fergus, ECCV 2014, section 4.1 and figure 4.
"""

import contextlib
import os
import re
import textwrap
from typing import Dict, Mapping, NamedTuple, Optional, Sequence

import numpy as np

from legacy_graph.article.receptive_field import Field, crop_patches
from legacy_graph.data import npz
from legacy_graph.errors import UserError, explain
from legacy_graph.logdir import durable
from legacy_graph.visualize import image_grid, spot_schema

TILE = 80  # pixels: maximum side of an enlarged tile
ROW = 8  # maps in a row of the sheet of all maps
SMALL = 64  # pixels: maximum side of a tile in the sheet of the steps
STEPS = 20  # maximum number of steps of a sheet that `read_steps` chooses
SHEET = "evolution.png"  # file name of the sheet of the steps
MARK, GAP = 4, 10  # pixels: width of the mark before a step, and of the space it is in
LEGEND = (
    "Each row is a feature map, each column a training step: the strongest activation of the map over all images, as "
    "its {}. A black bar before a step: another image is the strongest from here on. {} \u00b1 the "
    f"{image_grid.SPOT_PERCENTILE}th percentile of the tile's magnitudes. A cross: no activation of the map is above 0."
)
TILES = "projection to the pixels (left) and its image patch (right)", "Mid grey is 0; white and black are"
CURVES = "projection, a black curve over the grey signal", "The middle is 0; the upper and lower edges are"


class Column(NamedTuple):
    """The strongest spot of each of M maps at one step."""

    maps: np.ndarray  # int64 [M]
    images: np.ndarray  # int64 [M], numbers of the images; -1 for a dead map
    projections: np.ndarray  # float32 [M, h, w] or [M, h, w, 3], cropped to the receptive field
    patches: np.ndarray  # uint8 [M, h, w] or [M, h, w, 3], of the images; of signals float32, NaN outside the image


def read_column(arrays: Mapping[str, np.ndarray]) -> Column:
    """The column of a step, from the arrays of its `features.npz`; see `spot_details` and `TopActivations`."""
    fields = tuple(Field(*map(int, field)) for field in arrays["receptive_field"])
    images, places = arrays["images"][:, 0], arrays["places"][:, 0]
    rows = np.searchsorted(arrays["input_numbers"], np.maximum(images, 0))
    inputs = np.zeros_like(arrays["projections"][:, 0], np.uint8)
    inputs[images >= 0] = arrays["inputs"][rows[images >= 0]]
    projections = crop_patches(arrays["projections"][:, 0], places, fields, 0)
    if inputs.shape[1] == 1:
        patches = crop_patches(inputs.astype(np.float32), places, fields, np.nan)
    else:
        patches = crop_patches(inputs, places, fields, image_grid.OUTSIDE)
    return Column(arrays["maps"], images, projections, patches)


def read_steps(folder: str, steps: Optional[Sequence[int]] = None) -> Dict[int, Column]:
    """The columns of the steps whose results are in the directory of a layer.

    Args:
        folder: with the files `features-<step>.npz`, and `features.npz` of the last step.
        steps: to read; None takes all, but at most `STEPS`, evenly spaced.

    Raises:
        UserError: a step has no results, or a file of results is damaged.
    """
    names = {}
    for name in os.listdir(folder):
        if re.fullmatch(r"features(-\d+)?\.npz", name):
            with _opened(os.path.join(folder, name)) as file:
                names[spot_schema.read_step(file)] = name
    known = sorted(names)
    if steps is None:
        spaced = np.linspace(0, len(known) - 1, min(STEPS, len(known))).round().astype(int)
        steps = [known[number] for number in spaced]
    columns = {}
    for step in steps:
        if step not in names:
            expected = f"some of {', '.join(map(str, known)) or 'none'}, or all"
            raise UserError("--steps", expected, step, "choose among these")
        with _opened(os.path.join(folder, names[step])) as file:
            arrays = npz.read(file, spot_schema.SCHEMA)
            spot_schema.check(arrays)
            if "inputs" not in arrays:
                raise ValueError("no array inputs")
            columns[step] = read_column(arrays)
    return columns


@contextlib.contextmanager
def _opened(path):
    """The file with the results of a step; damage that the block finds is a UserError."""
    hint = "remove the file: the other steps can then be drawn"
    with explain(path, "intact results of a step", hint, (OSError, *npz.DAMAGE)), durable.open_regular(path) as file:
        yield file


def draw_steps(columns: Dict[int, Column], title: str) -> np.ndarray:
    """The evolution sheet: a row for each map, in the order of the last step, a column for each step.

    Args:
        columns: step -> column; a map that a step does not have is left empty there.
        title: the layer and the images.

    Returns:
        uint8 [H, W] or [H, W, 3].
    """
    steps = sorted(columns)
    drawn = [draw_column(columns[step]) for step in steps]
    strongest = [dict(zip(columns[step].maps.tolist(), columns[step].images.tolist())) for step in steps]
    height, width = next(iter(drawn[-1].values())).shape[:2]
    label = 70
    header = [image_grid.render_text("", 16, label + GAP)]
    header += [image_grid.render_text(f"step {step:,}", 16, GAP + width)[:, : GAP + width] for step in steps]
    rows = [image_grid.stack_horizontally(header, 0)[:, :-GAP]]
    for number in strongest[-1]:
        cells = [image_grid.render_text(f"map {number}", 16, label)[:height]]
        before = None
        for images, tiles in zip(strongest, drawn):
            image = images.get(number)
            gap = np.full([height, GAP], image_grid.PAPER, np.uint8)
            if before not in (None, image):
                gap[:, (GAP - MARK) // 2 : (GAP + MARK) // 2] = 0
            cells += [gap, tiles.get(number, np.full([height, width], image_grid.PAPER, np.uint8))]
            before = image
        rows.append(image_grid.stack_horizontally(cells, 0))
    words = LEGEND.format(*(CURVES if columns[steps[-1]].projections.shape[1] == 1 else TILES))
    legend = [image_grid.render_text(line, 16) for line in textwrap.wrap(words, 150)]
    return image_grid.add_margin(image_grid.stack_vertically([image_grid.render_text(title, 28), *legend, *rows], 4))


def draw_column(column: Column) -> Dict[int, np.ndarray]:
    """Map -> its projection beside its patch, or over its signal; uint8 [H, W] or [H, W, 3]."""
    alive = column.images >= 0
    if column.projections.shape[1] == 1:
        return dict(zip(column.maps.tolist(), draw_tiles(column.projections, alive, signals=column.patches)))
    projections = draw_tiles(column.projections, alive, side=SMALL)
    patches = image_grid.enlarge(column.patches, projections.shape[1] // column.patches.shape[1])
    patches[~alive] = projections[~alive]
    pairs = np.concatenate([projections, patches], 2)
    return dict(zip(column.maps.tolist(), pairs))


def draw_maps(patches: np.ndarray, alive: np.ndarray, percentile: float = image_grid.SPOT_PERCENTILE) -> np.ndarray:
    """One tile a map, in the order of the numbers, with the number of the first map before each row.

    Args:
        patches: float32 [C, h, w] or [C, h, w, 3], signed; each map has its own scale, zero is mid grey.
        alive: bool [C]; a dead map gets a cross.
        percentile: of a map's magnitudes, to be drawn as white and black.

    Returns:
        uint8 [H, W] or [H, W, 3].
    """
    tiles = draw_tiles(patches, alive, percentile)
    rows = []
    for begin in range(0, len(tiles), ROW):
        label = image_grid.render_text(str(begin), 16, 28)
        rows.append(image_grid.stack_horizontally([label, image_grid.grid(tiles[begin : begin + ROW], ROW, 4)], 4))
    return image_grid.add_margin(image_grid.stack_vertically(rows, 0), 4)


def draw_tiles(
    patches: np.ndarray,
    alive: np.ndarray,
    percentile: float = image_grid.SPOT_PERCENTILE,
    side: int = TILE,
    signals: Optional[np.ndarray] = None,
) -> np.ndarray:
    """The enlarged tile of each map, uint8 [C, H, W] or [C, H, W, 3], of at most `side` pixels; see `draw_maps`.

    Patches of one row are curves, over the `signals`, float32 of the same shape, if these are given.
    """
    scales = [image_grid.percentile_scale(patch, percentile) for patch in patches]
    if patches.shape[1] == 1:
        signals = np.full_like(patches, np.nan) if signals is None else signals
        pairs = zip(signals, patches, scales)
        curves = [image_grid.draw_curve(signal, patch / (scale or 1)) for signal, patch, scale in pairs]
        tiles = image_grid.shrink(np.array(curves), image_grid.CURVE[1] // 2)
    else:
        grey = [image_grid.to_grey(patch, scale) for patch, scale in zip(patches, scales)]
        tiles = image_grid.enlarge(np.array(grey), max(1, side // max(patches.shape[1:])))
    cross = _cross(*tiles.shape[1:3])
    tiles[~alive] = cross if tiles.ndim == 3 else cross[..., None]
    return tiles


def _cross(height, width):
    """The tile of a dead map."""
    tile = np.full([height, width], image_grid.EMPTY, np.uint8)
    down, across = np.indices(tile.shape)
    diagonal = np.rint(across * (height - 1) / max(1, width - 1))
    tile[(down == diagonal) | (down == height - 1 - diagonal)] = image_grid.LINE
    return tile
