"""The table of layers of a loaded graph."""

from typing import List, Tuple

from tabulate import tabulate

from legacy_graph.article.layer_table import HEADERS
from legacy_graph.errors import UserError
from legacy_graph.graphs.inspect import describe_operations
from legacy_graph.graphs.load import with_size
from legacy_graph.graphs.model import Model

# Assumed height and width if the graph does not fix them: SAME padding, and so the receptive field, depends on them.
_SIDE = 512


def layer_text(model: Model) -> str:
    """The table and the notes, as the command `layers` prints them."""
    rows, notes = layer_rows(model)
    return "\n".join([tabulate(rows, HEADERS, tablefmt="plain", intfmt=","), *notes])


def layer_rows(model: Model) -> Tuple[List[Tuple], List[str]]:
    """One row for the input and one for each layer, with the columns of `article.layer_table.HEADERS`.

    "open" is a height or width that depends on the images.

    Returns:
        The rows, and the sentences to print below them.
    """
    rows: List[Tuple] = [("input", model.input, _shape(model.input_shape), None, None, None)]
    sized, notes = _with_sides(model)
    for layer, fields in zip(model.layers, [measured.fields for measured in sized.layers]):
        seen, step = _seen(fields)
        operations = describe_operations(model.graph, layer)
        rows.append((layer.label, operations, _shape(layer.shape), seen, step, layer.parameters))
    return rows, model.notes + notes


def _with_sides(model):
    """(model with known image size, sentences that name an assumed size)."""
    sides = [side or _SIDE for side in model.input_shape[:2]]
    if tuple(sides) == model.input_shape[:2]:
        return model, []
    try:
        sized = with_size(model, *sides)
    except UserError:
        return model, []
    return sized, [f"The receptive fields are those for images of {sides[0]} x {sides[1]} pixels."]


def _shape(shape):
    return " x ".join("open" if side is None else str(side) for side in shape)


def _seen(fields):
    """(receptive field, stride)."""
    if fields is None:
        return "unknown", None
    down, across = fields
    if down.step == across.step == 0:
        return "complete image", None
    step = down.step if down.step == across.step else f"{down.step} x {across.step}"
    return f"{down.size} x {across.size} pixels", step
