"""What the deconv command publishes of one picture: a page with its activations and projections, and the numbers."""

import textwrap
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from legacy_graph.article.deconv import RULES
from legacy_graph.config import MAGNITUDE, METHODS, OCCLUSION, SIGNED
from legacy_graph.data.class_names import DIGITS
from legacy_graph.visualize import image_grid
from legacy_graph.visualize.array_file import Results, write_arrays, write_table
from legacy_graph.visualize.image_grid import SPOT_PERCENTILE
from legacy_graph.visualize.occluded_reading import CLASS
from legacy_graph.visualize.projection_pictures import PERCENTILE, SIDE, draw_image, draw_row
from legacy_graph.visualize.reading import Reading

WIDE = 8  # maps in one row of a layer's activations
SHOWN = 64  # maximum number of maps per layer; the strongest are shown
CURVES = "Signals are grey curves. Projections are black curves over them, between minus and plus the number above."
IN_LINE = 4  # maximum number of rows of a single picture beside each other
ROW = 6  # height in pixels of a map of one row
MAP_SIDE = 56  # approximate side in pixels of a map
NUMBERS, SPOTS = "deconv.npz", "deconv.csv"
ALL_MAPS = "The output of all feature maps of a layer, projected to the pixels with the kernels of the network."
SCALE = (
    f"Mid grey is 0. White and black are plus and minus the number above the picture: the {PERCENTILE}th percentile of "
    "the magnitudes. Larger magnitudes are clipped."
)
SINGLE = (
    'A row "map N" is the projection of this map alone. A row "spot" is the projection of its strongest activation '
    "alone. With the gradient, the projections of all single maps add up to the projection of all maps together. The "
    "signal is the value of the activation, so it is negative for a logit below 0."
)
COVERED = (
    "occlusion: how far a value falls while a patch is covered, for each pixel the mean over all patches that cover "
    "it. White: covering lowers the value. Black: covering raises the value. The value is half the sum of squares of "
    "the activations of the layer, map or spot."
)
COVERED_CLASS = 'In the picture "class" it is the probability of the class.'
UNKNOWN = "class unknown, because only the convolution weights of this step were kept"
MAGNITUDES = "Magnitude: the root of the sum of squares over the colours. Black is 0, white is the number above."
WINDOWS = (
    "If a small part of the image has most energy (sum of squares) of a projection, three pictures are drawn: this "
    "part of the projection, this part of the image, and the complete image with a frame around the part. Beside a "
    "magnitude, the image is darker where the magnitude is small. The scale is then the "
    f"{SPOT_PERCENTILE}th percentile in the part."
)
COLOUR = "The colour channels of a projection are drawn separately, all with the same scale."


def draw(
    title: str,
    reading: Reading,
    notes: Sequence[str],
    summary: str,
    preparation: str = "",
    drawn: Optional[str] = None,
) -> Results:
    """The page and the files of one picture.

    Args:
        title: of the page.
        reading: the picture, its activations and projections.
        notes: sentences to print below the projections.
        summary: the text to print.
        preparation: how the picture was preprocessed, for its caption.
        drawn: how projections are drawn, see `draw_row`.
    """
    seen = reading.seen
    drawings = {row: draw_row(seen, values, drawn) for row, values in reading.projections.items()}
    parts, captions = _parts(reading, drawings)
    tags = [[_tag(row, method) for method in projections] for row, projections in reading.projections.items()]
    wide = max(image_grid.render_text(captions[tag]).shape[1] for row in tags for tag in row)
    pictures = [drawing for row in drawings.values() for drawing in row.values()]
    legend = [*_legend(reading, pictures, seen.ndim == 3), *([CURVES] if seen.shape[0] == 1 else [])]
    lines = [image_grid.render_text(line) for note in (*legend, *notes) for line in textwrap.wrap(note, 100)]
    rows, foot = _lay_out(tags), [image_grid.stack_vertically(lines)]
    rows = [image_grid.stack_horizontally([_captioned(captions[tag], parts[tag], wide) for tag in row]) for row in rows]
    if len(rows) > 1 and rows[-1].shape[1] < rows[0].shape[1]:  # beside the text, not above an empty area
        foot.insert(0, rows.pop())
    down = image_grid.stack_vertically([*rows, image_grid.stack_horizontally(foot, 32)], 16)
    up = [_captioned(captions[f"{layer}/maps"], parts[f"{layer}/maps"]) for layer in reading.activations]
    left = _captioned(captions["input"] + preparation, parts["input"])
    below = image_grid.stack_horizontally([image_grid.stack_vertically([left, up[0]], 16), *up[1:], down], 32)
    page = image_grid.add_margin(image_grid.stack_vertically([image_grid.render_text(title, 28), below], 16))
    files = {"picture.png": page, NUMBERS: _numbers(reading), SPOTS: _table(reading)}
    return Results(dict(parts, picture=page), files, summary)


def format_answer(probabilities: Optional[np.ndarray], names: Sequence[str] = DIGITS) -> str:
    """The three most probable classes as text. `probabilities` is float32 [10] or None, `names` has ten entries."""
    if probabilities is None:
        return UNKNOWN
    first, second, third = [f"{names[n]} ({100 * probabilities[n]:.1f} %)" for n in np.argsort(-probabilities)[:3]]
    return f"read as {first}, else {second} or {third}"


def format_covered(reading: Reading, names: Sequence[str]) -> str:
    """The other classes that are predicted while a patch is covered, with their share of the positions; "" for none."""
    if reading.covered is None:
        return ""
    counts = np.bincount(reading.covered.ravel(), minlength=len(names))
    counts[int(np.argmax(reading.answers))] = 0
    shares = [f"{names[n]} in {100 * counts[n] / reading.covered.size:.0f} %" for n in np.argsort(-counts) if counts[n]]
    return f"; with a patch covered, as {', '.join(shares)} of the positions" if shares else ""


def format_maps(reading: Reading, layer: str, rectified: bool) -> str:
    """The strongest maps of a layer as text; after a ReLU also how many are active."""
    low, high = reading.limits
    if low == high:
        return f"the image has the value {high:g} everywhere after preprocessing: check --range and --mean"
    strongest = reading.strongest[layer]
    if rectified and not strongest.max() > 0:
        return f"all {len(strongest)} maps of {layer} are dead: check --range, --mean and --bgr"
    order = np.argsort(-strongest, kind="stable")[:3]
    active = f"{int((strongest > 0).sum())} of {len(strongest)} maps active, " if rectified else ""
    return f"{active}strongest {', '.join(f'{number} ({strongest[number]:.3g})' for number in order)}"


def is_blank(reading: Reading) -> bool:
    """Whether every projection is 0."""
    return not any(values.any() for projections in reading.projections.values() for values in projections.values())


def _legend(reading, pictures, colour):
    methods = [method for method in RULES if method in next(iter(reading.projections.values()))]
    single = [SINGLE] if any("/map " in row for row in reading.projections) else []
    rules = [f"    {METHODS[method]}: {RULES[method].passes}" for method in methods]
    if rules:
        rules = ["What a ReLU passes backward by each method:", *rules]
    covered = [COVERED] if any(OCCLUSION in row for row in reading.projections.values()) else []
    covered += [COVERED_CLASS] * (CLASS in reading.projections)
    kinds = {picture.drawn for picture in pictures}
    windows = any(picture.window for picture in pictures)
    drawn = [COLOUR] * (colour and SIGNED in kinds) + [MAGNITUDES] * (MAGNITUDE in kinds) + [WINDOWS] * windows
    return [*([ALL_MAPS] if methods else []), SCALE, *single, *rules, *drawn, *covered]


def _lay_out(rows: Sequence[List[str]]) -> List[List[str]]:
    """The tags of the pictures of each line: up to `IN_LINE` rows of a single picture share a line."""
    lines, single = [], False
    for row in rows:
        if single and len(row) == 1 and len(lines[-1]) < IN_LINE:
            lines[-1] += row
        else:
            lines.append(list(row))
        single = len(row) == 1
    return lines


def _tag(row, method):
    return f"{row}/{METHODS.get(method, method)}"


def _parts(reading, drawings) -> Tuple[Dict[str, np.ndarray], Dict[str, str]]:
    """Tag -> picture, and tag -> caption: the input, and the maps and projections of each layer."""
    parts = {"input": draw_image(reading.seen)}
    captions = {"input": "input of the network, {} x {} pixels".format(*reading.seen.shape)}
    for layer, maps in reading.activations.items():
        shown = maps
        if len(maps) > SHOWN:
            shown = maps[np.argsort(-maps.max(axis=(1, 2)), kind="stable")[:SHOWN]]
        few = f"{SHOWN} strongest of " if len(shown) < len(maps) else ""
        is_signal = maps.shape[1] == 1 < maps.shape[2]
        parts[f"{layer}/maps"] = _draw_maps(shown, is_signal)
        each = ", a row each" if is_signal else ""
        captions[f"{layer}/maps"] = f"{layer}: {few}{len(maps)} feature maps{each}, white is {shown.max():.3g}"
    for row, projections in drawings.items():
        for method, drawing in projections.items():
            parts[_tag(row, method)] = drawing.picture
            name = f"{row.replace('/map ', ' map ')}: {METHODS.get(method, method)}"
            captions[_tag(row, method)] = f"{name}, {drawing.caption}"
    return parts, captions


def _draw_maps(maps, is_signal):
    """Maps [C, H, W] beside each other, those of a signal, [C, 1, w], below each other."""
    tiles = image_grid.to_grey(maps, maps.max(), signed=False)
    if not is_signal:
        return image_grid.grid(image_grid.resize(tiles, MAP_SIDE, 2 * MAP_SIDE), WIDE)
    rows = tiles[:, 0].repeat(ROW, axis=0)
    return image_grid.grid(rows.repeat(max(1, SIDE // rows.shape[1]), axis=1)[None], 1)


def _captioned(caption, picture, width=0):
    return image_grid.stack_vertically([image_grid.render_text(caption, width=width), picture])


def _numbers(reading):
    """The .npz file: `input`, `answers`, "conv2/maps" with the activations, and each row of `Reading.projections`, such
    as "conv2/map 3/gradient"; "class/covered" is `Reading.covered`."""
    arrays = {"input": reading.seen}
    if reading.answers is not None:
        arrays["answers"] = reading.answers
    if reading.covered is not None:
        arrays["class/covered"] = reading.covered
    arrays.update((f"{layer}/maps", maps) for layer, maps in reading.activations.items())
    for row, projections in reading.projections.items():
        arrays.update((f"{row}/{method}", values) for method, values in projections.items())
    return write_arrays(**arrays)


def _table(reading):
    """The strongest activation of each map as CSV, strongest first for each layer."""
    rows = []
    for layer, strongest in reading.strongest.items():
        for rank, number in enumerate(np.argsort(-strongest, kind="stable"), 1):
            rows.append([layer, number, rank, *reading.places[layer][number], f"{strongest[number]:.6g}"])
    return write_table(["layer", "map", "rank", "y", "x", "activation"], rows)
