"""1-D convolutions: a Conv2D between ExpandDims and Squeeze. Bias and activation read the squeezed tensor [B, W, C].

A 1-D pool expands this tensor again, often at another axis than the convolution does: to [B, W, 1, C].
"""

from typing import Dict

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.nodes import Nodes, node_name, redirect
from legacy_graph.graphs.op_table import ELEMENTWISE, of_kind
from legacy_graph.graphs.operations import attribute

_VARIABLES = of_kind("variable", "resource")
_POOLS = of_kind("max pool", "average pool")


def move_squeezes(graph_def: tf.GraphDef) -> None:
    """Move the Squeeze of each 1-D convolution behind its bias, batch norm, activation and pools. Changes the graph.

    Then the tensors of these operations are [B, 1, W, C], and the operations belong to the layer, as with a 2-D
    convolution. The values do not change.
    """
    _move_behind_elementwise(graph_def)
    _move_behind_pools(graph_def)


def _move_behind_elementwise(graph_def):
    nodes = Nodes(graph_def)
    ends: Dict[str, str] = {}  # last node before the new place -> the Squeeze
    for name in nodes.order:
        node = nodes.by_name[name]
        if node.op == "Squeeze" and node.attr["squeeze_dims"].list.i and _is_convolved(nodes, node):
            last = _last(nodes, name)
            if last != name:
                ends[last] = name
    squeezes = {name: tf.NodeDef.FromString(nodes.by_name[name].SerializeToString()) for name in ends.values()}
    redirect(graph_def, {name: node.input[0] for name, node in squeezes.items()})
    redirect(graph_def, {last: f"{last}/squeezed" for last in ends})
    for last, name in ends.items():
        node = nodes.by_name[name]
        node.name, node.input[0] = f"{last}/squeezed", last


def _move_behind_pools(graph_def):
    """Replace Squeeze, ExpandDims, pool, Squeeze with pool, Squeeze. The pool combines the same values as before."""
    nodes, unread = Nodes(graph_def), set()
    for name in nodes.order:
        pool = nodes.by_name[name]
        explicit = attribute(pool, "padding").s == b"EXPLICIT"  # of the axes before the move
        if pool.op not in _POOLS or attribute(pool, "data_format").s != b"NHWC" or explicit:
            continue
        expand = nodes.by_name[node_name(pool.input[0])]
        squeeze = nodes.by_name[node_name(expand.input[0])] if expand.op == "ExpandDims" else expand
        axis = nodes.constant(expand.input[1]) if expand.op == "ExpandDims" else None
        before, after = _squeezed_axis(squeeze), {_squeezed_axis(reader) for reader in nodes.consumers[name]}
        if axis is None or before is None or after != {int(axis) % 4}:
            continue
        pool.input[0] = squeeze.input[0]
        for reader in nodes.consumers[name]:
            reader.attr["squeeze_dims"].list.i[:] = [before]
        if before not in after:
            for key in ("ksize", "strides"):
                sides = pool.attr[key].list.i
                sides[1], sides[2] = sides[2], sides[1]
        for node in (expand, squeeze):
            if {reader.name for reader in nodes.consumers[node.name]} <= unread | {name}:
                unread.add(node.name)
    for index in reversed(range(len(graph_def.node))):
        if graph_def.node[index].name in unread:
            del graph_def.node[index]


def _squeezed_axis(node):
    """1 or 2: the only axis that a Squeeze of [B, H, W, C] removes. None for any other node."""
    axes = [axis % 4 for axis in node.attr["squeeze_dims"].list.i] if node.op == "Squeeze" else []
    return axes[0] if axes in ([1], [2]) else None


def _is_convolved(nodes, node):
    return nodes.by_name[node_name(node.input[0])].op == "Conv2D"


def _last(nodes, name):
    """The last node of the chain of elementwise operations after a node: each has one reader, and constant operands."""
    while len(nodes.consumers[name]) == 1:
        (reader,) = nodes.consumers[name]
        others = [source for source in nodes.data_inputs(reader.name) if source != name]
        if reader.op not in ELEMENTWISE or not all(_is_vector(nodes, source) for source in others):
            break
        name = reader.name
    return name


def _is_vector(nodes, name):
    """Whether a node is a constant or a variable of rank 0 or 1, which has the same meaning before and after."""
    name = nodes.root(name)
    while nodes.by_name[name].op == "ReadVariableOp":
        name = nodes.root(nodes.data_inputs(name)[0])
    node = nodes.by_name[name]
    if node.op == "Const":
        return len(node.attr["value"].tensor.tensor_shape.dim) < 2
    shape = node.attr["shape"].shape
    return node.op in _VARIABLES and not shape.unknown_rank and len(shape.dim) < 2
