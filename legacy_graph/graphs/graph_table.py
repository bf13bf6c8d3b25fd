"""The rows of the table of layers of a loaded graph."""

from typing import List, Tuple

from legacy_graph.graphs.inspect import describe_operations
from legacy_graph.graphs.model import Model


def layer_rows(model: Model) -> List[Tuple]:
    """One row for the input and one for each layer, with the columns of `article.layer_table.HEADERS`.

    "open" is a height or width that the images decide. A receptive field that is not known is empty.
    """
    rows: List[Tuple] = [("input", model.input, _shape(model.input_shape), None, None, None)]
    for layer in model.layers:
        seen, step = None, None
        if layer.fields:
            down, across = layer.fields
            seen, step = f"{down.size} x {across.size} pixels", _pair(down.step, across.step)
        operations = describe_operations(model.graph_def, layer)
        rows.append((layer.label, operations, _shape(layer.shape), seen, step, layer.parameters))
    return rows


def _shape(shape):
    return " x ".join("open" if side is None else str(side) for side in shape)


def _pair(down, across):
    return down if down == across else f"{down} x {across}"
