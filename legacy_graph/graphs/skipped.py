"""The operations between the input of a graph and the tensor where the images enter: they are skipped."""

from typing import Dict, List, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from legacy_graph.errors import UserError
from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.op_table import of_kind
from legacy_graph.graphs.operations import check_operations
from legacy_graph.graphs.tensor_types import TensorType

_SIDE, _CHANNELS = 32, 3  # assumed where the graph leaves them open
_PASSING = of_kind("identity", "pass", "stop", "constant", "shape")
_WITHOUT_VALUE = of_kind("variable", "resource", "read")


def describe_skipped(graph: Graph, types: Dict[str, TensorType], start: str, entry: str) -> str:
    """Sentences: where the images enter, which operations are skipped, and what 0 and 255 become there.

    Args:
        graph: complete, before it is cut.
        types: of its tensors, as far as they are known.
        start: name of the input of the graph.
        entry: name of the node where the images enter.
    """
    between = graph.ancestors([entry]) & graph.dependents([start]) - {start}
    skipped = [graph.by_name[name].op for name in graph.order if name in between]
    shown = [operation for operation in dict.fromkeys(skipped) if operation not in _PASSING]
    text = f"The images enter at {entry}, after {start}."
    if not shown:
        return text
    text += f" These operations between them are skipped: {', '.join(shown)}."
    ends = [_value_of(graph, types, start, entry, pixel) for pixel in (0, 255)]
    if None in ends:
        return text
    return f"{text} They map the pixel value 0 to {_in_words(*ends[0])}, and 255 to {_in_words(*ends[1])}."


def _in_words(low, high):
    return f"{low:g}" if np.isclose(low, high, rtol=1e-5, atol=1e-6) else f"{low:g} ... {high:g}"


def _value_of(graph, types, start, entry, pixel) -> Optional[Tuple[float, float]]:
    """The smallest and largest value at `entry` of an image with one value; None if it cannot be computed."""
    needed = graph.ancestors([entry]) - (graph.ancestors([start]) - {start})
    kind = types.get(start)
    if kind is None or kind.shape is None or not 3 <= len(kind.shape) <= 4 or not _is_number(kind.dtype):
        return None
    nodes: List[tf.NodeDef] = [graph.by_name[name] for name in graph.order if name in needed and name != start]
    if any(node.op in _WITHOUT_VALUE for node in nodes):
        return None
    sides = [_SIDE, _SIDE, _CHANNELS] if len(kind.shape) == 3 else [1, _SIDE, _SIDE, _CHANNELS]
    image = np.full([known or side for known, side in zip(kind.shape, sides)], pixel)
    try:
        check_operations(nodes)
        return _run(graph, nodes, (start, kind.dtype, image), entry)
    except (UserError, ValueError, tf.errors.OpError):
        return None  # the note then lacks this sentence; the graph after the entry is checked elsewhere


def _is_number(dtype):
    return dtype is not None and (dtype.is_integer or dtype.is_floating)


def _run(graph, nodes, fed, entry):
    start, dtype, image = fed
    with tf.Graph().as_default() as imported, tf.Session(graph=imported) as session:
        pixels = tf.placeholder(dtype, image.shape, "pixels")
        graph_def = tf.GraphDef(versions=graph.versions, node=nodes)
        for node in graph_def.node:
            node.input[:] = [text for text in node.input if not text.startswith("^")]
        (value,) = tf.import_graph_def(graph_def, {f"{start}:0": pixels}, [f"{entry}:0"], name="skipped")
        values = session.run(value, {pixels: image})
    return float(values.min()), float(values.max())
