"""The tiles of one feature map on a contact sheet: projections, image patches, complete images. Without TensorFlow."""

from typing import List, NamedTuple, Optional, Tuple

import numpy as np
from PIL import Image, ImageFilter

from legacy_graph.article.receptive_field import Fields, crop_patches
from legacy_graph.config import GRADIENT, GUIDED, MAGNITUDE, OCCLUSION, SIGNED
from legacy_graph.visualize import image_grid

TILE = 84  # pixels: maximum side of an enlarged tile
LARGEST = 128  # pixels: larger tiles are shrunk to this side
PERCENTILE = image_grid.SPOT_PERCENTILE
HIDDEN = 3  # a tile looks blank if its own scale is smaller than that of the map by more than this factor
DARK = 0.35  # brightness of a patch far from the projection


class Spots(NamedTuple):
    """The spots of one map that exist, and what of them is shown."""

    projections: np.ndarray  # float32 [n, H, W] or [n, H, W, 3]
    images: np.ndarray  # uint8, of the same shape
    places: np.ndarray  # int64 [n, 2]; with `fields` for `crop_patches`
    fields: Fields
    falls: Optional[np.ndarray] = None  # float32 [n, H, W]: also show the occlusion of each spot


def scaled(spots: Spots, drawn: str) -> Tuple[np.ndarray, np.ndarray]:
    """What is drawn of the projections, and the scale of each.

    Args:
        spots: of a map.
        drawn: SIGNED, or MAGNITUDE for the root of the sum of squares over the colour channels.

    Returns:
        float32 [n, h, w] or [n, h, w, 3], divided by the scale.
        The scales, float [n]: all have that of the map, unless it hides one of them; then each has its own. 0 if all
            values are 0.
    """
    values = crop_patches(spots.projections, spots.places, spots.fields, 0)
    values = magnitude(values) if drawn == MAGNITUDE else values
    scales = np.full(len(values), image_grid.percentile_scale(values, PERCENTILE))
    own = np.array([image_grid.percentile_scale(tile, PERCENTILE) for tile in values])
    if ((own > 0) & (own * HIDDEN < scales)).any():
        scales = own
    return values / _beside(np.where(scales > 0, scales, 1), values), scales


def magnitude(values: np.ndarray) -> np.ndarray:
    """The magnitudes of projections, [n, H, W]; of [n, H, W, 3] the root of the sum of squares over the colours."""
    squares = values**2
    return np.abs(values) if values.ndim == 3 else np.sqrt(squares[..., 0] + squares[..., 1] + squares[..., 2])


def default_drawing(method: str, rows: int, windows: bool, colour: bool) -> str:
    """MAGNITUDE, in which shapes are visible, for windows of large images and for gradients in colour; else SIGNED.

    A signal, an image of one row, is always SIGNED: its curve shows shape and sign.
    """
    gradients = colour and method in (GRADIENT, GUIDED)
    return MAGNITUDE if rows > 1 and method != OCCLUSION and (windows or gradients) else SIGNED


def draw_panels(spots: Spots, drawn: str, whole: bool) -> List[np.ndarray]:
    """The panels of `draw_tiles`, enlarged, and with `whole` the complete images with a frame around what is shown.

    Returns:
        uint8 [n, height, width] or [n, height, width, 3] for each panel.
    """
    panels = draw_tiles(spots, drawn)
    if spots.images.shape[1] > 1:
        side = max(field.size for field in spots.fields)
        times = max(1, round((LARGEST if drawn == MAGNITUDE else TILE) / side))
        panels = [image_grid.shrink(image_grid.enlarge(panel, times), times * LARGEST) for panel in panels]
    return [*panels, _whole(spots)] if whole else panels


def draw_tiles(spots: Spots, drawn: str) -> List[np.ndarray]:
    """Projections, falls (if any) and patches, a pixel for each pixel of the image.

    With MAGNITUDE, the patches are darker where the projection is small. Images of one row are signals: their curves
    are drawn, with that of the projection in the same panel, and there are no patches.

    Returns:
        uint8 [n, h, w] or [n, h, w, 3] for each panel.
    """
    tiles = draw_projections(spots, scaled(spots, drawn)[0], drawn)
    falls = [] if spots.falls is None else [draw_projections(spots, scaled_falls(spots)[0], SIGNED)]
    if spots.images.shape[1] == 1:
        return [tiles, *falls]
    patches = crop_patches(spots.images, spots.places, spots.fields, image_grid.OUTSIDE)
    if drawn == MAGNITUDE:
        shades = np.array([_shade(tile) for tile in tiles], np.float32).reshape(tiles.shape)
        patches = np.rint(patches * _beside(shades, patches)).astype(np.uint8)
    return [tiles, *falls, patches]


def draw_projections(spots: Spots, values: np.ndarray, drawn: str) -> np.ndarray:
    """The first panel of `draw_tiles`, from the values of `scaled`: uint8 [n, h, w] or [n, h, w, 3]."""
    if spots.images.shape[1] > 1:
        return image_grid.to_grey(values, 1, drawn == SIGNED)
    signals = crop_patches(spots.images.astype(np.float32), spots.places, spots.fields, np.nan)
    return _curves(signals, values)


def scaled_falls(spots: Spots) -> Tuple[np.ndarray, np.ndarray]:
    """As `scaled`, of the falls."""
    return scaled(spots._replace(projections=spots.falls), SIGNED)


def _shade(magnitude):
    """The brightness of a patch, float [h, w]: 1 where the blurred magnitude, uint8 [h, w], is large."""
    blurred = Image.fromarray(magnitude).filter(ImageFilter.GaussianBlur(max(magnitude.shape) / 24))
    blurred = np.asarray(blurred, np.float32)
    return DARK + (1 - DARK) * np.clip(blurred / max(1.0, np.percentile(blurred, 80)), 0, 1)


def _curves(signals, *projections):
    tiles = [image_grid.draw_curve(*rows) for rows in zip(signals, *projections)]
    return np.array(tiles, np.uint8).reshape(-1, *image_grid.CURVE)


def _whole(spots):
    """The complete images, enlarged or shrunk to `TILE`, with a frame around what is shown."""
    sides = spots.images.shape[1:3]
    tiles = _curves(spots.images) if sides[0] == 1 else image_grid.resize(spots.images, TILE)
    for tile, place in zip(tiles, spots.places):
        box = []
        for field, at, side, length in zip(spots.fields, place, sides, tile.shape):
            begin, end = [(field.begin + int(at) * field.step + more) * length / side for more in (0, field.size)]
            box.append((int(begin), round(end) - int(begin)))
        (top, height), (left, width) = box
        image_grid.draw_frame(tile, top, left, height, width)
    return tiles


def _beside(scales, values):
    """An array with as many dimensions as `values`."""
    return scales.reshape(scales.shape + (1,) * (values.ndim - scales.ndim))
