"""1-D convolutions: a Conv2D between ExpandDims and Squeeze. Bias and activation read the squeezed tensor [B, W, C].

A 1-D pool expands this tensor again, often at another axis than the convolution does: to [B, W, 1, C].
"""

from typing import Dict, List

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import node_name
from legacy_graph.graphs.op_table import ELEMENTWISE, of_kind
from legacy_graph.graphs.operations import attribute

_VARIABLES = of_kind("variable", "resource")
_POOLS = of_kind("max pool", "average pool")


def move_squeezes(graph: Graph) -> List[str]:
    """Move the Squeeze of each 1-D convolution behind its bias, batch norm, activation and pools.

    Then the tensors of these operations are [B, 1, W, C], and the operations belong to the layer, as with a 2-D
    convolution. The values do not change.
    """
    _move_behind_elementwise(graph)
    _move_behind_pools(graph)
    return []


def _move_behind_elementwise(graph):
    ends: Dict[str, str] = {}  # last node before the new place -> the Squeeze
    for name in graph.order:
        node = graph.by_name[name]
        if node.op == "Squeeze" and node.attr["squeeze_dims"].list.i and _is_convolved(graph, node):
            last = _last(graph, name)
            if last != name:
                ends[last] = name
    squeezes = [graph.by_name[name] for name in ends.values()]
    graph.redirect({squeeze.name: squeeze.input[0] for squeeze in squeezes})
    graph.redirect({last: f"{last}/squeezed" for last in ends})
    moved = {}
    for last, squeeze in zip(ends, squeezes):
        name, squeeze.name, squeeze.input[0] = squeeze.name, f"{last}/squeezed", last
        moved[name] = [squeeze]
    graph.expand(moved)


def _move_behind_pools(graph):
    """Replace Squeeze, ExpandDims, pool, Squeeze with pool, Squeeze. The pool combines the same values as before."""
    consumers, unread = graph.consumers, set()
    for name in graph.order:
        pool = graph.by_name[name]
        explicit = attribute(pool, "padding").s == b"EXPLICIT"  # of the axes before the move
        if pool.op not in _POOLS or attribute(pool, "data_format").s != b"NHWC" or explicit:
            continue
        expand = graph.by_name[node_name(pool.input[0])]
        squeeze = graph.by_name[node_name(expand.input[0])] if expand.op == "ExpandDims" else expand
        axis = graph.constant(expand.input[1]) if expand.op == "ExpandDims" else None
        before, after = _squeezed_axis(squeeze), {_squeezed_axis(reader) for reader in consumers[name]}
        if axis is None or before is None or after != {int(axis) % 4}:
            continue
        graph.connect(name, 0, squeeze.input[0])
        for reader in consumers[name]:
            graph.edit(reader.name).attr["squeeze_dims"].list.i[:] = [before]
        if before not in after:
            for key in ("ksize", "strides"):
                sides = pool.attr[key].list.i
                sides[1], sides[2] = sides[2], sides[1]
        for node in (expand, squeeze):
            if {reader.name for reader in consumers[node.name]} <= unread | {name}:
                unread.add(node.name)
    graph.keep(graph.by_name.keys() - unread)


def _squeezed_axis(node):
    """1 or 2: the only axis that a Squeeze of [B, H, W, C] removes. None for any other node."""
    axes = [axis % 4 for axis in node.attr["squeeze_dims"].list.i] if node.op == "Squeeze" else []
    return axes[0] if axes in ([1], [2]) else None


def _is_convolved(graph, node):
    return graph.by_name[node_name(node.input[0])].op == "Conv2D"


def _last(graph, name):
    """The last node of the chain of elementwise operations after a node: each has one reader, and constant operands."""
    while len(graph.consumers[name]) == 1:
        (reader,) = graph.consumers[name]
        others = [source for source in graph.data_inputs(reader.name) if source != name]
        if reader.op not in ELEMENTWISE or not all(_is_vector(graph, source) for source in others):
            break
        name = reader.name
    return name


def _is_vector(graph, name):
    """Whether a node is a constant or a variable of rank 0 or 1, which has the same meaning before and after."""
    name = graph.root(name)
    while graph.by_name[name].op == "ReadVariableOp":
        name = graph.root(graph.data_inputs(name)[0])
    node = graph.by_name[name]
    if node.op == "Const":
        return len(node.attr["value"].tensor.tensor_shape.dim) < 2
    shape = node.attr["shape"].shape
    return node.op in _VARIABLES and not shape.unknown_rank and len(shape.dim) < 2
