"""The page that the deconv command publishes: one picture, its activations and its projections."""

import textwrap
from typing import Dict, NamedTuple, Sequence, Tuple

import numpy as np

from legacy_graph.visualize import image_grid

WIDE = 8  # maps in one row of a layer's activations
SHOWN = 64  # maximum number of maps per layer; the strongest are shown
PERCENTILE = 99  # of a projection's magnitudes; larger magnitudes are clipped
SCALE = (
    f"Mid grey is 0. White and black are plus and minus the number above the picture: the {PERCENTILE}th percentile of "
    "the magnitudes. Larger magnitudes are clipped."
)
MAP_SIDE, PICTURE_SIDE = 56, 224  # approximate sides in pixels of a map and of a picture


class Reading(NamedTuple):
    """Activations and projections of one picture."""

    activations: Dict[str, np.ndarray]  # layer -> float32 [C, H, W]
    projections: Dict[str, Dict[str, np.ndarray]]  # layer -> method -> float32 [H, W] or [H, W, 3], all maps together


class Report(NamedTuple):
    """The pictures and files to publish for one picture, and the text to print."""

    images: Dict[str, np.ndarray]  # tag -> uint8 [H, W] or [H, W, 3], for TensorBoard
    files: Dict[str, bytes]  # name -> content
    summary: str


def draw(
    title: str, seen: np.ndarray, reading: Reading, legend: Sequence[str], summary: str, preparation: str = ""
) -> Report:
    """The report of one picture.

    Args:
        title: of the page.
        seen: uint8 [H, W] or [H, W, 3], the image that the network reads.
        reading: its activations and projections.
        legend: lines below the projections.
        summary: the text to print.
        preparation: how the picture was preprocessed, for its caption.
    """
    parts, captions = _parts(seen, reading)
    rows = []
    for layer, projections in reading.projections.items():
        tiles = [_captioned(captions[f"{layer}/{method}"], parts[f"{layer}/{method}"]) for method in projections]
        rows.append(image_grid.stack_horizontally(tiles, 16))
    lines = [image_grid.render_text(line) for note in legend for line in textwrap.wrap(note, 100)]
    down = image_grid.stack_vertically([*rows, image_grid.stack_vertically(lines)], 16)
    up = [_captioned(captions[f"{layer}/maps"], parts[f"{layer}/maps"]) for layer in reading.activations]
    left = _captioned(captions["input"] + preparation, parts["input"])
    below = image_grid.stack_horizontally([image_grid.stack_vertically([left, up[0]], 16), *up[1:], down], 32)
    page = image_grid.add_margin(image_grid.stack_vertically([image_grid.render_text(title, 28), below], 16))
    return Report(dict(parts, picture=page), {"picture.png": image_grid.encode_png(page)}, summary)


def _parts(seen, reading) -> Tuple[Dict[str, np.ndarray], Dict[str, str]]:
    """Tag -> picture, and tag -> caption: the input, and the maps and projections of each layer."""
    parts = {"input": _large(seen)}
    captions = {"input": f"input of the network, {seen.shape[0]} x {seen.shape[1]} pixels"}
    for layer, maps in reading.activations.items():
        shown = maps
        if len(maps) > SHOWN:
            shown = maps[np.argsort(-maps.max(axis=(1, 2)), kind="stable")[:SHOWN]]
        few = f"{SHOWN} strongest of " if len(shown) < len(maps) else ""
        tiles = image_grid.enlarge(image_grid.to_grayscale(shown, shown.max()), max(1, MAP_SIDE // max(maps.shape[1:])))
        parts[f"{layer}/maps"] = image_grid.grid(image_grid.shrink(tiles, 2 * MAP_SIDE), WIDE)
        captions[f"{layer}/maps"] = f"{layer}: {few}{len(maps)} feature maps, white is {shown.max():.3g}"
    for layer, projections in reading.projections.items():
        for method, values in projections.items():
            scale = image_grid.percentile_scale(values, PERCENTILE)
            parts[f"{layer}/{method}"] = _large(image_grid.to_diverging(values, scale))
            captions[f"{layer}/{method}"] = f"{layer}: {method}, \u00b1{scale:.3g}"
    return parts, captions


def _large(picture):
    tiles = image_grid.enlarge(picture[None], max(1, PICTURE_SIDE // max(picture.shape[:2])))
    return image_grid.grid(image_grid.shrink(tiles, 2 * PICTURE_SIDE), 1)


def _captioned(caption, picture):
    return image_grid.stack_vertically([image_grid.render_text(caption), picture])
