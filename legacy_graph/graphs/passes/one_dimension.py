"""1-D convolutions: a Conv2D between ExpandDims and Squeeze. Bias and activation read the squeezed tensor [B, W, C].

A 1-D pool expands this tensor again, often at another axis than the convolution does: to [B, W, 1, C]. A dilated 1-D
convolution of TensorFlow 1 lies between SpaceToBatchND and BatchToSpaceND of [B, W, C].
"""

from typing import Dict, List

import tensorflow.compat.v1 as tf

from legacy_graph.graphs.graph import Graph
from legacy_graph.graphs.nodes import constant, new_node, node_name
from legacy_graph.graphs.op_table import ELEMENTWISE, SOURCES, of_kind
from legacy_graph.graphs.operations import attribute

_VARIABLES = of_kind("variable", "resource")
_POOLS = of_kind("max pool", "average pool")
_PADDINGS = {"SpaceToBatchND": "Tpaddings", "BatchToSpaceND": "Tcrops"}  # attribute: type of input 2
_INT32 = tf.int32.as_datatype_enum


def move_squeezes(graph: Graph) -> List[str]:
    """Move the Squeeze of each 1-D convolution behind its blocks, bias, batch norm, activation and pools.

    Then the tensors of these operations are [B, 1, W, C], and the operations belong to the layer, as with a 2-D
    convolution. The values do not change.
    """
    _move_before_blocks(graph)
    _move_behind_elementwise(graph)
    _move_behind_pools(graph)
    return []


def _move_before_blocks(graph):
    """Replace SpaceToBatchND, ExpandDims with ExpandDims, SpaceToBatchND, so that images [B, 1, W, C] can enter."""
    names = [name for name in graph.order if graph.by_name[name].op == "ExpandDims" and _reads_blocks(graph, name)]
    for name in names:
        blocks, axis = graph.by_name[graph.data_inputs(name)[0]], graph.constant(graph.by_name[name].input[1])
        graph.redirect({name: blocks.name})
        graph.connect(name, 0, blocks.input[0])
        graph.connect(blocks.name, 0, name)
        if axis % 4 == 1:
            _insert_rows(graph, blocks.name)


def _reads_blocks(graph, name):
    """Whether an ExpandDims alone reads a SpaceToBatchND, and inserts axis 1 or 2."""
    source, axis = graph.by_name[graph.data_inputs(name)[0]], graph.constant(graph.by_name[name].input[1])
    is_only_reader = source.op == "SpaceToBatchND" and len(graph.consumers[source.name]) == 1
    return is_only_reader and axis is not None and axis % 4 in (1, 2)


def _move_behind_elementwise(graph):
    ends: Dict[str, str] = {}  # last node before the new place -> the Squeeze
    rows: List[str] = []  # names of BatchToSpaceND, before which a Squeeze removes the axis of the rows
    for name in graph.order:
        node = graph.by_name[name]
        if node.op == "Squeeze" and node.attr["squeeze_dims"].list.i and _is_convolved(graph, node):
            chain = _chain(graph, name)
            if chain:
                ends[chain[-1]] = name
            if _squeezed_axis(node) == 1:
                rows += [inner for inner in chain if graph.by_name[inner].op == "BatchToSpaceND"]
    squeezes = [graph.by_name[name] for name in ends.values()]
    graph.redirect({squeeze.name: squeeze.input[0] for squeeze in squeezes})
    graph.redirect({last: f"{last}/squeezed" for last in ends})
    moved = {}
    for last, squeeze in zip(ends, squeezes):
        name, squeeze.name, squeeze.input[0] = squeeze.name, f"{last}/squeezed", last
        moved[name] = [squeeze]
    graph.expand(moved)
    for name in rows:
        _insert_rows(graph, name)


def _insert_rows(graph, name):
    """Let blocks of [B, W, C] take [B, 1, W, C]: one block without padding for the axis of the rows comes first."""
    node = graph.by_name[name]
    for position, first in ((1, [1]), (2, [[0, 0]])):
        value, joined = graph.constant(node.input[position]), f"{name}/with_rows_{position}"
        kind = attribute(node, "Tblock_shape" if position == 1 else _PADDINGS[node.op])
        if value is not None:
            graph.add(constant(joined, first + value.tolist(), kind.type))
        else:  # computed from the width of the images
            rows, axis = constant(f"{joined}/rows", first, kind.type), constant(f"{joined}/axis", 0, _INT32)
            graph.add(rows, axis)
            inputs, integer = [rows.name, node.input[position], axis.name], tf.AttrValue(type=_INT32)
            graph.add(new_node("ConcatV2", joined, inputs, N=tf.AttrValue(i=2), T=kind, Tidx=integer))
        graph.connect(name, position, joined)


def _move_behind_pools(graph):
    """Replace Squeeze, ExpandDims, pool, Squeeze with pool, Squeeze. The pool combines the same values as before."""
    consumers, unread = graph.consumers, set()
    for name in graph.order:
        pool = graph.by_name[name]
        if pool.op not in _POOLS or attribute(pool, "data_format").s != b"NHWC":
            continue
        if attribute(pool, "padding").s == b"EXPLICIT":  # of the axes before the move
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


def _chain(graph, name) -> List[str]:
    """The chain of elementwise operations and blocks after a node: each has one reader, and constant operands."""
    chain: List[str] = []
    while len(graph.consumers[name]) == 1:
        (reader,) = graph.consumers[name]
        others = [source for source in graph.data_inputs(reader.name) if source != name]
        is_elementwise = reader.op in ELEMENTWISE and all(_is_vector(graph, source) for source in others)
        if not is_elementwise and reader.op != "BatchToSpaceND":
            break
        name = reader.name
        chain.append(name)
    return chain


def _is_vector(graph, name):
    """Whether a node is computed from constants and variables of rank 0 or 1 alone, as the factor of a batch norm.

    It then has the same meaning before and after.
    """
    seen, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        node = graph.by_name[name]
        if node.op == "Const":
            is_vector = len(node.attr["value"].tensor.tensor_shape.dim) < 2
        elif node.op in _VARIABLES:
            shape = node.attr["shape"].shape
            is_vector = not shape.unknown_rank and len(shape.dim) < 2
        else:
            is_vector = node.op == "ReadVariableOp" or (node.op in ELEMENTWISE and node.op not in SOURCES)
        if not is_vector:
            return False
        if name not in seen:
            seen.add(name)
            waiting += graph.data_inputs(name)
    return True
