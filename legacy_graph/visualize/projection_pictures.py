"""Pictures of the projections of one image: complete, or the window with most energy, as `features` draws them."""

from typing import Dict, NamedTuple, Optional

import numpy as np

from legacy_graph.article.receptive_field import Field
from legacy_graph.config import MAGNITUDE, OCCLUSION, SIGNED
from legacy_graph.visualize import image_grid
from legacy_graph.visualize.energy_window import Shown, choose_windows
from legacy_graph.visualize.spot_tiles import Spots, default_drawing, draw_panels, magnitude, scaled
from legacy_graph.visualize.top_activations import TopActivations

PERCENTILE = 99  # of a complete projection's magnitudes; larger magnitudes are clipped
WORTH = 2 / 3  # of the longer side: a larger window is drawn as the complete image
SIDE = 224  # approximate side in pixels of a picture


class Drawn(NamedTuple):
    """The picture of a projection."""

    picture: np.ndarray  # uint8 [h, w] or [h, w, 3]
    caption: str  # its scale and what it shows
    drawn: str  # SIGNED or MAGNITUDE
    window: bool  # a part of the image, with the complete image beside it


def draw_row(seen: np.ndarray, projections: Dict[str, np.ndarray], drawn: Optional[str] = None) -> Dict[str, Drawn]:
    """Draw the projections of the same activations by several methods; all show the same part of the image.

    Args:
        seen: uint8 [H, W] or [H, W, 3], the image.
        projections: method -> float32 [H, W] or [H, W, 3].
        drawn: SIGNED or MAGNITUDE, but for occlusion; None chooses as `features` does.

    Returns:
        Method -> picture.
    """
    shown, pictures = _choose_window(projections), {}
    largest = max(field.size for field in shown.fields)
    window = shown.energy is not None and largest <= WORTH * max(seen.shape[:2])
    for method, values in projections.items():
        how = drawn if drawn and method != OCCLUSION else default_drawing(method, len(seen), window, values.ndim == 3)
        pictures[method] = (_draw_window if window else _draw_complete)(seen, values, how, shown)
    return pictures


def _choose_window(projections) -> Shown:
    """The window with most energy of all methods; each of them counts the same."""
    energies = [magnitude(values[None].astype(float))[0] ** 2 for values in projections.values()]
    energy = sum(values / max(values.sum(), np.finfo(float).tiny) for values in energies)
    one = np.zeros([1, 1], int)
    found = TopActivations(one[0], one[0], one, np.zeros([1, 1, 2], int), one, np.sqrt(energy)[None, None])
    return choose_windows(found, tuple(Field(side, 0, 0) for side in energy.shape))


def _draw_window(seen, values, drawn, shown):
    spots = Spots(values[None], seen[None], shown.places[0], shown.fields)
    picture = image_grid.stack_horizontally([panel[0] for panel in draw_panels(spots, drawn, True)], 4)
    size = " x ".join(str(field.size) for field in shown.fields)
    caption = f"{_scale(scaled(spots, drawn)[1][0], drawn)}, {size} pixels with {shown.energy:.0%} of the energy"
    return Drawn(picture, caption, drawn, True)


def _draw_complete(seen, values, drawn, shown):
    values = magnitude(values[None])[0] if drawn == MAGNITUDE else values
    scale = image_grid.percentile_scale(values, PERCENTILE)
    if seen.shape[0] == 1:
        picture = draw_image(seen, values / (scale or 1))
    else:
        picture = draw_image(image_grid.to_grey(values, scale, drawn == SIGNED))
    return Drawn(picture, _scale(scale, drawn), drawn, False)


def _scale(scale, drawn):
    return f"magnitude, {scale:.3g}" if drawn == MAGNITUDE else f"\u00b1{scale:.3g}"


def draw_image(picture: np.ndarray, projection: Optional[np.ndarray] = None) -> np.ndarray:
    """A picture, uint8 [H, W] or [H, W, 3], enlarged or shrunk; a signal, a picture of one row, as a curve.

    `projection` is that of a signal, divided by its scale, of the same shape.
    """
    if picture.shape[0] > 1:
        return image_grid.grid(image_grid.resize(picture[None], SIDE, 2 * SIDE), 1)
    return image_grid.draw_curve(picture, projection)
