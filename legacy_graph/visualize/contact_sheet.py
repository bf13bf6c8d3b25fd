"""The contact sheet of a layer: for each feature map, its strongest projections beside the patches they came from."""

import math
from typing import Dict, List, Tuple

import numpy as np

from legacy_graph.article.receptive_field import Fields, crop_patches
from legacy_graph.visualize import image_grid
from legacy_graph.visualize.top_activations import TopActivations

TILE = 48  # pixels a side, at most, that a patch is enlarged to
COLUMNS = 8  # maps in one row of the sheet
OUTSIDE = 64  # the grey of what lies outside the digit's picture


def draw_sheet(
    found: TopActivations, images: np.ndarray, fields: Fields, about: str
) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:
    """The whole sheet, and each of its blocks for itself.

    Args:
        found: the spots and their projections.
        images: uint8 [N, 28, 28], the digits that `found.digits` counts.
        fields: what a spot of the layer sees.
        about: what the heading says of layer and digits.

    Returns:
        uint8 [H, W]; and "map 05" -> uint8 [h, w].
    """
    blocks = [_block(found, row, images, fields) for row in range(len(found.maps))]
    captions = [_caption(found, row) for row in range(len(found.maps))]
    width = blocks[0].shape[1]
    cells = [image_grid.stack_vertically([image_grid.render_text(c, 16, width), b]) for c, b in zip(captions, blocks)]
    rows = [
        image_grid.stack_horizontally(cells[begin : begin + COLUMNS], 24) for begin in range(0, len(cells), COLUMNS)
    ]
    sheet = image_grid.add_margin(image_grid.stack_vertically(_heading(found, fields, about) + rows, 16))
    return sheet, {f"map {number:02d}": block for number, block in zip(found.maps, blocks)}


def _block(found, row, images, fields):
    """Left the projections on one symmetric scale, right the patches, row by row from the strongest on."""
    there = found.digits[row] >= 0
    times = max(1, TILE // max(field.size for field in fields))
    empty = np.full([len(there)] + [field.size * times for field in fields], image_grid.EMPTY, np.uint8)
    columns = math.ceil(math.sqrt(len(there)))
    halves = []
    for cut in _cut(found, row, there, images, fields):
        tiles = empty.copy()
        tiles[there] = image_grid.enlarge(cut, times)
        halves.append(image_grid.grid(tiles, columns))
    return image_grid.stack_horizontally(halves, 8)


def _cut(found, row, there, images, fields):
    places = found.places[row][there]
    projected = crop_patches(found.projections[row][there], places, fields, 0)
    yield image_grid.to_diverging(projected, _largest(found, row))
    yield crop_patches(images[found.digits[row][there]], places, fields, OUTSIDE)


def _largest(found, row):
    return float(np.abs(found.projections[row]).max())


def _caption(found, row):
    alive = int((found.digits[row] >= 0).sum())
    if not alive:
        return f"map {found.maps[row]}: dead, no digit excites it"
    few = "" if alive == len(found.digits[row]) else f", only {alive} spots"
    return f"map {found.maps[row]}   scale \u00b1{_largest(found, row):.3g}{few}"


def _heading(found, fields, about) -> List[np.ndarray]:
    down, across = fields
    lines = [
        f"Each feature map's strongest spot in each of its {found.digits.shape[1]} strongest digits, strongest first. "
        "Left: that spot alone, projected down to the pixels by the deconvnet.",
        f"Right: the {down.size} x {across.size} pixels of the digit that the spot sees; dark grey lies outside the "
        "picture. Each map has one scale: mid grey is 0, white and black are plus and minus the number above.",
    ]
    return [
        image_grid.render_text(about, 28),
        image_grid.stack_vertically([image_grid.render_text(line, 16) for line in lines]),
    ]
