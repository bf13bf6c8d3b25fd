"""How the feature maps of a layer develop during training: sheets of all maps, and of a map's strongest spot by step.

Does not import TensorFlow.

Source: Zeiler and Fergus, ECCV 2014, section 4.1 and figure 4.
"""

import numpy as np

from legacy_graph.visualize import image_grid

TILE = 80  # pixels: maximum side of an enlarged tile
ROW = 8  # maps in a row of the sheet of all maps


def draw_maps(patches: np.ndarray, alive: np.ndarray, percentile: float = image_grid.SPOT_PERCENTILE) -> np.ndarray:
    """One tile a map, in the order of the numbers, with the number of the first map before each row.

    Args:
        patches: float32 [C, h, w], signed; each map has its own scale, zero is mid grey.
        alive: bool [C]; a dead map gets a cross.
        percentile: of a map's magnitudes, to be drawn as white and black.

    Returns:
        uint8 [H, W].
    """
    tiles = draw_tiles(patches, alive, percentile)
    rows = []
    for begin in range(0, len(tiles), ROW):
        label = image_grid.render_text(str(begin), 16, 28)
        rows.append(image_grid.stack_horizontally([label, image_grid.grid(tiles[begin : begin + ROW], ROW, 4)], 4))
    return image_grid.add_margin(image_grid.stack_vertically(rows, 0), 4)


def draw_tiles(patches: np.ndarray, alive: np.ndarray, percentile: float = image_grid.SPOT_PERCENTILE) -> np.ndarray:
    """The enlarged tile of each map, uint8 [C, H, W]; the arguments are those of `draw_maps`."""
    scales = [image_grid.percentile_scale(patch, percentile) for patch in patches]
    grey = [image_grid.to_diverging(patch, scale) for patch, scale in zip(patches, scales)]
    tiles = image_grid.enlarge(np.array(grey), max(1, TILE // max(patches.shape[1:])))
    tiles[~alive] = _cross(*tiles.shape[1:])
    return tiles


def _cross(height, width):
    """The tile of a dead map."""
    tile = np.full([height, width], image_grid.EMPTY, np.uint8)
    down, across = np.indices(tile.shape)
    diagonal = np.rint(across * (height - 1) / max(1, width - 1))
    tile[(down == diagonal) | (down == height - 1 - diagonal)] = image_grid.LINE
    return tile
