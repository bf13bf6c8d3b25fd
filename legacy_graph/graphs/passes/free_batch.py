"""Shapes that a graph fixes although its values do not need them."""

from typing import Dict

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, identity, new_node, node_name
from legacy_graph.graphs.operations import attribute
from legacy_graph.graphs.tensor_types import TensorType


def remove_reshapes(graph: Graph, types: Dict[str, TensorType]) -> None:
    """Replace each Reshape that does not change the shape with Identity.

    Args:
        graph: may have nodes that are not in `types`; they stay.
        types: of the tensors. The batch size may be unknown: it does not change if no other length changes.
    """
    for node in list(graph.by_name.values()):
        if node.op == "Reshape" and node.name in types and ":" not in node.input[0]:
            before, after = types[node_name(node.input[0])].shape, types[node.name].shape
            if before and after and before[1:] == after[1:] and None not in after[1:]:
                graph.add(identity(node.name, node.input[0], attribute(node, "T").type))


def free_batch(graph: Graph, types: Dict[str, TensorType]) -> None:
    """Make reshapes and transposed convolutions with a fixed batch of 1 accept any batch.

    Args:
        graph: cut at its input.
        types: of the tensors, for the batch 1.
    """
    dependent = graph.dependents([graph.input])
    for name in [name for name in graph.order if name in dependent and name in types]:
        node, shape = graph.by_name[name], types[name].shape
        if node.op not in ("Reshape", "Conv2DBackpropInput") or not shape or shape[0] != 1:
            continue
        if node.op == "Conv2DBackpropInput":
            _free_output_size(graph, node)
        elif None not in shape:
            sizes = constant(f"{name}/free_batch", [-1, *shape[1:]], attribute(node, "Tshape").type)
            graph.add(sizes)
            graph.connect(name, 1, sizes.name)


def _free_output_size(graph, node):
    """Let the output of a transposed convolution have the batch size of its input."""
    prefix, integer = f"{node.name}/free_batch", tf.int32.as_datatype_enum
    kind = tf.AttrValue(type=integer)
    parts = {"begin": [0], "one": [1], "end": [4], "stride": [1], "axis": 0}
    graph.add(*(constant(f"{prefix}/{part}", value, integer) for part, value in parts.items()))
    names = {part: f"{prefix}/{part}" for part in parts}
    floats = tf.AttrValue(type=tf.float32.as_datatype_enum)
    shape = new_node("Shape", f"{prefix}/shape", [node.input[2]], T=floats, out_type=kind)
    bounds = [shape.name, names["begin"], names["one"], names["stride"]]
    batch = new_node("StridedSlice", f"{prefix}/batch", bounds, T=kind, Index=kind)
    bounds = [node.input[0], names["one"], names["end"], names["stride"]]
    rest = new_node("StridedSlice", f"{prefix}/rest", bounds, T=kind, Index=kind)
    pieces = [batch.name, rest.name, names["axis"]]
    joined = new_node("ConcatV2", prefix, pieces, N=tf.AttrValue(i=2), T=kind, Tidx=kind)
    graph.add(shape, batch, rest, joined)
    graph.connect(node.name, 0, prefix)
