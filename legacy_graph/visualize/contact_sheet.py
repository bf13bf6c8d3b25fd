"""The contact sheet of a layer: for each feature map, projections of its strongest activations, and image patches."""

import math
import textwrap
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from legacy_graph.article.receptive_field import Fields, crop_patches
from legacy_graph.config import METHODS
from legacy_graph.data.images import Images
from legacy_graph.visualize import image_grid
from legacy_graph.visualize.top_activations import TopActivations

TILE = 84  # pixels: maximum side of an enlarged tile
LARGEST = 128  # pixels: larger tiles are shrunk to this side
COLUMNS, WIDTH = 4, 3400  # maximum maps in a row of the sheet, and its maximum width in pixels
PERCENTILE = image_grid.SPOT_PERCENTILE


class Heading(NamedTuple):
    """The heading of the sheet."""

    title: str  # the layer and the images
    method: str  # of the projection, a name in `config.METHODS`
    notes: Sequence[str] = ()  # one sentence each


def draw_sheet(
    found: TopActivations,
    images: Images,
    fields: Fields,
    about: Heading,
    kernels: Optional[np.ndarray] = None,
    context: bool = False,
) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:
    """Draw the sheet, and the block of each map.

    Args:
        found: the strongest activations and their projections.
        images: the images that the numbers in `found.images` refer to.
        fields: the area of an image to show for each activation.
        about: layer, method and images, for the heading.
        kernels: float32 [M, h, w] or [M, h, w, 3], the kernel of each of `found.maps`; only for the first layer,
            whose input channels are those of the image.
        context: also draw the complete image with a frame around the receptive field.

    Returns:
        The sheet, uint8 [H, W] or [H, W, 3] for RGB images, and "map 05" -> block, of the same kind.
    """
    blocks = [_block(found, row, images, fields, kernels, context) for row in range(len(found.maps))]
    captions = [_caption(found, row, fields) for row in range(len(found.maps))]
    width = blocks[0].shape[1]
    cells = [image_grid.stack_vertically([image_grid.render_text(c, 16, width), b]) for c, b in zip(captions, blocks)]
    columns = max(1, min(COLUMNS, WIDTH // (width + 24)))
    rows = [image_grid.stack_horizontally(cells[at : at + columns], 24) for at in range(0, len(cells), columns)]
    heading = _heading(found, fields, about, kernels is not None, context)
    sheet = image_grid.add_margin(image_grid.stack_vertically([*heading, *rows], 16))
    return sheet, {f"map {number:02d}": block for number, block in zip(found.maps, blocks)}


def _block(found, row, images, fields, kernels, context):
    """From left to right: the kernel, the projections, the patches, the complete images."""
    there = found.images[row] >= 0
    times = max(1, round(TILE / max(field.size for field in fields)))
    seen, places = images.shown(found.images[row][there]), found.places[row][there]
    projected = image_grid.to_diverging(_patches(found, row, fields), _scale(found, row, fields))
    patches = crop_patches(seen, places, fields, image_grid.OUTSIDE)
    panels = [image_grid.shrink(image_grid.enlarge(tiles, times), LARGEST) for tiles in (projected, patches)]
    if context:
        panels.append(_whole_images(seen, places, fields))
    pictures = [_grid_of_spots(tiles, there) for tiles in panels]
    if kernels is not None:
        kernel = image_grid.to_diverging(kernels[row], float(np.abs(kernels[row]).max()))
        pictures.insert(0, image_grid.grid(image_grid.enlarge(kernel[None], times), 1))
    return image_grid.stack_horizontally(pictures, 8)


def _grid_of_spots(tiles, there):
    """The tiles row by row, strongest first; empty cells if a map has fewer activations than others."""
    cells = np.full((len(there), *tiles.shape[1:]), image_grid.EMPTY, np.uint8)
    cells[there] = tiles
    return image_grid.grid(cells, math.ceil(math.sqrt(len(there))))


def _whole_images(images, places, fields):
    times = max(1, TILE // max(images.shape[1:3]))
    tiles = image_grid.enlarge(images, times)
    for tile, place in zip(tiles, places):
        begins = [(field.begin + int(at) * field.step) * times for field, at in zip(fields, place)]
        image_grid.draw_frame(tile, *begins, *(field.size * times for field in fields))
    return image_grid.shrink(tiles, LARGEST)


def _patches(found, row, fields):
    """The projections of a map, float32 [n, h, w] or [n, h, w, 3], each cropped to its receptive field."""
    there = found.images[row] >= 0
    return crop_patches(found.projections[row][there], found.places[row][there], fields, 0)


def _scale(found, row, fields):
    return image_grid.percentile_scale(_patches(found, row, fields), PERCENTILE)


def _caption(found, row, fields):
    alive = int((found.images[row] >= 0).sum())
    if not alive:
        return f"map {found.maps[row]}: dead, no activation is above 0"
    few = "" if alive == len(found.images[row]) else f", only {alive} activations"
    wins, scale = f"wins {100 * found.wins[row]:.2f} %", _scale(found, row, fields)
    shown = f"scale \u00b1{scale:.3g}" if scale else "blank: every projection is 0"
    return f"map {found.maps[row]}   {wins}   {shown}{few}"


def _heading(found, fields, about, kernels, context) -> List[np.ndarray]:
    top = found.images.shape[1]
    panels = [
        f"projection of the activation to the pixels ({METHODS[about.method]}): mid grey is 0; white and black are",
        f"    \u00b1 the scale, the {PERCENTILE}th percentile of the map's magnitudes; larger magnitudes are clipped",
        _patch_text(fields),
    ]
    if found.projections.ndim == 5:
        panels.insert(2, "    the colour channels of a projection are drawn separately, all with the same scale")
    if kernels:
        panels.insert(0, "kernel of the map: mid grey is 0; white and black are \u00b1 its largest magnitude")
    if context:
        panels.append("complete image, with a frame around the receptive field")
    lines = [
        f"Each block shows the {top} strongest activations of one feature map, strongest first, at most one per image.",
        "A map wins a position if no other map of the layer has a larger activation there.",
        "From left to right:",
        *("    " + panel for panel in panels),
        *(line for note in about.notes for line in textwrap.wrap(note, 120)),
    ]
    return [
        image_grid.render_text(about.title, 28),
        image_grid.stack_vertically([image_grid.render_text(line, 16) for line in lines]),
    ]


def _patch_text(fields):
    down, across = fields
    if down.step == across.step == 0:
        return "complete image"
    return f"receptive field of the activation, {down.size} x {across.size} pixels; dark grey is outside the image"
