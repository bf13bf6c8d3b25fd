"""The contact sheet of a layer: for each feature map, projections of its strongest activations, and image patches."""

import math
import textwrap
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from legacy_graph.article.receptive_field import Fields
from legacy_graph.config import MAGNITUDE, METHODS, OCCLUSION
from legacy_graph.data.images import Images
from legacy_graph.visualize import image_grid
from legacy_graph.visualize.energy_window import Shown, choose_windows
from legacy_graph.visualize.spot_tiles import (
    PERCENTILE,
    TILE,
    Spots,
    default_drawing,
    draw_panels,
    scaled,
    scaled_falls,
)
from legacy_graph.visualize.strongest import TopActivations

COLUMNS, WIDTH = 4, 3400  # maximum maps in a row of the sheet, and its maximum width in pixels
HIGH = 1.5  # a sheet of few maps is at most so many times as high as wide; a narrow one is legible on a page
SCALE_LINE = (
    f"    the {PERCENTILE}th percentile of the map's magnitudes, or of each tile's if one scale would hide tiles"
)
FALL_LINES = (
    "occlusion: fall of the activation under a patch, for each pixel the mean over the patches that cover it:",
    "    mid grey is 0; white (covering lowers it) and black (raises it): \u00b1 the scale,",
    SCALE_LINE,
)


class Heading(NamedTuple):
    """The heading of the sheet."""

    title: str  # the layer and the images
    method: str  # of the projection, a name in `config.ALL_METHODS`
    notes: Sequence[str] = ()  # one sentence each
    drawn: Optional[str] = None  # SIGNED or MAGNITUDE; None: MAGNITUDE for windows and for gradients in colour


class Look(NamedTuple):
    """What the blocks of a sheet show."""

    shown: Shown
    drawn: str  # SIGNED or MAGNITUDE
    whole: bool  # the complete images, with a frame around what is shown


def draw_sheet(
    strongest: TopActivations,
    images: Images,
    fields: Fields,
    about: Heading,
    kernels: Optional[np.ndarray] = None,
    context: bool = False,
    shown: Optional[Shown] = None,
    falls: Optional[np.ndarray] = None,
) -> Tuple[np.ndarray, Dict[str, np.ndarray]]:
    """Draw the sheet, and the block of each map.

    Args:
        strongest: the strongest activations and their projections.
        images: the images that the numbers in `strongest.images` refer to.
        fields: the area of an image to show for each activation.
        about: layer, method and images, for the heading.
        kernels: float32 [M, h, w] or [M, h, w, 3], the kernel of each of `strongest.maps`; only for the first layer,
            whose input channels are those of the image.
        context: also draw the complete images, with a frame around what is shown.
        shown: the part of the images to show; the default is what `choose_windows` says for known fields.
        falls: float32 [M, top, H, W], also draw the occlusion of each activation, beside its projection.

    Returns:
        The sheet, uint8 [H, W] or [H, W, 3] for RGB images, and "map 05" -> block, of the same kind.
    """
    shown = shown or choose_windows(strongest, fields)
    # A patch that is the complete image is not drawn twice.
    whole = shown.energy is not None or (context and any(field.step for field in fields))
    look = Look(shown, choose_drawing(strongest, about, shown, kernels is not None), whole)
    blocks, cells = {}, []
    for row, number in enumerate(strongest.maps):
        spots = _spots(strongest, row, images, shown, falls)  # of one map: those of all can take 500 MB
        block = _block(spots, look, strongest.images[row] >= 0, kernels is not None and kernels[row])
        line = image_grid.render_text(caption(strongest, row, spots, look.drawn), 16, block.shape[1])
        cells.append(image_grid.stack_vertically([line, block]))
        blocks[f"map {number:02d}"] = block
    columns = _columns(len(cells), *cells[0].shape[:2])
    rows = [image_grid.stack_horizontally(cells[at : at + columns], 24) for at in range(0, len(cells), columns)]
    heading = _heading(strongest, fields, about, kernels is not None, look, falls is not None)
    sheet = image_grid.add_margin(image_grid.stack_vertically([*heading, *rows], 16))
    return sheet, blocks


def choose_drawing(strongest: TopActivations, about: Heading, shown: Shown, first: bool) -> str:
    """SIGNED or MAGNITUDE. `first`: the layer reads the images, so its kernels stand beside the projections."""
    rows, colour = strongest.projections.shape[2], strongest.projections.ndim == 5 and not first
    return about.drawn or default_drawing(about.method, rows, shown.energy is not None, colour)


def _columns(count, height, width):
    """How many maps stand in a row. `height` and `width` are those of a map, in pixels."""
    return max(1, min(COLUMNS, WIDTH // (width + 24), math.ceil(math.sqrt(count * height / (HIGH * width)))))


def _spots(strongest, row, images, shown, falls=None):
    there = strongest.images[row] >= 0
    seen = images.shown(strongest.images[row][there])
    falls = falls if falls is None else falls[row][there]
    return Spots(strongest.projections[row][there], seen, shown.places[row][there], shown.fields, falls)


def _block(spots, look, there, kernel):
    """From left to right: the kernel, the projections, the falls, the patches, the complete images."""
    pictures = [_grid_of_spots(tiles, there) for tiles in draw_panels(spots, look.drawn, look.whole)]
    if kernel is not False:
        grey = image_grid.to_grey(kernel, float(np.abs(kernel).max()))
        times = max(1, round(TILE / max(kernel.shape[:2])))
        pictures.insert(0, image_grid.grid(image_grid.enlarge(grey[None], times), 1))
    return image_grid.stack_horizontally(pictures, 8)


def _grid_of_spots(tiles, there):
    """The tiles row by row, strongest first; empty cells if a map has fewer activations than others."""
    cells = np.full((len(there), *tiles.shape[1:]), image_grid.EMPTY, np.uint8)
    cells[there] = tiles
    return image_grid.grid(cells, math.ceil(math.sqrt(len(there))))


def caption(strongest: TopActivations, row: int, spots: Spots, drawn: str) -> str:
    """The line above the block of a map: its number, wins and scale, and what is missing."""
    alive = len(spots.places)
    if not alive:
        return f"map {strongest.maps[row]}: dead, no activation is above 0"
    few = "" if alive == len(strongest.images[row]) else f", only {alive} activations"
    _, scales = scaled(spots, drawn)
    scale = f"scale {_scale_text(scales)}" if scales.any() else "blank: every projection is 0"
    if drawn == MAGNITUDE:
        scale = scale.replace("\u00b1", "")
    if spots.falls is not None:
        scale += f", of occlusion {_scale_text(scaled_falls(spots)[1])}"
    return f"map {strongest.maps[row]}   wins {100 * strongest.wins[row]:.2f} %   {scale}{few}"


def _scale_text(scales):
    """One scale, or the range of those of the tiles."""
    low, high = scales.min(), scales.max()
    return f"\u00b1{high:.3g}" if low == high else f"of each tile \u00b1{low:.3g} to \u00b1{high:.3g}"


def _heading(strongest, fields, about, kernels, look, falls) -> List[np.ndarray]:
    top, signals = strongest.images.shape[1], strongest.projections.shape[2] == 1
    panels = _projection_lines(strongest, about, look)
    panels += [*(FALL_LINES if falls else []), *_patch_lines(fields, look, signals)]
    if kernels:
        panels.insert(0, "kernel of the map: mid grey is 0; white and black are \u00b1 its largest magnitude")
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


def _projection_lines(strongest, about, look):
    if about.method == OCCLUSION:
        return list(FALL_LINES)
    scale = SCALE_LINE
    of = f"of the activation to the pixels ({METHODS[about.method]})"
    if strongest.projections.shape[2] == 1:
        what, sign = ("magnitude of the projection", "") if look.drawn == MAGNITUDE else ("projection", "\u00b1 ")
        return [f"the signal in grey, and in black the {what} {of}, up to {sign}the scale,", scale]
    if look.drawn == MAGNITUDE:
        colours = ", the root of the sum of squares over the colours" if strongest.projections.ndim == 5 else ""
        return [f"magnitude of the projection {of}{colours}:", f"    black is 0, white is the scale,{scale[3:]}"]
    lines = [f"projection {of}: mid grey is 0; white and black are \u00b1 the scale,", scale]
    if strongest.projections.ndim == 5:
        lines.append("    the colour channels of a projection are drawn separately, all with the same scale")
    return lines


def _patch_lines(fields, look, signals):
    """The lines about the patches and about the complete images."""
    size, field = [f"{down.size} x {across.size} pixels" for down, across in (look.shown.fields, fields)]
    part = "the receptive field"
    if look.shown.energy is not None:
        part = "this part"
        what = f"the part of the image, {size}, with most energy of the projection (median {look.shown.energy:.0%})"
    elif not any(field.step for field in fields):
        what = "complete image"
    elif size != field:
        what, part = f"the receptive field of the activation, {field}, and the pixels around it, {size}", "these pixels"
    else:
        what = f"receptive field of the activation, {size}; dark grey is outside the image"
    if look.drawn == MAGNITUDE and not signals:
        what += "; darker where the projection is small"
    what = f"    over {what}" if signals else what
    return [what, *([f"complete image, with a frame around {part}"] if look.whole else [])]
