"""The rows of the table of layers of a loaded graph."""

from typing import List, Tuple

from legacy_graph.errors import UserError
from legacy_graph.graphs.inspect import describe_operations
from legacy_graph.graphs.load import with_size
from legacy_graph.graphs.model import Model

# Sides for which receptive fields are listed where the graph leaves them open: SAME padding depends on them.
_SIDE = 512


def layer_rows(model: Model) -> Tuple[List[Tuple], List[str]]:
    """One row for the input and one for each layer, with the columns of `article.layer_table.HEADERS`.

    "open" is a height or width that the images decide. A receptive field that is not known is empty.

    Returns:
        The rows, and the sentences to print below them.
    """
    rows: List[Tuple] = [("input", model.input, _shape(model.input_shape), None, None, None)]
    sized, notes = _with_sides(model)
    for layer, fields in zip(model.layers, [one.fields for one in sized.layers]):
        seen, step = None, None
        if fields:
            down, across = fields
            seen, step = f"{down.size} x {across.size} pixels", _pair(down.step, across.step)
        operations = describe_operations(model.graph_def, layer)
        rows.append((layer.label, operations, _shape(layer.shape), seen, step, layer.parameters))
    return rows, model.notes + notes


def _with_sides(model):
    """(model of a known size, sentence that says so)."""
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


def _pair(down, across):
    return down if down == across else f"{down} x {across}"
